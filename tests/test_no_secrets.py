"""Secrets, tokens and codes are never in logs, in a command line or in a file others may read."""

import os
import pathlib
import stat
import urllib.parse

import harness
import vault


class NoSecrets(harness.WithLatchkey):
    @classmethod
    def setUpClass(cls):
        cls.latchkey = harness.Latchkey("--log-level", "debug")
        cls.addClassCleanup(cls.latchkey.kill)
        cls.settings = cls.latchkey.environment_of("app")
        tokens = {
            f"token for {resource}": vault.token(cls.settings, resource)
            for resource in (vault.VAULT, vault.STORAGE)
        }
        secrets = vault.Vault(cls.latchkey, cls.settings)
        key = secrets.get("third-party-api-key")
        cls.secrets = {
            "function key": key,
            "pepper": secrets.get("code-pepper"),
            "identity header": cls.settings["IDENTITY_HEADER"],
            **tokens,
        }
        cls.codes = cls.use_it(key)

    @classmethod
    def use_it(cls, key):
        """All ways in which a secret or a code could reach a log; the codes that were made."""
        codes = [cls.latchkey.get_code() for _ in range(10)]
        for code in codes[:5]:
            cls.latchkey.verify_when_active(code)
            cls.latchkey.verify(code)
            harness.call("GET", f"{cls.latchkey.api}/api/v1/verify?code={code}")
            harness.call("GET", f"{cls.latchkey.api}/{code}")
            harness.call("POST", cls.latchkey.api + "/api/v1/verify", f'{{"code":"{code}"')
        function = cls.latchkey.endpoints["functions"] + "/api/RandomNumber"
        harness.call("GET", f"{function}?code={urllib.parse.quote(key)}")
        harness.call("GET", f"{function}x?code={urllib.parse.quote(key)}")
        cls.latchkey.command("code", "verify", codes[5], check=False)
        cls.latchkey.command("queue", "stats")
        return codes

    def looked_for(self, with_codes=True):
        yield from self.secrets.items()
        yield "a private key", "PRIVATE KEY-----"
        if with_codes:
            yield from ((f"code {number}", code) for number, code in enumerate(self.codes))

    def test_logs(self):
        written = self.latchkey.everything_written()
        self.assertTrue(written)
        for what, secret in self.looked_for():
            with self.subTest(what):
                self.assertNotIn(secret, written)
                self.assertNotIn(urllib.parse.quote(secret, safe=""), written)

    def test_command_lines(self):
        for pid in [self.latchkey.pid, *self.latchkey.left_behind()]:
            line = pathlib.Path(f"/proc/{pid}/cmdline").read_bytes().decode(errors="replace")
            for what, secret in self.looked_for():
                self.assertNotIn(secret, line, what)

    def test_files_that_others_may_read(self):
        seen = 0
        for folder, _, names in os.walk(self.latchkey.data):
            for name in names:
                file = pathlib.Path(folder, name)
                mode = file.stat().st_mode
                if not stat.S_ISREG(mode):
                    continue
                seen += 1
                self.assertFalse(mode & (stat.S_IWGRP | stat.S_IWOTH), f"others may write {file}")
                if not mode & (stat.S_IRGRP | stat.S_IROTH):
                    continue
                content = file.read_bytes()
                for what, secret in self.looked_for():
                    self.assertNotIn(secret.encode(), content, f"{what} in {file}")
        self.assertGreater(seen, 3)

    def test_private_keys_are_for_the_owner_alone_whatever_the_umask(self):
        previous = os.umask(0)
        try:
            latchkey = harness.Latchkey()
        finally:
            os.umask(previous)
        self.addCleanup(latchkey.kill)
        keys = list((latchkey.data / "keys").iterdir())
        self.assertTrue(keys)
        for file in [*keys, latchkey.data / "cloud.db", latchkey.data / "queues.db"]:
            self.assertEqual(0, file.stat().st_mode & 0o077, file)

    def test_the_table_of_codes_holds_no_code(self):
        files = list(self.latchkey.data.glob("codes.db*"))
        self.assertTrue(files)
        for file in files:
            content = file.read_bytes()
            for code in self.codes:
                self.assertNotIn(code.encode(), content, file)
