"""Debian's `az storage` on the live queue. A call takes a second or two: few calls, much asked."""

import json
import shutil
import subprocess
import tempfile
import unittest

import harness

QUEUE = "code-requests"


@unittest.skipUnless(shutil.which("az"), "needs Debian's azure-cli")
class AzCli(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        # Without a watcher, so that messages stay where az can see them: the local cloud and the
        # API as two processes, as they are in Azure.
        cls.cloud = harness.Latchkey(command="cloud")
        cls.addClassCleanup(cls.cloud.kill)
        cls.environment = cls.cloud.environment_of("app")
        cls.serve = harness.Part("serve", cls.cloud, "api")
        cls.addClassCleanup(cls.serve.kill)
        folder = tempfile.TemporaryDirectory(prefix="latchkey-az-")
        cls.addClassCleanup(folder.cleanup)
        cls.environment["AZURE_CONFIG_DIR"] = folder.name
        cls.environment["AZURE_CORE_COLLECT_TELEMETRY"] = "no"

    def az(self, *arguments):
        done = subprocess.run(
            ["az", "storage", *arguments, "--output", "json"],
            env=harness.clean_environment(self.environment),
            capture_output=True,
            text=True,
            timeout=120,
        )
        self.assertEqual(0, done.returncode, done.stderr)
        return json.loads(done.stdout or "null")

    def test_sees_the_codes_messages_takes_and_clears_them(self):
        queues = [queue["name"] for queue in self.az("queue", "list")]
        self.assertIn(QUEUE, queues)

        issued = [harness.call("GET", self.serve.api + "/api/v1/getcode").json() for _ in range(3)]
        peeked = self.az("message", "peek", "--queue-name", QUEUE, "--num-messages", "32")
        self.assertEqual(issued, [json.loads(message["content"]) for message in peeked])

        taken = self.az("message", "get", "--queue-name", QUEUE)
        self.assertEqual(issued[:1], [json.loads(message["content"]) for message in taken])
        self.assertEqual(1, taken[0]["dequeueCount"])
        self.assertTrue(taken[0]["popReceipt"])

        self.az("message", "put", "--queue-name", QUEUE, "--content", "by hand")
        peeked = self.az("message", "peek", "--queue-name", QUEUE, "--num-messages", "32")
        self.assertEqual("by hand", peeked[-1]["content"])
        self.assertEqual(3, len(peeked), "the one that was taken is hidden")

        self.az("message", "clear", "--queue-name", QUEUE)
        self.assertEqual([], self.az("message", "peek", "--queue-name", QUEUE))

    def test_sees_the_same_with_the_emulators_own_settings(self):
        # `UseDevelopmentStorage=true` means port 10001; with another port all is written out.
        endpoint = self.cloud.endpoints["queue"].replace("https:", "http:")
        key = harness.read_connection_string(self.environment["AZURE_STORAGE_CONNECTION_STRING"])
        written_out = (
            "DefaultEndpointsProtocol=http;AccountName=devstoreaccount1;"
            f"AccountKey={key['AccountKey']};QueueEndpoint={endpoint};"
        )
        queues = self.az("queue", "list", "--connection-string", written_out)
        self.assertIn(QUEUE, [queue["name"] for queue in queues])
