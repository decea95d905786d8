"""`latchkey run`: unchanged programs with production addresses, and nothing that gets past us."""

import base64
import http.client
import json
import os
import shutil
import stat
import subprocess
import unittest
import urllib.parse

import harness
import sample_apps

VAULT = "https://latchkey.vault.azure.net"
QUEUE_SERVICE = "https://devstoreaccount1.queue.core.windows.net"
SECRET_URL = f"{VAULT}/secrets/{sample_apps.SECRET}?api-version=7.4"
CA_VARIABLES = ("CURL_CA_BUNDLE", "SSL_CERT_FILE", "REQUESTS_CA_BUNDLE")


def namespaces_allowed():
    done = subprocess.run(["unshare", "-Urm", "true"], capture_output=True)
    return done.returncode == 0


class WithCloud(harness.WithLatchkey):
    @classmethod
    def setUpClass(cls):
        cls.latchkey = harness.Latchkey("--log-level", "debug", command="cloud")
        cls.addClassCleanup(cls.latchkey.kill)

    def run_under(self, *command, name="app", form="app-service", check=True, options=(),
                  environment=None):
        arguments = [harness.BINARY, "run", "--data", self.latchkey.data, "--as", name,
                     "--identity", form, *options, "--", *command]
        return sample_apps.output_of(arguments, environment, check)


class Apps(sample_apps.SampleApps, WithCloud):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.make_identities()

    def run_app(self, command, name, form):
        address = f"{QUEUE_SERVICE}/{sample_apps.QUEUE}"
        return self.run_under(*command, VAULT, sample_apps.SECRET, address, "by run",
                              name=name, form=form).stdout

    @unittest.skipIf(sample_apps.lacks_python(), "needs Debian's python3-azure")
    def test_python(self):
        self.works_and_is_refused(sample_apps.PYTHON)

    @unittest.skipIf(sample_apps.lacks_node(), "needs node and `npm ci --prefix tests/clients`")
    def test_javascript(self):
        self.works_and_is_refused(sample_apps.NODE)


@unittest.skipUnless(shutil.which("az"), "needs Debian's azure-cli")
class AzCli(WithCloud):
    def az(self, script):
        return self.run_under("sh", "-ec", script, name="pipeline", form="client-secret",
                              environment={"AZURE_CORE_COLLECT_TELEMETRY": "no"}).stdout

    def test_signs_in_as_a_service_principal_and_uses_queue_and_vault(self):
        self.latchkey.command("identity", "create", "pipeline", "--service-principal")
        for role, *scope in ((sample_apps.SECRETS_USER, "--vault"), (sample_apps.SENDER,)):
            self.latchkey.command(
                "role", "assign", "--assignee", "pipeline", "--role", role, *scope)
        signed_in = json.loads(self.az(
            "az login --service-principal --username $AZURE_CLIENT_ID "
            "--password=$AZURE_CLIENT_SECRET --tenant $AZURE_TENANT_ID "
            "--allow-no-subscriptions --output json"))
        self.assertEqual("servicePrincipal", signed_in[0]["user"]["type"])
        put = json.loads(self.az(
            "az storage message put --auth-mode login --account-name devstoreaccount1 "
            f"--queue-name {sample_apps.QUEUE} --content by-az --output json"))
        self.assertTrue(put["id"])
        secret = json.loads(self.az(
            f"az rest --url '{SECRET_URL}' --resource https://vault.azure.net"))
        self.assertTrue(secret["value"])


class Programs(WithCloud):
    def test_input_output_and_exit_status_are_the_programs_own(self):
        self.assertEqual(7, self.run_under("sh", "-c", "exit 7", check=False).returncode)
        self.assertEqual(-15, self.run_under("sh", "-c", "kill -TERM $$", check=False).returncode)
        done = subprocess.run(
            [harness.BINARY, "run", "--data", self.latchkey.data, "--", "cat", "-"],
            env=harness.clean_environment(), input="--as stays text", capture_output=True,
            text=True, timeout=60)
        self.assertEqual("--as stays text", done.stdout)

    def test_a_program_that_is_not_there_is_told_as_by_a_shell(self):
        done = self.run_under("no-such-program", check=False)
        self.assertEqual(127, done.returncode)
        self.assertIn("no-such-program", done.stderr)

    def test_credentials_for_the_real_azure_are_kept_from_the_program(self):
        withheld = {name: "the real one" for name in (
            "AZURE_CLIENT_SECRET", "AZURE_PASSWORD", "AZURE_STORAGE_CONNECTION_STRING",
            "AZURE_FEDERATED_TOKEN_FILE", "IDENTITY_HEADER", "NO_PROXY", "no_proxy", "HTTPS_PROXY",
            "AZURE_CONFIG_DIR")}
        lines = self.run_under("env", environment={**withheld, "MINE": "stays"}).stdout.splitlines()
        self.assertIn("MINE=stays", lines)
        self.assertFalse([line for line in lines if "the real one" in line])

    def test_a_missing_identity_is_made_without_any_role(self):
        done = self.run_under("true", name="newcomer")
        self.assertIn("made the identity \"newcomer\"; it has no role yet", done.stderr)
        self.assertEqual("", self.run_under("true", name="newcomer").stderr)
        self.assertNotIn("newcomer", self.latchkey.command("role", "list").stdout)

    def test_an_identity_of_another_kind_is_told(self):
        done = self.run_under("true", name="app", form="client-secret", check=False)
        self.assertEqual(1, done.returncode)
        self.assertIn("has no client secret", done.stderr)

    def test_without_a_local_cloud_it_says_how_to_start_one(self):
        done = harness.run_latchkey("run", "--data", harness.scratch_folder(), "--", "true",
                                    check=False)
        self.assertEqual(1, done.returncode)
        self.assertIn("latchkey up", done.stderr)

    @unittest.skipUnless(shutil.which("curl"), "needs curl")
    @unittest.skipUnless(namespaces_allowed(), "this system allows no user namespaces")
    def test_private_trust_is_for_programs_that_read_the_systems_file_only(self):
        forget = [word for name in CA_VARIABLES for word in ("-u", name)]
        ask = ["env", *forget, "curl", "--silent", "--show-error", SECRET_URL]
        without = self.run_under(*ask, check=False)
        self.assertEqual(60, without.returncode, "curl's word for an unknown authority")
        within = self.run_under(*ask, options=["--private-trust"])
        self.assertEqual("Unauthorized", json.loads(within.stdout)["error"]["code"])
        self.assertEqual(str(os.geteuid()),
                         self.run_under("id", "-u", options=["--private-trust"]).stdout.strip())


class Proxy(WithCloud):
    def setUp(self):
        lines = self.run_under("env").stdout.splitlines()
        self.environment = dict(line.split("=", 1) for line in lines)
        self.proxy = urllib.parse.urlsplit(self.environment["HTTPS_PROXY"])

    def ask_proxy(self, method, target, credentials=None, host="x"):
        connection = http.client.HTTPConnection(self.proxy.hostname, self.proxy.port, timeout=30)
        self.addCleanup(connection.close)
        headers = {"Host": host}
        if credentials:
            encoded = base64.b64encode(credentials.encode()).decode()
            headers["Proxy-Authorization"] = f"Basic {encoded}"
        connection.request(method, target, headers=headers)
        return harness.Answer(connection.getresponse())

    def right(self):
        return f"{self.proxy.username}:{self.proxy.password}"

    def test_names_that_are_not_azures_are_refused_and_noted(self):
        for target in ("example.com:443", "127.0.0.1:22", "graph.microsoft.com:443"):
            answer = self.ask_proxy("CONNECT", target, self.right())
            self.assertEqual(403, answer.status)
            self.assertIn(b"is not served here", answer.body)
        self.assertEqual(403, self.ask_proxy("GET", "http://example.com/", self.right()).status)
        self.assertIn("proxy_refused host=graph.microsoft.com", self.latchkey.log())
        done = self.run_under("curl", "-sS", "https://example.com/", check=False)
        self.assertNotEqual(0, done.returncode)

    def test_without_an_identitys_credentials_nothing_is_answered(self):
        name, secret = self.right().split(":")
        for wrong in (None, f"{name}:{secret[:-1]}0x", f"api:{secret}", name, f"~nobody:{secret}"):
            for method, target in (("CONNECT", "latchkey.vault.azure.net:443"),
                                   ("GET", "http://169.254.169.254/metadata/identity")):
                answer = self.ask_proxy(method, target, wrong)
                self.assertEqual(407, answer.status, wrong)
                self.assertNotIn(secret.encode(), answer.body)

    def test_who_signs_in_by_itself_is_nobody_to_the_metadata_service(self):
        url = ("http://169.254.169.254/metadata/identity/oauth2/token?api-version=2018-02-01"
               "&resource=https://vault.azure.net")
        ask = ("curl", "-sS", "-H", "Metadata: true", url)
        self.assertIn("access_token", self.run_under(*ask).stdout)
        answer = self.run_under(*ask, name="loner", form="client-secret").stdout
        self.assertIn("Identity not found", answer)

    def test_secrets_stay_in_the_environment(self):
        """In no argument, no log, and no file that others may read."""
        script = "tr '\\0' ' ' < /proc/$$/cmdline; echo; env"
        secrets = []
        for name, form in (("app", "app-service"), ("keeper", "client-secret")):
            done = self.run_under("sh", "-c", script, name=name, form=form)
            first, *rest = done.stdout.split("\n")
            environment = dict(line.split("=", 1) for line in rest if "=" in line)
            proxy = urllib.parse.urlsplit(environment["HTTPS_PROXY"])
            found = [proxy.password, environment.get("IDENTITY_HEADER"),
                     environment.get("AZURE_CLIENT_SECRET")]
            secrets += [secret for secret in found if secret]
            self.assertFalse([secret for secret in secrets if secret in first])
            self.run_under("curl", "-sS", SECRET_URL, name=name, form=form)
        self.assertEqual(4, len(secrets))
        secrets.append("PRIVATE KEY-----")
        log = self.latchkey.everything_written()
        for secret in secrets:
            self.assertNotIn(secret, log)
            self.assertNotIn(base64.b64encode(secret.encode()).decode().rstrip("="), log)
        for folder, _, names in os.walk(self.latchkey.data):
            for name in names:
                path = os.path.join(folder, name)
                if not os.stat(path).st_mode & (stat.S_IRGRP | stat.S_IROTH):
                    continue
                with open(path, "rb") as file:
                    content = file.read()
                self.assertFalse([s for s in secrets if s.encode() in content], path)
