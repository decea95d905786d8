"""The function apps of deploy/functions as they are packaged, on the local functions host."""

import contextlib
import datetime
import functools
import json
import shutil
import sqlite3
import subprocess
import sys
import unittest
import zipfile

import harness
import storage
import vault

QUEUE = "code-requests"
IDENTITY = "codes-app"
# As deploy/functions/README.md gives them.
ROLES = (
    ("Storage Queue Data Contributor", "--queue", QUEUE),
    ("Storage Queue Data Contributor", "--queue", QUEUE + "-poison"),
    ("Key Vault Secrets User", "--secret", "third-party-api-key"),
    ("Key Vault Secrets User", "--secret", "code-pepper"),
)


@functools.cache
def packages():
    """Both, made once: it takes seconds."""
    made = harness.scratch_folder()
    for app in ("app", "number"):
        subprocess.run(
            [sys.executable, harness.ROOT / "deploy" / "functions" / "package.py", app,
             "--binary", harness.BINARY, "--output", made],
            check=True, stdout=subprocess.DEVNULL,
        )
    return made


def rows(table):
    with contextlib.closing(sqlite3.connect(table)) as opened:
        return opened.execute("SELECT count(*) FROM codes").fetchone()[0]


class WithApps(unittest.TestCase):
    """Both apps as they are packaged, on the local functions host, as an identity that has no more
    roles than it needs."""

    settings = {}

    @classmethod
    def setUpClass(cls):
        folders = harness.scratch_folder()
        for app in ("app", "number"):
            shutil.copytree(packages() / app, folders / app)
        cls.change(folders / "app")
        cls.table = harness.scratch_folder() / "codes.db"
        cls.cloud = harness.Latchkey(
            "--functions-app", f"{folders / 'app'}={IDENTITY}",
            "--functions-app", folders / "number",
            command="cloud",
            environment={"CODE_TABLE_FILE": str(cls.table), **cls.settings},
        )
        cls.addClassCleanup(cls.cloud.kill)
        for role, *scope in ROLES:
            cls.cloud.command("role", "assign", "--assignee", IDENTITY, "--role", role, *scope)
        cls.queue = storage.account_of(cls.cloud).queue(QUEUE)
        cls.poison = storage.account_of(cls.cloud).queue(QUEUE + "-poison")
        cls.key = (
            vault.Management(cls.cloud, "operator")
            .call("POST", "Microsoft.Web/sites/app/host/default/listkeys")
            .json()["functionKeys"]["default"]
        )

    @classmethod
    def change(cls, folder):
        """What a test changes in the app's files."""

    def call(self, method, path, key=None, json_body=None):
        return harness.call(
            method, self.cloud.endpoints["functions"] + path, json_body=json_body,
            headers={"x-functions-key": key or self.key},
        )

    def put(self, message):
        self.queue.put(json.dumps(message).encode())

    def get_code(self):
        answer = self.call("GET", "/api/v1/getcode")
        self.assertEqual(200, answer.status, f"{answer}\n{self.cloud.log()[-4000:]}")
        return answer.json()

    def verify(self, code):
        return self.call("POST", "/api/v1/verify", json_body={"code": code})

    def verify_when_active(self, code):
        def verdict():
            answer = self.verify(code)
            return None if answer.status == 409 else answer

        return harness.wait_until(verdict, "the code to become active")


class FunctionApp(WithApps):
    settings = {"CODE_LIFETIME": "4s"}

    def test_a_code_lives_from_binding_to_trigger_and_is_forgotten(self):
        issued = self.get_code()
        self.assertRegex(issued["code"], harness.CODE_FORM)
        self.assertEqual(200, self.verify_when_active(issued["code"]).status)
        self.assertEqual(403, self.verify(issued["code"]).status)
        harness.wait_until(lambda: self.queue.count() == 0, "the second trigger")
        harness.wait_until(lambda: rows(self.table) == 0, "the row to go")
        self.assertEqual(0, self.poison.count())

    def test_the_forwarded_calls_are_the_apis_own(self):
        made = self.call("POST", "/api/v1/codes", json_body={"subject": "ada", "purpose": "x"})
        self.assertEqual(201, made.status, made)
        shown = self.call("GET", made.headers["Location"])
        self.assertEqual((200, "ada"), (shown.status, shown.json()["subject"]))
        self.assertEqual(200, self.call("POST", made.headers["Location"] + "/revoke").status)
        revoked = self.call("POST", "/api/v1/codes/revoke", json_body={"subject": "ada"})
        self.assertEqual(200, revoked.status, revoked)

    def test_a_wrong_key_is_401_with_an_empty_body(self):
        for method, path in (("GET", "/api/v1/getcode"), ("POST", "/api/v1/verify"),
                             ("GET", "/api/RandomNumber")):
            answer = self.call(method, path, key="wrong", json_body={})
            self.assertEqual((401, b""), (answer.status, answer.body), path)
        self.assertIn(self.call("GET", "/api/RandomNumber").json()["value"], range(1, 1001))

    def test_a_message_twice_is_harmless(self):
        issued = self.get_code()
        self.put(issued)
        self.assertEqual(200, self.verify_when_active(issued["code"]).status)
        harness.wait_until(lambda: self.queue.count() == 0, "both messages to go")
        self.assertEqual(0, self.poison.count())

    def test_a_message_that_is_not_ours_is_put_aside_at_once(self):
        self.queue.put(b"hello")
        harness.wait_until(lambda: self.poison.peek() == ["hello"], "the poison queue")
        harness.wait_until(lambda: self.queue.count() == 0, "the message to go")
        self.poison.call("DELETE", "/messages")


class TableDown(WithApps):
    # A code that only the queue knows, so that it is surely not valid before the table is back.
    settings = {"ACCEPT_UNISSUED_CODES": "true"}

    def test_the_message_comes_again_when_the_table_is_back(self):
        now = datetime.datetime.now(datetime.timezone.utc)
        message = {"code": "abc-123-def", "timestamp": now.strftime("%Y-%m-%d %H:%M:%S.%f")}
        with contextlib.closing(sqlite3.connect(self.table, isolation_level=None)) as other:
            other.execute("BEGIN IMMEDIATE")  # Nobody else can write.
            self.put(message)
            refused = self.call("GET", "/api/v1/getcode")
            self.assertEqual(503, refused.status, refused)
            harness.wait_until(lambda: "step=code_table" in self.cloud.log(), "a failing visit")
            other.execute("ROLLBACK")
        harness.wait_until(lambda: rows(self.table) == 1, "the message to come again")
        self.assertEqual(200, self.verify(message["code"]).status)
        self.assertEqual(0, self.poison.count())


@unittest.skipUnless(shutil.which("az"), "needs Debian's azure-cli")
class SeenByAz(WithApps):
    settings = {"AzureWebJobs.watch.Disabled": "true"}

    def peek(self):
        environment = harness.clean_environment(self.cloud.environment_of("app"))
        environment["AZURE_CONFIG_DIR"] = str(harness.scratch_folder())
        done = subprocess.run(
            ["az", "storage", "message", "peek", "--queue-name", QUEUE, "--num-messages", "32",
             "--output", "json"],
            env=environment, capture_output=True, text=True, timeout=120,
        )
        self.assertEqual(0, done.returncode, done.stderr)
        return [json.loads(message["content"]) for message in json.loads(done.stdout)]

    def test_az_sees_what_the_output_binding_put(self):
        issued = self.get_code()
        self.assertEqual([issued], self.peek())


class Packages(unittest.TestCase):
    def test_the_same_input_makes_the_same_zip_without_local_settings(self):
        again = harness.scratch_folder()
        made = packages() / "number.zip"
        subprocess.run(
            [sys.executable, harness.ROOT / "deploy" / "functions" / "package.py", "number",
             "--binary", harness.BINARY, "--output", again],
            check=True, stdout=subprocess.DEVNULL,
        )
        self.assertEqual(made.read_bytes(), (again / "number.zip").read_bytes())
        with zipfile.ZipFile(made) as opened:
            names = opened.namelist()
            modes = {name: opened.getinfo(name).external_attr >> 16 & 0o777 for name in names}
        self.assertIn("RandomNumber/function.json", names)
        self.assertFalse([name for name in names if "settings" in name])
        self.assertEqual((0o755, 0o755), (modes["bin/ld.so"], modes["bin/latchkey"]))

    def test_it_needs_no_library_of_the_machine(self):
        """Its own loader finds everything in its own folder."""
        folder = packages() / "number"
        listed = subprocess.run(
            ["bin/ld.so", "--library-path", "bin/lib", "--list", "bin/latchkey"],
            cwd=folder, check=True, capture_output=True, text=True,
        ).stdout
        files = [line.split("=>")[1].split()[0] for line in listed.splitlines() if "=>" in line]
        self.assertTrue(files)
        self.assertFalse([file for file in files if not file.startswith("bin/")], listed)


class OwnClient(WithApps):
    """Without the output binding the host forwards the request, and our own client puts."""

    settings = {"AzureWebJobs.watch.Disabled": "true"}

    @classmethod
    def change(cls, folder):
        file = folder / "getcode" / "function.json"
        function = json.loads(file.read_text())
        function["bindings"] = [one for one in function["bindings"] if one["name"] != "msg"]
        file.write_text(json.dumps(function))

    def test_the_message_is_the_same(self):
        issued = self.get_code()
        self.assertEqual([issued], [json.loads(text) for text in self.queue.peek()])
