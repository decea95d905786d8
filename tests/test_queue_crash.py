#!/usr/bin/python3
"""kill -9 of the local cloud under random load on its queues: what was answered is there when it
runs again, and nothing else is. Long runs: tests/test_queue_crash.py --rounds 1000 [--seed N].

(Thousands of rounds in minutes, without HTTP: QueueStoreCrashTest with LATCHKEY_CRASH_ROUNDS.)
"""

import argparse
import http.client
import os
import random
import threading
import time
import unittest
import urllib.parse

import harness
import storage

ROUNDS = int(os.environ.get("LATCHKEY_CRASH_ROUNDS", 20))
CLIENTS = 6
HELD = "visibilitytimeout=3600"


class Queue:
    """One queue on one kept-alive connection."""

    def __init__(self, latchkey, name):
        port = urllib.parse.urlsplit(latchkey.endpoints["queue"]).port
        self.url = f"http://localhost:{port}"
        self.path = f"/{storage.ACCOUNT}/{name}"
        self.connection = harness.Connection(self.url)

    def call(self, method, rest="", body=b""):
        headers = {"x-ms-version": storage.VERSION, "x-ms-date": harness_date()}
        target = self.path + rest
        headers["authorization"] = storage.signature(
            method, self.url + target, headers, len(body)
        )
        answer = self.connection.call(method, target, body, headers)
        if answer.status >= 300 and answer.status not in (404, 409):
            raise AssertionError(answer)
        return answer

    def put(self, text, options=""):
        self.call("POST", "/messages?" + options, message(text))

    def get(self, count=1):
        answer = self.call("GET", f"/messages?numofmessages={count}&{HELD}")
        return [
            (one.findtext("MessageText"), one.findtext("MessageId"), one.findtext("PopReceipt"))
            for one in storage.parse(answer).iter("QueueMessage")
        ]

    def update(self, held, how, body=b""):
        """The new receipt; None when the old one holds no more."""
        answer = self.call("PUT", f"/messages/{held[1]}?{how}&{receipt(held)}", body)
        return answer.headers.get("x-ms-popreceipt")

    def delete(self, held):
        return self.call("DELETE", f"/messages/{held[1]}?{receipt(held)}").status

    def count(self):
        answer = self.call("GET", "?comp=metadata")
        return int(answer.headers["x-ms-approximate-messages-count"])


def harness_date():
    return time.strftime("%a, %d %b %Y %H:%M:%S GMT", time.gmtime())


def message(text):
    return f"<QueueMessage><MessageText>{text}</MessageText></QueueMessage>".encode()


def receipt(held):
    return "popreceipt=" + urllib.parse.quote(held[2], safe="")


class Client:
    """Works on a queue of its own and remembers what it was told."""

    def __init__(self, number):
        self.name = f"crash-{number}"
        self.serial = 0
        self.visible = set()  # texts
        self.held = {}  # text: (text, id, receipt)
        self.begun = None  # (operation, text, ...) without an answer yet
        self.answered = 0
        self.problem = None

    def work(self, latchkey, chance):
        try:
            queue = Queue(latchkey, self.name)
            queue.call("PUT")
            while True:
                self.step(queue, chance)
                self.answered += 1
        except (OSError, http.client.HTTPException):
            pass  # killed
        except Exception as problem:  # a thread's own would only be printed
            self.problem = problem

    def step(self, queue, chance):
        dice = chance.random()
        held = chance.choice(list(self.held.values())) if self.held else None
        if held and dice < 0.15:
            self.begun = ("delete", held[0])
            assert queue.delete(held) == 204
            del self.held[held[0]]
        elif held and dice < 0.3:
            text = self.new_text(chance)
            self.begun = ("update", held[0], text)
            new = queue.update(held, HELD, message(text))
            assert new, "a receipt that should hold"
            del self.held[held[0]]
            self.held[text] = (text, held[1], new)
        elif dice < 0.5:
            self.begun = ("get",)
            for got in queue.get():
                if got[0] in self.visible:  # else: short-lived
                    self.visible.remove(got[0])
                    self.held[got[0]] = got
        elif dice < 0.51:
            self.begun = ("clear",)
            queue.call("DELETE", "/messages")
            self.visible, self.held = set(), {}
        elif dice < 0.56:
            self.begun = ("short",)
            queue.put("short-lived", "messagettl=1")
        else:
            text = self.new_text(chance)
            self.begun = ("put", text)
            queue.put(text)
            self.visible.add(text)
        self.begun = None

    def new_text(self, chance):
        self.serial += 1
        return f"{self.name}-{self.serial}-" + "x" * chance.choice((0, 60, 60, 5000))

    def explained(self, found, count):
        """Whether the texts that were found and the number of messages are what they must be."""
        known = self.visible | set(self.held)
        kind = self.begun and self.begun[0]
        text = self.begun[1] if self.begun and len(self.begun) > 1 else None
        right = [(known, len(known))]  # pairs: texts found, messages in all
        if kind == "put":
            right.append((known | {text}, len(known) + 1))
        elif kind == "delete":
            right.append((known - {text}, len(known) - 1))
        elif kind == "clear":
            right.append((set(), 0))
        elif kind == "get":  # Nobody was told the receipt: it is there, and hidden.
            right += [(known - {one}, len(known)) for one in self.visible]
        elif kind == "update":
            right.append((known - {text}, len(known)))
        return (found, count) in right

    def check(self, latchkey):
        """What is there now; all of it is in sight at the end, and then cleared."""
        queue = Queue(latchkey, self.name)
        queue.call("PUT")
        for held in self.held.values():
            shown = queue.update(held, "visibilitytimeout=0")
            # What was under way may have been done: this one's change, or the clearing of all.
            maybe_gone = self.begun == ("clear",) or (self.begun or ())[1:2] == (held[0],)
            assert shown or maybe_gone, f"lost: {held}, begun {self.begun}"
        found = []
        while got := queue.get(32):
            found += [one[0] for one in got if one[0] != "short-lived"]
        assert len(found) == len(set(found)), "messages that are there twice"
        harness.wait_until(
            lambda: self.explained(set(found), queue.count()),
            f"{self.name} to be right: begun {self.begun}, {queue.count()} messages, known"
            f" {sorted(self.visible | set(self.held))}, found {sorted(found)}", 5,
        )
        queue.call("DELETE", "/messages")
        self.visible, self.held, self.begun = set(), {}, None


class QueueCrash(unittest.TestCase):
    def test_kill_9_loses_nothing_that_was_answered_and_revives_nothing(self):
        seed = int(os.environ.get("LATCHKEY_SEED", random.SystemRandom().randrange(2**32)))
        print(f"(LATCHKEY_SEED={seed}) ", end="", flush=True)
        chance = random.Random(seed)
        clients = [Client(number) for number in range(CLIENTS)]
        data = None
        for number in range(ROUNDS):
            latchkey = harness.Latchkey(command="cloud", data=data)
            self.addCleanup(latchkey.kill)
            data = latchkey.data
            if number:
                with self.subTest(seed=seed, round=number):
                    for client in clients:
                        client.check(latchkey)
            self.load_until_killed(latchkey, clients, chance)
        self.assertGreater(sum(client.answered for client in clients), 20 * ROUNDS)

    def load_until_killed(self, latchkey, clients, chance):
        before = sum(client.answered for client in clients)
        enough = before + chance.randrange(1, 200)
        threads = [
            threading.Thread(target=client.work, args=(latchkey, random.Random(chance.random())))
            for client in clients
        ]
        for thread in threads:
            thread.start()
        harness.wait_until(
            lambda: sum(client.answered for client in clients) >= enough
            or not any(thread.is_alive() for thread in threads),
            "the load",
        )
        latchkey.kill()
        for thread in threads:
            thread.join()
        self.assertEqual([], [client.problem for client in clients if client.problem])


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=ROUNDS)
    parser.add_argument("--seed", type=int)
    options = parser.parse_args()
    ROUNDS = options.rounds
    if options.seed is not None:
        os.environ["LATCHKEY_SEED"] = str(options.seed)
    unittest.main(argv=["test_queue_crash.py"], verbosity=2)
