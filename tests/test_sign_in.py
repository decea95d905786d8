"""The sign-in pages in a real browser, with JavaScript and without, and by hand.

Pictures of the pages go to a folder for looking at: LATCHKEY_PICTURES, if it is set.
"""

import os
import pathlib
import re
import shutil
import subprocess
import unittest
import urllib.parse

import harness

NODE = shutil.which("node")
CHROMIUM = shutil.which("chromium")
INSTALLED = (harness.CLIENTS / "node_modules" / "playwright-core").is_dir()
PASSWORD = "correct horse battery"
PICTURES = pathlib.Path(os.environ.get("LATCHKEY_PICTURES") or harness.scratch_folder()).resolve()


class WithUsers(harness.WithLatchkey):
    def add_user(self, name):
        subprocess.run(
            [harness.BINARY, "user", "add", name, "--data", self.latchkey.data],
            env=harness.clean_environment(),
            input=PASSWORD + "\n",
            text=True,
            check=True,
            capture_output=True,
            timeout=harness.PATIENCE,
        )
        return name


@unittest.skipUnless(
    NODE and CHROMIUM and INSTALLED, "needs node, chromium and `npm ci --prefix tests/clients`"
)
class InChromium(WithUsers):
    def journey(self, name):
        """Each journey is a person of its own: limits count by name."""
        PICTURES.mkdir(parents=True, exist_ok=True)
        user = self.add_user(name.replace("/", "."))
        done = subprocess.run(
            [NODE, harness.CLIENTS / "browser.mjs", name, self.latchkey.api,
             self.latchkey.data / "outbox", user, PASSWORD, PICTURES],
            env=harness.clean_environment({"CHROMIUM": CHROMIUM}),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=harness.PATIENCE * 3,
        )
        self.assertEqual(0, done.returncode, done.stderr[-4000:])


class Journeys(InChromium):
    def test_the_whole_way_with_javascript(self):
        self.journey("with-script")

    def test_the_whole_way_without_javascript(self):
        self.journey("without-script")

    def test_the_whole_way_in_the_dark(self):
        self.journey("with-script/dark")

    def test_the_whole_way_on_a_phone(self):
        self.journey("with-script/phone")

    def test_the_keyboard_is_enough(self):
        self.journey("keyboard")

    def test_this_was_not_me(self):
        self.journey("not-me")

    def test_two_clicks_are_one_sign_in(self):
        self.journey("clicks")

    def test_new_codes_are_limited(self):
        self.journey("limits")


class Countdown(InChromium):
    options = ("--code-lifetime", "8s")

    def test_counts_to_the_end_of_the_code(self):
        self.journey("countdown")


class ByHand(WithUsers):
    """What the pages answer to somebody who is no browser."""

    def setUp(self):
        self.connection = harness.Connection(self.latchkey.api)
        self.addCleanup(self.connection.close)
        self.cookie = None
        self.token = None

    def ask(self, method, target, fields=None):
        headers = {"Cookie": self.cookie} if self.cookie else {}
        body = None
        if fields is not None:
            headers["Content-Type"] = "application/x-www-form-urlencoded"
            body = urllib.parse.urlencode({"csrf": self.token, **fields})
        answer = self.connection.call(method, target, body, headers)
        if answer.headers["Set-Cookie"]:
            self.cookie = answer.headers["Set-Cookie"].partition(";")[0]
        token = re.search(rb'name="csrf" value="([0-9a-f]{32})"', answer.body)
        if token:
            self.token = token[1].decode()
        return answer

    def test_the_outbox_shows_the_code_that_signs_in(self):
        user = self.add_user("alice")
        self.assertNotEqual(0, self.latchkey.command("outbox", user, check=False).returncode)
        self.ask("GET", "/sign-in")
        self.ask("POST", "/sign-in", {"name": user, "password": PASSWORD})
        self.ask("GET", "/sign-in/code")

        def shown():
            return harness.CODE_FORM.search(
                self.latchkey.command("outbox", user, check=False).stdout
            )

        code = harness.wait_until(shown, "the code in the outbox")[0]
        answer = self.ask("POST", "/sign-in/code", {"code": code})
        self.assertEqual((303, "/account"), (answer.status, answer.headers["Location"]))
        self.assertIn(b"<strong>alice</strong>", self.ask("GET", "/account").body)
        written = self.latchkey.everything_written()
        for secret in (code, PASSWORD, self.cookie.partition("=")[2]):
            self.assertNotIn(secret, written)

    def test_unknown_names_get_the_same_answers(self):
        seen = []
        for name in (self.add_user("carol"), "nobod"):
            self.cookie = self.token = None
            self.ask("GET", "/sign-in")
            posted = self.ask("POST", "/sign-in", {"name": name, "password": "wrong password"})
            page = self.ask("GET", "/sign-in/code")
            body = page.body.replace(self.token.encode(), b"").replace(name.encode(), b"NAME")
            # The countdown and the time of day may lie a second apart.
            body = re.sub(rb"\d+:\d\d(:\d\d UTC)?|\"\d+\"", b"", body)
            seen.append((posted.status, posted.headers["Location"], page.status, body))
        self.assertEqual(*seen)

    def test_without_the_forms_token_nothing_happens(self):
        self.ask("GET", "/sign-in")
        self.token = "0" * 32
        answer = self.ask("POST", "/sign-in", {"name": "alice", "password": PASSWORD})
        self.assertEqual(403, answer.status)

    def test_pages_may_not_be_framed_or_kept(self):
        answer = self.ask("GET", "/sign-in")
        self.assertIn("frame-ancestors 'none'", answer.headers["Content-Security-Policy"])
        self.assertEqual("no-store", answer.headers["Cache-Control"])


class SwitchedOff(unittest.TestCase):
    def test_without_the_setting_there_are_no_pages(self):
        cloud = harness.Latchkey(command="cloud")
        self.addCleanup(cloud.kill)
        api = harness.Part("serve", cloud, "api")
        self.addCleanup(api.kill)
        for target in ("/sign-in", "/account", "/assets/style.css"):
            self.assertEqual(404, harness.call("GET", api.api + target).status, target)
