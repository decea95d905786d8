"""The code tables that bench/scale compares: settings for the copies, and requests as the table's
own server counts them, by name."""

import collections
import re
import subprocess

import azurite
import redis_server


class Sqlite:
    """In the copies themselves: no requests, but one file on one machine."""

    name = "sqlite"

    def __init__(self, cloud):
        self.settings = {"CODE_TABLE_FILE": str(cloud.data / "scale-codes.db")}

    def requests(self):
        return collections.Counter()


class Redis:
    """Answers after its sync, as SQLite does."""

    name = "redis"

    def __init__(self, _cloud):
        server = redis_server.RedisServer()
        self.port = server.port
        self.settings = {"CODE_TABLE_URL": server.url}

    def requests(self):
        """What scripts call inside the server is in commandstats as well: only scripts count."""
        text = subprocess.run(["redis-cli", "-p", str(self.port), "info", "commandstats"],
                              capture_output=True, text=True, check=True).stdout
        found = re.findall(r"^cmdstat_(eval|evalsha|evalsha_ro):calls=(\d+)", text, re.M)
        return collections.Counter({f"redis {name}": int(count) for name, count in found})


class AzureTable:
    """Azurite's table service, in memory: what we ask of it is what we would ask of Azure's."""

    name = "azure-table"

    def __init__(self, _cloud):
        self.server = azurite.Azurite("table", access_log=True)
        self.settings = {"CODE_TABLE_URL": self.server.table_url()}

    def requests(self):
        methods = re.findall(r'"([A-Z]+) /', self.server.process.output())
        return collections.Counter(f"table {method}" for method in methods)


KINDS = (Sqlite, Redis, AzureTable)


def available(names):
    for kind in KINDS:
        if kind.name not in names:
            continue
        if kind is Redis and not redis_server.AVAILABLE:
            print("redis: needs the Debian package redis-server")
            continue
        if kind is AzureTable and not azurite.AVAILABLE:
            print("azure-table: needs node and `npm ci --prefix tests/clients`")
            continue
        yield kind
