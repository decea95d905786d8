"""Azure's clients do everything that they can do with secrets."""

import subprocess
import unittest

import harness
import test_node_sdk
import test_python_sdk

OPERATIONS = [
    "set", "get", "update", "list", "delete", "list deleted", "recover", "purge",
    "backup and restore",
]


class SecretOperations(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.cloud = harness.Latchkey(command="cloud")
        cls.addClassCleanup(cls.cloud.kill)
        cls.environment = harness.clean_environment(cls.cloud.environment_of("app"))

    def operations(self, *arguments):
        done = subprocess.run(arguments, env=self.environment, capture_output=True, text=True,
                              timeout=120)
        self.assertEqual(0, done.returncode, done.stdout + done.stderr)
        return done.stdout.splitlines()

    @unittest.skipUnless(test_node_sdk.NODE and test_node_sdk.INSTALLED,
                         "needs node and `npm ci --prefix tests/clients`")
    def test_javascript(self):
        script = harness.CLIENTS / "secret_operations.mjs"
        self.assertEqual(OPERATIONS, self.operations(test_node_sdk.NODE, script))

    @unittest.skipIf(test_python_sdk.missing_packages(), "needs Debian's python3-azure")
    def test_python(self):
        script = harness.CLIENTS / "secret_operations.py"
        self.assertEqual(OPERATIONS, self.operations("/usr/bin/python3", script))
