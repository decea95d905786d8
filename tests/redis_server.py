"""Debian's redis-server as a code table wants it: what it has answered is on disk."""

import shutil

import harness

REDIS = shutil.which("redis-server")
AVAILABLE = bool(REDIS)


class RedisServer:
    """There when the constructor returns, and on the same port and files after `kill` and `start`.
    `options`: more of its command line."""

    def __init__(self, *options, tls=False):
        self.port = harness.free_port()
        port = ["--port", "0", "--tls-port", self.port] if tls else ["--port", self.port]
        self.arguments = [
            REDIS, *port, "--bind", "127.0.0.1", "--dir", harness.scratch_folder(),
            "--appendonly", "yes", "--appendfsync", "always", "--save", "",
            "--maxmemory-policy", "noeviction", *options,
        ]
        self.logs = []
        self.start()

    @property
    def url(self):
        return f"redis://127.0.0.1:{self.port}/0"

    @property
    def pid(self):
        return self.process.pid

    def start(self):
        self.process = harness.Process(self.arguments)
        self.logs.append(self.process.out)
        ready = lambda: "Ready to accept" in self.process.output() or not self.process.running()
        harness.wait_until(ready, "redis-server")
        if not self.process.running():
            raise AssertionError(self.process.everything_written())

    def kill(self):
        self.process.kill()

    def restart(self):
        """kill -9, and another one on the same files."""
        self.kill()
        self.start()
