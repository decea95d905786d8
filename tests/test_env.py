"""`latchkey env`: programs that are given the local cloud's own addresses."""

import json
import subprocess
import unittest

import harness
import sample_apps
from test_run import namespaces_allowed


class WithCloud(harness.WithLatchkey):
    @classmethod
    def setUpClass(cls):
        cls.latchkey = harness.Latchkey("--account", "orders", command="cloud")
        cls.addClassCleanup(cls.latchkey.kill)

    def settings(self, name="app", form="app-service", *options):
        return json.loads(self.latchkey.command(
            "env", "--json", "--as", name, "--identity", form, *options).stdout)


class Apps(sample_apps.SampleApps, WithCloud):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.make_identities()

    def run_app(self, command, name, form):
        settings = self.settings(name, form)
        return sample_apps.output_of(
            [*command, settings["KEY_VAULT_URL"], sample_apps.SECRET,
             settings["STORAGE_QUEUE_URL"], "by env"], settings).stdout

    @unittest.skipIf(sample_apps.lacks_python(), "needs Debian's python3-azure")
    def test_python(self):
        self.works_and_is_refused(sample_apps.PYTHON)

    @unittest.skipIf(sample_apps.lacks_node(), "needs node and `npm ci --prefix tests/clients`")
    def test_javascript(self):
        self.works_and_is_refused(sample_apps.NODE)


class Settings(WithCloud):
    def test_json_and_exports_say_the_same(self):
        self.assertEqual(self.settings(), self.latchkey.environment_of("app"))

    def test_each_account_has_a_connection_string(self):
        text = self.settings("app", "app-service", "--account", "orders")
        parts = harness.read_connection_string(text["AZURE_STORAGE_CONNECTION_STRING"])
        self.assertEqual("orders", parts["AccountName"])
        self.assertTrue(parts["QueueEndpoint"].endswith("/orders"))
        unknown = self.latchkey.command("env", "--account", "nobody", check=False)
        self.assertEqual(1, unknown.returncode)
        self.assertIn("devstoreaccount1, orders", unknown.stderr)

    @unittest.skipUnless(namespaces_allowed(), "this system allows no user namespaces")
    def test_a_vaults_name_that_does_not_resolve_is_told_and_replaced(self):
        files_only = harness.scratch_folder() / "nsswitch.conf"
        files_only.write_text("hosts: files\n")
        command = (f"mount --bind {files_only} /etc/nsswitch.conf && "
                   f"exec {harness.BINARY} env --json --data {self.latchkey.data}")
        done = subprocess.run(["unshare", "-Urm", "sh", "-c", command], text=True,
                              env=harness.clean_environment(), capture_output=True, timeout=60)
        self.assertEqual(0, done.returncode, done.stderr)
        self.assertEqual(self.latchkey.endpoints["login"],
                         json.loads(done.stdout)["KEY_VAULT_URL"])
        self.assertIn("latchkey.vault.localhost does not resolve", done.stderr)
        self.assertIn("libnss-myhostname", done.stderr)
