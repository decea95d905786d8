"""Azurite, Microsoft's emulator of Storage, from npm: its queue or its table service as a process."""

import os
import re
import shutil
import signal

import harness
import storage

NODE = shutil.which("node")
SOURCES = harness.CLIENTS / "node_modules" / "azurite" / "dist" / "src"
AVAILABLE = bool(NODE) and SOURCES.exists()


class Azurite:
    """One service, "queue" or "table", in memory or `on_disk`; there when the constructor returns.
    With `access_log` its process' output has a line for each request.

    On disk it saves what it holds every five seconds and when it is told to end: what it has
    answered in between is lost with kill -9, so only `restart` is fair to it.
    """

    def __init__(self, kind, on_disk=False, access_log=False):
        self.kind = kind
        self.said = [] if access_log else ["--silent"]
        self.where = ["--location", harness.scratch_folder()] if on_disk else [
            "--inMemoryPersistence"
        ]
        self.logs = []
        self.port = 0
        self._start()

    @property
    def url(self):
        """Of the account."""
        return f"http://127.0.0.1:{self.port}/{storage.ACCOUNT}"

    @property
    def pid(self):
        return self.process.pid

    def account(self):
        return storage.Account(self.url, None)

    def _start(self):
        # 3.35 refuses every version of the protocol that is younger than itself.
        self.process = harness.Process(
            [NODE, SOURCES / self.kind / "main.js", f"--{self.kind}Port", self.port,
             "--skipApiVersionCheck", "--disableTelemetry", *self.said, *self.where]
        )
        self.logs.append(self.process.err)
        harness.wait_until(
            lambda: not self.process.running() or re.search("successfully", self.process.output()),
            "Azurite",
        )
        # The table service does not say which port it took.
        self.port = harness.wait_until(lambda: listening_port(self.process.pid), "Azurite's port")

    def restart(self):
        """Ends it by the signal on which it saves, and starts another one on its port."""
        os.kill(self.process.pid, signal.SIGINT)
        harness.wait_until(
            lambda: "successfully closed" in self.process.output(), "Azurite to save", 60
        )
        self.kill()  # it would wait for its clients
        self._start()

    def kill(self):
        self.process.kill()


def listening_port(pid):
    """The TCP port on which a process listens, from /proc; None while there is none."""
    sockets = set()
    for entry in harness.pathlib.Path(f"/proc/{pid}/fd").iterdir():
        try:
            sockets.add(os.readlink(entry))
        except FileNotFoundError:
            continue
    for line in harness.pathlib.Path(f"/proc/{pid}/net/tcp").read_text().splitlines()[1:]:
        fields = line.split()
        if fields[3] == "0A" and f"socket:[{fields[9]}]" in sockets:
            return int(fields[1].rpartition(":")[2], 16)
    return None
