"""What the processes of a chaos run stand on: the queue and the code table, each with the settings
that lead our processes to it, a look at what is in it, and what can be done to it.

A look at a table gives {key: (state, attempts)} of all rows, each as it was at some moment between
the look's begin and its end; OSError where the table does not answer.
"""

import contextlib
import http.client
import json
import os
import signal
import socket
import sqlite3
import urllib.parse

import storage
from azurite import AVAILABLE as AZURITE_AVAILABLE
from azurite import Azurite
from redis_server import RedisServer

STATES = ("pending", "valid", "used", "revoked")
QUEUE = "code-requests"
LOOK_PATIENCE = 2.0


class Service:
    """A process of somebody else's. `restart` costs nothing that it has answered."""

    busy = False  # somebody is pausing or restarting it

    def pause(self):
        os.kill(self.pid, signal.SIGSTOP)

    def resume(self):
        os.kill(self.pid, signal.SIGCONT)


class CloudQueue:
    """The local cloud's own: killed and started with it."""

    name = "queue"
    tls = True
    query = ""

    def __init__(self, cloud):
        self.port = urllib.parse.urlsplit(cloud.endpoints["queue"]).port
        self.account = storage.account_of(cloud)


class AzuriteQueue(Service, Azurite):
    """Restarted by the signal on which it saves: what a kill -9 would lose is its own affair."""

    name = "azurite-queue"
    tls = False
    query = "?" + storage.account_sas()

    def __init__(self):
        super().__init__("queue", on_disk=True)
        self.account = self.account()
        self.account.queue(QUEUE).create()


class SqliteTable:
    look_every = 0.05

    def __init__(self, folder):
        self.file = folder / "chaos-codes.db"
        self.settings = {"CODE_TABLE_FILE": str(self.file)}

    def look(self):
        with contextlib.closing(sqlite3.connect(f"file:{self.file}?mode=ro", uri=True)) as table:
            return {
                key: (STATES[state], attempts)
                for key, state, attempts in table.execute("SELECT key, state, attempts FROM codes")
            }

    @contextlib.contextmanager
    def locked(self):
        """As if a process were stopped in the middle of its write; whether it is."""
        with contextlib.closing(
            sqlite3.connect(self.file, isolation_level=None, timeout=0)
        ) as table:
            try:
                table.execute("BEGIN IMMEDIATE")
            except sqlite3.OperationalError:  # locked already
                yield False
                return
            yield True
            table.execute("ROLLBACK")


class RedisTable(Service, RedisServer):
    """What it has answered is on disk, so it may be killed."""

    name = "redis"
    look_every = 0.05
    # All rows at one moment.
    LOOK = (
        "local found = {} for _, name in ipairs(redis.call('KEYS', '{latchkey}:code:*')) do"
        " local row = redis.call('HMGET', name, 'state', 'attempts')"
        " found[#found + 1] = string.sub(name, -64) .. ' ' .. row[1] .. ' ' .. row[2] end"
        " return found"
    )

    def __init__(self):
        super().__init__()
        self.settings = {"CODE_TABLE_URL": self.url}

    def look(self):
        words = b"".join(b"$%d\r\n%s\r\n" % (len(word), word)
                         for word in (b"EVAL", self.LOOK.encode(), b"0"))
        with socket.create_connection(("127.0.0.1", self.port), LOOK_PATIENCE) as connection:
            connection.sendall(b"*3\r\n" + words)
            answer = connection.makefile("rb")
            rows = {}
            for _ in range(self._length(answer, b"*")):
                text = answer.read(self._length(answer, b"$") + 2)
                key, state, attempts = text.split()
                rows[bytes.fromhex(key.decode())] = (STATES[int(state)], int(attempts))
        return rows

    @staticmethod
    def _length(answer, kind):
        line = answer.readline()
        if line[:1] != kind:
            raise OSError(f"redis says {line!r}")  # that it is loading, or nothing
        return int(line[1:])


class AzuriteTable(Service, Azurite):
    """Restarted as AzuriteQueue."""

    name = "azurite-table"
    tls = False
    look_every = 0.25  # it has enough to do
    TABLE = "codes"

    def __init__(self):
        super().__init__("table", on_disk=True)
        self.sas = storage.account_sas("t")
        self.reach_at(f"http://127.0.0.1:{self.port}")

    def reach_at(self, origin):
        """`origin`: its own, or a proxy's."""
        address = f"{origin}/{storage.ACCOUNT}/{self.TABLE}?{self.sas}"
        self.settings = {"CODE_TABLE_URL": address}

    def look(self):
        query = urllib.parse.urlencode({
            "$filter": "PartitionKey ge 'c-' and PartitionKey lt 'c.'",
            "$select": "RowKey,state,attempts",
        })
        with contextlib.closing(
            http.client.HTTPConnection("127.0.0.1", self.port, timeout=LOOK_PATIENCE)
        ) as connection:
            connection.request(
                "GET", f"/{storage.ACCOUNT}/{self.TABLE}()?{query}&{self.sas}",
                headers={"Accept": "application/json;odata=nometadata",
                         "x-ms-version": storage.VERSION},
            )
            answer = connection.getresponse()
            body = answer.read()
        if answer.status == 404:
            return {}  # nobody has made the table yet
        if answer.status != 200:
            raise OSError(f"Azurite says {answer.status}")
        if answer.headers["x-ms-continuation-NextPartitionKey"]:
            raise AssertionError("more rows than Azurite shows at once")
        return {
            bytes.fromhex(row["RowKey"]): (row["state"], int(row["attempts"]))
            for row in json.loads(body)["value"]
        }


TABLES = ("sqlite", "redis", "azure-table")


def make_queue(name, cloud):
    return AzuriteQueue() if name == "azurite" else CloudQueue(cloud)


def make_table(name, cloud):
    if name == "azure-table":
        return AzuriteTable()
    return RedisTable() if name == "redis" else SqliteTable(cloud.data)
