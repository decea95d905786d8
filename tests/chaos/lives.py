"""What happens to a code in a chaos run: each lives one of these lives, at random.

Every code is submitted to two verifiers at once, early, after its use, about its end and after it.
"""

import asyncio
import string

# How long after a code's end nobody may accept it any more: e, and the driver's own margin.
AFTER = 1.1


class Lives:
    def __init__(self, world, asker, journal, chance, put):
        self.world = world
        self.asker = asker
        self.journal = journal
        self.chance = chance
        self.put = put  # puts a message into the queue, past the proxy
        self.stories = [
            (40, self.ordinary, False), (12, self.on_the_brink, False),
            (10, self.guessed, True), (10, self.for_somebody_else, True),
            (8, self.revoked, True), (6, self.superseded, True),
            (8, self.put_again, False), (6, self.never_used, False),
        ]
        if world.toggle:  # It knows no subjects.
            self.stories = [story for story in self.stories if not story[2]]

    async def live(self, number):
        weights = [weight for weight, _, _ in self.stories]
        _, story, named = self.chance.choices(self.stories, weights)[0]
        named = named or (not self.world.toggle and self.chance.random() < 0.5)
        # Limits count for subject and purpose, or for the caller: one of each for each code.
        subject = f"user{number}" if named else ""
        purpose = self.chance.choice(("", "sign-in", "pay")) if named else ""
        source = f"127.{number >> 16 & 255}.{number >> 8 & 255}.{number & 255}"
        code = await self.issue(f"c{number}", subject, purpose, source)
        if code["outcome"] == "issued":
            await story(code)
            await self.until(code["expires"] + AFTER + self.chance.uniform(0, 2))
            await self.submit(code)

    async def issue(self, label, subject, purpose, source):
        """A client that sends a key asks again when it gets no answer, some even when they do."""
        lifetime = self.chance.randint(5, self.asker.lifetime)
        key = self.new_key(0.4) if subject else None

        async def ask(label):
            member = self.chance.choice(self.world.of("issue"))
            return await self.asker.issue(member, label, subject, purpose, lifetime, source, key)

        code = await ask(label)
        if key and code["outcome"] in ("unanswered", "failed"):
            code = await ask(label)
        elif key and self.chance.random() < 0.3:
            await ask(label + "-again")
        code["source"] = source
        return code

    def new_key(self, likelihood):
        if self.chance.random() >= likelihood:
            return None
        return "".join(self.chance.choices(string.ascii_letters, k=20))

    async def until(self, moment):
        await asyncio.sleep(max(0.0, moment - self.journal.now()))

    def verifiers(self, count):
        """Different ones; the processes that issue verify as well."""
        members = self.world.of("verify") * 3
        if not self.world.toggle:
            members += self.world.of("issue")
        return self.chance.sample(members, count)

    async def submit(self, code, count=2, **other):
        """To so many at once; what each said."""
        binding = {"subject": code["subject"], "purpose": code["purpose"]} | other
        return await asyncio.gather(
            *(self.one(member, code, binding) for member in self.verifiers(count))
        )

    async def one(self, member, code, binding):
        """A client that sends a key asks again when it gets no answer."""
        key = self.new_key(0.3)
        verdict = await self.ask(member, code, binding, key)
        if verdict in ("unanswered", "failed") and key:
            verdict = await self.ask(self.verifiers(1)[0], code, binding, key)
        return verdict

    async def ask(self, member, code, binding, key=None, text=None):
        label = None if text else code["code"]
        return await self.asker.verify(
            member, label, **binding, source=code["source"], key=key, text=text
        )

    async def early(self, code):
        """As a user would: again while it is not active, until there is a verdict."""
        while self.journal.now() < code["expires"]:
            verdicts = await self.submit(code)
            if "accepted" in verdicts or "refused" in verdicts:
                return
            await asyncio.sleep(self.chance.uniform(0.02, 0.2))

    async def ordinary(self, code):
        await self.early(code)
        await asyncio.sleep(self.chance.uniform(0, 1))
        await self.submit(code)
        await self.until(code["expires"] + self.chance.uniform(-0.9, 0.9))
        await self.submit(code)

    async def on_the_brink(self, code):
        """First used about its end."""
        await self.until(code["expires"] - 1.2)
        while self.journal.now() < code["expires"] + AFTER:
            await self.submit(code)
            await asyncio.sleep(self.chance.uniform(0.1, 0.4))

    async def never_used(self, code):
        pass

    async def guessed(self, code):
        """Others guess at its subject while it lives: three spoil nothing, five do."""
        binding = {"subject": code["subject"], "purpose": code["purpose"]}
        await asyncio.sleep(self.chance.uniform(0, 1.5))
        await asyncio.gather(
            *(self.ask(self.verifiers(1)[0], code, binding, text=self.guess())
              for _ in range(self.chance.choice((3, 5, 8))))
        )
        await self.early(code)

    def guess(self):
        letters = self.chance.choices(string.ascii_letters, k=6)
        return f"{''.join(letters[:3])}-{self.chance.randint(1, 1000)}-{''.join(letters[3:])}"

    async def for_somebody_else(self, code):
        await asyncio.gather(
            self.submit(code, count=1, subject=code["subject"] + "-other"),
            self.submit(code, count=1, purpose=code["purpose"] + "-other"),
        )
        await self.ordinary(code)

    async def revoked(self, code):
        async def revoke():
            await asyncio.sleep(self.chance.uniform(0, 2))
            await self.asker.revoke(self.verifiers(1)[0], code)

        await asyncio.gather(revoke(), self.early(code))
        await self.submit(code)

    async def superseded(self, code):
        newer = await self.issue(
            code["code"] + "-newer", code["subject"], code["purpose"], code["source"]
        )
        if newer["outcome"] == "issued":
            await asyncio.gather(self.early(code), self.early(newer))

    async def put_again(self, code):
        """More messages than one, and some that claim a later issue."""
        text = self.asker.texts[code["code"]]
        for _ in range(self.chance.randint(1, 3)):
            claimed = code["issued"] + self.chance.choice((0, self.chance.uniform(0, 6)))
            await self.put(text, claimed)
        await self.ordinary(code)

    async def forge(self, number):
        """A message for a code that nobody issued."""
        label, text = f"f{number}", self.guess()
        if not await self.put(text, self.journal.now()):
            return
        self.asker.texts[label] = text
        self.journal.write("forge", code=label)
        forged = {"code": label, "subject": "", "purpose": "",
                  "source": f"127.200.{number >> 8 & 255}.{number & 255}"}
        for _ in range(2):
            await asyncio.sleep(self.chance.uniform(0.3, 2))
            await self.submit(forged)
