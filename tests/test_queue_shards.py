"""Several queues that serve as one: spread, lost and found, grown and shrunk under load."""

import json
import sqlite3
import threading
import unittest

import harness
import storage

OTHER = "codes1"
SENDER = "Storage Queue Data Message Sender"
CONTRIBUTOR = "Storage Queue Data Contributor"
# The first one is there anyway.
QUEUES = [(storage.ACCOUNT, "code-requests"), (storage.ACCOUNT, "codes-01"), (OTHER, "codes-01")]
APART = (OTHER, "codes-02")


class Load:
    """Users who get a code and use it, as fast as they can, at the API that is theirs now."""

    def __init__(self, serve, users=4):
        self.serve = serve
        self.codes = []
        self.wrong = []
        self.ending = False
        self.users = [threading.Thread(target=self._use) for _ in range(users)]
        for user in self.users:
            user.start()

    def _use(self):
        while not self.ending:
            serve = self.serve
            try:
                code = serve.get_code()
                self.codes.append(code)
                status = serve.verify_when_active(code).status
                if status != 200:
                    self.wrong.append(f"{code}: {status}")
            except Exception as problem:  # told by the test, whatever it is
                self.wrong.append(repr(problem))

    def end(self):
        self.ending = True
        for user in self.users:
            user.join()


class Shards(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.cloud = harness.Latchkey("--account", OTHER, command="cloud")
        cls.addClassCleanup(cls.cloud.kill)
        for account, queue in [*QUEUES, APART]:
            cls.cloud.command("queue", "create", "--queue", queue, "--account", account)
        for identity, role in (("api", SENDER), ("watcher", CONTRIBUTOR)):
            for account in (storage.ACCOUNT, OTHER):
                cls.cloud.command("role", "assign", "--assignee", identity, "--role", role,
                                  "--account", account)

    def url(self, account, queue):
        return self.cloud.endpoints["queue"].replace(storage.ACCOUNT, account) + "/" + queue

    def part(self, command, queues, **settings):
        identity = "api" if command == "serve" else "watcher"
        urls = queues if isinstance(queues, str) else ",".join(self.url(*it) for it in queues)
        settings = {"WATCH_POLL_MAX": "100ms", **settings}
        part = harness.Part(command, self.cloud, identity, STORAGE_QUEUE_URL=urls, **settings)
        self.addCleanup(part.kill)
        return part

    def counts(self):
        """Messages in each of the queues, the hidden ones too."""
        found = []
        for account, queue in QUEUES:
            stats = self.cloud.command("queue", "stats", "--json", "--queue", queue, "--account",
                                       account)
            found.append(json.loads(stats.stdout)["approximateMessageCount"])
        return found

    def rows(self):
        with sqlite3.connect(f"file:{self.cloud.data}/codes.db?mode=ro", uri=True) as table:
            return table.execute("SELECT count(*) FROM codes").fetchone()[0]

    def test_growing_and_shrinking_under_load_loses_no_code_and_leaves_none_behind(self):
        lifetime = {"CODE_LIFETIME": "6s"}
        one, three = QUEUES[:1], QUEUES
        serve = self.part("serve", one, **lifetime)
        watch = self.part("watch", one, **lifetime)
        load = Load(serve)
        self.addCleanup(load.end)

        def go_on(codes=40):
            wanted = len(load.codes) + codes
            harness.wait_until(lambda: load.wrong or len(load.codes) >= wanted, "codes")

        go_on()
        # Growing: watchers first, then issuers.
        wide_watch = self.part("watch", three, **lifetime)
        self.assertEqual(0, watch.stop())
        wide_serve = self.part("serve", three, **lifetime)
        load.serve = wide_serve
        go_on(120)
        self.assertTrue(all(self.counts()), "each queue has its part")
        # Shrinking: issuers first, and watchers when the other queues have run empty.
        load.serve = serve
        go_on()
        self.assertEqual(0, wide_serve.stop())
        harness.wait_until(lambda: not any(self.counts()[1:]), "the other queues to run empty")
        watch = self.part("watch", one, **lifetime)
        self.assertEqual(0, wide_watch.stop())
        go_on()
        load.end()
        self.assertEqual([], load.wrong)
        harness.wait_until(lambda: not any(self.counts()) and self.rows() == 0, "all to be over")

    def test_a_queue_that_is_away_costs_no_code(self):
        away = "https://localhost:1/devstoreaccount1/code-requests"
        own = {"CODE_TABLE_FILE": str(harness.scratch_folder() / "codes.db")}
        serve = self.part("serve", f"{away},{self.url(*APART)}", **own)
        self.part("watch", [APART], **own)
        codes = [serve.get_code() for _ in range(12)]
        for code in codes:
            self.assertEqual(200, serve.verify_when_active(code).status)
        self.assertIn("queue_failing queue=localhost:1/devstoreaccount1/code-requests", serve.log())
        self.assertEqual(200, harness.call("GET", serve.api + "/readyz").status)

    def test_when_no_queue_is_there_the_api_says_so(self):
        serve = self.part("serve", "https://localhost:1/devstoreaccount1/codes-{1..2}")
        self.assertEqual(503, harness.call("GET", serve.api + "/api/v1/getcode").status)
        ready = harness.call("GET", serve.api + "/readyz")
        self.assertEqual(503, ready.status)
        self.assertIn("localhost:1/devstoreaccount1/codes-", ready.body.decode())

    def test_the_doctor_looks_at_each_queue(self):
        urls = self.url(*QUEUES[0]) + "," + self.url(OTHER, "codes-77")
        settings = {**self.cloud.environment_of("api"), "STORAGE_QUEUE_URL": urls}
        settings["CODE_TABLE_FILE"] = str(harness.scratch_folder() / "codes.db")
        done = harness.run_latchkey("doctor", "--for", "api", "--json", check=False,
                                    environment=settings)
        checks = {check["check"]: check for check in json.loads(done.stdout)["checks"]}
        base = self.cloud.endpoints["queue"].removeprefix("https://")
        self.assertEqual("ok", checks[f"may send {base}/code-requests"]["verdict"], checks)
        other = checks[f"may send {base.replace(storage.ACCOUNT, OTHER)}/codes-77"]
        self.assertIn("queue create --queue codes-77 --account codes1", other["remedy"])

    def test_the_queue_command_finds_the_listed_queue_or_asks_which(self):
        environment = self.cloud.environment_of("app")
        environment.pop("AZURE_STORAGE_CONNECTION_STRING", None)
        environment["STORAGE_QUEUE_URL"] = ",".join(self.url(*it) for it in QUEUES)

        def stats(queue):
            return harness.run_latchkey("queue", "stats", "--queue", queue, check=False,
                                        environment=environment)

        self.assertEqual(0, stats("code-requests").returncode, "in one account only")
        ambiguous = stats("codes-01")
        self.assertNotEqual(0, ambiguous.returncode)
        self.assertIn("may be in 2 accounts", ambiguous.stderr)


if __name__ == "__main__":
    unittest.main()
