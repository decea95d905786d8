"""Stands between the processes and a queue or table, and loses, delays and repeats what passes.

It speaks TLS to the processes with the local cloud's own certificate, and to the service as that
does, so that it sees requests and answers and each fault is the one it means: a request that never
arrives, one that takes effect while its answer is lost, one that arrives twice.
"""

import asyncio
import dataclasses
import re
import ssl

CODE = re.compile(rb"[A-Za-z]{3}-[0-9]{1,4}-[A-Za-z]{3}")
IF_MATCH = re.compile(rb"\r\nif-match: [^\r]*", re.I)
DELAY_MAX = 2.0


@dataclasses.dataclass
class Faults:
    """How often each happens, 0 to 1, and whether anything passes at all."""

    lose_request: float = 0.0
    lose_answer: float = 0.0
    repeat: float = 0.0
    delay: float = 0.0
    unreachable: bool = False


class Gone(Exception):
    """The other side closed, or the fault is that we do."""


async def read_message(reader):
    """One HTTP message: (head, body), as it came."""
    try:
        head = await reader.readuntil(b"\r\n\r\n")
        length = re.search(rb"\r\ncontent-length: *(\d+)", head, re.I)
        if length:
            return head, await reader.readexactly(int(length[1]))
        if not re.search(rb"\r\ntransfer-encoding: *chunked", head, re.I):
            return head, b""
        chunks = []
        while not chunks or int(chunks[-2], 16) > 0:
            chunks.append(await reader.readuntil(b"\r\n"))
            chunks.append(await reader.readexactly(int(chunks[-1], 16) + 2))
        return head, b"".join(chunks)
    except (asyncio.IncompleteReadError, OSError) as end:
        raise Gone from end


class Proxy:
    """To `engine` (engines.py). `saw_put(code, heard)`: for each message that a queue took."""

    def __init__(self, cloud_data, engine, chance, saw_put):
        self.name = engine.name
        self.port = None
        self.upstream_port = engine.port
        self.chance = chance
        self.saw_put = saw_put
        self.faults = Faults()
        self.unconditional = False  # every If-Match matches: a table that cannot compare
        self.counts = {"requests": 0, "lost requests": 0, "lost answers": 0, "repeated": 0,
                       "delayed": 0, "refused": 0}
        self.open = {}  # task -> the client's connection
        self.server_tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        keys = cloud_data / "keys"
        self.server_tls.load_cert_chain(keys / "server.pem", keys / "server-key.pem")
        trust = ssl.create_default_context(cafile=str(cloud_data / "ca.pem"))
        self.client_tls = trust if engine.tls else None

    async def start(self):
        self.server = await asyncio.start_server(
            self.serve, "127.0.0.1", 0, ssl=self.server_tls, limit=1 << 20
        )
        self.port = self.server.sockets[0].getsockname()[1]

    def become_unreachable(self):
        self.faults.unreachable = True
        for writer in list(self.open.values()):
            writer.transport.abort()

    async def end(self):
        self.server.close()
        self.become_unreachable()
        await asyncio.gather(*self.open, return_exceptions=True)

    async def serve(self, reader, writer):
        task = asyncio.current_task()
        self.open[task] = writer
        upstream = None
        try:
            while True:
                request = await read_message(reader)
                self.counts["requests"] += 1
                if self.faults.unreachable:
                    self.counts["refused"] += 1
                    raise Gone
                if upstream is None or upstream[0].at_eof():
                    upstream = await self.connect()
                writer.write(await self.pass_on(request, upstream))
                await writer.drain()
        except (Gone, OSError):
            pass
        finally:
            del self.open[task]
            writer.transport.abort()
            if upstream:
                upstream[1].transport.abort()

    async def connect(self):
        return await asyncio.open_connection(
            "localhost", self.upstream_port, ssl=self.client_tls, limit=1 << 20
        )

    def happens(self, likelihood, what):
        if self.chance.random() >= likelihood:
            return False
        self.counts[what] += 1
        return True

    async def pass_on(self, request, upstream):
        faults = self.faults
        if self.happens(faults.lose_request, "lost requests"):
            raise Gone
        if self.happens(faults.delay, "delayed"):
            await asyncio.sleep(self.chance.uniform(0.05, DELAY_MAX))
        if self.happens(faults.repeat, "repeated"):
            await self.ask(request, upstream, heard=False)
        heard = not self.happens(faults.lose_answer, "lost answers")
        answer = await self.ask(request, upstream, heard)
        if not heard:
            raise Gone
        return answer

    async def ask(self, request, upstream, heard):
        reader, writer = upstream
        asked, content = request
        if self.unconditional:
            asked = IF_MATCH.sub(b"\r\nIf-Match: *", asked)
        writer.write(asked + content)
        head, body = await read_message(reader)
        if asked.startswith(b"POST ") and head.split(b" ", 2)[1] == b"201":
            code = CODE.search(content)
            if code:
                self.saw_put(code[0].decode(), heard)
        return head + body
