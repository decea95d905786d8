"""The conformance test of all code tables (src/codes/table_*_test.cpp), over a table of somebody
else's."""

import re
import subprocess

import harness


def _program():
    """codes_tests of this build or, since a release build has none, the youngest that there is."""
    own = harness.BINARY.parent / "codes_tests"
    if own.exists():
        return own
    others = (harness.ROOT / "build").glob("*/codes_tests")
    return max(others, key=lambda file: file.stat().st_mtime, default=None)


PROGRAM = _program()


def run(url, cases="Table*", **environment):
    """All `cases` over the table at `url`; fails unless they pass, and are as many as there must be."""
    done = subprocess.run(
        [PROGRAM, "--gtest_brief=1", f"--gtest_filter={cases}"],
        env=harness.clean_environment({"LATCHKEY_TEST_CODE_TABLE_URL": url, **environment}),
        capture_output=True, text=True, timeout=300,
    )
    ran = re.search(r"\[  PASSED  \] (\d+) tests", done.stdout)
    if done.returncode != 0 or not ran or int(ran[1]) < 60:
        raise AssertionError(done.stdout[-6000:] + done.stderr[-2000:])
