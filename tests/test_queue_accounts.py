"""What a person sets for the queues: more accounts, and issuers whose tokens are good."""

import base64
import json
import sqlite3
import unittest
import urllib.parse
import uuid

import harness
import queue_exchange
import storage
import vault

MANAGEMENT = "https://management.azure.com"
CONTRIBUTOR = "974c5e8b-45b9-4653-ba55-5f855dd0fb88"


def start(case, *options, data=None):
    cloud = harness.Latchkey(*options, command="cloud", data=data)
    case.addCleanup(cloud.kill)
    return cloud


class Accounts(unittest.TestCase):
    def ask(self, cloud, account, key, method="PUT", path="/orders"):
        """The status of a request by account SAS."""
        fields = {"ss": "q", "srt": "sco", "sp": "rwdlacup", "se": "@+60"}
        signed = queue_exchange.sas("account", fields, "", key, account)
        url = cloud.endpoints["queue"].replace(storage.ACCOUNT, account)
        query = urllib.parse.urlencode(signed)
        separator = "&" if "?" in path else "?"
        return harness.call(method, f"{url}{path}{separator}{query}", trust=cloud.trust()).status

    def keys_of(self, cloud, account):
        with sqlite3.connect(f"file:{cloud.data}/cloud.db?mode=ro", uri=True) as database:
            rows = database.execute("SELECT name, value FROM settings WHERE name LIKE 'storage_%'")
            settings = dict(rows)
        return [settings[f"storage_key{number}/{account}"] for number in (1, 2)]

    def test_an_account_has_keys_and_queues_of_its_own(self):
        cloud = start(self, "--account", "another", "--account", "third")
        first, second = self.keys_of(cloud, "another")
        self.assertEqual(201, self.ask(cloud, "another", first))
        self.assertEqual(204, self.ask(cloud, "another", second))
        self.assertEqual(403, self.ask(cloud, "another", storage.KEY))
        self.assertEqual(403, self.ask(cloud, "another", self.keys_of(cloud, "third")[0]))
        metadata = "/orders?comp=metadata"
        self.assertEqual(404, self.ask(cloud, storage.ACCOUNT, storage.KEY, "GET", metadata))
        self.assertEqual(0, cloud.stop())
        again = start(self, "--account", "another", data=cloud.data)
        self.assertEqual([first, second], self.keys_of(again, "another"))
        self.assertEqual(200, self.ask(again, "another", first, "GET", metadata))
        self.assertEqual(404, self.ask(again, "third", first), "not asked for this time")

    def test_a_name_that_is_none_ends_the_start(self):
        done = harness.run_latchkey("cloud", "--data", harness.scratch_folder(), "--ports", "auto",
                                    "--account", "No-Name", check=False)
        self.assertNotEqual(0, done.returncode)
        self.assertIn("No-Name", done.stderr)


class TrustedIssuers(unittest.TestCase):
    """Another local cloud stands for a real tenant: an issuer with its own keys and identities."""

    def setUp(self):
        self.foreign = start(self)
        settings = self.foreign.environment_of("app")
        self.token = vault.token(settings, vault.STORAGE)
        payload = self.token.split(".")[1]
        self.claims = json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))
        keys = harness.call("GET", f"{self.foreign.endpoints['login']}/common/discovery/v2.0/keys",
                            trust=self.foreign.trust())
        self.keys = harness.scratch_folder() / "keys.json"
        self.keys.write_bytes(keys.body)

    def put_queue(self, cloud):
        answer = harness.call(
            "PUT", cloud.endpoints["queue"] + "/from-afar", trust=cloud.trust(),
            headers={"Authorization": f"Bearer {self.token}", "Content-Length": "0",
                     "x-ms-version": queue_exchange.VERSION},
        )
        return answer.status, answer.headers["x-ms-error-code"]

    def give_role(self, cloud, object_id):
        """As an operator does in Azure: by object id, through Azure Resource Manager."""
        token = vault.token(cloud.environment_of("operator"), MANAGEMENT)
        ids = json.loads((cloud.data / "identities.json").read_text())
        scope = (f"/subscriptions/{ids['subscription_id']}/resourceGroups/{ids['resource_group']}"
                 f"/providers/Microsoft.Storage/storageAccounts/{storage.ACCOUNT}")
        url = (f"{cloud.endpoints['login']}{scope}/providers/Microsoft.Authorization"
               f"/roleAssignments/{uuid.uuid4()}?api-version=2022-04-01")
        answer = harness.call(
            "PUT", url, trust=cloud.trust(), headers={"Authorization": f"Bearer {token}"},
            json_body={"properties": {"roleDefinitionId": CONTRIBUTOR, "principalId": object_id}},
        )
        self.assertEqual(201, answer.status, answer)

    def test_tokens_of_a_trusted_issuer_open_what_roles_allow(self):
        stranger = start(self)
        self.assertEqual((401, "InvalidAuthenticationInfo"), self.put_queue(stranger))
        cloud = start(self, "--trusted-issuer", f"{self.claims['iss']}={self.keys}")
        self.assertEqual((403, "AuthorizationPermissionMismatch"), self.put_queue(cloud))
        self.give_role(cloud, self.claims["oid"])
        self.assertEqual((201, None), self.put_queue(cloud))

    def test_another_issuer_with_these_keys_is_not_trusted(self):
        cloud = start(self, "--trusted-issuer", f"https://other.example={self.keys}")
        self.assertEqual((401, "InvalidAuthenticationInfo"), self.put_queue(cloud))

    def test_a_file_that_is_no_key_set_ends_the_start(self):
        self.keys.write_text("nonsense")
        done = harness.run_latchkey("cloud", "--data", harness.scratch_folder(), "--ports", "auto",
                                    "--trusted-issuer", f"https://a.example={self.keys}",
                                    check=False)
        self.assertNotEqual(0, done.returncode)
        self.assertIn("no JSON Web Key Set", done.stderr)
