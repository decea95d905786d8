"""`latchkey queue`: what az storage queue and az storage message do, at the local cloud's hand."""

import json
import unittest

import harness


class QueueCommand(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.cloud = harness.Latchkey(
            "--account", "warehouse", "--queue-deletion-window", "600", command="cloud"
        )
        cls.addClassCleanup(cls.cloud.kill)

    def queue(self, action, *arguments, queue="orders", check=True, **how):
        return self.cloud.command("queue", action, *arguments, "--queue", queue, check=check, **how)

    def taken(self, queue="orders"):
        return json.loads(self.queue("get", "--json", queue=queue).stdout)

    def test_a_message_is_put_taken_changed_and_deleted(self):
        self.queue("create")
        self.queue("put", "first", "--time-to-live", "-1")
        (message,) = self.taken()
        self.assertEqual("first", message["content"])
        self.assertTrue(message["expirationTime"].startswith("9999-"), message)
        self.assertEqual([], self.taken(), "taken messages stay hidden")

        held = (message["id"], message["popReceipt"])
        changed = json.loads(self.queue("update", *held, "--text", "second", "--json").stdout)
        (again,) = self.taken()
        self.assertEqual(("second", 2), (again["content"], again["dequeueCount"]))

        stale = self.queue("remove", changed["id"], changed["popReceipt"], check=False)
        self.assertEqual(1, stale.returncode, "that receipt died when the message was taken again")
        self.queue("remove", again["id"], again["popReceipt"])
        self.assertIn("messages   0", self.queue("stats").stdout)

    def test_a_text_from_standard_input_stands_in_no_process_list(self):
        self.queue("create", queue="inbox")
        self.queue("put", "-", "--visibility-timeout", "0", queue="inbox", input="from a pipe")
        self.assertIn("from a pipe", self.queue("peek", queue="inbox").stdout)
        self.queue("clear", queue="inbox")
        self.assertNotIn("from a pipe", self.queue("peek", queue="inbox").stdout)

    def test_another_account_has_queues_of_its_own(self):
        there = ("--account", "warehouse")
        self.queue("create", *there, queue="shelf-b")
        self.queue("create", *there, queue="shelf-a")
        self.queue("create", *there, queue="other")
        self.assertEqual(["other", "shelf-a", "shelf-b"],
                         self.queue("list", *there).stdout.split())
        listed = json.loads(self.queue("list", *there, "--prefix", "shelf", "--json").stdout)
        self.assertEqual([{"name": "shelf-a"}, {"name": "shelf-b"}], listed)
        self.assertNotIn("shelf-a", self.queue("list").stdout.split())

    def test_a_deleted_name_stays_taken_for_the_deletion_window(self):
        self.queue("create", queue="short-lived")
        self.queue("delete", queue="short-lived")
        again = self.queue("create", queue="short-lived", check=False)
        self.assertEqual(1, again.returncode)
        self.assertIn("being deleted", again.stderr)

    def test_wrong_calls_say_what_is_allowed(self):
        for arguments, said in (
            (("stats", "--queue", "No_Queue"), "3 to 63 lower-case letters"),
            (("stats", "--queue", "missing"), "does not exist"),
            (("get", "--count", "33"), "range 1 to 32"),
            (("get", "--visibility-timeout", "0"), "range 1 to 604800"),
            (("remove", "id-alone"), "pop_receipt"),
            (("list", "--account", "nowhere"), "the account's queues: The specified res"),
        ):
            with self.subTest(arguments):
                refused = self.cloud.command("queue", *arguments, check=False)
                self.assertNotEqual(0, refused.returncode)
                self.assertIn(said, refused.stderr + refused.stdout)


if __name__ == "__main__":
    unittest.main()
