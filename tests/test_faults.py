"""`latchkey fault`: what the local cloud's services suffer on purpose, and how clients take it."""

import http.client
import json
import time
import unittest

import harness
import sdk_behaviour
import vault
from test_python_sdk import missing_packages

SECRET = "third-party-api-key"


class WithControls(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.cloud = harness.Latchkey("--test-controls", command="cloud")
        cls.addClassCleanup(cls.cloud.kill)
        cls.settings = cls.cloud.environment_of("app")

    def setUp(self):
        self.addCleanup(self.fault, "clear")

    def fault(self, *arguments, check=True):
        return self.cloud.command("fault", *arguments, check=check)

    def hits(self, service):
        faults = json.loads(self.fault("list", "--json").stdout)["value"]
        return sum(fault["hits"] for fault in faults if fault["service"] == service)

    def read_secret(self):
        bearer = vault.token(self.settings, vault.VAULT)
        return vault.Vault(self.cloud, self.settings).call("GET", SECRET, bearer)


class Faults(WithControls):
    def test_a_fault_is_planned_shown_met_and_taken_back(self):
        self.assertEqual("no faults\n", self.fault("list").stdout)
        told = self.fault("set", "vault", "429", "--retry-after", "7").stdout
        self.assertIn("latchkey fault clear vault", told)
        answer = self.read_secret()
        self.assertEqual((429, "7"), (answer.status, answer.headers["Retry-After"]))
        self.assertEqual("Throttled", answer.json()["error"]["code"])
        self.assertIn("Retry-After 7", self.fault("list").stdout)
        self.fault("clear", "vault")
        self.assertEqual(200, self.read_secret().status)

    def test_a_dropped_connection_has_no_answer_on_plain_and_on_tls(self):
        self.fault("set", "functions", "drop")
        self.fault("set", "vault", "drop")
        with self.assertRaises((http.client.BadStatusLine, ConnectionError)):
            harness.call("GET", self.cloud.endpoints["functions"] + "/api/RandomNumber")
        with self.assertRaises((http.client.BadStatusLine, ConnectionError, OSError)):
            self.read_secret()
        self.assertEqual((1, 1), (self.hits("functions"), self.hits("vault")))

    def test_a_broken_identity_service_does_not_keep_the_operator_from_mending_it(self):
        self.fault("set", "identity", "503")
        answer = vault.ask_for_token(self.settings, vault.VAULT)
        self.assertEqual((503, 503), (answer.status, answer.json()["statusCode"]))
        self.fault("clear", "identity")
        self.assertEqual(200, vault.ask_for_token(self.settings, vault.VAULT).status)

    def test_the_management_plane_fails_but_for_the_controls(self):
        self.fault("set", "management", "500")
        refused = self.cloud.command("role", "list", check=False)
        self.assertEqual(1, refused.returncode, refused)
        self.fault("clear")
        self.cloud.command("role", "list")

    def test_our_queue_client_survives_each_fault(self):
        queue = ("--queue", "code-requests")
        for kind in ("429", "500", "503", "drop", "expired-token"):
            with self.subTest(kind):
                self.fault("set", "queue", kind, "--count", "1")
                self.cloud.command("queue", "put", kind, *queue)
                self.assertEqual(1, self.hits("queue"))
                self.fault("clear")

    def test_slow_is_late_by_the_delay(self):
        self.fault("set", "vault", "slow", "--delay", "400ms")
        before = time.monotonic()
        self.assertEqual(200, self.read_secret().status)
        self.assertGreaterEqual(time.monotonic() - before, 0.4)

    def test_a_token_service_that_gives_ended_tokens(self):
        self.fault("set", "identity", "expired-token", "--count", "1")
        self.assertEqual(401, self.read_secret().status)
        self.assertEqual(200, self.read_secret().status)

    def test_what_cannot_be_is_refused_in_words(self):
        for wrong, said in ((("vault", "418"), "expired-token"), (("oven", "429"), "management"),
                            (("vault", "503", "--rate", "2"), "0.5"),
                            (("functions", "expired-token"), "keys"),
                            (("vault", "slow", "--delay", "soon"), "delay")):
            with self.subTest(wrong):
                refused = self.fault("set", *wrong, check=False)
                self.assertEqual(2, refused.returncode, refused)
                self.assertIn(said, refused.stderr)


@unittest.skipIf(missing_packages(), f"python3-azure lacks {missing_packages()}")
class PythonSdk(WithControls):
    """Azure's own client meets what it would meet in Azure."""

    def client(self):
        made = sdk_behaviour.Client(
            ["/usr/bin/python3", str(harness.CLIENTS / "client.py")], self.settings
        )
        self.addCleanup(made.close)
        return made

    def assert_reads(self, client):
        answer = client.ask("read-secret", SECRET)
        self.assertTrue(answer.get("value"), answer)

    def test_it_waits_when_the_vault_throttles(self):
        client = self.client()
        self.assert_reads(client)
        self.fault("set", "vault", "429", "--count", "2", "--retry-after", "1")
        before = time.monotonic()
        self.assert_reads(client)
        self.assertGreaterEqual(time.monotonic() - before, 2, "Retry-After is heeded")
        self.assertEqual(2, self.hits("vault"))

    def test_it_survives_500_503_drop_and_slow(self):
        client = self.client()
        for fault in (("500",), ("503",), ("drop",), ("slow", "--delay", "500ms")):
            with self.subTest(fault):
                self.fault("set", "vault", *fault, "--count", "1")
                self.assert_reads(client)
                self.assertEqual(1, self.hits("vault"))
                self.fault("clear")

    def test_it_fetches_anew_when_its_token_has_ended(self):
        self.fault("set", "identity", "expired-token", "--count", "1")
        client = self.client()
        client.ask("read-secret", SECRET)  # With the ended token: the vault may refuse it.
        self.assert_reads(client)
        self.assertEqual(1, self.hits("identity"))


class Off(unittest.TestCase):
    def test_without_test_controls_all_is_refused(self):
        cloud = harness.Latchkey(command="cloud")
        self.addCleanup(cloud.kill)
        for command in (("fault", "list"), ("fault", "set", "vault", "503"), ("fault", "clear"),
                        ("clock", "show"), ("clock", "+10m"), ("clock", "reset")):
            with self.subTest(command):
                refused = cloud.command(*command, check=False)
                self.assertEqual(1, refused.returncode, refused)
                self.assertIn("--test-controls", refused.stderr)
        self.assertNotIn("test_controls_on", cloud.log())

    def test_that_they_are_on_is_said_at_the_start_and_forgotten_at_the_end(self):
        cloud = harness.Latchkey("--test-controls", command="cloud")
        self.addCleanup(cloud.kill)
        self.assertIn("test_controls_on", cloud.log())
        self.assertIn("test controls", cloud.output())
        cloud.command("fault", "set", "vault", "503")
        cloud.command("clock", "+1h")
        cloud.stop()
        again = harness.Latchkey("--test-controls", command="cloud", data=cloud.data)
        self.addCleanup(again.kill)
        self.assertEqual("no faults\n", again.command("fault", "list").stdout)
        self.assertIn("the machine's time", again.command("clock").stdout)
