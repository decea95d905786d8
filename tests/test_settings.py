"""A wrong or missing setting ends the start with one line: its name, what was found, an example."""

import tempfile
import unittest

import harness

RIGHT = {
    "THIRD_PARTY_API_ENDPOINT": "http://localhost:1/api/RandomNumber",
    "THIRD_PARTY_API_SECRET_NAME": "third-party-api-key",
    "KEY_VAULT_URL": "https://latchkey.vault.localhost:1",
    "STORAGE_QUEUE_URL": "https://localhost:1/devstoreaccount1/code-requests",
}

# command, setting, what is found (None: unset), what the line must show beside the name
WRONG_SETTINGS = [
    ("serve", "THIRD_PARTY_API_ENDPOINT", None, "https://"),
    ("serve", "THIRD_PARTY_API_ENDPOINT", "localhost:7071", "localhost:7071"),
    ("serve", "THIRD_PARTY_API_ENDPOINT", "ftp://localhost/", "ftp://localhost/"),
    ("serve", "THIRD_PARTY_API_SECRET_NAME", None, "third-party-api-key"),
    ("serve", "KEY_VAULT_URL", None, "https://"),
    ("serve", "KEY_VAULT_URL", "http://a.vault.localhost", "http://a.vault.localhost"),
    ("serve", "KEY_VAULT_URL", "https://x.vault.localhost/secrets", "/secrets"),
    ("serve", "STORAGE_QUEUE_URL", None, "/code-requests"),
    ("serve", "STORAGE_QUEUE_URL", "https://localhost:10001", "https://localhost:10001"),
    ("serve", "STORAGE_QUEUE_URL", "http://localhost:1/devstoreaccount1/q-1", "https"),
    ("serve", "STORAGE_QUEUE_URL", "https://localhost:1/account/Not_A_Queue", "Not_A_Queue"),
    ("serve", "CODE_LIFETIME", "601s", "601s"),
    ("serve", "CODE_LIFETIME", "soon", "soon"),
    ("serve", "PORT", "http", "http"),
    ("serve", "PORT", "65536", "65536"),
    ("watch", "KEY_VAULT_URL", None, "https://"),
    ("watch", "STORAGE_QUEUE_URL", None, "/code-requests"),
    ("watch", "CODE_LIFETIME", "0s", "0s"),
    ("watch", "WATCH_REQUEUE", "toggle", "toggle"),
    ("number", "PORT", "-1", "-1"),
]

# command, option, what is found
WRONG_OPTIONS = [
    ("up", "--code-lifetime", "601s"),
    ("up", "--code-lifetime", "0.5s"),
    ("up", "--code-lifetime", "soon"),
    ("up", "--ports", "some"),
]


class Settings(unittest.TestCase):
    def refused(self, arguments, environment):
        with tempfile.TemporaryDirectory() as data:
            done = harness.run_latchkey(
                *arguments, "--data", data, check=False, environment=environment
            )
        self.assertEqual(2, done.returncode, done)
        self.assertEqual("", done.stdout)
        self.assertEqual(1, len(done.stderr.splitlines()), done.stderr)
        return done.stderr

    def test_a_wrong_or_missing_setting_is_named_with_what_was_found_and_an_example(self):
        for command, setting, found, shown in WRONG_SETTINGS:
            with self.subTest(command=command, setting=setting, found=found):
                environment = {**RIGHT, setting: found or ""}
                if found is None:
                    del environment[setting]
                line = self.refused([command], environment)
                self.assertIn(setting, line)
                self.assertIn(shown, line)
                self.assertRegex(line, f"Example: {setting}=.")

    def test_a_wrong_option_is_named_with_what_was_found(self):
        for command, option, found in WRONG_OPTIONS:
            with self.subTest(option=option, found=found):
                line = self.refused([command, option, found], {})
                self.assertIn(option, line)
                self.assertIn(found, line)

    def test_an_unknown_command_or_option_is_a_usage_error(self):
        for arguments in (["fetch"], ["up", "--prots", "auto"]):
            with self.subTest(arguments):
                done = harness.run_latchkey(*arguments, check=False)
                self.assertEqual(2, done.returncode, done)
                self.assertIn(arguments[-1 if len(arguments) == 1 else 1], done.stderr)

    def test_a_sas_in_a_wrong_url_is_not_shown(self):
        environment = {**RIGHT, "STORAGE_QUEUE_URL": "https://localhost:1/a?sig=verysecret"}
        self.assertNotIn("verysecret", self.refused(["serve"], environment))
