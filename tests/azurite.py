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
    """One service, "queue" or "table", in memory or `on_disk`; there when the constructor returns, and
    on the same port after `stop` or `kill`, and `start`. With `access_log` its process' output has a
    line for each request. With `certificates`, a folder of authority.py, it speaks TLS and takes
    tokens.

    On disk it saves what it holds every five seconds and when it is told to end: what it has
    answered in between is lost with kill -9, so only `stop` and `restart` are fair to it.
    """

    def __init__(self, kind, on_disk=False, access_log=False, certificates=None):
        self.kind = kind
        self.scheme = "https" if certificates else "http"
        self.secure = ["--oauth", "basic", "--cert", certificates / "server.pem",
                       "--key", certificates / "server.key"] if certificates else []
        self.said = [] if access_log else ["--silent"]
        self.where = ["--location", harness.scratch_folder()] if on_disk else [
            "--inMemoryPersistence"
        ]
        self.logs = []
        self.port = 0
        self.start()

    @property
    def url(self):
        """Of the account."""
        return f"{self.scheme}://127.0.0.1:{self.port}/{storage.ACCOUNT}"

    def table_url(self, table="codes"):
        """With a signature that allows everything."""
        return f"{self.url}/{table}?{storage.account_sas('t')}"

    @property
    def connection_string(self):
        kind = self.kind.capitalize()
        return (f"AccountName={storage.ACCOUNT};AccountKey={storage.KEY};"
                f"{kind}Endpoint={self.url};")

    @property
    def pid(self):
        return self.process.pid

    def account(self):
        return storage.Account(self.url, None)

    def start(self):
        # 3.35 refuses every version of the protocol that is younger than itself.
        self.process = harness.Process(
            [NODE, SOURCES / self.kind / "main.js", f"--{self.kind}Port", self.port,
             "--skipApiVersionCheck", "--disableTelemetry", *self.said, *self.where, *self.secure]
        )
        self.logs.append(self.process.err)
        harness.wait_until(
            lambda: not self.process.running() or re.search("successfully", self.process.output()),
            "Azurite",
        )
        # The table service does not say which port it took.
        self.port = harness.wait_until(lambda: listening_port(self.process.pid), "Azurite's port")

    def stop(self):
        """Ends it by the signal on which it saves."""
        os.kill(self.process.pid, signal.SIGINT)
        harness.wait_until(
            lambda: "successfully closed" in self.process.output(), "Azurite to save", 60
        )
        self.kill()  # it would wait for its clients

    def restart(self):
        self.stop()
        self.start()

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
