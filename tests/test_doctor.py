"""`latchkey doctor` finds what is broken, and the command that it prints mends it."""

import json
import shlex
import unittest

import harness
import storage
import vault

SENDER = "Storage Queue Data Message Sender"
SECRETS_USER = "Key Vault Secrets User"
CONTRIBUTOR = "Storage Queue Data Contributor"


class Doctor(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.cloud = harness.Latchkey("--test-controls", command="cloud")
        cls.addClassCleanup(cls.cloud.kill)

    def doctor(self, *options, environment=None):
        """The checks by name; of the local cloud's api, or of the settings in `environment`."""
        if environment is None:
            done = self.cloud.command("doctor", "--json", *options, check=False)
        else:
            done = harness.run_latchkey(
                "doctor", "--json", *options, check=False, environment=environment
            )
        self.assertIn(done.returncode, (0, 1), done)
        report = json.loads(done.stdout)
        self.assertEqual(done.returncode == 0, report["well"], report)
        return {check.pop("check"): check for check in report["checks"]}

    def settings(self, identity="api", **changes):
        data = str(harness.scratch_folder())
        own = {"CODE_TABLE_FILE": f"{data}/codes.db", "XDG_STATE_HOME": data}
        return {**self.cloud.environment_of(identity), **own, **changes}

    def broken(self, checks):
        return {name: check for name, check in checks.items() if check["verdict"] == "failed"}

    def role(self, change, identity, role, *scope):
        self.cloud.command("role", change, "--assignee", identity, "--role", role, *scope)

    def assert_mends(self, name, *options):
        """What is wrong with `name` is mended by the command that the report has for it."""
        broken = self.broken(self.doctor(*options))
        self.assertEqual([name], list(broken), broken)
        program, *command = shlex.split(broken[name]["remedy"])
        self.assertTrue(program.endswith("latchkey"), broken)
        harness.run_latchkey(*command)
        self.assertEqual({}, self.broken(self.doctor(*options)))

    def test_all_is_well_with_each_identitys_own_rights(self):
        for identity in ("api", "watcher"):
            checks = self.doctor("--as", identity)
            self.assertEqual({}, self.broken(checks))
            self.assertIn("ManagedIdentityCredential", checks["credential"]["detail"])
            self.assertIn("object id", checks["identity"]["detail"])
        self.assertIn("secret code-pepper", checks)
        self.assertNotIn("number API", checks, "the watcher knows nothing of it")
        shown = self.cloud.command("doctor").stdout
        self.assertIn("All is well.", shown)

    def test_settings_of_the_environment_are_what_serve_would_read(self):
        self.assertEqual({}, self.broken(self.doctor("--for", "api", environment=self.settings())))
        missing = self.doctor(environment=self.settings(THIRD_PARTY_API_SECRET_NAME=""))
        self.assertEqual(["settings"], list(self.broken(missing)))
        self.assertIn("THIRD_PARTY_API_SECRET_NAME", missing["settings"]["detail"])

    def test_a_missing_role_to_send(self):
        self.role("remove", "api", SENDER, "--queue", "code-requests")
        self.assert_mends("may send")

    def test_a_missing_role_to_read_the_pepper(self):
        ids = json.loads((self.cloud.data / "identities.json").read_text())
        scope = (
            f"/subscriptions/{ids['subscription_id']}/resourceGroups/{ids['resource_group']}"
            "/providers/Microsoft.KeyVault/vaults/latchkey/secrets/code-pepper"
        )
        self.role("remove", "api", SECRETS_USER, "--scope", scope)
        self.assert_mends("secret code-pepper")

    def test_a_missing_role_to_receive(self):
        self.role("remove", "watcher", CONTRIBUTOR, "--queue", "code-requests")
        self.addCleanup(self.role, "assign", "watcher", CONTRIBUTOR, "--queue", "code-requests")
        self.role("assign", "watcher", SENDER, "--queue", "code-requests")
        self.assert_mends("may receive", "--as", "watcher")

    def test_a_queue_that_is_missing(self):
        self.cloud.command("queue", "delete")
        self.assert_mends("may send")

    def test_nothing_stays_in_the_queue_of_who_may_delete(self):
        account = storage.Account(self.cloud.endpoints["queue"], self.cloud.trust())
        self.cloud.command("queue", "clear")
        self.doctor("--as", "watcher")
        counted = account.call("GET", "/code-requests?comp=metadata")
        self.assertEqual("0", counted.headers["x-ms-approximate-messages-count"])

    def test_a_wrong_vault_address(self):
        checks = self.doctor(environment=self.settings(KEY_VAULT_URL="https://localhost:1"))
        self.assertEqual("failed", checks["vault"]["verdict"])
        self.assertIn("KEY_VAULT_URL", checks["vault"]["remedy"])
        self.assertEqual("skipped", checks["secrets"]["verdict"])
        no_vault = self.cloud.endpoints["queue"].rpartition("/")[0]
        checks = self.doctor(environment=self.settings(KEY_VAULT_URL=no_vault))
        self.assertIn("is no vault", checks["vault"]["detail"])

    def test_a_wrong_key_in_the_vault(self):
        secrets = vault.Vault(self.cloud, self.cloud.environment_of("app"))
        right = secrets.get("third-party-api-key")
        self.addCleanup(secrets.set, "third-party-api-key", right)
        secrets.set("third-party-api-key", "wrong-key-wrong-key")
        broken = self.broken(self.doctor())
        self.assertEqual(["number API"], list(broken), broken)
        self.assertIn("401", broken["number API"]["detail"])
        self.assertIn("up --restore-secrets", broken["number API"]["remedy"])
        self.assertNotIn("wrong-key-wrong-key", json.dumps(broken))

    def test_secrets_that_were_deleted_or_changed_are_restored_as_it_says(self):
        cloud = harness.Latchkey(command="cloud")
        self.addCleanup(cloud.kill)
        app = cloud.environment_of("app")
        secrets = vault.Vault(cloud, app)
        pepper = secrets.get("code-pepper")
        secrets.set("third-party-api-key", "wrong-key-wrong-key")
        deleted = secrets.call("DELETE", "code-pepper", vault.token(app, vault.VAULT))
        self.assertEqual(200, deleted.status)
        cloud.stop()

        cloud = harness.Latchkey(command="cloud", data=cloud.data)
        self.addCleanup(cloud.kill)
        self.assertIn("secret_deleted", cloud.log())
        found = json.loads(cloud.command("doctor", "--json", check=False).stdout)["checks"]
        broken = {c["check"]: c["remedy"] for c in found if c["verdict"] == "failed"}
        self.assertEqual({"secret code-pepper", "number API"}, set(broken))
        self.assertTrue(all("up --restore-secrets" in it for it in broken.values()), broken)
        cloud.stop()

        cloud = harness.Latchkey("--restore-secrets", command="cloud", data=cloud.data)
        self.addCleanup(cloud.kill)
        self.assertIn("All is well.", cloud.command("doctor").stdout)
        again = vault.Vault(cloud, cloud.environment_of("app"))
        self.assertEqual(pepper, again.get("code-pepper"))

    def test_which_credentials_were_tried_before_the_one_that_answered(self):
        checks = self.doctor(environment=self.settings(AZURE_TOKEN_CREDENTIALS=""))
        answered = checks["credential"]["detail"]
        self.assertIn("ManagedIdentityCredential (App Service); tried before it:", answered)
        self.assertIn("EnvironmentCredential: ", answered)

    def test_a_wrong_identity(self):
        wrong = self.settings(IDENTITY_HEADER="no-such-header")
        checks = self.doctor(environment=wrong)
        self.assertEqual("failed", checks["credential"]["verdict"])
        self.assertIn("ManagedIdentityCredential", checks["credential"]["detail"])
        self.assertNotIn("no-such-header", json.dumps(checks))

    def test_a_clock_that_is_off(self):
        self.addCleanup(self.cloud.command, "clock", "reset")
        self.cloud.command("clock", "-30s")
        clock = self.broken(self.doctor())["clock"]
        self.assertRegex(clock["detail"], r"at least (2\d|30).* ahead of ")

    def test_a_code_table_that_cannot_be_written(self):
        file = harness.scratch_folder() / "codes.db"
        file.write_text("this is no database, and long enough to be told from an empty one" * 20)
        checks = self.doctor(environment=self.settings(CODE_TABLE_FILE=str(file)))
        self.assertEqual("failed", checks["code table"]["verdict"])

    def test_no_secret_is_shown(self):
        secrets = vault.Vault(self.cloud, self.cloud.environment_of("app"))
        shown = self.cloud.command("--log-level", "debug", "doctor")
        for secret in (secrets.get("third-party-api-key"), secrets.get("code-pepper"),
                       self.cloud.environment_of("api")["IDENTITY_HEADER"], "eyJ"):
            self.assertNotIn(secret, shown.stdout + shown.stderr)

    def test_without_settings_and_without_a_cloud_it_says_what_to_start(self):
        done = harness.run_latchkey("doctor", "--data", harness.scratch_folder(), check=False)
        self.assertEqual(1, done.returncode)
        self.assertIn("latchkey up", done.stderr)
