"""kill -9 of `latchkey up` under load: nothing answered is lost, nothing used is valid again.

Each code has a subject of its own: what is refused again and again afterwards then counts against
nobody else. (What a kill cannot show is a loss of power: there the page cache goes as well.)
"""

import concurrent.futures
import http.client
import os
import random
import threading
import time
import unittest
import uuid

import harness

ROUNDS = 4
CLIENTS = 8
# Every code is tried again after its use, by one caller, as fast as it goes.
NO_LIMITS = {"CALLER_FAILURES": "off", "ALL_FAILURES": "off"}


class Ledger:
    """What one client was told: the truth that a restarted latchkey is held to."""

    def __init__(self):
        self.issued = []  # answered with 200, never checked
        self.accepted = []  # a check was answered with 200
        self.uncertain = []  # a check was under way when the process died: used or not, not twice
        self.strange = []  # answers that no client should ever get


def client(url, seed, ledger, stop):
    """Fetches codes and checks about half of them, until the server dies."""
    chance = random.Random(seed)
    connection = harness.Connection(url)
    waiting = []
    code = None
    try:
        while not stop.is_set():
            subject = str(uuid.uuid4())
            answer = connection.call("POST", "/api/v1/codes", json_body={"subject": subject})
            if answer.status != 201:
                ledger.strange.append(answer)
                continue
            waiting.append({"code": answer.json()["code"], "subject": subject})
            if chance.random() < 0.5:
                code = waiting.pop(chance.randrange(len(waiting)))
                answer = connection.call("POST", "/api/v1/verify", json_body=code)
                if answer.status == 200:
                    ledger.accepted.append(code)
                elif answer.status == 409:  # not active yet
                    waiting.append(code)
                else:
                    ledger.strange.append(answer)
                code = None
    except (OSError, http.client.HTTPException):
        if code is not None:
            ledger.uncertain.append(code)
    finally:
        ledger.issued += waiting
        connection.close()


class Crash(unittest.TestCase):
    def test_sigterm_under_load_ends_well_and_loses_no_code(self):
        latchkey = harness.Latchkey(environment=NO_LIMITS)
        self.addCleanup(latchkey.kill)

        def stop():
            self.assertEqual(0, latchkey.stop(), latchkey.log())

        ledgers = self.load_until(latchkey, stop, random.Random(1))
        restarted = harness.Latchkey(data=latchkey.data, environment=NO_LIMITS)
        self.addCleanup(restarted.kill)
        self.check(restarted, ledgers, [])

    def test_kill_9_under_load_loses_no_code_and_revives_none(self):
        seed = int(os.environ.get("LATCHKEY_SEED", random.SystemRandom().randrange(2**32)))
        print(f"(LATCHKEY_SEED={seed}) ", end="", flush=True)
        chance = random.Random(seed)
        data = None
        used_before = []
        for number in range(ROUNDS):
            latchkey = harness.Latchkey(data=data, environment=NO_LIMITS)
            self.addCleanup(latchkey.kill)
            data = latchkey.data
            ledgers = self.load_until(latchkey, latchkey.kill, chance)
            restarted = harness.Latchkey(data=data, environment=NO_LIMITS)
            self.addCleanup(restarted.kill)
            with self.subTest(seed=seed, round=number):
                self.check(restarted, ledgers, used_before)
            self.assertEqual(0, restarted.stop(), restarted.log())

    def load_until(self, latchkey, end, chance):
        ledgers = [Ledger() for _ in range(CLIENTS)]
        stop = threading.Event()
        threads = [
            threading.Thread(target=client, args=(latchkey.api, chance.random(), ledger, stop))
            for ledger in ledgers
        ]
        for thread in threads:
            thread.start()
        time.sleep(chance.uniform(0.2, 1.2))
        end()
        stop.set()
        for thread in threads:
            thread.join()
        return ledgers

    def check(self, latchkey, ledgers, used_before):
        issued = [code for ledger in ledgers for code in ledger.issued]
        accepted = [code for ledger in ledgers for code in ledger.accepted]
        uncertain = [code for ledger in ledgers for code in ledger.uncertain]
        self.assertEqual([], [answer for ledger in ledgers for answer in ledger.strange])
        self.assertGreater(len(issued), 10, "too little load to show anything")
        self.assertGreater(len(accepted), 10, "too little load to show anything")

        def verdicts(codes):
            with concurrent.futures.ThreadPoolExecutor(CLIENTS) as pool:
                checks = pool.map(lambda code: latchkey.verify_when_active(**code), codes)
                return [answer.status for answer in checks]

        def wrong(codes, right):
            return [pair for pair in zip(codes, verdicts(codes)) if pair[1] not in right]

        self.assertEqual([], wrong(issued, {200}), "answered codes that are lost")
        self.assertEqual([], wrong(accepted, {403}), "used codes that are valid again")
        self.assertEqual([], wrong(uncertain, {200, 403}))
        used = issued + accepted + uncertain
        self.assertEqual([], wrong(used, {403}), "codes that are accepted twice")
        self.assertEqual([], wrong(used_before, {403}), "codes of an earlier life valid again")
        used_before[:] = (used_before + used)[-500:]
