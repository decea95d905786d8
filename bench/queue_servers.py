"""The queues that bench/queue compares: how each is started, addressed and looked at."""

import json
import pathlib
import shutil
import subprocess
import time
import urllib.parse

import azurite
import harness
import load
import redis_server
import storage

QUEUE = "bench"


class Loader:
    """bench/queue_load.cpp, built once."""

    def __init__(self):
        source = pathlib.Path(__file__).with_name("queue_load.cpp")
        self.program = harness.scratch_folder() / "queue_load"
        subprocess.run(
            [shutil.which("clang++-19") or "clang++", "-std=c++20", "-O2", source, "-o",
             self.program], check=True,
        )

    def arguments(self, server, kind, connections=64, seconds=3.0, count=0, rate=0):
        return [self.program, server.port, server.path, server.query, kind, connections, seconds,
                count, rate]


class Run:
    """One run of the load against a server: what the load saw, and what the server spent."""

    def __init__(self, loader, server, kind, **how):
        before = load.cpu_seconds(server.pid)
        arguments = [str(word) for word in loader.arguments(server, kind, **how)]
        done = subprocess.run(arguments, capture_output=True, text=True)
        spent = load.cpu_seconds(server.pid) - before
        if done.returncode != 0:
            raise SystemExit(f"{server.name}, {kind}: {done.stderr}")
        seen = json.loads(done.stdout)
        self.requests = seen["requests"]
        self.rate = seen["requests"] / seen["seconds"]
        self.p50_ms, self.p99_ms, self.max_ms = seen["p50_ms"], seen["p99_ms"], seen["max_ms"]
        self.cpu_us = spent / seen["requests"] * 1e6


class Server:
    """A running queue; `pid` is the process that serves it."""

    path = f"/{storage.ACCOUNT}/{QUEUE}"
    query = storage.account_sas()

    def make_queue(self):
        storage.Account(f"http://localhost:{self.port}/{storage.ACCOUNT}", None).queue(
            QUEUE).create()

    def clear(self):
        account = storage.Account(f"http://localhost:{self.port}/{storage.ACCOUNT}", None)
        begin = time.perf_counter()
        answer = account.queue(QUEUE).call("DELETE", "/messages")
        assert answer.status == 204, answer
        return time.perf_counter() - begin

    def count(self):
        account = storage.Account(f"http://localhost:{self.port}/{storage.ACCOUNT}", None)
        return account.queue(QUEUE).count()

    @property
    def pid(self):
        return self.process.pid

    def end(self):
        self.process.kill()


class Local(Server):
    """`latchkey cloud`, on the folder `data` when given."""

    name = "latchkey"

    def __init__(self, *options, data=None, name="latchkey"):
        self.name = name
        begin = time.perf_counter()
        self.process = harness.Latchkey(*options, command="cloud", data=data)
        self.ready_seconds = time.perf_counter() - begin
        self.port = urllib.parse.urlsplit(self.process.endpoints["queue"]).port
        self.make_queue()


class Azurite(Server):
    def __init__(self, on_disk):
        self.name = "Azurite, " + ("disk" if on_disk else "memory")
        self.process = azurite.Azurite("queue", on_disk)
        self.port = self.process.port
        self.make_queue()


class Redis(Server):
    """redis that answers a SET after it is on disk, as our Put does."""

    name = "redis, fsync always"

    def __init__(self):
        self.process = redis_server.RedisServer()
        self.port = self.process.port
