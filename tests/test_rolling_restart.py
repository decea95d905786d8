#!/usr/bin/python3
"""Many copies, each replaced in its turn under load: no code is lost, none is refused wrongly, no
request is cut off. Long runs with figures, over any table of chaos/engines.py:
tests/test_rolling_restart.py --rounds 20 --table redis.

Users reach the copies through a load balancer (balancer.py) that looks at /readyz. A copy is told
to end by SIGTERM, as every platform does it, and ends by itself; then another one starts.
"""

import argparse
import asyncio
import statistics
import time
import unittest
import uuid

import harness
from balancer import Balancer, CutOff
from chaos import engines

ROUNDS = 1
TABLE = "sqlite"
COPIES = 3
CLIENTS = 12
# Between two restarts, so that each happens under load.
CODES_BETWEEN = 50
# What each copy goes on serving after SIGTERM: the balancer has to notice first.
SETTINGS = {"DRAIN_DELAY": "1s", "CALLER_FAILURES": "off", "ALL_FAILURES": "off"}
# A message that a watcher took with it into its end comes back after five seconds (watcher.hpp).
ACTIVE_WITHIN = 4.0
PROBLEMS_MAX = 20


class Users:
    """Get codes and use each up once; what should not have happened is in `problems`."""

    def __init__(self, balancer):
        self.balancer = balancer
        self.over = False
        self.problems = []
        self.delays = []  # seconds from a code's issue until it was accepted
        self.seconds = []  # of each request

    async def run(self, number):
        """Every other one sends idempotency keys, so that the balancer may ask again."""
        while not self.over:
            try:
                await self.one_code(with_keys=number % 2 == 0)
            except (CutOff, asyncio.TimeoutError) as error:
                self.problems.append(repr(error))

    async def accept(self, count):
        enough = len(self.delays) + count
        while len(self.delays) < enough and len(self.problems) < PROBLEMS_MAX:
            await asyncio.sleep(0.01)

    async def one_code(self, with_keys):
        binding = {"subject": str(uuid.uuid4())}
        issued = await self.post("codes", binding, with_keys, expected={201})
        if not issued:
            return
        code = {"code": issued["code"], **binding}
        begin = time.monotonic()
        while not await self.post("verify", code, with_keys, expected={200, 409}, good=200):
            waited = time.monotonic() - begin
            if waited > ACTIVE_WITHIN:
                self.problems.append(f"not accepted after {waited:.1f} s")
                return
            await asyncio.sleep(0.02)
        self.delays.append(time.monotonic() - begin)
        await self.post("verify", code, with_keys, expected={403})

    async def post(self, path, body, with_key, expected, good=None):
        """The answer if its status is `good`, by default the only expected one."""
        begin = time.monotonic()
        key = str(uuid.uuid4()) if with_key else None
        status, answer = await self.balancer.request("POST", f"/api/v1/{path}", body, key)
        self.seconds.append(time.monotonic() - begin)
        if status not in expected:
            self.problems.append(f"{path}: {status} {answer.get('detail')}")
        return answer if status in ({good} if good else expected) else None


class Copies:
    """The processes; `replace` one and another takes its place."""

    def __init__(self, cloud, table, balancer):
        self.cloud = cloud
        self.settings = SETTINGS | table.settings
        self.balancer = balancer
        self.running = []  # (part, backend or None)
        self.ends = []  # exit codes
        self.slowest_end = 0.0

    async def start(self, kind):
        identity = {"serve": "api", "watch": "watcher"}[kind]
        part = await asyncio.to_thread(harness.Part, kind, self.cloud, identity, **self.settings)
        backend = self.balancer.add(part.api) if kind == "serve" else None
        self.running.append((kind, part, backend))
        while backend and not backend.ready:
            await asyncio.sleep(0.01)

    async def replace_oldest(self):
        kind, part, backend = self.running.pop(0)
        begin = time.monotonic()
        self.ends.append(await asyncio.to_thread(part.stop))
        self.slowest_end = max(self.slowest_end, time.monotonic() - begin)
        if backend:
            self.balancer.remove(backend)
        await self.start(kind)

    def end(self):
        for _, part, _ in self.running:
            part.kill()


async def roll(cloud, table, rounds):
    balancer = Balancer()
    copies = Copies(cloud, table, balancer)
    users = Users(balancer)
    probing = asyncio.create_task(balancer.probe_for_ever())
    try:
        for kind in ("serve", "watch") * COPIES:
            await copies.start(kind)
        using = [asyncio.create_task(users.run(number)) for number in range(CLIENTS)]
        for _ in range(rounds * len(copies.running)):
            await users.accept(CODES_BETWEEN)
            await copies.replace_oldest()
        users.over = True
        await asyncio.gather(*using)
    finally:
        probing.cancel()
        copies.end()
        await balancer.end()
    return users, copies


def show(users, copies):
    percentiles = statistics.quantiles(users.seconds, n=100)
    print(f"\n{len(copies.ends)} copies replaced, each ended within {copies.slowest_end:.2f} s")
    print(f"{len(users.delays)} codes accepted, at the latest {max(users.delays) * 1000:.0f} ms"
          f" after their issue; {len(users.seconds)} requests, p50 {percentiles[49] * 1000:.1f} ms,"
          f" p99 {percentiles[98] * 1000:.1f} ms, longest {max(users.seconds) * 1000:.0f} ms")
    print(", ".join(f"{count} {what}" for what, count in copies.balancer.counts.items()))


class RollingRestart(unittest.TestCase):
    def test_every_copy_is_replaced_under_load_and_nobody_notices(self):
        cloud = harness.Latchkey(command="cloud")
        self.addCleanup(cloud.kill)
        table = engines.make_table(TABLE, cloud)
        users, copies = asyncio.run(roll(cloud, table, ROUNDS))
        if ROUNDS > 1:
            show(users, copies)
        self.assertEqual([], users.problems[:PROBLEMS_MAX])
        # The balancer heard from each copy that it was to end before it could meet the end itself.
        met = copies.balancer.counts
        self.assertEqual((0, 0), (met["refused connections"], met["cut off"]))
        self.assertEqual([0] * (ROUNDS * 2 * COPIES), copies.ends)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=ROUNDS, help="of all six copies")
    parser.add_argument("--table", choices=engines.TABLES, default=TABLE)
    options = parser.parse_args()
    ROUNDS, TABLE = options.rounds, options.table
    unittest.main(argv=["test_rolling_restart.py"], verbosity=2)
