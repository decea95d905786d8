"""Our queue client against Azurite, and against the local cloud: the same commands, the same
results. What differs between the two on purpose is not asked here (see docs)."""

import re
import unittest

import azurite
import harness
import storage

# Each with the exit code that it must have.
SCRIPT = [
    (0, "create"),
    (0, "create"),  # fine when it is there
    (0, "stats"),
    (0, "put", "first"),
    (0, "put", "<second> & 'third' \u00e4\u2713"),
    (0, "put", '{"code":"abc-1-abc","timestamp":"2020-04-15 16:54:48.816549"}'),
    (0, "stats"),
    (0, "peek"),
    (0, "get"),
    (0, "stats"),
    (0, "peek"),
    (0, "clear"),
    (0, "stats"),
    (0, "peek"),
    (0, "get"),
    (0, "delete"),
    (1, "stats"),
    (1, "put", "to a queue that is gone"),
]


@unittest.skipUnless(azurite.AVAILABLE, "needs node and `npm ci --prefix tests/clients`")
class WithAzurite(unittest.TestCase):
    maxDiff = None

    @classmethod
    def setUpClass(cls):
        cls.azurite = azurite.Azurite("queue")
        cls.addClassCleanup(cls.azurite.kill)
        cls.cloud = harness.Latchkey(command="cloud")
        cls.addClassCleanup(cls.cloud.kill)

    def test_gives_the_same_results_as_the_local_cloud(self):
        local_url = self.cloud.endpoints["queue"].replace("https:", "http:")
        theirs = self.run_script(self.azurite.url)
        ours = self.run_script(local_url)
        for step, their, our in zip(SCRIPT, theirs, ours):
            with self.subTest(step):
                self.assertEqual(step[0], their[0], their)
                self.assertEqual(their, our)

    def run_script(self, endpoint):
        connection = (
            f"DefaultEndpointsProtocol=http;AccountName={storage.ACCOUNT};"
            f"AccountKey={storage.KEY};QueueEndpoint={endpoint};"
        )
        return [self.queue_command(step[1:], connection) for step in SCRIPT]

    @staticmethod
    def queue_command(words, connection):
        done = harness.run_latchkey(
            "queue", *words, "--queue", "by-our-client", "--json", check=False,
            environment={"AZURE_STORAGE_CONNECTION_STRING": connection},
        )
        return done.returncode, without_what_differs(done.stdout), without_what_differs(done.stderr)


def without_what_differs(text):
    """Ids, receipts, times and the server's own words differ from call to call."""
    text = re.sub(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", "ID", text)
    text = re.sub(r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(\.\d+)?Z?", "TIME", text)
    return re.sub(r"(?<![A-Za-z0-9+/])[A-Za-z0-9+/]{20,}={0,2}", "RECEIPT", text)
