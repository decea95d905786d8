"""`latchkey clock`: ten minutes of the local cloud pass at once."""

import email.utils
import json
import time
import unittest

import harness
import vault


class Clock(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.cloud = harness.Latchkey("--test-controls", command="cloud")
        cls.addClassCleanup(cls.cloud.kill)
        cls.settings = cls.cloud.environment_of("app")

    def setUp(self):
        self.addCleanup(self.clock, "reset")

    def clock(self, *move, check=True):
        return self.cloud.command("clock", *move, check=check)

    def queue(self, *arguments):
        return self.cloud.command("queue", *arguments)

    def texts(self):
        return [row["content"] for row in json.loads(self.queue("peek", "--json").stdout)]

    def test_a_hidden_message_comes_back_at_once(self):
        self.queue("put", "hidden", "--visibility-timeout", "600")
        self.clock("+9m")
        self.assertNotIn("hidden", self.texts())
        self.clock("+1m")
        self.assertIn("hidden", self.texts())

    def test_a_messages_life_ends_at_once(self):
        self.queue("put", "mortal", "--time-to-live", "300")
        self.assertIn("mortal", self.texts())
        self.clock("+5m")
        self.assertNotIn("mortal", self.texts())

    def test_tokens_end_and_new_ones_are_good(self):
        secrets = vault.Vault(self.cloud, self.settings)
        bearer = vault.token(self.settings, vault.VAULT)
        self.assertEqual(200, secrets.call("GET", "code-pepper", bearer).status)
        self.clock("+25h")
        self.assertEqual(401, secrets.call("GET", "code-pepper", bearer).status)
        bearer = vault.token(self.settings, vault.VAULT)
        self.assertEqual(200, secrets.call("GET", "code-pepper", bearer).status)

    def test_dates_of_answers_move_forward_and_back(self):
        def offset():
            date = harness.call("GET", self.settings["IDENTITY_ENDPOINT"]).headers["Date"]
            return email.utils.parsedate_to_datetime(date).timestamp() - time.time()

        self.clock("+1h")
        self.assertAlmostEqual(3600, offset(), delta=5)
        self.clock("-2h")
        self.assertAlmostEqual(-3600, offset(), delta=5)
        self.clock("reset")
        self.assertAlmostEqual(0, offset(), delta=5)

    def test_what_it_says(self):
        self.assertIn("the machine's time", self.clock().stdout)
        self.assertIn("10m ahead of the machine's time", self.clock("+10m").stdout)
        self.assertIn("595s ahead of", self.clock("-5s").stdout)
        self.assertIn("595s ahead of", self.clock("show").stdout)
        for wrong in ("soon", "10", "+367d", "-"):
            refused = self.clock(wrong, check=False)
            self.assertEqual(2, refused.returncode, (wrong, refused))


class ClockOfUp(unittest.TestCase):
    def test_the_products_own_clock_stays_and_it_notices_the_difference(self):
        latchkey = harness.Latchkey("--test-controls")
        self.addCleanup(latchkey.kill)
        ready = latchkey.api + "/readyz"
        harness.wait_until(lambda: harness.call("GET", ready).status == 200, "readiness")
        latchkey.command("clock", "+10m")
        harness.wait_until(lambda: harness.call("GET", ready).status == 503, "the alarm")
        self.assertIn("clock", harness.call("GET", ready).body.decode())
        latchkey.command("clock", "reset")
        harness.wait_until(lambda: harness.call("GET", ready).status == 200, "readiness again")
        latchkey.verify_when_active(latchkey.get_code())
