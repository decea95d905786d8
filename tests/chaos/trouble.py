"""What goes wrong in a chaos run: storms of kills, pauses and lost answers, with calm between.

Each fault is recorded with `start` and `until`: outside of these times it disturbs nobody.
"""

import asyncio

from chaos.proxy import Faults

STORM = (6.0, 10.0)
CALM = (4.0, 5.0)
OUTAGE_EVERY = 60.0
# A watcher that met an error waits before it asks again: it doubles, up to this (watcher.cpp).
BACK_OFF_MAX = 31.0


class Trouble:
    def __init__(self, world, proxies, journal, chance, lifetime):
        self.world = world
        self.proxies = proxies
        self.journal = journal
        self.chance = chance
        self.lifetime = lifetime
        self.counts = {"kills": 0, "pauses": 0, "outages": 0, "cloud kills": 0}
        if hasattr(world.table, "locked"):
            self.counts["table locks"] = 0
        for service in world.services:
            self.counts |= {f"{service.name} pauses": 0, f"{service.name} restarts": 0}
        self.begun = []

    async def run(self, seconds):
        """Returns when all of it is over and every process runs."""
        end = self.journal.now() + seconds
        # In a run that is hardly longer than an outage there is none.
        into = self.chance.uniform(0.2, 0.4) * OUTAGE_EVERY
        outage = self.journal.now() + into if seconds > 4 * self.lifetime else end
        while self.journal.now() < end:
            over = min(end, self.journal.now() + self.chance.uniform(*STORM))
            while self.journal.now() < over:
                if self.journal.now() >= outage:
                    outage += OUTAGE_EVERY
                    self.begin(self.outage())
                self.begin(self.any_fault())
                await asyncio.sleep(self.chance.uniform(0.1, 0.9))
            await asyncio.sleep(self.chance.uniform(*CALM))
        await asyncio.gather(*self.begun)

    def begin(self, fault):
        self.begun.append(asyncio.create_task(fault))

    def any_fault(self):
        members = list(self.world.members.values())
        one = self.chance.choice(members)
        faults = [
            (30, self.kill, (one,)), (30, self.pause, (one,)),
            (8, self.bad_network, ()), (4, self.kill_cloud, ()), (2, self.kill_all, (members,)),
        ]
        if hasattr(self.world.table, "locked"):
            faults.append((8, self.lock_table, ()))
        for service in self.world.services:
            faults += [(6, self.pause_service, (service,)), (6, self.restart_service, (service,))]
        _, fault, arguments = self.chance.choices(faults, [weight for weight, _, _ in faults])[0]
        return fault(*arguments)

    def record(self, kind, who, start, recovery=0.0):
        self.journal.write("fault", kind=kind, who=who, start=start,
                           until=self.journal.now() + recovery)

    async def kill(self, member):
        if member.busy:
            return
        member.busy = True
        start = self.journal.now()
        member.kill()
        self.counts["kills"] += 1
        await member.start()
        member.busy = False
        self.record("kill", member.name, start)

    async def kill_all(self, members):
        await asyncio.gather(*(self.kill(member) for member in members))

    async def pause(self, member):
        if member.busy or not member.process.running():
            return
        member.busy = True
        start = self.journal.now()
        member.pause()
        self.counts["pauses"] += 1
        await asyncio.sleep(self.pause_seconds())
        member.resume()
        member.busy = False
        self.record("pause", member.name, start)

    def pause_seconds(self):
        """One in six outlasts every code that anybody knows."""
        short = self.chance.random() > 1 / 6
        longest = (0.1, 3.0) if short else (self.lifetime, self.lifetime + 3)
        return self.chance.uniform(*longest)

    async def pause_service(self, service):
        """What was asked of it before happens when it goes on, or was given up meanwhile."""
        if service.busy:
            return
        service.busy = True
        start = self.journal.now()
        service.pause()
        self.counts[f"{service.name} pauses"] += 1
        await asyncio.sleep(self.pause_seconds())
        service.resume()
        service.busy = False
        self.record("pause", service.name, start)
        self.record_recovery(service.name, start)

    async def restart_service(self, service):
        if service.busy:
            return
        service.busy = True
        start = self.journal.now()
        self.counts[f"{service.name} restarts"] += 1
        await asyncio.to_thread(service.restart)
        service.busy = False
        self.record_recovery(service.name, start)

    def record_recovery(self, who, start):
        """Who met the outage waits the longer before he asks again the longer it was."""
        down = self.journal.now() - start
        self.record("outage", who, start, min(BACK_OFF_MAX, 2 + 2 * down))

    async def lock_table(self):
        """As if a process were stopped in the middle of its write: all others wait, with the time
        in their hands at which they began."""
        start = self.journal.now()
        self.counts["table locks"] += 1
        with self.world.table.locked() as held:
            # Less than the others' patience (sqlite::OpenOptions), so that they write late.
            await asyncio.sleep(self.chance.uniform(0.2, 3) if held else 0)
        self.record("pause", "table", start)

    async def bad_network(self):
        proxy = self.chance.choice(self.proxies)
        if proxy.faults != Faults():
            return
        start = self.journal.now()
        # A second answer to a table's write would be taken for the first: nobody repeats there.
        repeat = 0.1 if proxy is self.proxies[0] else 0.0
        proxy.faults = Faults(lose_request=0.1, lose_answer=0.2, repeat=repeat, delay=0.1)
        await asyncio.sleep(self.chance.uniform(0.5, 3))
        if not proxy.faults.unreachable:
            proxy.faults = Faults()
        self.record("network", proxy.name, start, recovery=4)

    async def outage(self):
        start = self.journal.now()
        self.counts["outages"] += 1
        proxy = self.chance.choice(self.proxies)
        proxy.become_unreachable()
        await asyncio.sleep(2 * self.lifetime)
        proxy.faults = Faults()
        self.record("outage", proxy.name, start, min(BACK_OFF_MAX, 2 + 4 * self.lifetime))

    async def kill_cloud(self):
        if self.world.cloud_busy:
            return
        self.world.cloud_busy = True
        start = self.journal.now()
        self.counts["cloud kills"] += 1
        await self.world.restart_cloud()
        self.world.cloud_busy = False
        self.record_recovery("cloud", start)
