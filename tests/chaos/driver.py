"""Runs the world, its users and its troubles, and writes everything down."""

import asyncio
import datetime
import hashlib
import hmac
import http.client
import json
import random
import re

import storage
import vault
from chaos import engines
from chaos.asking import Asker
from chaos.journal import Journal
from chaos.lives import Lives
from chaos.proxy import Proxy
from chaos.trouble import Trouble
from chaos.world import ERROR_MAX, World

ATTEMPTS_MAX = 5  # Limits::attempts_per_code
LIFETIME = 8  # seconds, at most; each code draws 5 or more
CODE = re.compile(rb"[A-Za-z]{3}-[0-9]{1,4}-[A-Za-z]{3}")
# A watcher may have backed off for half a minute, and a message may wait for one code's life.
DRAIN_PATIENCE = 75.0


class TableWatch:
    """Looks at the table again and again, and remembers when each row changed."""

    def __init__(self, table, journal):
        self.table = table
        self.journal = journal
        self.histories = {}  # key -> list of records
        self.looked = journal.now()

    async def look(self):
        """The keys of all rows; None when the table does not answer."""
        before = self.journal.now()
        try:
            rows = await asyncio.to_thread(self.table.look)
        except (OSError, http.client.HTTPException):
            return None
        after = self.journal.now()
        for key in rows.keys() | self.histories.keys():
            state, attempts = rows.get(key, ("gone", 0))
            history = self.histories.setdefault(key, [])
            if history and (history[-1]["state"], history[-1]["attempts"]) == (state, attempts):
                history[-1]["last"] = before
            else:
                history.append({"state": state, "attempts": attempts, "after": self.looked,
                                "at": after, "last": before})
        self.looked = before
        return rows.keys()


class Driver:
    """`cloud`, `queue`, `table`: what the processes stand on (engines.py)."""

    def __init__(self, cloud, queue, table, log, seed, toggle=False, requeue="update"):
        self.chance = random.Random(seed)
        self.journal = Journal(log)
        self.journal.write("run", seed=seed, toggle=toggle, requeue=requeue, error_max=ERROR_MAX,
                           attempts_max=ATTEMPTS_MAX)
        self.world = World(cloud, queue, table, toggle)
        self.settings = {"WATCH_REQUEUE": requeue, "WATCH_POLL_MAX": "200ms"}
        self.queue = queue.account.queue(engines.QUEUE)
        self.poison = queue.account.queue(engines.QUEUE + "-poison")
        self.asker = Asker(self.journal, LIFETIME)
        self.proxies = [Proxy(cloud.data, queue, self.chance, self.saw_put)]
        if hasattr(table, "reach_at"):
            self.proxies.append(Proxy(cloud.data, table, self.chance, self.saw_put))
        self.lives = Lives(self.world, self.asker, self.journal, self.chance, self.put_code)
        self.trouble = Trouble(self.world, self.proxies, self.journal, self.chance, LIFETIME)
        self.table = table
        self.rows = TableWatch(table, self.journal)
        secrets = vault.Vault(cloud, cloud.environment_of("app"))
        self.pepper = secrets.get("code-pepper").encode()
        self.puts = []
        self.dead = set()

    async def run(self, seconds, rate):
        for proxy in self.proxies:
            await proxy.start()
        if len(self.proxies) > 1:
            self.table.reach_at(f"https://localhost:{self.proxies[1].port}")
        self.world.make_members(self.proxies[0].port, LIFETIME, self.settings)
        await self.world.start()
        looking = asyncio.create_task(self.keep_looking())
        try:
            await asyncio.gather(self.trouble.run(seconds), self.users(seconds, rate))
            if not self.world.toggle:
                await self.drain()
            looking.cancel()
            await self.write_what_is_left()
        finally:
            looking.cancel()
            self.world.end()
            for proxy in self.proxies:
                await proxy.end()

    async def users(self, seconds, rate):
        """About `rate` codes per second, each with a life of its own."""
        lives = []
        end = self.journal.now() + seconds
        number = 0
        while self.journal.now() < end:
            number += 1
            lives.append(asyncio.create_task(self.lives.live(number)))
            if number % 20 == 0 and not self.world.toggle:
                lives.append(asyncio.create_task(self.lives.forge(number)))
                lives.append(asyncio.create_task(self.put_malformed(number)))
            await asyncio.sleep(self.chance.expovariate(rate))
        await asyncio.gather(*lives)

    async def keep_looking(self):
        while True:
            await self.rows.look()
            for who, code in self.world.ended_by_themselves():
                if who not in self.dead:
                    self.dead.add(who)
                    self.journal.write("died", who=who, exit=code)
            await asyncio.sleep(self.table.look_every)

    async def put(self, text):
        """Into the queue, past the proxy; whether it is there."""
        escaped = text.replace("&", "&amp;").replace("<", "&lt;").encode()
        try:
            return (await asyncio.to_thread(self.queue.put, escaped)).status == 201
        except (OSError, http.client.HTTPException):
            return False  # the queue is being killed

    async def put_code(self, code, issued):
        moment = datetime.datetime.fromtimestamp(issued, datetime.timezone.utc)
        return await self.put(json.dumps({
            "code": code, "timestamp": moment.strftime("%Y-%m-%d %H:%M:%S.%f")
        }))

    async def put_malformed(self, number):
        label = f"malformed{number}"
        form = self.chance.choice(("%s", '{"code": "%s"}', '{"%s": 7', "{'timestamp': '%s'}"))
        if await self.put(form % label):
            self.journal.write("malformed", code=label)

    def saw_put(self, code, heard):
        self.puts.append((code, self.journal.now(), heard))

    async def drain(self):
        """Everything runs: the queue has to become empty, and the rows to go."""
        end = self.journal.now() + DRAIN_PATIENCE
        while self.journal.now() < end and self.queue.count():
            await asyncio.sleep(0.5)
        count = self.queue.count()
        if count:
            self.journal.write("left", what="messages", count=count)

    async def write_what_is_left(self):
        labels = {text: label for label, text in self.asker.texts.items()}
        keys = {
            hmac.new(self.pepper, text.encode(), hashlib.sha256).digest(): label
            for text, label in labels.items()
        }
        for text in self.poisoned():
            code = re.search(CODE.pattern.decode() + "|malformed[0-9]+", text)
            if code:
                self.journal.write("poison", code=labels.get(code[0], code[0]))
        for code, at, heard in self.puts:
            self.journal.write("put", code=labels.get(code, code), at=at, heard=heard)
        if not self.world.toggle:
            for key in await self.rows.look():
                self.journal.write("left", what="row", code=keys.get(key))
            for key, history in self.rows.histories.items():
                for record in history:
                    self.journal.write("row", code=keys.get(key, key.hex()), **record)
        for who, log in self.world.logs():
            for found in set(CODE.findall(log.read_bytes())):
                if found.decode() in labels:
                    self.journal.write("leak", who=who, code=labels[found.decode()])

    def poisoned(self):
        """The texts of all messages in the poison queue."""
        while True:
            answer = self.poison.call("GET", "/messages?numofmessages=32&visibilitytimeout=600")
            texts = [] if answer.status == 404 else storage.Queue._texts(answer)
            if not texts:
                return
            yield from texts
