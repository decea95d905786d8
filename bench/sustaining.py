"""The part `sustained`: codes issued at a fixed rate for minutes, as a service would, at the real
lifetime. Each code hides a message until its end, so the queue holds rate times lifetime of them.

Fails when a code that is looked at is not valid within a second, when codes are not issued at the
rate, or when queue and table do not end empty of live codes.
"""

import contextlib
import json
import sqlite3
import statistics
import subprocess
import threading
import time
import urllib.parse

import harness
import load
import queue_servers
import storage

ACTIVE_WITHIN = 1.0  # seconds
LOOK_EVERY = 0.5


class Sample(threading.Thread):
    """Gets a code now and then and waits until it is accepted."""

    def __init__(self, latchkey):
        super().__init__(daemon=True)
        self.latchkey = latchkey
        self.delays = []
        self.refused = []
        self.over = threading.Event()

    def run(self):
        while not self.over.wait(LOOK_EVERY):
            code = self.latchkey.get_code()
            begin = time.perf_counter()
            answer = self.latchkey.verify_when_active(code)
            self.delays.append(time.perf_counter() - begin)
            if answer.status != 200:
                self.refused.append(answer)


def live_codes(latchkey):
    """Rows of the code table that have not expired."""
    with contextlib.closing(sqlite3.connect(latchkey.data / "codes.db")) as table:
        now = int(time.time() * 1_000_000)
        return table.execute("SELECT count(*) FROM codes WHERE expires > ?", (now,)).fetchone()[0]


def sustained(options):
    seconds = options.minutes * 60
    lifetime = options.lifetime
    loader = queue_servers.Loader()
    latchkey = harness.Latchkey("--code-lifetime", f"{lifetime}s",
                                environment={"CALLER_ISSUES": "off", "ALL_ISSUES": "off"})
    queue = storage.account_of(latchkey).queue("code-requests")
    api = urllib.parse.urlsplit(latchkey.api)
    sample = Sample(latchkey)
    sample.start()
    before = load.cpu_seconds(latchkey.pid)
    issuing = subprocess.Popen(
        [str(word) for word in (loader.program, api.port, "/api/v1/getcode", "", "code", 64,
                                seconds, 0, options.rate)],
        stdout=subprocess.PIPE, text=True,
    )
    begin = time.monotonic()
    while issuing.poll() is None:
        time.sleep(min(10, seconds / 6))
        passed = time.monotonic() - begin
        print(
            f"{passed:6.0f} s: {queue.count():>9,} messages, expected about"
            f" {options.rate * min(passed, lifetime):>9,.0f};"
            f" {load.Memory(latchkey.pid).megabytes:6.1f} MB;"
            f" slowest activation so far {max(sample.delays, default=0) * 1000:.0f} ms",
            flush=True,
        )
    spent = load.cpu_seconds(latchkey.pid) - before
    sample.over.set()
    sample.join()
    seen = json.loads(issuing.stdout.read())
    rate = seen["requests"] / seen["seconds"]
    print(f"issued {seen['requests']:,} codes, {rate:,.0f}/s, p50 {seen['p50_ms']:.2f} ms,"
          f" p99 {seen['p99_ms']:.2f} ms, longest {seen['max_ms']:.0f} ms;"
          f" {spent / seen['requests'] * 1e6:.0f} us CPU a code, watcher and expiry included")
    print(f"looked at {len(sample.delays)}: valid after {statistics.median(sample.delays) * 1000:.0f}"
          f" ms, at the latest {max(sample.delays) * 1000:.0f} ms; refused: {len(sample.refused)}")
    harness.wait_until(lambda: queue.count() == 0, "the queue to be empty", lifetime + 60)
    left = live_codes(latchkey)
    print(f"{lifetime} s later: {queue.count()} messages, {left} live codes")
    wrong = [
        what for what, is_so in (
            ("too slow an issue", rate < options.rate * 0.98),
            ("too slow an activation", max(sample.delays) > ACTIVE_WITHIN),
            ("a code was refused", sample.refused),
            ("live codes are left", left),
        ) if is_so
    ]
    if wrong:
        raise SystemExit("sustained: " + ", ".join(wrong))
    return ()
