"""The processes of a chaos run: one local cloud, three that issue, three that watch, three that
verify; each with a clock of its own, and each may be killed, paused and started again."""

import asyncio
import os
import pathlib
import re
import signal
import sys
import urllib.parse

import harness
from chaos.engines import Service

FAKETIME = next(pathlib.Path("/usr/lib").glob("*/faketime/libfaketimeMT.so.1"), None)
TOGGLE = pathlib.Path(__file__).with_name("toggle.py")
# Every host's clock is right within a second (LifetimeRules::clock_error_max).
ERROR_MAX = 1.0
OFFSETS = {
    "issue1": 0.8, "issue2": -0.8, "issue3": 0.0,
    "watch1": -0.8, "watch2": 0.8, "watch3": 0.0,
    "verify1": 0.8, "verify2": -0.8, "verify3": 0.0,
}


class Member:
    """One process under its name; `start` again gives it a new process."""

    def __init__(self, name, offset, arguments, environment, ready):
        self.name = name
        self.offset = offset  # of its clock, in seconds
        self.arguments = arguments
        self.environment = environment
        self.ready_text = re.compile(ready)
        self.process = None
        self.logs = []
        self.url = None
        self.paused = False
        self.busy = False  # somebody is killing, pausing or starting it

    async def start(self):
        self.paused = False
        self.process = harness.Process(self.arguments, self.environment)
        self.logs.append(self.process.err)
        while self.process.running():
            found = self.ready_text.search(self.process.output())
            if found:
                self.url = found[1] if found.groups() else None
                return
            await asyncio.sleep(0.01)

    def kill(self):
        self.url = None  # another process may get its port
        self.process.kill()
        # libfaketime's own, which a killed process leaves behind.
        for name in (f"faketime_shm_{self.process.pid}", f"sem.faketime_sem_{self.process.pid}"):
            pathlib.Path("/dev/shm", name).unlink(missing_ok=True)

    def pause(self):
        self.paused = True
        os.kill(self.process.pid, signal.SIGSTOP)

    def resume(self):
        self.paused = False
        os.kill(self.process.pid, signal.SIGCONT)


class World:
    """`queue` and `table`: see engines.py. `toggle`: the walkthrough's watcher and sign-in in place
    of ours."""

    def __init__(self, cloud, queue, table, toggle):
        self.cloud_data = cloud.data
        self.cloud = cloud
        self.cloud_process = cloud
        self.queue = queue
        self.table = table
        self.services = [engine for engine in (queue, table) if isinstance(engine, Service)]
        self.toggle = toggle
        ports = {name: urllib.parse.urlsplit(url).port for name, url in cloud.endpoints.items()}
        self.queue_port = ports["queue"]  # of the cloud, in the settings that it gives
        # After a kill it comes back where it was.
        names = ("functions", "queue", "vault", "identity")
        self.ports = ",".join(f"{name}={ports[name]}" for name in names)
        self.cloud_busy = False
        self.cloud_logs = [cloud.err]
        self.members = {}

    def make_members(self, proxy_port, lifetime, settings):
        for name, offset in OFFSETS.items():
            kind = name[:-1]
            identity = "watcher" if kind == "watch" else "api"
            environment = self.cloud.environment_of(identity)
            queue = environment["STORAGE_QUEUE_URL"]
            environment |= {
                "STORAGE_QUEUE_URL":
                    queue.replace(f":{self.queue_port}/", f":{proxy_port}/") + self.queue.query,
                "CODE_LIFETIME": f"{lifetime}s",
                "PORT": "0",
                **self.table.settings,
                **settings,
            }
            if self.is_toggle(kind):
                environment["TOGGLE_TABLE_FILE"] = str(self.cloud_data / "toggle.db")
                offset = 0.0  # It looks at no clock.
            else:
                environment |= {
                    "LD_PRELOAD": str(FAKETIME),
                    "FAKETIME": f"{offset:+.1f}",
                    "FAKETIME_DONT_FAKE_MONOTONIC": "1",
                }
            self.members[name] = Member(
                name, offset, self.command(kind), environment, self.ready(kind)
            )

    def is_toggle(self, kind):
        return self.toggle and kind != "issue"

    def command(self, kind):
        if self.is_toggle(kind):
            return [sys.executable, TOGGLE, kind, self.cloud_data]
        command = "watch" if kind == "watch" else "serve"
        return [harness.BINARY, command, "--data", self.cloud_data]

    @staticmethod
    def ready(kind):
        return "watching" if kind == "watch" else r"(http://localhost:\d+)"

    def of(self, kind):
        return [member for name, member in self.members.items() if name.startswith(kind)]

    async def start(self):
        await asyncio.gather(*(member.start() for member in self.members.values()))

    async def restart_cloud(self):
        """kill -9 of the local cloud, and a new one on the same data."""
        self.cloud_process.kill()
        self.cloud_process = harness.Process(
            [harness.BINARY, "cloud", "--data", self.cloud_data, "--ports", self.ports]
        )
        self.cloud_logs.append(self.cloud_process.err)
        while self.cloud_process.running() and "is running" not in self.cloud_process.output():
            await asyncio.sleep(0.01)

    def ended_by_themselves(self):
        for member in self.members.values():
            if not member.busy and not member.process.running():
                yield member.name, member.process.child.returncode
        if not self.cloud_busy and not self.cloud_process.running():
            yield "cloud", self.cloud_process.child.returncode
        for service in self.services:
            if not service.busy and not service.process.running():
                yield service.name, service.process.child.returncode

    def end(self):
        for member in self.members.values():
            if member.process:
                member.kill()
        self.cloud_process.kill()
        for service in self.services:
            service.kill()

    def logs(self):
        for member in self.members.values():
            yield from ((member.name, log) for log in member.logs)
        yield from (("cloud", log) for log in self.cloud_logs)
