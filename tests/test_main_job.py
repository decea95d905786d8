"""One code through the whole chain: number API, vault, queue, watcher, table, sign-in check."""

import concurrent.futures
import contextlib
import datetime
import sqlite3
import time

import harness
import storage


class OneCode(harness.WithLatchkey):
    def test_getcode_answers_as_in_the_walkthrough(self):
        answer = harness.call("GET", self.latchkey.api + "/api/v1/getcode")
        self.assertEqual(200, answer.status, answer)
        self.assertEqual("application/json", answer.headers.get_content_type())
        self.assertEqual("no-store", answer.headers["Cache-Control"])
        self.assertEqual(["code", "timestamp"], list(answer.json()))
        form = harness.CODE_FORM.fullmatch(answer.json()["code"])
        self.assertTrue(form, answer)
        self.assertIn(int(form[1]), range(1, 1001))
        issued = datetime.datetime.strptime(answer.json()["timestamp"], "%Y-%m-%d %H:%M:%S.%f")
        now = datetime.datetime.now(datetime.timezone.utc).replace(tzinfo=None)
        self.assertLess(abs((now - issued).total_seconds()), 10)

    def test_a_code_is_accepted_once_within_a_second_and_then_refused(self):
        code = self.latchkey.get_code()
        answer = self.latchkey.verify_when_active(code, seconds=1)
        self.assertEqual((200, True), (answer.status, answer.json()["accepted"]))
        again = self.latchkey.verify(code)
        self.assertEqual((403, False), (again.status, again.json()["accepted"]))
        self.assertEqual("application/problem+json", again.headers.get_content_type())

    def test_the_command_line_verifies_once_and_then_refuses(self):
        code = self.latchkey.get_code()
        first = self.latchkey.command("code", "verify", code)
        self.assertEqual("accepted", first.stdout.strip())
        second = self.latchkey.command("code", "verify", code, check=False)
        self.assertEqual((1, "refused"), (second.returncode, second.stdout.strip()))

    def test_the_command_line_makes_codes_that_the_api_accepts(self):
        made = self.latchkey.command("code", "new").stdout
        code = harness.CODE_FORM.search(made)
        self.assertTrue(code, made)
        self.assertEqual(200, self.latchkey.verify_when_active(code[0]).status)

    def test_a_code_that_nobody_issued_is_refused(self):
        self.assertEqual(403, self.latchkey.verify("abc-1-abc").status)

    def test_codes_differ(self):
        codes = [self.latchkey.get_code() for _ in range(50)]
        self.assertEqual(50, len(set(codes)))

    def test_simultaneous_checks_of_one_code_accept_it_once(self):
        for _ in range(5):
            code = self.latchkey.get_code()
            with concurrent.futures.ThreadPoolExecutor(16) as pool:
                checks = pool.map(self.latchkey.verify_when_active, [code] * 16)
                statuses = sorted(answer.status for answer in checks)
            self.assertEqual([200] + [403] * 15, statuses)

    def test_home_page_links_to_the_api(self):
        answer = harness.call("GET", self.latchkey.api + "/")
        self.assertEqual((200, "text/html"), (answer.status, answer.headers.get_content_type()))
        self.assertIn(b"/api/v1/getcode", answer.body)

    def test_health_and_readiness(self):
        for path in ("/healthz", "/readyz"):
            self.assertEqual(200, harness.call("GET", self.latchkey.api + path).status, path)


class ShortLifetime(harness.WithLatchkey):
    lifetime = 3.0
    options = ("--code-lifetime", "3s")

    def test_an_unused_code_is_refused_after_its_lifetime_and_everything_drains(self):
        codes = [self.latchkey.get_code() for _ in range(5)]
        issued = time.monotonic()
        queue = storage.account_of(self.latchkey).queue("code-requests")
        self.assertGreaterEqual(queue.count(), len(codes))
        self.assertGreaterEqual(self.table_rows(), len(codes))
        self.assertEqual(200, self.latchkey.verify_when_active(codes.pop()).status)

        time.sleep(max(0.0, issued + self.lifetime - time.monotonic()))
        for code in codes:
            self.assertEqual(403, self.latchkey.verify(code).status)
        # "A little later": the spread of the clocks and the watcher's turn come on top.
        harness.wait_until(lambda: queue.count() == 0, "the queue to drain")
        harness.wait_until(lambda: self.table_rows() == 0, "the table to drain")

    def table_rows(self):
        file = f"file:{self.latchkey.data}/codes.db?mode=ro"
        with contextlib.closing(sqlite3.connect(file, uri=True)) as database:
            return database.execute("SELECT count(*) FROM codes").fetchone()[0]
