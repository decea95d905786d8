#!/usr/bin/python3
"""Runs the end-to-end tests against a built latchkey.

  tests/run.py [BINARY] [-k PATTERN] [--list] [--packaging]

BINARY defaults to build/release/latchkey. PATTERN selects tests by part of their name, as
test_crash or accepted_once. --packaging runs those in tests/packaging
instead. Ends with the line: N passed, N failed, N skipped.
"""

import argparse
import os
import pathlib
import signal
import sys
import unittest

TESTS = pathlib.Path(__file__).resolve().parent


class CountingResult(unittest.TextTestResult):
    """Also counts what passed; a test with a failed sub-test did not."""

    passed = 0

    def addSuccess(self, test):
        super().addSuccess(test)
        self.passed += 1


def all_tests(suite):
    for item in suite:
        if isinstance(item, unittest.TestSuite):
            yield from all_tests(item)
        else:
            yield item


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("binary", nargs="?", type=pathlib.Path, help="build/release/latchkey")
    parser.add_argument("-k", dest="pattern", action="append", help="part of a test's name")
    parser.add_argument("--list", action="store_true", help="name the tests, run none")
    parser.add_argument("--packaging", action="store_true", help="build packages and try them")
    options = parser.parse_args()
    if options.binary:
        os.environ["LATCHKEY_BINARY"] = str(options.binary.resolve())

    sys.path.insert(0, str(TESTS))
    import harness  # reads LATCHKEY_BINARY

    if not options.list and not os.access(harness.BINARY, os.X_OK):
        sys.exit(f"{harness.BINARY} is not there: build it first (./test does)")
    # So that what is running is ended by the handlers at exit.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))

    loader = unittest.TestLoader()
    if options.pattern:
        loader.testNamePatterns = [f"*{pattern}*" for pattern in options.pattern]
    suite = loader.discover(str(TESTS / "packaging" if options.packaging else TESTS))
    if options.list:
        print("\n".join(test.id() for test in all_tests(suite)))
        return 0
    result = unittest.TextTestRunner(verbosity=2, resultclass=CountingResult).run(suite)
    # Every failed sub-test is listed; its test counts once.
    failed = {getattr(t, "test_case", t).id() for t, _ in result.failures + result.errors}
    print(f"{result.passed} passed, {len(failed)} failed, {len(result.skipped)} skipped")
    return 1 if failed or not result.testsRun else 0


if __name__ == "__main__":
    sys.exit(main())
