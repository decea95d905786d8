"""Identities and roles that a person makes with `latchkey identity` and `latchkey role`."""

import json
import stat
import urllib.parse

import harness

VAULT = "https://vault.azure.net"
USER = "Key Vault Secrets User"
SECRET = "third-party-api-key"


class Identities(harness.WithLatchkey):
    def setUp(self):
        self.trust = self.latchkey.trust()

    def facts(self, name):
        shown = self.latchkey.command("identity", "show", name, "--json").stdout
        return json.loads(shown)["properties"]

    def log_in(self, client_id, secret, tenant="common"):
        form = {
            "grant_type": "client_credentials",
            "client_id": client_id,
            "client_secret": secret,
            "scope": VAULT + "/.default",
        }
        return harness.call(
            "POST",
            f"{self.latchkey.endpoints['login']}/{tenant}/oauth2/v2.0/token",
            body=urllib.parse.urlencode(form),
            headers={"Content-Type": "application/x-www-form-urlencoded"},
            trust=self.trust,
        )

    def read_secret(self, token):
        login = self.latchkey.endpoints["login"]
        return harness.call(
            "GET",
            f"{login}/secrets/{SECRET}?api-version=7.4",
            headers={"Authorization": f"Bearer {token}"},
            trust=self.trust,
        )

    def role(self, action, name, *scope):
        self.latchkey.command("role", action, "--assignee", name, "--role", USER, *scope)

    def test_a_service_principal_lives_from_its_secret_and_its_role(self):
        self.latchkey.command("identity", "create", "robot", "--service-principal")
        file = harness.scratch_folder() / "secret"
        added = self.latchkey.command(
            "identity", "credential", "add", "robot", "--secret", "--output", file
        )
        secret = file.read_text().strip()
        self.assertEqual(0o600, stat.S_IMODE(file.stat().st_mode))
        self.assertNotIn(secret, added.stdout + added.stderr)
        client = self.facts("robot")["clientId"]
        token = self.log_in(client, secret).json()["access_token"]
        self.assertEqual(403, self.read_secret(token).status)

        scope = ("--vault", "latchkey", "--secret", SECRET)
        refused = self.latchkey.command(
            "role", "explain", "get-secret", "--assignee", "robot", *scope, check=False
        )
        self.assertEqual(1, refused.returncode)
        self.assertIn(f'--assignee robot --role "{USER}" --vault latchkey', refused.stdout)
        self.role("assign", "robot", *scope)
        self.assertEqual(200, self.read_secret(token).status)
        explained = self.latchkey.command(
            "role", "explain", "get-secret", "--assignee", client, *scope
        )
        self.assertIn(USER, explained.stdout)

        self.latchkey.command("identity", "rotate-key")
        self.assertEqual(200, self.read_secret(token).status, "the former key's token is good")
        later = self.log_in(client, secret).json()["access_token"]
        self.assertEqual(200, self.read_secret(later).status)
        self.assertNotEqual(token.split(".")[0], later.split(".")[0])

        self.role("remove", "robot", *scope)
        self.assertEqual(403, self.read_secret(later).status)
        credential = self.facts("robot")["credentials"][0]["id"]
        self.latchkey.command("identity", "credential", "remove", "robot", credential)
        answer = self.log_in(client, secret)
        self.assertEqual((401, [7000215]), (answer.status, answer.json()["error_codes"]))
        kept = [f for f in self.latchkey.data.rglob("*") if f.is_file()]
        self.assertTrue(kept)
        for each in kept:
            self.assertNotIn(secret.encode(), each.read_bytes(), each)
        self.assertNotIn(secret, self.latchkey.everything_written())

    def test_an_app_uses_a_user_assigned_identity_only_while_it_is_attached(self):
        self.latchkey.command("identity", "create", "shared", "--user-assigned")
        settings = self.latchkey.environment_of("app")
        shared = self.facts("shared")

        def ask(**named):
            query = {"api-version": "2019-08-01", "resource": VAULT, **named}
            return harness.call(
                "GET",
                f"{settings['IDENTITY_ENDPOINT']}?{urllib.parse.urlencode(query)}",
                headers={"X-IDENTITY-HEADER": settings["IDENTITY_HEADER"]},
            )

        self.assertEqual(400, ask(client_id=shared["clientId"]).status)
        self.latchkey.command("identity", "attach", "shared", "--app", "app")
        for named in (
            {"client_id": shared["clientId"]},
            {"object_id": shared["principalId"]},
            {"principal_id": shared["principalId"]},
        ):
            answer = ask(**named)
            self.assertEqual(200, answer.status, answer)
            self.assertEqual(shared["clientId"], answer.json()["client_id"])
        self.latchkey.command("identity", "detach", "shared", "--app", "app")
        self.assertEqual(400, ask(client_id=shared["clientId"]).status)
        self.assertEqual(200, ask().status, "its own identity is as before")

    def test_a_custom_role_from_a_file_in_azs_form(self):
        self.latchkey.command("identity", "create", "clerk")
        file = harness.scratch_folder() / "role.json"
        role = {
            "Name": "Secret Clerk",
            "Description": "reads secrets",
            "DataActions": ["Microsoft.KeyVault/vaults/secrets/*/action"],
            "NotDataActions": ["*/setSecret/action"],
        }
        file.write_text(json.dumps(role))
        self.latchkey.command("role", "create", file)
        self.latchkey.command(
            "role", "assign", "--assignee", "clerk", "--role", "Secret Clerk", "--vault"
        )
        for operation, code in (("get-secret", 0), ("set-secret", 1), ("delete-secret", 1)):
            done = self.latchkey.command(
                "role", "explain", operation, "--assignee", "clerk", "--vault", check=False
            )
            self.assertEqual(code, done.returncode, done.stdout)
