"""The code table in Azure Table Storage, with Azurite's table service in its place: the conformance
test of all tables, and the shipped binary over it when the table refuses, is away, or comes back."""

import re
import unittest

import authority
import azurite
import harness
import storage
import table_conformance
from azurite import Azurite

NEEDS = unittest.skipUnless(azurite.AVAILABLE, "needs node and scripts/npm_clients")


@NEEDS
@unittest.skipUnless(table_conformance.PROGRAM, "needs codes_tests")
class AzureTableConformance(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.azurite = Azurite("table")
        cls.addClassCleanup(lambda: cls.azurite.kill())

    def test_signed_with_the_accounts_key(self):
        table_conformance.run(self.azurite.connection_string)

    def test_with_a_shared_access_signature_in_a_table_that_is_missing(self):
        table_conformance.run(self.azurite.table_url("another"))

    def test_when_answers_are_lost(self):
        # Who deleted a row cannot be told once nobody has an answer: that case is left out.
        for every in "23":
            table_conformance.run(
                self.azurite.table_url("lossy"), "Table*:-TableRaces.ARowIsForgottenOnce",
                LATCHKEY_TEST_LOSE_ANSWERS=every)


@NEEDS
class CodesInAnAzureTable(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.cloud = harness.Latchkey(command="cloud")
        cls.addClassCleanup(cls.cloud.kill)

    def setUp(self):
        self.azurite = Azurite("table", on_disk=True)
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
        api, watcher = self.parts(self.azurite.table_url())
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

    @unittest.skipUnless(authority.OPENSSL, "needs openssl")
    def test_by_identity(self):
        folder = harness.scratch_folder()
        authority.certificates(folder)
        table = Azurite("table", certificates=folder)
        self.addCleanup(table.kill)
        trusted = folder / "both.pem"
        trusted.write_text((self.cloud.data / "ca.pem").read_text() +
                           (folder / "ca.pem").read_text())
        api, _ = self.parts(table.url + "/codes", SSL_CERT_FILE=str(trusted))
        self.assertEqual(200, api.verify_when_active(api.get_code()).status)
        self.assertNotIn("eyJ", api.everything_written())  # how tokens begin

    def test_without_it_everything_starts_and_says_what_is_missing(self):
        self.azurite.kill()
        api, watcher = self.parts(self.azurite.table_url())
        table = self.table_check(api)
        self.assertFalse(table["ok"])
        self.assertIn(f"code table: table codes: 127.0.0.1:{self.azurite.port}", table["problem"])
        self.assertEqual(503, api.verify("abc-161-def").status)
        self.azurite.start()
        harness.wait_until(lambda: self.table_check(api)["ok"], "the API to be ready")
        self.assertEqual(200, api.verify_when_active(api.get_code()).status)
        self.assertEqual((True, True), (api.running(), watcher.running()))

    def test_a_signature_that_is_refused_is_named_and_not_shown(self):
        url = re.sub(r"sig=[^&]*", "sig=c2VjcmV0", self.azurite.table_url())
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
