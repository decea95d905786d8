"""Several vaults, both ways of saying who may, and secrets that no file holds."""

import unittest

import harness
import vault

VALUE = "a-value-that-nobody-must-see"


class Vaults(harness.WithLatchkey):
    options = ("--vault", "orders", "--vault", "old=access-policy")

    def setUp(self):
        self.settings = self.latchkey.environment_of("app")
        self.url = self.settings["KEY_VAULT_URL"]
        # Of the one that is asked for by name, as a client would.
        self.bearer = vault.token(self.settings, vault.VAULT)

    def secret(self, method, of, json_body=None):
        return harness.call(
            method, f"{self.url.replace('latchkey', of)}/secrets/n?api-version=7.4",
            headers={"Authorization": f"Bearer {self.bearer}"}, json_body=json_body,
            trust=self.latchkey.trust(),
        )

    def test_a_vault_of_its_own_wants_a_role_of_its_own(self):
        refused = self.secret("PUT", "orders", {"value": VALUE})
        self.assertEqual((403, "ForbiddenByRbac"),
                         (refused.status, refused.json()["error"]["innererror"]["code"]))
        self.assertEqual(404, self.secret("GET", "unknown").status)

    def test_access_policies_decide_where_they_are_chosen(self):
        refused = self.secret("PUT", "old", {"value": VALUE})
        self.assertEqual((403, "AccessDenied"),
                         (refused.status, refused.json()["error"]["innererror"]["code"]))
        message = refused.json()["error"]["message"]
        self.assertIn("does not have secrets set permission on key vault 'old", message)
        oid = message.split("oid=")[1].split(";")[0]
        owner = vault.Management(self.latchkey, "operator")
        policy = {"tenantId": owner.tenant_id, "objectId": oid,
                  "permissions": {"secrets": ["set", "get"]}}
        body = {"properties": {"accessPolicies": [policy]}}
        path = "Microsoft.KeyVault/vaults/old/accessPolicies/"
        added = owner.call("PUT", path + "add", body)
        self.assertEqual(200, added.status, added)
        self.assertEqual(200, self.secret("PUT", "old", {"value": VALUE}).status)
        self.assertEqual(VALUE, self.secret("GET", "old").json()["value"])
        self.assertEqual(200, owner.call("PUT", path + "remove", body).status)
        self.assertEqual(403, self.secret("GET", "old").status)

    def test_no_file_holds_a_secret(self):
        self.assertEqual(200, self.secret("PUT", "latchkey", {"value": VALUE}).status)
        self.assertEqual(VALUE, self.secret("GET", "latchkey").json()["value"])
        files = [file for file in self.latchkey.data.rglob("*") if file.is_file()]
        self.assertGreater(len(files), 5)
        for file in files:
            self.assertNotIn(VALUE.encode(), file.read_bytes(), file)
        self.assertNotIn(VALUE, self.latchkey.everything_written())


class Throttled(harness.WithLatchkey):
    options = ("--vault-throttle", "--in-memory")

    def test_answers_429_beyond_the_limit_of_new_versions(self):
        settings = self.latchkey.environment_of("app")
        connection = harness.Connection(settings["KEY_VAULT_URL"], self.latchkey.trust())
        self.addCleanup(connection.close)
        bearer = {"Authorization": f"Bearer {vault.token(settings, vault.VAULT)}"}

        def refusal():
            answer = connection.call("PUT", "/secrets/n?api-version=7.4", headers=bearer,
                                     json_body={"value": "v"})
            return answer if answer.status != 200 else None

        refused = harness.wait_until(lambda: next(filter(None, (refusal() for _ in range(301))),
                                                  None), "429")
        self.assertEqual((429, "Throttled"), (refused.status, refused.json()["error"]["code"]))
        self.assertIn(int(refused.headers["Retry-After"]), range(1, 11))


class Wrong(unittest.TestCase):
    def test_a_wrong_vault_ends_the_start_with_one_line(self):
        for wrong in ("a_b", "orders=owner", "1st"):
            done = harness.run_latchkey("cloud", "--data", harness.scratch_folder(), "--ports",
                                        "auto", "--vault", wrong, check=False)
            self.assertEqual(2, done.returncode, done.stderr)
            self.assertIn("--vault", done.stderr)
            self.assertIn(wrong, done.stderr)
