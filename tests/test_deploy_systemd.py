"""The systemd unit: what systemd itself says of it."""

import re
import shutil
import subprocess
import unittest

import harness

UNIT = harness.ROOT / "deploy/systemd/latchkey@.service"


@unittest.skipUnless(shutil.which("systemd-analyze"), "systemd-analyze is not installed")
class Unit(unittest.TestCase):
    def analyze(self, *arguments):
        """On a copy that starts the binary under test: a command that is not there is an error."""
        folder = harness.scratch_folder()
        unit = folder / "latchkey@serve.service"
        unit.write_text(UNIT.read_text().replace("/usr/bin/latchkey", str(harness.BINARY)))
        return subprocess.run(
            ["systemd-analyze", *arguments, unit], capture_output=True, text=True, timeout=60
        )

    def test_its_exposure_is_below_2(self):
        done = self.analyze("security", "--offline=true", "--no-pager", "--threshold=20")
        score = re.search(r"Overall exposure level .*: ([\d.]+)", done.stdout)
        self.assertIsNotNone(score, done.stdout + done.stderr)
        self.assertLess(float(score[1]), 2, done.stdout)
        self.assertEqual(0, done.returncode)

    def test_systemd_understands_all_of_it(self):
        done = self.analyze("verify", "--man=no", "--recursive-errors=no")
        self.assertEqual((0, ""), (done.returncode, done.stderr))

    def test_stopping_takes_longer_than_the_longest_drain(self):
        limit = int(re.search(r"^TimeoutStopSec=(\d+)s$", UNIT.read_text(), re.MULTILINE)[1])
        longest = harness.run_latchkey(
            "serve", check=False,
            environment={"DRAIN_DELAY": "24h", "KEY_VAULT_URL": "https://a.vault.azure.net",
                         "STORAGE_QUEUE_URL": "https://a.queue.core.windows.net/q-1",
                         "THIRD_PARTY_API_ENDPOINT": "https://a.azurewebsites.net/",
                         "THIRD_PARTY_API_SECRET_NAME": "s"},
        ).stderr
        self.assertIn("from 0s to 1m", longest)
        self.assertGreater(limit, 60 + 5)


if __name__ == "__main__":
    unittest.main()
