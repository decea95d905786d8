"""The chaos test's checker: each broken invariant is found in a log made by hand, and a log in
which everything has an explanation passes."""

import unittest

from chaos import checker

# One code that lives from 100 to 108, by everybody's clock.
RUN = {"event": "run", "toggle": False, "requeue": "update", "error_max": 1.0, "attempts_max": 5}


def issue(code="c1", start=99.9, end=100.1, outcome="issued", expires=108.0, key=None):
    return {"event": "issue", "code": code, "by": "issue1", "subject": "ann", "purpose": "",
            "key": key, "start": start, "end": end, "outcome": outcome, "issued": 100.0,
            "expires": expires}


def verify(verdict, start, end=None, code="c1", offset=0.0, subject="ann", key=None):
    return {"event": "verify", "code": code, "by": "verify1", "offset": offset, "subject": subject,
            "purpose": "", "key": key, "start": start, "end": end or start + 0.01,
            "verdict": verdict}


def revoke(start, end, outcome="revoked"):
    return {"event": "revoke", "code": "c1", "start": start, "end": end, "outcome": outcome}


def row(state, after, last=None, attempts=0, code="c1"):
    return {"event": "row", "code": code, "state": state, "attempts": attempts, "after": after,
            "at": after + 0.1, "last": last or after + 0.1}


def put(heard, at=100.0):
    return {"event": "put", "code": "c1", "at": at, "heard": heard}


# A life as it should be: pending, valid, used, gone.
ROWS = [row("pending", 99.9), row("valid", 100.2), row("used", 102.0), row("gone", 110.0)]
UNUSED = [row("pending", 99.9), row("valid", 100.2), row("gone", 110.0)]
KILL = {"event": "fault", "kind": "kill", "who": "watch1", "start": 100.0, "until": 100.6}
WRONG = [verify("refused", 101 + n / 10, code=None) for n in range(5)]


class Checker(unittest.TestCase):
    def found(self, *records):
        return {violation.invariant for violation in checker.check([RUN, *records])}

    def finds(self, invariant, *records):
        self.assertEqual({invariant}, self.found(*records))

    def passes(self, *records):
        self.assertEqual([], checker.check([RUN, *records]))

    def test_a_life_as_it_should_be_passes(self):
        self.passes(issue(), put(True), *ROWS, verify("inactive", 100.1), verify("accepted", 102),
                    verify("refused", 103), verify("refused", 108.5), verify("refused", 112))

    def test_a_late_acceptance_is_found_by_the_verifiers_own_clock(self):
        self.finds("I1", issue(), *UNUSED, verify("accepted", 108.5))
        self.finds("I1", issue(), *UNUSED, verify("accepted", 107.5, offset=0.8))
        self.passes(issue(), *UNUSED, verify("accepted", 108.5, offset=-0.8))

    def test_a_late_answer_to_an_early_request_is_none(self):
        self.passes(issue(), *ROWS, verify("accepted", 107.9, 113))

    def test_an_early_request_that_uses_the_row_late_is_found(self):
        rows = [row("pending", 99.9), row("valid", 100.2), row("used", 111.0)]
        self.finds("I1", issue(), *rows, verify("accepted", 107.9, 113))
        self.passes(issue(), *rows, verify("refused", 107.9, 113))

    def test_an_acceptance_after_a_revocation_is_found(self):
        self.finds("I2", issue(), *UNUSED, revoke(101, 102), verify("accepted", 103))
        self.passes(issue(), *UNUSED, revoke(101, 102), verify("accepted", 101.5, 104))
        self.passes(issue(), *UNUSED, revoke(101, 102, "unanswered"), verify("accepted", 103))

    def test_an_acceptance_after_a_newer_code_is_found(self):
        newer = issue("c2", 103, 104, expires=111.0)
        rows = [row("pending", 103, code="c2"), row("gone", 112, code="c2")]
        self.finds("I2", issue(), *UNUSED, newer, *rows, verify("accepted", 105))
        self.passes(issue(), *UNUSED, newer, *rows, verify("accepted", 103.5))

    def test_a_double_acceptance_is_found(self):
        self.finds("I3", issue(), *ROWS, verify("accepted", 102), verify("accepted", 103))
        self.passes(issue(), *ROWS, verify("accepted", 102, key="k"),
                    verify("accepted", 103, key="k"))

    def test_a_second_code_for_one_idempotency_key_is_found(self):
        rows = [row("pending", 99.9, code="c2"), row("revoked", 100.1, code="c2")]
        self.finds("key", issue(key="k"), *ROWS, issue("c2", key="k"), *rows)
        self.passes(issue(key="k"), issue(start=101, end=102, key="k"), *ROWS)
        later = issue("c2", 108, 109, key="k", expires=116.0) | {"issued": 108.5}
        self.passes(issue(key="k"), *ROWS, later, row("pending", 108.9, code="c2"), KILL)

    def test_a_refusal_without_a_reason_is_found(self):
        self.finds("I4", issue(), *UNUSED, verify("refused", 103))
        self.passes(issue(), *UNUSED, verify("refused", 107.2))  # within e of its end

    def test_refusals_with_a_reason_pass(self):
        reasons = {
            "used": [verify("accepted", 102)],
            "perhaps used": [verify("unanswered", 102, 110)],
            "used up at its end": [verify("refused", 102, 108.2)],
            "perhaps revoked": [revoke(102.9, 104, "unanswered")],
            "guessed at": WRONG,
            "superseded": [issue(None, 102, 103, outcome="unanswered")],
        }
        for reason, records in reasons.items():
            with self.subTest(reason):
                self.passes(issue(), *UNUSED, *records, verify("refused", 103))

    def test_four_guesses_are_no_reason(self):
        self.finds("I4", issue(), *UNUSED, *WRONG[:4], verify("refused", 103))

    def test_a_step_backwards_is_found(self):
        for before, after in (("valid", "pending"), ("used", "valid"), ("used", "revoked"),
                              ("gone", "valid")):
            with self.subTest(before=before, after=after):
                self.finds("I5", issue(), KILL, row(before, 107.5), row(after, 107.6))

    def test_an_acceptance_after_too_many_guesses_is_found(self):
        self.finds("I6", issue(), *UNUSED, *WRONG, verify("accepted", 103))
        self.passes(issue(), *UNUSED, *WRONG[:4], verify("accepted", 103))
        # By a clock for which the code was over nothing was compared.
        fast = [verify("refused", 107.5, code=None, offset=0.8) for _ in range(5)]
        self.passes(issue(), *UNUSED, *fast, verify("accepted", 107.8))
        # Those that were under way at the same moment may have come later.
        during = [verify("refused", 102, 104, code=None) for _ in range(5)]
        self.passes(issue(), *UNUSED, *during, verify("accepted", 103))

    def test_too_many_counted_attempts_are_found(self):
        self.finds("I6", issue(), row("pending", 99.9), row("valid", 101, attempts=6))

    def test_an_acceptance_for_somebody_else_is_found(self):
        self.finds("I7", issue(), *ROWS, verify("accepted", 102, subject="bob"))

    def test_a_forged_code_is_found(self):
        forgery = {"event": "forge", "code": "f1"}
        self.finds("I8", forgery, verify("accepted", 102, code="f1", subject=""))
        self.finds("I8", forgery, row("valid", 100, code="f1"))
        self.passes(forgery, verify("refused", 102, code="f1", subject=""))

    def test_a_change_after_the_end_is_found(self):
        self.finds("I9", issue(), KILL, row("pending", 99.9, 109.5), row("valid", 109.5))
        self.passes(issue(), KILL, row("pending", 99.9, 108.9), row("valid", 108.9))
        pause = KILL | {"kind": "pause", "until": 109.6}
        self.passes(issue(), pause, row("pending", 99.9, 109.5), row("valid", 109.5))

    def test_a_code_in_a_log_is_found(self):
        self.finds("I10", issue(), *ROWS, {"event": "leak", "code": "c1", "who": "watch1"})

    def test_a_code_that_becomes_active_late_is_found(self):
        self.finds("I11", issue(), row("pending", 99.9, 103), row("valid", 103))
        self.finds("I11", issue(), *ROWS, verify("inactive", 103))
        self.passes(issue(), row("pending", 99.9, 103), row("valid", 103), KILL)

    def test_what_stays_behind_is_found(self):
        self.finds("I12", {"event": "left", "what": "messages", "count": 1})
        left = {"event": "left", "what": "row", "code": "c1"}
        self.finds("I12", issue(), row("pending", 99.9), left)
        self.passes(issue(), row("pending", 99.9), left, {"event": "poison", "code": "c1"})

    def test_a_row_without_a_code_is_found_unless_its_issue_failed(self):
        stranger = {"event": "left", "what": "row", "code": None}
        self.finds("I12", stranger)
        self.passes(stranger, issue(None, outcome="failed"))

    def test_a_second_message_is_found(self):
        self.finds("I13", issue(), *ROWS, put(True), put(True, 100.4))
        self.passes(issue(), *ROWS, put(False), put(True))
        self.passes(issue(), *ROWS, put(True), put(True, 100.4), KILL | {"kind": "pause"})

    def test_a_malformed_message_that_is_not_poison_is_found(self):
        message = {"event": "malformed", "code": "malformed1"}
        self.finds("I14", message)
        self.passes(message, {"event": "poison", "code": "malformed1"})

    def test_a_lost_code_is_found(self):
        self.finds("I15", issue())
        self.finds("I15", issue(), row("pending", 99.9), row("gone", 103))

    def test_a_process_that_ends_by_itself_is_found(self):
        self.finds("alive", {"event": "died", "who": "watch1", "exit": -6})


if __name__ == "__main__":
    unittest.main()
