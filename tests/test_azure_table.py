"""The code table in Azure Table Storage, with Azurite's table service in its place: the conformance
test of all tables, and the shipped binary over it when the table refuses, is away, or comes back."""

import re
import shutil
import signal
import socket
import unittest

import harness
import storage
import test_code_tables

NODE = shutil.which("node")
AZURITE = harness.CLIENTS / "node_modules" / "azurite" / "dist" / "src" / "table" / "main.js"
NEEDS = unittest.skipUnless(NODE and AZURITE.exists(), "needs node and scripts/npm_clients")


class Azurite:
    """Its table service, on one port over restarts. In memory, or with `durable` on disk, where it
    saves what it has when it is told to end, and every five seconds."""

    scheme = "http"

    def __init__(self, durable=False, certificates=None):
        self.port = harness.free_port()
        self.arguments = [NODE, AZURITE, "--tablePort", self.port, "--skipApiVersionCheck",
                          "--disableTelemetry", "--silent"]
        self.arguments += ["--location", harness.scratch_folder()] if durable else \
            ["--inMemoryPersistence"]
        if certificates:  # without which it takes no tokens
            self.scheme = "https"
            self.arguments += ["--oauth", "basic", "--cert", certificates / "redis.pem",
                               "--key", certificates / "redis.key"]
        self.start()

    def start(self):
        self.process = harness.Process(self.arguments)
        harness.wait_until(self.listening, "Azurite's table service")

    def listening(self):
        if not self.process.running():
            raise AssertionError("Azurite ended:\n" + self.process.everything_written())
        with socket.socket() as probe:
            return probe.connect_ex(("127.0.0.1", self.port)) == 0

    def stop(self):
        self.process.stop(by=signal.SIGINT)  # SIGTERM would lose what is not saved

    def kill(self):
        self.process.kill()

    @property
    def endpoint(self):
        return f"{self.scheme}://127.0.0.1:{self.port}/{storage.ACCOUNT}"

    @property
    def connection_string(self):
        return (f"AccountName={storage.ACCOUNT};AccountKey={storage.KEY};"
                f"TableEndpoint={self.endpoint};")

    def url(self, table="codes"):
        return f"{self.endpoint}/{table}?{storage.account_sas('t')}"


@NEEDS
@unittest.skipUnless(test_code_tables.conformance_test(), "needs codes_tests")
class AzureTableConformance(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.azurite = Azurite()
        cls.addClassCleanup(lambda: cls.azurite.kill())

    def test_signed_with_the_accounts_key(self):
        test_code_tables.run_conformance(self.azurite.connection_string)

    def test_with_a_shared_access_signature_in_a_table_that_is_missing(self):
        test_code_tables.run_conformance(self.azurite.url("another"))

    def test_when_answers_are_lost(self):
        # Who deleted a row cannot be told once nobody has an answer: that case is left out.
        for every in "23":
            test_code_tables.run_conformance(
                self.azurite.url("lossy"), "Table*:-TableRaces.ARowIsForgottenOnce",
                LATCHKEY_TEST_LOSE_ANSWERS=every)


@NEEDS
class CodesInAnAzureTable(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.cloud = harness.Latchkey(command="cloud")
        cls.addClassCleanup(cls.cloud.kill)

    def setUp(self):
        self.azurite = Azurite(durable=True)
        self.addCleanup(lambda: self.azurite.kill())

    def parts(self, url, **settings):
        parts = []
        for command, identity in (("serve", "api"), ("watch", "watcher")):
            parts.append(harness.Part(command, self.cloud, identity, CODE_TABLE_URL=url,
                                      **settings))
            self.addCleanup(parts[-1].kill)
        return parts

    @staticmethod
    def table_check(api):
        """What /readyz says of the table."""
        ready = harness.call("GET", api.api + "/readyz").json()
        return next(check for check in ready["checks"] if check["name"] == "table")

    def test_a_restart_forgets_nothing(self):
        api, watcher = self.parts(self.azurite.url())
        used, valid = api.get_code(), api.get_code()
        self.assertEqual(200, api.verify_when_active(used).status)
        self.assertEqual(403, api.verify(used).status)
        self.azurite.stop()
        self.assertEqual(503, api.verify(valid).status)
        self.assertFalse(self.table_check(api)["ok"])
        self.azurite.start()
        harness.wait_until(lambda: self.table_check(api)["ok"], "the API to be ready")
        self.assertEqual(403, api.verify(used).status)
        self.assertEqual(200, api.verify_when_active(valid).status)
        written = api.everything_written() + watcher.everything_written()
        self.assertNotIn(used, written)
        self.assertNotIn("sig=", written)

    def test_by_the_accounts_key(self):
        api, _ = self.parts("azure-table:codes",
                            AZURE_STORAGE_CONNECTION_STRING=self.azurite.connection_string)
        self.assertEqual(200, api.verify_when_active(api.get_code()).status)

    @unittest.skipUnless(test_code_tables.OPENSSL, "needs openssl")
    def test_by_identity(self):
        folder = harness.scratch_folder()
        test_code_tables.certificates(folder)
        azurite = Azurite(certificates=folder)
        self.addCleanup(azurite.kill)
        trusted = folder / "both.pem"
        trusted.write_text((self.cloud.data / "ca.pem").read_text() +
                           (folder / "ca.pem").read_text())
        api, _ = self.parts(azurite.endpoint + "/codes", SSL_CERT_FILE=str(trusted))
        self.assertEqual(200, api.verify_when_active(api.get_code()).status)
        self.assertNotIn("eyJ", api.everything_written())  # how tokens begin

    def test_without_it_everything_starts_and_says_what_is_missing(self):
        self.azurite.kill()
        api, watcher = self.parts(self.azurite.url())
        table = self.table_check(api)
        self.assertFalse(table["ok"])
        self.assertIn(f"code table: table codes: 127.0.0.1:{self.azurite.port}", table["problem"])
        self.assertEqual(503, api.verify("abc-161-def").status)
        self.azurite.start()
        harness.wait_until(lambda: self.table_check(api)["ok"], "the API to be ready")
        self.assertEqual(200, api.verify_when_active(api.get_code()).status)
        self.assertEqual((True, True), (api.running(), watcher.running()))

    def test_a_signature_that_is_refused_is_named_and_not_shown(self):
        url = re.sub(r"sig=[^&]*", "sig=c2VjcmV0", self.azurite.url())
        api, _ = self.parts(url)
        table = self.table_check(api)
        self.assertFalse(table["ok"])
        self.assertIn("code table: table codes: ", table["problem"])
        self.assertNotIn("c2VjcmV0", str(table) + api.everything_written())

    def test_a_url_that_names_no_table_ends_the_start_with_one_line(self):
        done = harness.run_latchkey(
            "serve", "--data", self.cloud.data, check=False,
            environment={**self.cloud.environment_of("api"), "PORT": "0",
                         "CODE_TABLE_URL": "https://acct.table.core.windows.net/?sig=c2VjcmV0"})
        self.assertNotEqual(0, done.returncode)
        self.assertIn("CODE_TABLE_URL: the table's URL names no table", done.stderr)
        self.assertNotIn("c2VjcmV0", done.stderr)


if __name__ == "__main__":
    unittest.main()
