"""How a copy of the API takes its leave: unready first, then no more requests, then the end."""

import signal
import unittest

import harness


class Stopping(unittest.TestCase):
    def test_a_copy_that_is_to_end_answers_on_while_the_load_balancer_looks_away(self):
        cloud = harness.Latchkey(command="cloud")
        self.addCleanup(cloud.kill)
        serve = harness.Part("serve", cloud, "api", DRAIN_DELAY="3s")
        self.addCleanup(serve.kill)
        kept = harness.Connection(serve.api)
        self.assertEqual(200, kept.call("GET", "/readyz").status)

        serve.child.send_signal(signal.SIGTERM)
        harness.wait_until(
            lambda: harness.call("GET", serve.api + "/readyz").status == 503, "the leave"
        )
        # The last answer on a kept connection ends it, so that no request runs into a closed one.
        answer = kept.call("GET", "/api/v1/getcode")
        self.assertEqual((200, "close"), (answer.status, answer.headers["Connection"]))
        self.assertEqual(200, harness.call("GET", serve.api + "/healthz").status)
        self.assertTrue(serve.running())
        self.assertEqual(0, serve.child.wait(harness.PATIENCE))


if __name__ == "__main__":
    unittest.main()
