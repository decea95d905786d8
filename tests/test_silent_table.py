"""A code table that takes connections and says nothing: everybody is told so while he waits, and
all goes on by itself when it answers again."""

import concurrent.futures
import time
import unittest

import azurite
import harness
import redis_server
from chaos import engines

# What a person waits for; less than a load balancer's patience.
ANSWER_WITHIN = 12.0


class SilentTable(unittest.TestCase):
    def check(self, name):
        cloud = harness.Latchkey(command="cloud")
        self.addCleanup(cloud.kill)
        table = engines.make_table(name, cloud)
        self.addCleanup(table.kill)
        serve = harness.Part("serve", cloud, "api", **table.settings)
        self.addCleanup(serve.kill)
        watch = harness.Part("watch", cloud, "watcher", **table.settings)
        self.addCleanup(watch.kill)
        code = serve.get_code()
        self.assertEqual(200, serve.verify_when_active(code).status)
        table.pause()
        asked = (
            lambda: harness.call("GET", serve.api + "/api/v1/getcode"),
            lambda: serve.verify(code),
            lambda: harness.call("GET", serve.api + "/readyz"),
        )
        begin = time.monotonic()
        with concurrent.futures.ThreadPoolExecutor() as pool:
            statuses = [answer.status for answer in pool.map(lambda ask: ask(), asked)]
        self.assertEqual([503, 503, 503], statuses)
        self.assertLess(time.monotonic() - begin, ANSWER_WITHIN)
        table.resume()
        again = harness.wait_until(lambda: self.code_of(serve), "the table")
        self.assertEqual(200, serve.verify_when_active(again).status)
        self.assertEqual(403, serve.verify(code).status)

    @staticmethod
    def code_of(serve):
        answer = harness.call("GET", serve.api + "/api/v1/getcode")
        return answer.json()["code"] if answer.status == 200 else None

    @unittest.skipUnless(redis_server.AVAILABLE, "needs redis-server")
    def test_redis(self):
        self.check("redis")

    @unittest.skipUnless(azurite.AVAILABLE, "needs node and `npm ci --prefix tests/clients`")
    def test_azure_table(self):
        self.check("azure-table")


if __name__ == "__main__":
    unittest.main()
