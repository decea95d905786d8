"""The part `verify`: how fast codes are verified, also beside issuing, as the table grows."""

import contextlib
import pathlib
import re
import sqlite3
import statistics
import subprocess

import harness
import load
import redis_server
import vault

BENCH = pathlib.Path(__file__).resolve().parent
SIZES = (1_000, 10_000, 100_000, 1_000_000)
CONNECTIONS = 32
STEADY_PAUSE_MS = 2  # with so many connections some 10,000 requests a second
CODES_PER_SECOND = 10_000  # The goal; a run lasts until its codes are used up.
ISSUES_PER_SECOND = 500
ISSUERS = 10  # connections
# redis-benchmark draws keys at random; of few keys most would be used already.
REDIS_KEYS_MIN = 100_000


class Issuing:
    """Somebody else who gets codes meanwhile, about ISSUES_PER_SECOND of them."""

    def __init__(self, url):
        pause = ISSUERS * 1000 // ISSUES_PER_SECOND
        self.wrk = subprocess.Popen(
            ["wrk", "-t1", f"-c{ISSUERS}", "-d600s", "-s", BENCH / "paced.lua", url, "--",
             str(pause)],
            stdout=subprocess.DEVNULL,
        )

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.wrk.terminate()
        self.wrk.wait()


class Table:
    """The code table of a running latchkey, filled and emptied behind its back."""

    def __init__(self, latchkey):
        self.file = latchkey.data / "codes.db"
        self.codes_file = harness.scratch_folder() / "codes"
        settings = latchkey.environment_of("app")
        self.pepper = vault.Vault(latchkey, settings).get("code-pepper").encode()
        self.tool = harness.BINARY.parent / "bench" / "fill_codes"

    def add(self, count):
        """So many live codes; the file that names them."""
        subprocess.run([self.tool, self.file, str(count), self.codes_file], input=self.pepper,
                       check=True)
        return self.codes_file

    def keep(self, count):
        """Leaves so many live codes, so that each run begins as the one before it."""
        with contextlib.closing(sqlite3.connect(self.file, timeout=30)) as table, table:
            table.execute("DELETE FROM codes WHERE state <> 1")
            surplus = table.execute("SELECT count(*) FROM codes").fetchone()[0] - count
            table.execute(
                "DELETE FROM codes WHERE key IN (SELECT key FROM codes LIMIT ?)", (max(surplus, 0),)
            )


class Redis:
    """The same step in Redis, as durable: one script, appended to its log and synced."""

    SCRIPT = (
        "if redis.call('GET',KEYS[1])~='valid' then return 0 end "
        "redis.call('SET',KEYS[1],'used','KEEPTTL') return 1"
    )

    def __init__(self):
        self.process = redis_server.RedisServer()
        self.port = self.process.port

    def fill(self, count):
        script = (
            "for i=0,ARGV[1]-1 do "
            "redis.call('SET',string.format('code:%012d',i),'valid','EX',600) end"
        )
        subprocess.run(["redis-cli", "-p", str(self.port), "FLUSHALL"], check=True,
                       stdout=subprocess.DEVNULL)
        subprocess.run(["redis-cli", "-p", str(self.port), "EVAL", script, "0", str(count)],
                       check=True, stdout=subprocess.DEVNULL)

    def consume(self, keys, count):
        """`count` scripts, each on a key drawn from so many."""
        return RedisRun(self, keys, count)


class RedisRun:
    def __init__(self, redis, keys, count):
        before = load.cpu_seconds(redis.process.pid)
        output = subprocess.run(
            ["redis-benchmark", "-p", str(redis.port), "-c", str(CONNECTIONS), "-n", str(count),
             "-r", str(keys), "--csv", "EVAL", Redis.SCRIPT, "1", "code:__rand_int__"],
            capture_output=True, text=True, check=True,
        ).stdout
        self.cpu_us = (load.cpu_seconds(redis.process.pid) - before) / count * 1e6
        figures = [float(text) for text in re.findall(r'"([\d.]+)"', output.splitlines()[-1])]
        self.rate, _, _, self.p50_ms, _, self.p99_ms, _ = figures[-7:]


class Runs:
    """What several short runs saw, as one."""

    def __init__(self, runs):
        for name in ("rate", "p50_ms", "p99_ms", "cpu_us"):
            setattr(self, name, statistics.fmean(getattr(run, name) for run in runs))


def verify(options):
    """One verification, durable, on tables of growing size: alone, and beside issuing."""
    latchkey = harness.Latchkey()
    table = Table(latchkey)
    redis = Redis()
    smallest = []
    for live in SIZES:
        table.keep(0)
        count = min(live, options.seconds * CODES_PER_SECOND)
        if live > count:
            table.add(live - count)
        redis.fill(max(live, REDIS_KEYS_MIN))
        for number in range(options.rounds):
            peer = redis.consume(max(live, REDIS_KEYS_MIN), options.seconds * CODES_PER_SECOND)
            yield "verify", f"redis EVAL, appendfsync always, {live:,}", peer, None
            alone = use_up(latchkey, table, live, count)
            if live == SIZES[0]:
                smallest.append(alone)
            growth = peer if live == SIZES[0] else smallest[number]
            yield "verify", f"latchkey, {live:,} live codes", alone, growth
            with Issuing(latchkey.api + "/api/v1/getcode"):
                beside = use_up(latchkey, table, live, count)
                yield "verify", f"  {live:,}, beside {ISSUES_PER_SECOND} issues/s", beside, None
                steady = use_up(latchkey, table, live, count, STEADY_PAUSE_MS)
            yield "verify", f"  {live:,}, the same at a steady rate", steady, None


def use_up(latchkey, table, live, count, pause_ms=0):
    """Verifies `count` of so many live codes; several times where that is over in no time."""
    runs = []
    for _ in range(max(1, 10_000 // count)):
        table.keep(live - count)
        runs.append(
            load.Load(latchkey.api, CONNECTIONS, 60, latchkey.pid,
                      script=BENCH / "verify.lua", arguments=[table.add(count), str(pause_ms)])
        )
    return Runs(runs)
