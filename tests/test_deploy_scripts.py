"""The scripts in deploy/: clean for shellcheck, those of the walkthrough on the local cloud, and what provision.sh
asks of az, which a stand-in writes down."""

import json
import os
import pathlib
import re
import shutil
import subprocess
import unittest

import harness
import storage

DEPLOY = harness.ROOT / "deploy"
AZURE = DEPLOY / "azure"

# Answers what provision.sh asks for, and keeps the arguments and what files it was given.
AZ = """#!/usr/bin/python3
import json, os, pathlib, sys
arguments = sys.argv[1:]
folder = pathlib.Path(os.environ["STAND_IN"])
files = {}
for argument in arguments:
    if argument.startswith("@"):
        path = pathlib.Path(argument[1:])
        files[path.name] = [path.read_text(), oct(path.parent.stat().st_mode & 0o777)]
with (folder / "calls").open("a") as calls:
    calls.write(json.dumps([arguments, files]) + "\\n")
text = " ".join(arguments)
if text.startswith("group show"):
    print("/subscriptions/s/resourceGroups/g")
elif text.startswith("group exists"):
    print("true")
elif text.startswith("keyvault list-deleted"):
    print(0)
elif text.startswith("rest") and not (folder / "has_secrets").exists():
    sys.exit(1)
elif text.startswith("deployment group create") and "--output json" in text:
    names = ["vaultName", "numberAppName", "servePrincipalId", "watchPrincipalId", "apiUrl", "KEY_VAULT_URL",
             "STORAGE_QUEUE_URL", "CODE_TABLE_URL", "THIRD_PARTY_API_ENDPOINT", "SERVE_CLIENT_ID",
             "WATCH_CLIENT_ID"]
    print(json.dumps({name: {"type": "String", "value": "the-" + name} for name in names}))
"""


class StandIn:
    def __init__(self):
        self.folder = harness.scratch_folder()
        az = self.folder / "az"
        az.write_text(AZ)
        az.chmod(0o755)
        (self.folder / "number.zip").touch()

    def run(self, script, *arguments, input=""):
        (self.folder / "calls").write_text("")
        environment = harness.clean_environment({
            "PATH": f"{self.folder}:{os.environ['PATH']}", "STAND_IN": str(self.folder),
            "LATCHKEY_RETRY_SECONDS": "0",
        })
        return subprocess.run([AZURE / script, *arguments], env=environment, input=input,
                              capture_output=True, text=True, timeout=60)

    def provision(self, *options):
        done = self.run("provision.sh", "g", "westeurope", "--number-zip", self.folder / "number.zip", *options)
        if done.returncode != 0:
            raise AssertionError(done.stderr)
        return done

    def calls(self):
        return [json.loads(line) for line in (self.folder / "calls").read_text().splitlines()]

    def of(self, words):
        return [call for call in self.calls() if " ".join(call[0]).startswith(words)]


class Scripts(unittest.TestCase):
    @unittest.skipUnless(shutil.which("shellcheck"), "shellcheck is not installed")
    def test_shellcheck_finds_nothing(self):
        scripts = [path for path in DEPLOY.rglob("*") if path.is_file() and os.access(path, os.X_OK)
                   and re.match(r"#!.*\b(ba)?sh\n", path.read_text(errors="replace")[:40])]
        self.assertGreater(len(scripts), 6)
        done = subprocess.run(["shellcheck", *scripts], capture_output=True, text=True, timeout=60)
        self.assertEqual((0, ""), (done.returncode, done.stdout))

    def test_bash_scripts_end_at_the_first_error(self):
        for path in DEPLOY.rglob("*.sh"):
            self.assertIn("\nset -euo pipefail\n", path.read_text(), path)

    def test_provisioning_goes_from_resources_to_secrets_to_apps(self):
        stand_in = StandIn()
        done = stand_in.provision("--image", "r.azurecr.io/latchkey:1")
        steps = [" ".join(call[0][:3]) for call in stand_in.calls()]
        deployments = [call[0] for call in stand_in.of("deployment group create")]
        templates = [pathlib.Path(it[it.index("--template-file") + 1]).name for it in deployments]
        self.assertEqual(["main.bicep", "secrets.bicep", "main.bicep"], templates)
        self.assertIn("image=", deployments[0])
        self.assertIn("image=r.azurecr.io/latchkey:1", deployments[2])
        self.assertLess(steps.index("functionapp deployment source"),
                        steps.index("deployment group create", steps.index("deployment group create") + 1))
        self.assertIn("SERVE_CLIENT_ID=the-SERVE_CLIENT_ID\n", done.stdout)

    def test_the_pepper_is_made_once_and_only_in_a_file_of_our_own(self):
        stand_in = StandIn()
        done = stand_in.provision()
        arguments, files = stand_in.of("deployment group create")[1]
        text, folder_mode = files["pepper.json"]
        pepper = json.loads(text)["pepper"]["value"]
        self.assertRegex(pepper, r"^[0-9a-f]{64}$")
        self.assertEqual("0o700", folder_mode)
        self.assertNotIn(pepper, json.dumps([call[0] for call in stand_in.calls()]))
        self.assertNotIn(pepper, done.stdout + done.stderr)
        (stand_in.folder / "has_secrets").touch()
        stand_in.provision()
        arguments, files = stand_in.of("deployment group create")[1]
        self.assertEqual("", json.loads(files["pepper.json"][0])["pepper"]["value"])
        self.assertIn("apiKeysSecretName=api-keys", arguments)

    def test_arguments_of_bicep_are_its_parameters(self):
        stand_in = StandIn()
        stand_in.provision()
        for arguments, _ in stand_in.of("deployment group create"):
            template = AZURE / pathlib.Path(arguments[arguments.index("--template-file") + 1]).name
            declared = set(re.findall(r"^param (\w+)", template.read_text(), re.MULTILINE))
            given = {it.split("=")[0] for it in arguments[arguments.index("--parameters") + 1:] if "=" in it}
            self.assertEqual(set(), given - declared)

    def test_teardown_asks_for_the_name(self):
        stand_in = StandIn()
        self.assertEqual(1, stand_in.run("teardown.sh", "g", input="yes\n").returncode)
        self.assertEqual([], stand_in.of("group delete"))
        self.assertEqual(0, stand_in.run("teardown.sh", "g", input="g\n").returncode)
        self.assertEqual(1, len(stand_in.of("group delete")))


class Walkthrough(unittest.TestCase):
    def test_its_scripts_work_on_the_local_cloud(self):
        cloud = harness.Latchkey(command="cloud")
        self.addCleanup(cloud.kill)
        serve = harness.Part("serve", cloud, "api")
        self.addCleanup(serve.kill)
        environment = {"AZURE_STORAGE_CONNECTION_STRING":
                       cloud.environment_of("app")["AZURE_STORAGE_CONNECTION_STRING"]}

        def run(script, *arguments):
            done = subprocess.run([AZURE / script, *arguments], env=harness.clean_environment(environment),
                                  capture_output=True, text=True, timeout=120)
            self.assertEqual(0, done.returncode, done.stderr)
            return done.stdout

        shown = run("test.sh", serve.api)
        answer, _, messages = shown.partition("\n")
        self.assertIn(json.loads(answer)["code"], json.loads(messages)[0]["content"])
        run("clear_queue.sh")
        queue = storage.account_of(cloud).queue("code-requests")
        self.assertEqual(0, queue.count())  # hidden ones count as well


if __name__ == "__main__":
    unittest.main()
