"""Judges a chaos run by its log alone: which invariants were broken, where, and by what.

The log is a list of records (driver.py writes them, one JSON object each). Times are seconds since
1970 by the driver's clock, which stands for the true time; every process but the driver may be off
by `offset`. What a process did for a request happened anywhere between the request's `start` and
`end`, and a request without an answer may have had its effect or not. So a rule counts as broken
only where no order of events within these bounds explains what was seen: nothing here is a guess.

Each rule below says which invariant it is.
"""

import collections

FORWARD = {"pending": 0, "valid": 1, "used": 2, "revoked": 2, "gone": 3}

# The driver's clock against the system's, which the others read: steered by NTP, never this far.
CLOCK_SLACK = 0.02
# A code is active within a second; the rest is for a busy machine.
ACTIVE_WITHIN = 1.0 + 1.5

Violation = collections.namedtuple("Violation", "invariant code text")


class Run:
    """The records, sorted by kind and by code."""

    def __init__(self, records):
        self.options = next(r for r in records if r["event"] == "run")
        self.records = records
        # Of several answers with one code, to the same idempotency key, the first.
        self.issues = {r["code"]: r for r in reversed(self.of("issue")) if r["code"]}
        self.verifies = self.by_code("verify")
        self.revokes = self.by_code("revoke")
        self.rows = self.by_code("row")
        self.issues_for = grouped(self.of("issue"), bound)
        self.verifies_for = grouped(self.of("verify"), bound)

    def of(self, event):
        return [r for r in self.records if r["event"] == event]

    def by_code(self, event):
        return grouped(self.of(event), lambda record: record["code"])

    def accepted(self, code):
        return [v for v in self.verifies[code] if v["verdict"] == "accepted"]

    def is_repeat(self, verify):
        """Whether it may be the answer to a retry: the same key was sent before it was over."""
        return verify["key"] is not None and any(
            other is not verify and other["key"] == verify["key"] and other["start"] < verify["end"]
            for other in self.verifies[verify["code"]]
        )

    def same_binding(self, code):
        """Later issues that may have superseded this code."""
        mine = self.issues[code]
        if not mine["subject"]:
            return []
        return [
            other for other in self.issues_for[bound(mine)]
            if other is not mine and other["code"] != code and other["end"] > mine["start"]
        ]

    def guesses(self, code):
        """Attempts with another code for the same subject and purpose."""
        mine = self.issues[code]
        if not mine["subject"]:
            return []
        return [v for v in self.verifies_for[bound(mine)] if v["code"] != code]

    def paused(self, start, end):
        """Whether any process was stopped at any time between these two."""
        return any(
            f["kind"] == "pause" and f["start"] < end and f["until"] > start
            for f in self.of("fault")
        )


def grouped(records, key):
    found = collections.defaultdict(list)
    for record in records:
        found[key(record)].append(record)
    return found


def bound(record):
    return record["subject"], record["purpose"]


def accepted_late(run):
    """I1: no acceptance, repeated or not, at or after `expires` by the accepter's clock.

    It comes after the request, and after the row was last seen unused.
    """
    for code, issue in run.issues.items():
        used = max((row["after"] for row in run.rows[code] if row["state"] == "used"), default=0)
        for verify in run.accepted(code):
            late = max(verify["start"], used) + verify["offset"] - issue["expires"]
            if late > CLOCK_SLACK:
                yield "I1", code, f"accepted by {verify['by']} {late:.3f} s after its end or later"


def accepted_after_its_end(run):
    """I2: nothing is accepted after a revocation, or after a newer code took its place."""
    for code in run.issues:
        ended = [r for r in run.revokes[code] if r["outcome"] == "revoked"]
        ended += [o for o in run.same_binding(code) if o["outcome"] == "issued"
                  and o["start"] > run.issues[code]["end"]]
        for verify in run.accepted(code):
            for end in ended:
                if end["end"] < verify["start"] and not run.is_repeat(verify):
                    yield "I2", code, f"accepted by {verify['by']} after the {end['event']}"
                    break


def accepted_twice(run):
    """I3: one acceptance per issue; retries with the same idempotency key count once."""
    for code in [*run.issues, *(r["code"] for r in run.of("forge"))]:
        accepted = run.accepted(code)
        times = len({v["key"] or id(v) for v in accepted})
        if times > 1:
            yield "I3", code, f"accepted {times} times, by {', '.join(v['by'] for v in accepted)}"


def issued_twice(run):
    """One code per idempotency key of an issue, while that code lives."""
    issued = sorted(run.issues.values(), key=lambda issue: issue["issued"])
    for key, issues in grouped(issued, lambda issue: issue["key"]).items():
        if key and len(issues) > 1 and issues[1]["issued"] < issues[0]["expires"]:
            yield "key", issues[1]["code"], f"issued for the same key as {issues[0]['code']}"


def refused_too_early(run):
    """I4: no code is refused before `expires` - e without a reason."""
    for code, issue in run.issues.items():
        for verify in run.verifies[code]:
            if verify["verdict"] != "refused" or bound(verify) != bound(issue):
                continue
            if verify["end"] >= issue["expires"] - run.options["error_max"]:
                continue
            if not may_have_ended(run, code, verify):
                yield "I4", code, f"refused by {verify['by']} for no reason"


def may_have_ended(run, code, verify):
    """Whether anything before the end of `verify` can have used, revoked or exhausted the code."""
    issue = run.issues[code]

    def uses(other):
        # A verification that looked at the clock the second time after the code's end has used it
        # up and said no.
        over = other["end"] + other["offset"] >= issue["expires"] - CLOCK_SLACK
        return other["verdict"] in ("accepted", "unanswered", "failed") or (
            other["verdict"] == "refused" and over
        )

    before = [v for v in run.verifies[code]
              if v is not verify and v["start"] < verify["end"] and v["verdict"] != "unsent"]
    if any(bound(v) == bound(issue) and uses(v) for v in before):
        return True
    if any(r["start"] < verify["end"] for r in run.revokes[code]):
        return True
    if any(o["start"] < verify["end"] and o["outcome"] != "unsent" for o in run.same_binding(code)):
        return True
    # Attempts with this code for somebody else count on its row, those with other codes for its
    # own subject and purpose as well.
    wrong = [v for v in before if bound(v) != bound(issue)] + [
        v for v in run.guesses(code) if v["start"] < verify["end"] and v["end"] > issue["start"]
    ]
    return len(wrong) >= run.options["attempts_max"]


def moved_backwards(run):
    """I5: pending, valid, used or revoked, gone: never back, never sideways."""
    for code, rows in run.rows.items():
        for before, after in zip(rows, rows[1:]):
            if before["state"] == after["state"]:
                continue
            if FORWARD[after["state"]] <= FORWARD[before["state"]]:
                yield "I5", code, f"went from {before['state']} to {after['state']}"


def compared_too_often(run):
    """I6: at most so many refused attempts per code; then it is dead.

    Who took the code for over compared nothing: his attempt could not have been accepted.
    """
    most = run.options["attempts_max"]
    for code, issue in run.issues.items():
        wrong = [v for v in run.guesses(code) if v["start"] > issue["end"]]
        wrong += [v for v in run.verifies[code] if bound(v) != bound(issue)]
        tries = [v for v in wrong if v["verdict"] == "refused"
                 and v["end"] + v["offset"] < issue["expires"]]
        for verify in run.accepted(code):
            count = sum(1 for v in tries if v["end"] < verify["start"])
            if count >= most and not run.is_repeat(verify):
                yield "I6", code, f"accepted after {count} refused attempts"
        for row in run.rows[code]:
            if row["attempts"] > most:
                yield "I6", code, f"{row['attempts']} attempts are counted on its row"
                break


def accepted_for_another(run):
    """I7: accepted for its own subject and purpose only."""
    for code, issue in run.issues.items():
        for verify in run.accepted(code):
            if bound(verify) != bound(issue):
                yield "I7", code, f"of {bound(issue)} accepted for {bound(verify)}"


def forged(run):
    """I8: a code that only a message claims is never accepted, and never in the table."""
    for forgery in run.of("forge"):
        if run.accepted(forgery["code"]):
            yield "I8", forgery["code"], "forged, and accepted"
        if run.rows[forgery["code"]]:
            yield "I8", forgery["code"], "forged, and in the table"


def changed_after_its_end(run):
    """I9: no message makes a code valid that is over.

    A watcher that was stopped between its look at the clock and its write does so late; nobody
    accepts that code, for every verifier looks at the clock himself.
    """
    for code, rows in run.rows.items():
        issue = run.issues.get(code)
        for row in rows:
            if not issue or row["state"] != "valid":
                continue
            over = issue["expires"] + run.options["error_max"]
            late = row["after"] - over
            if late > CLOCK_SLACK and not run.paused(over, row["at"]):
                yield "I9", code, f"became valid at least {late:.3f} s after its end + e"


def leaked(run):
    """I10: no code in a log."""
    for leak in run.of("leak"):
        yield "I10", leak["code"], f"stands in the log of {leak['who']}"


def active_late(run):
    """I11: while nothing is disturbed, an issued code is active within a second."""
    disturbed = [(f["start"], f["until"]) for f in run.of("fault")]
    for code, issue in run.issues.items():
        ready, due = issue["end"], issue["end"] + ACTIVE_WITHIN
        if due > issue["expires"] - run.options["error_max"]:
            continue
        if any(start < due and until > issue["start"] for start, until in disturbed):
            continue
        # Seen pending at a moment after it was due: only the next look shows another state.
        late = [r for r in run.rows[code] if r["state"] == "pending" and r["last"] > due]
        late += [v for v in run.verifies[code] if v["verdict"] == "inactive" and v["start"] > due]
        if late:
            yield "I11", code, f"not active {ACTIVE_WITHIN} s after its issue at {ready:.3f}"


def left_behind(run):
    """I12: in the end the queue and the table are empty, but for what is known to be lost.

    A row stays an hour longer if its message was never put (the issue was not answered with a
    code) or is poison.
    """
    poison = {r["code"] for r in run.of("poison")}
    lost = sum(1 for r in run.of("issue") if r["outcome"] in ("failed", "unanswered"))
    strangers = 0
    for left in run.of("left"):
        if left["what"] == "messages":
            yield "I12", None, f"{left['count']} messages stay in the queue"
        elif left["code"] not in run.issues:
            strangers += 1
        elif left["code"] not in poison:
            yield "I12", left["code"], "its row stays: its message was lost"
    if strangers > lost:
        yield "I12", None, f"{strangers} rows of nobody's codes stay; {lost} issues had no answer"


def put_too_often(run):
    """I13: one message per issue; another one only when the answer to the first was lost.

    Who has just been stopped for longer than he waits for an answer does not look at it.
    """
    if run.options["requeue"] != "update":
        return
    for code, puts in run.by_code("put").items():
        heard = [p["at"] for p in puts if p["heard"]]
        if len(heard) > 1 and not run.paused(heard[0] - 1, heard[-1]):
            yield "I13", code, f"put {len(heard)} times although the queue had answered"


def malformed_stayed(run):
    """I14: a malformed message ends in the poison queue."""
    poison = {r["code"] for r in run.of("poison")}
    for message in run.of("malformed"):
        if message["code"] not in poison:
            yield "I14", message["code"], "malformed, and not in the poison queue"


def lost(run):
    """I15: a code that was answered has a row for as long as it lives."""
    for code, issue in run.issues.items():
        rows = run.rows[code]
        if not rows:
            yield "I15", code, "was answered, and never had a row"
        for row in rows:
            early = issue["expires"] - run.options["error_max"] - row["at"]
            if row["state"] == "gone" and early > 0:
                yield "I15", code, f"its row went {early:.3f} s before its end"


def died(run):
    """No process ends unless it is told to."""
    for end in run.of("died"):
        yield "alive", None, f"{end['who']} ended by itself with {end['exit']}"


ANSWERS = (accepted_late, accepted_after_its_end, accepted_twice, refused_too_early)
# What the walkthrough's program has no part of: our table, subjects, the poison queue.
OURS = (
    issued_twice, moved_backwards, compared_too_often, accepted_for_another, forged,
    changed_after_its_end, leaked, active_late, left_behind, put_too_often, malformed_stayed, lost,
    died,
)


def check(records):
    run = Run(records)
    rules = ANSWERS if run.options["toggle"] else ANSWERS + OURS
    return [Violation(*found) for rule in rules for found in rule(run)]
