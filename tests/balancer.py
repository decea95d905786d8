"""A load balancer as the platforms have one: asks each copy whether it is ready, keeps connections
open between requests, and sends a request again only where that cannot make it happen twice."""

import asyncio
import collections
import json
import urllib.parse

PROBE_EVERY = 0.1
PATIENCE = 15.0
TRIES = 10


class CutOff(Exception):
    """It was sent, no whole answer came, and nobody may send it again."""


class Connection:
    def __init__(self, reader, writer):
        self.reader = reader
        self.writer = writer

    def is_usable(self):
        """Not closed by the other side, as far as one can know."""
        return not self.reader.at_eof() and not self.writer.is_closing()

    async def ask(self, method, path, body, headers):
        """One exchange: (status, text, whether the connection stays)."""
        lines = [f"{method} {path} HTTP/1.1", "Host: localhost", f"Content-Length: {len(body)}"]
        lines += [f"{name}: {value}" for name, value in headers.items()]
        self.writer.write("\r\n".join([*lines, "", ""]).encode() + body)
        head = (await self.reader.readuntil(b"\r\n\r\n")).decode().lower()
        fields = dict(line.split(": ", 1) for line in head.splitlines()[1:] if line)
        text = await self.reader.readexactly(int(fields["content-length"]))
        return int(head.split()[1]), text, fields.get("connection") != "close"

    def close(self):
        self.writer.transport.abort()


class Backend:
    """One copy: in rotation while /readyz says so."""

    def __init__(self, url):
        self.port = urllib.parse.urlsplit(url).port
        self.ready = False
        self.idle = []

    async def connection(self):
        while self.idle:
            connection = self.idle.pop()
            if connection.is_usable():
                return connection
            connection.close()
        return Connection(*await asyncio.open_connection("127.0.0.1", self.port))

    async def probe(self):
        try:
            connection = Connection(*await asyncio.open_connection("127.0.0.1", self.port))
        except OSError:
            self.ready = False
            return
        try:
            status, _, _ = await connection.ask("GET", "/readyz", b"", {"Connection": "close"})
            self.ready = status == 200
        except (OSError, EOFError):
            self.ready = False
        finally:
            connection.close()

    def close(self):
        self.ready = False
        for connection in self.idle:
            connection.close()


class Balancer:
    """`counts`: requests, and what it met on the way."""

    def __init__(self):
        self.backends = []
        self.turn = 0
        self.counts = collections.Counter()

    def add(self, url):
        backend = Backend(url)
        self.backends.append(backend)
        return backend

    def remove(self, backend):
        self.backends.remove(backend)
        backend.close()

    async def end(self):
        for backend in self.backends:
            backend.close()
        await asyncio.sleep(0)  # what was aborted is closed by the loop

    async def probe_for_ever(self):
        while True:
            await asyncio.gather(*(backend.probe() for backend in self.backends))
            await asyncio.sleep(PROBE_EVERY)

    async def pick(self):
        """The next one in turn that is ready."""
        while True:
            ready = [backend for backend in self.backends if backend.ready]
            if ready:
                self.turn += 1
                return ready[self.turn % len(ready)]
            self.counts["waited for a copy"] += 1
            await asyncio.sleep(0.01)

    async def request(self, method, path, content=None, key=None):
        """(status, answer). `key`: an Idempotency-Key, which makes it safe to send again."""
        return await asyncio.wait_for(self.send(method, path, content, key), PATIENCE)

    async def send(self, method, path, content, key):
        body = json.dumps(content).encode() if content is not None else b""
        headers = {"Content-Type": "application/json"} if body else {}
        if key:
            headers["Idempotency-Key"] = key
        self.counts["requests"] += 1
        for _ in range(TRIES):
            backend = await self.pick()
            try:
                connection = await backend.connection()
            except OSError:
                self.counts["refused connections"] += 1
                backend.ready = False
                continue
            try:
                status, text, stays = await connection.ask(method, path, body, headers)
            except (OSError, EOFError) as error:
                connection.close()
                self.counts["cut off"] += 1
                if not key:
                    raise CutOff(f"{method} {path}") from error
                continue
            if stays and backend in self.backends:
                backend.idle.append(connection)
            else:
                connection.close()
            return status, json.loads(text)
        raise CutOff(f"{method} {path}: {TRIES} copies in a row")
