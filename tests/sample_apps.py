"""The apps in clients/apps/: who they are, what they may, and what they must get.

Each form in which an app in Azure comes to its tokens is one identity with two roles; both tests,
with production addresses and with our own, give it the roles, run the app, take them away and run
it again.
"""

import importlib.util
import json
import shutil
import subprocess

import harness

SECRET = "third-party-api-key"
QUEUE = "code-requests"
SECRETS_USER = "Key Vault Secrets User"
SENDER = "Storage Queue Data Message Sender"
# name of the identity, form, options with which it is made
FORMS = {
    "managed identity": ("shop", "app-service", []),
    "managed identity by IMDS": ("shop-machine", "imds", []),
    "user-assigned identity": ("shop-shared", "app-service", ["--user-assigned"]),
    "client secret": ("shop-principal", "client-secret", ["--service-principal"]),
}
APPS = harness.CLIENTS / "apps"
PYTHON = ["/usr/bin/python3", str(APPS / "app.py")]
NODE = [shutil.which("node"), str(APPS / "app.mjs")]


def lacks_python():
    needed = ("azure.identity", "azure.keyvault.secrets", "azure.storage.queue")
    try:
        return any(importlib.util.find_spec(name) is None for name in needed)
    except ModuleNotFoundError:
        return True


def lacks_node():
    return not NODE[0] or not (harness.CLIENTS / "node_modules" / "@azure" / "identity").is_dir()


def output_of(arguments, environment=None, check=True):
    done = subprocess.run(
        [str(argument) for argument in arguments], env=harness.clean_environment(environment),
        stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=120,
    )
    if check and done.returncode != 0:
        raise AssertionError(f"{arguments[0]}: {done.returncode}\n{done.stdout}\n{done.stderr}")
    return done


class SampleApps:
    """Mixed into a test case with `latchkey` and `run_app(command, name, form)`."""

    @classmethod
    def make_identities(cls):
        for name, _, options in FORMS.values():
            cls.latchkey.command("identity", "create", name, *options)

    def roles(self, change, name):
        self.latchkey.command(
            "role", change, "--assignee", name, "--role", SECRETS_USER, "--vault")
        self.latchkey.command("role", change, "--assignee", name, "--role", SENDER)

    def works_and_is_refused(self, command):
        for what, (name, form, _) in FORMS.items():
            with self.subTest(what):
                self.roles("assign", name)
                try:
                    answer = json.loads(self.run_app(command, name, form))
                finally:
                    self.roles("remove", name)
                self.assertIsInstance(answer["secret"], str, answer)
                self.assertIsInstance(answer["message"], str, answer)
                answer = json.loads(self.run_app(command, name, form))
                self.assertEqual({
                    "secret": {"status": 403, "code": "Forbidden"},
                    "message": {"status": 403, "code": "AuthorizationPermissionMismatch"},
                }, answer)
