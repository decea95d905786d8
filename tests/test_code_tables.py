"""The code table in Redis: the conformance test of all tables, and the shipped binary over it when
Redis refuses, is away, or comes back. (What a table must do stands in src/codes/table_*_test.cpp.)"""

import re
import socket
import unittest

import authority
import harness
import redis_server
import table_conformance
import vault
from redis_server import RedisServer

# What docs/redis.md tells people to allow, word for word.
PERMISSIONS = re.search(
    r"ACL SETUSER latchkey on >PASSWORD (.*)", (harness.ROOT / "docs" / "redis.md").read_text()
)[1].split()


class Redis(RedisServer):
    def command(self, *words):
        """One command in the inline form; its answer's first line."""
        with socket.create_connection(("127.0.0.1", self.port), harness.PATIENCE) as connection:
            connection.sendall(" ".join(words).encode() + b"\r\n")
            return connection.recv(65536).decode().strip()


@unittest.skipUnless(redis_server.AVAILABLE and table_conformance.PROGRAM,
                     "needs redis-server and codes_tests")
class RedisConformance(unittest.TestCase):
    def redis(self, *options, **how):
        redis = Redis(*options, **how)
        self.addCleanup(redis.kill)
        return redis

    def test_in_clear_text_again_and_again_and_nothing_stays_for_ever(self):
        redis = self.redis()
        for _ in range(2):
            table_conformance.run(redis.url)
        kept_for_ever = redis.command(
            "EVAL", "\"local found = {} for _, name in ipairs(redis.call('KEYS', '*')) do",
            "if redis.call('PTTL', name) < 0 then found[#found + 1] = name end end",
            "return table.concat(found, ' ')\"", "0")
        self.assertEqual(["{latchkey}:expiries"], kept_for_ever.split()[1:])

    def test_in_another_database_with_a_replica_that_must_have_every_change(self):
        redis = self.redis()
        self.redis("--replicaof", "127.0.0.1", str(redis.port))
        synchronised = lambda: "state=online" in redis.command("INFO", "replication")
        harness.wait_until(synchronised, "the replica")
        table_conformance.run(redis.url[:-1] + "3?replicas=1")

    @unittest.skipUnless(authority.OPENSSL, "needs openssl")
    def test_through_tls_as_a_user_who_may_do_only_what_is_needed(self):
        folder = harness.scratch_folder()
        authority.certificates(folder)
        (folder / "users.acl").write_text(
            "user default off\nuser latchkey on >pass-word " + " ".join(PERMISSIONS) + "\n")
        redis = self.redis(
            "--tls-cert-file", folder / "server.pem", "--tls-key-file", folder / "server.key",
            "--tls-ca-cert-file", folder / "ca.pem", "--tls-auth-clients", "no",
            "--aclfile", folder / "users.acl", tls=True)
        table_conformance.run(f"rediss://latchkey:pass-word@127.0.0.1:{redis.port}/0",
                              SSL_CERT_FILE=str(folder / "ca.pem"))


@unittest.skipUnless(redis_server.AVAILABLE, "needs redis-server")
class CodesInRedis(unittest.TestCase):
    """serve and watch over one Redis, which comes to harm."""

    @classmethod
    def setUpClass(cls):
        cls.cloud = harness.Latchkey(command="cloud")
        cls.addClassCleanup(cls.cloud.kill)

    def setUp(self):
        self.redis = Redis()
        self.addCleanup(lambda: self.redis.kill())

    def part(self, command, identity, **settings):
        part = harness.Part(command, self.cloud, identity,
                            **{"CODE_TABLE_URL": self.redis.url, **settings})
        self.addCleanup(part.kill)
        return part

    def parts(self, **settings):
        return self.part("serve", "api", **settings), self.part("watch", "watcher", **settings)

    @staticmethod
    def readiness_of(api):
        return harness.call("GET", api.api + "/readyz")

    def test_a_restart_forgets_nothing(self):
        api, watcher = self.parts()
        used, valid = api.get_code(), api.get_code()
        self.assertEqual(200, api.verify_when_active(used).status)
        self.assertEqual(403, api.verify(used).status)
        harness.wait_until(lambda: self.active_codes() >= 1, "the second code to become active")
        self.redis.kill()
        answer = api.verify(valid)
        self.assertEqual(503, answer.status, answer)
        self.redis.start()
        harness.wait_until(lambda: self.readiness_of(api).status == 200, "the API to be ready")
        self.assertEqual(403, api.verify(used).status)
        self.assertEqual(200, api.verify_when_active(valid).status)
        self.assertEqual(200, api.verify_when_active(api.get_code()).status)
        self.assertEqual((0, 0), (api.stop(), watcher.stop()))
        self.assertNotIn(used, api.everything_written() + watcher.everything_written())

    def active_codes(self):
        keys = re.findall(r"\{latchkey\}:code:\w+", self.redis.command("KEYS", "*:code:*"))
        return sum("1" == self.redis.command("HGET", key, "state").split("\r\n")[-1]
                   for key in keys)

    def test_without_it_everything_starts_and_says_what_is_missing(self):
        self.redis.kill()
        api, watcher = self.parts()
        ready = self.readiness_of(api)
        self.assertEqual(503, ready.status)
        table = next(it for it in ready.json()["checks"] if it["name"] == "table")
        self.assertFalse(table["ok"])
        self.assertIn(f"127.0.0.1:{self.redis.port} refused the connection", table["problem"])
        for answer in (harness.call("GET", api.api + "/api/v1/getcode"),
                       harness.call("POST", api.api + "/api/v1/codes", json_body={}),
                       api.verify("abc-161-def")):
            self.assertEqual(503, answer.status, answer)
            self.assertNotIn(b"127.0.0.1", answer.body)
        self.redis.start()
        harness.wait_until(lambda: self.readiness_of(api).status == 200, "the API to be ready")
        self.assertEqual(200, api.verify_when_active(api.get_code()).status)
        self.assertEqual((True, True), (api.running(), watcher.running()))

    def test_another_machine_in_clear_text_is_warned_of(self):
        api = self.part("serve", "api", CODE_TABLE_URL="redis://redis.invalid")
        self.assertIn("table_in_clear_text", api.log())
        self.assertIn("redis.invalid:6379", str(self.readiness_of(api).json()))

    def test_a_watcher_without_it_takes_no_messages(self):
        api, watcher = self.parts()
        harness.wait_until(lambda: api.verify_when_active(api.get_code()).status == 200, "a code")
        code = api.get_code()
        self.assertEqual(200, api.verify_when_active(code).status)
        self.redis.kill()
        harness.wait_until(lambda: self.put_and_see(watcher), "the watcher to notice")

    def put_and_see(self, watcher):
        harness.run_latchkey("queue", "--data", self.cloud.data, "put",
                             '{"code":"abc-1-def","timestamp":"2120-04-15 16:54:48.816549"}')
        return "watcher_failing" in watcher.log()

    def test_doctor_asks_the_table(self):
        settings = {**self.cloud.environment_of("api"), "CODE_TABLE_URL": self.redis.url}
        asked = lambda: harness.run_latchkey("doctor", environment=settings, check=False).stdout
        self.assertIn(f"Redis at 127.0.0.1:{self.redis.port} answers", asked())
        self.redis.kill()
        self.assertIn("refused the connection", asked())

    def test_a_wrong_password_is_named(self):
        self.redis.command("CONFIG", "SET", "requirepass", "right-pass-word")
        url = self.redis.url.replace("://", "://:wrong-pass-word@")
        api = self.part("serve", "api", CODE_TABLE_URL=url)
        problem = str(self.readiness_of(api).json())
        self.assertIn("WRONGPASS", problem)
        self.assertIn("CODE_TABLE_URL", problem)
        self.assertNotIn("pass-word", problem + api.everything_written())

    def test_what_it_may_lose_is_said_at_the_start(self):
        self.redis.command("CONFIG", "SET", "appendonly", "no")
        self.redis.command("CONFIG", "SET", "maxmemory-policy", "allkeys-lru")
        api = self.part("serve", "api")
        self.assertEqual(200, self.readiness_of(api).status)
        self.assertIn("appendonly is off", api.log())
        self.assertIn("maxmemory-policy is allkeys-lru", api.log())

    def test_the_password_may_be_a_secret_of_the_vault(self):
        self.redis.command("CONFIG", "SET", "requirepass", "right-pass-word")
        secrets = vault.Vault(self.cloud, self.cloud.environment_of("app"))
        secrets.set("redis-password", "right-pass-word")
        self.cloud.command("role", "assign", "--assignee", "api", "--role",
                           "Key Vault Secrets User", "--vault")
        api = self.part("serve", "api", CODE_TABLE_SECRET_NAME="redis-password")
        self.assertEqual(200, self.readiness_of(api).status, self.readiness_of(api))
        self.assertNotIn("right-pass-word", api.everything_written())


if __name__ == "__main__":
    unittest.main()
