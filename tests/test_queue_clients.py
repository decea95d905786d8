"""Azure's clients do everything that they can do with queues."""

import json
import shutil
import subprocess
import tempfile
import unittest
import urllib.parse

import harness
import test_node_sdk
import test_python_sdk


class WithCloud(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.cloud = harness.Latchkey(command="cloud")
        cls.addClassCleanup(cls.cloud.kill)
        cls.cloud.command(
            "role", "assign", "--assignee", "app", "--role", "Storage Queue Delegator"
        )
        cls.environment = harness.clean_environment(cls.cloud.environment_of("app"))
        # The Python client, and so az, finds a secondary by its host alone, written without scheme.
        parts = harness.read_connection_string(cls.environment["AZURE_STORAGE_CONNECTION_STRING"])
        account = parts["AccountName"]
        domain = f"queue.localhost:{urllib.parse.urlsplit(parts['QueueEndpoint']).port}"
        cls.with_secondary = (
            f"DefaultEndpointsProtocol=http;AccountName={account};AccountKey={parts['AccountKey']};"
            f"QueueEndpoint=http://{account}.{domain};"
            f"QueueSecondaryEndpoint={account}-secondary.{domain}"
        )

    def run_to_its_end(self, *arguments, **settings):
        done = subprocess.run(arguments, env=self.environment | settings, capture_output=True,
                              text=True, timeout=120)
        self.assertEqual(0, done.returncode, done.stdout + done.stderr)
        return done.stdout


class SdkOperations(WithCloud):
    @unittest.skipUnless(test_node_sdk.NODE and test_node_sdk.INSTALLED,
                         "needs node and `npm ci --prefix tests/clients`")
    def test_javascript(self):
        script = harness.CLIENTS / "queue_operations.mjs"
        operations = self.run_to_its_end(test_node_sdk.NODE, script)
        self.assertEqual(9, len(operations.splitlines()), operations)

    @unittest.skipIf(test_python_sdk.missing_packages(), "needs Debian's python3-azure")
    def test_python(self):
        script = harness.CLIENTS / "queue_operations.py"
        operations = self.run_to_its_end("/usr/bin/python3", script,
                                         AZURE_STORAGE_CONNECTION_STRING=self.with_secondary)
        self.assertEqual(8, len(operations.splitlines()), operations)


@unittest.skipUnless(shutil.which("az"), "needs Debian's azure-cli")
class AzOperations(WithCloud):
    """A call of az takes some seconds, so what belongs together is one test."""

    def setUp(self):
        folder = tempfile.TemporaryDirectory(prefix="latchkey-az-")
        self.addCleanup(folder.cleanup)
        self.environment = self.environment | {
            "AZURE_CONFIG_DIR": folder.name, "AZURE_CORE_COLLECT_TELEMETRY": "no"
        }

    def az(self, *arguments):
        return json.loads(self.run_to_its_end("az", "storage", *arguments, "-o", "json") or "null")

    def test_queues_and_messages(self):
        on_queue = ("--queue-name", "az-queue")
        made = self.az("queue", "create", "-n", "az-queue", "--metadata", "a=1")
        self.assertTrue(made["created"])
        self.assertTrue(self.az("queue", "exists", "-n", "az-queue")["exists"])
        self.az("queue", "metadata", "update", "-n", "az-queue", "--metadata", "b=2")
        self.assertEqual({"b": "2"}, self.az("queue", "metadata", "show", "-n", "az-queue"))
        self.az("message", "put", *on_queue, "--content", "one")
        taken = self.az("message", "get", *on_queue)[0]
        receipt = ("--id", taken["id"], "--pop-receipt", taken["popReceipt"])
        updated = self.az("message", "update", *on_queue, *receipt, "--visibility-timeout", "0",
                          "--content", "two")
        self.assertEqual("two", self.az("message", "peek", *on_queue)[0]["content"])
        self.az("message", "delete", *on_queue, "--id", taken["id"],
                "--pop-receipt", updated["popReceipt"])
        self.assertEqual([], self.az("message", "peek", *on_queue))
        self.az("message", "clear", *on_queue)
        self.assertTrue(self.az("queue", "delete", "-n", "az-queue")["deleted"])
        self.assertFalse(self.az("queue", "exists", "-n", "az-queue")["exists"])

    def test_policies_and_signatures(self):
        self.az("queue", "create", "-n", "az-policies")
        policy = ("queue", "policy")
        on_queue = ("--queue-name", "az-policies", "--name", "p")
        self.az(*policy, "create", *on_queue, "--permissions", "r", "--expiry", "2031-01-01T00:00Z")
        self.az(*policy, "update", *on_queue, "--permissions", "ra")
        self.assertIn("r", self.az(*policy, "show", *on_queue)["permission"])
        self.assertIn("p", self.az(*policy, "list", "--queue-name", "az-policies"))
        sas = self.az("queue", "generate-sas", "-n", "az-policies", "--policy-name", "p")
        del self.environment["AZURE_STORAGE_CONNECTION_STRING"]
        endpoint = ("--queue-endpoint", self.cloud.endpoints["queue"], "--sas-token", sas)
        self.az("message", "put", "--queue-name", "az-policies", "--content", "by SAS", *endpoint)

    def test_settings_of_the_account(self):
        self.az("cors", "add", "--services", "q", "--origins", "https://a.example", "--methods",
                "GET", "PUT", "--max-age", "60")
        self.assertEqual("https://a.example",
                         self.az("cors", "list", "--services", "q")[0]["AllowedOrigins"])
        self.az("cors", "clear", "--services", "q")
        self.az("logging", "update", "--services", "q", "--log", "rw", "--retention", "3")
        self.assertTrue(self.az("logging", "show", "--services", "q")["queue"]["read"])
        self.az("metrics", "update", "--services", "q", "--hour", "true", "--api", "true",
                "--retention", "4")
        self.assertTrue(self.az("metrics", "show", "--services", "q")["queue"]["hour"]["enabled"])
        stats = self.az("queue", "stats", "--connection-string", self.with_secondary)
        self.assertEqual("live", stats["geoReplication"]["status"])
