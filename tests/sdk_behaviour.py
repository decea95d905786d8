"""What every Azure SDK must be able to do here, whatever its language.

A client is a program that takes one command per line ("put QUEUE TEXT") and answers each with one
line of JSON: a result, or {"status": 403, "code": "..."}. It lives through a whole test, so that
tokens it has cached do not outlive a role.
"""

import json
import socket
import subprocess
import urllib.parse

import harness

OFFICER = "Key Vault Secrets Officer"
CONTRIBUTOR = "Storage Queue Data Contributor"


class Client:
    def __init__(self, arguments, environment):
        self.child = subprocess.Popen(
            arguments,
            env=harness.clean_environment(environment),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def ask(self, *words):
        self.child.stdin.write(" ".join(words) + "\n")
        self.child.stdin.flush()
        line = self.child.stdout.readline()
        if not line:
            raise AssertionError(f"the client ended with {self.child.wait()}")
        return json.loads(line)

    def close(self):
        self.child.stdin.close()
        self.child.stdout.close()
        try:
            self.child.wait(harness.PATIENCE)
        except subprocess.TimeoutExpired:
            self.child.kill()
            self.child.wait()


class SdkBehaviour:
    """Mixed into a test case that has `client_arguments`."""

    def setUp(self):
        vault = urllib.parse.urlsplit(self.latchkey.endpoints["vault"]).hostname
        try:
            socket.getaddrinfo(vault, None)
        except socket.gaierror:
            self.fail(f"{vault} does not resolve: install libnss-myhostname (./test does)")
        self.client = Client(self.client_arguments, self.latchkey.environment_of("app"))
        self.addCleanup(self.client.close)

    def role(self, change, role, *scope):
        self.latchkey.command("role", change, "--assignee", "app", "--role", role, *scope)

    def test_default_azure_credential_reads_a_secret(self):
        self.assertTrue(self.client.ask("read-secret", "third-party-api-key")["value"])

    def test_default_azure_credential_writes_and_reads_a_secret(self):
        written = self.client.ask("set-secret", "made-by-an-sdk", "s3cret")
        self.assertEqual("s3cret", written.get("value"), written)
        self.assertEqual("s3cret", self.client.ask("read-secret", "made-by-an-sdk")["value"])
        missing = self.client.ask("read-secret", "never-made")
        self.assertEqual((404, "SecretNotFound"), (missing["status"], missing["code"]))

    def test_default_azure_credential_puts_and_takes_a_message(self):
        queue = f"sdk-{self.client_name}"
        self.assertEqual({"created": queue}, self.client.ask("create", queue))
        self.assertIn("id", self.client.ask("put", queue, "<hello>&"))
        self.assertEqual({"texts": ["<hello>&"]}, self.client.ask("peek", queue))
        self.assertEqual({"texts": ["<hello>&"]}, self.client.ask("take", queue))
        self.assertEqual({"texts": []}, self.client.ask("peek", queue))
        missing = self.client.ask("put", "never-made", "text")
        self.assertEqual((404, "QueueNotFound"), (missing["status"], missing["code"]))

    def test_vault_answers_403_while_the_role_is_away(self):
        self.assertTrue(self.client.ask("read-secret", "third-party-api-key")["value"])
        self.role("remove", OFFICER, "--vault")
        try:
            refused = self.client.ask("read-secret", "third-party-api-key")
        finally:
            self.role("assign", OFFICER, "--vault")
        self.assertEqual(
            {"status": 403, "code": "Forbidden", "inner": "ForbiddenByRbac"},
            {name: refused.get(name) for name in ("status", "code", "inner")},
        )
        self.assertTrue(self.client.ask("read-secret", "third-party-api-key")["value"])

    def test_queue_answers_403_while_the_role_is_away(self):
        queue = f"sdk-role-{self.client_name}"
        self.assertEqual({"created": queue}, self.client.ask("create", queue))
        self.role("remove", CONTRIBUTOR)
        try:
            refused = self.client.ask("put", queue, "text")
        finally:
            self.role("assign", CONTRIBUTOR)
        self.assertEqual(403, refused.get("status"), refused)
        self.assertEqual("AuthorizationPermissionMismatch", refused["code"])
        self.assertIn("id", self.client.ask("put", queue, "text"))
