"""The Debian package: what is in it, that it installs into a folder, and that its binary runs."""

import os
import stat
import subprocess
import unittest

import harness
import packages


class Package(unittest.TestCase):
    def field(self, name):
        return packages.output_of("dpkg-deb", "--field", packages.debian_package(), name).strip()

    def unpacked(self):
        folder = harness.scratch_folder()
        packages.output_of("dpkg-deb", "--extract", packages.debian_package(), folder)
        return folder

    def test_it_depends_on_the_libraries_that_the_binary_needs_and_no_others(self):
        names = {entry.split()[0] for entry in self.field("Depends").split(",")}
        self.assertTrue({"ca-certificates", "libc6", "libssl3", "libsqlite3-0"} <= names, names)
        development = [name for name in names if name.endswith("-dev") or name.startswith("clang")]
        self.assertEqual([], development)
        self.assertEqual("latchkey", self.field("Package"))
        self.assertEqual(packages.output_of("dpkg", "--print-architecture").strip(),
                         self.field("Architecture"))

    def test_it_holds_program_unit_user_settings_and_guides_and_nothing_writable(self):
        root = self.unpacked()
        for path in ("usr/bin/latchkey", "usr/lib/systemd/system/latchkey@.service",
                     "usr/lib/sysusers.d/latchkey.conf", "etc/latchkey/latchkey.env",
                     "usr/share/doc/latchkey/copyright", "usr/share/doc/latchkey/deployment.md",
                     "usr/share/doc/latchkey/settings.md"):
            self.assertTrue((root / path).is_file(), path)
        for path in root.rglob("*"):
            mode = path.stat().st_mode
            self.assertFalse(mode & (stat.S_IWGRP | stat.S_IWOTH | stat.S_ISUID | stat.S_ISGID), path)
        binary = (root / "usr/bin/latchkey").read_bytes()
        self.assertNotIn(b".debug_info", binary, "the binary is to be stripped")
        self.assertLess(len(binary), 20_000_000)

    def test_settings_of_the_operator_survive_an_upgrade(self):
        control = harness.scratch_folder()
        packages.output_of("dpkg-deb", "--control", packages.debian_package(), control)
        self.assertEqual("/etc/latchkey/latchkey.env\n", (control / "conffiles").read_text())
        for script in ("postinst", "prerm", "postrm"):
            subprocess.run(["sh", "-n", control / script], check=True)
            self.assertTrue(os.access(control / script, os.X_OK))

    @unittest.skipUnless(os.geteuid() == 0, "dpkg installs as root only")
    def test_dpkg_installs_upgrades_and_purges_it(self):
        root = harness.scratch_folder()
        (root / "var/lib/dpkg/updates").mkdir(parents=True)
        (root / "var/lib/dpkg/info").mkdir()
        (root / "var/lib/dpkg/status").touch()

        def dpkg(*arguments):
            # Its scripts run against the folder (DPKG_ROOT), not in it; they find no systemd there.
            packages.output_of("dpkg", f"--root={root}", "--force-script-chrootless",
                               "--force-depends", *arguments)

        for _ in range(2):
            dpkg("--install", packages.debian_package())
        self.assertIn("install ok installed", packages.output_of(
            "dpkg-query", f"--admindir={root}/var/lib/dpkg", "--status", "latchkey"))
        self.assertIn("latchkey:x:", (root / "etc/passwd").read_text())
        (root / "var/lib/latchkey").mkdir()
        dpkg("--purge", "latchkey")
        self.assertFalse((root / "usr/bin/latchkey").exists())
        self.assertFalse((root / "etc/latchkey").exists())
        self.assertFalse((root / "var/lib/latchkey").exists())

    def test_its_binary_serves_a_code(self):
        binary = self.unpacked() / "usr/bin/latchkey"
        cloud = harness.Latchkey(command="cloud")
        self.addCleanup(cloud.kill)
        environment = {**cloud.environment_of("api"), "PORT": "0"}
        serve = harness.Process([binary, "--data", harness.scratch_folder(), "serve"], environment)
        self.addCleanup(serve.kill)
        harness.wait_until(lambda: "http://" in serve.output() or not serve.running(), "the API")
        address = serve.output().split("http://")[1].split("/")[0]
        answer = harness.call("GET", f"http://{address}/api/v1/getcode")
        self.assertEqual(200, answer.status, serve.log())
        self.assertEqual(0, serve.stop())
