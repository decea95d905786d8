"""The OCI image: what it is made of, and that it runs as nobody, on a read-only file system."""

import hashlib
import json
import re
import os
import pathlib
import subprocess
import unittest

import harness
import packages

USER = 65532
DATA = "/data"


def blob(digest):
    algorithm, name = digest.split(":")
    return (packages.image() / "blobs" / algorithm / name).read_bytes()


def configuration():
    index = json.loads((packages.image() / "index.json").read_text())
    return json.loads(blob(json.loads(blob(index["manifests"][0]["digest"]))["config"]["digest"]))


class Image(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.bundle = harness.scratch_folder() / "bundle"
        as_user = [] if os.geteuid() == 0 else ["--rootless"]
        packages.output_of("umoci", "unpack", *as_user, "--image", f"{packages.image()}:latchkey",
                           cls.bundle)
        cls.rootfs = cls.bundle / "rootfs"

    def test_it_says_the_same_as_the_dockerfile(self):
        text = (harness.ROOT / "deploy/container/Dockerfile").read_text()
        said = text[text.rindex("\nFROM"):].replace("\\\n", " ")

        def instruction(name):
            return re.search(rf"^{name} (.*)$", said, re.MULTILINE)[1].strip()

        made = configuration()["config"]
        self.assertEqual(json.loads(instruction("ENTRYPOINT")), made["Entrypoint"])
        self.assertEqual(json.loads(instruction("CMD")), made["Cmd"])
        self.assertEqual(instruction("USER"), made["User"])
        self.assertEqual({instruction("VOLUME"): {}}, made["Volumes"])
        self.assertEqual([instruction("EXPOSE")], list(made["ExposedPorts"]))
        self.assertTrue(set(instruction("ENV").split()) <= set(made["Env"]))

    def test_it_is_small_and_has_no_shell_no_devices_and_nothing_of_this_machine(self):
        blobs = sum(f.stat().st_size for f in (packages.image() / "blobs").rglob("*") if f.is_file())
        self.assertLess(blobs, 20_000_000)
        for path in ("bin/sh", "usr/bin/sh", "usr/bin/apt-get", "etc/resolv.conf", "etc/hostname"):
            self.assertFalse((self.rootfs / path).exists(), path)
        for path in self.rootfs.rglob("*"):
            if path.is_symlink():
                continue
            self.assertFalse(path.is_block_device() or path.is_char_device(), path)
            self.assertFalse(path.stat().st_mode & 0o6000, path)

    def test_it_has_every_library_of_the_package_and_the_authorities(self):
        there = {path.name for path in (self.rootfs / "var/lib/dpkg/status.d").iterdir()}
        for name in ("latchkey", "libc6", "libssl3", "libsqlite3-0", "ca-certificates"):
            self.assertIn(name, there)
        bundle = (self.rootfs / "etc/ssl/certs/ca-certificates.crt").read_text()
        self.assertGreater(bundle.count("BEGIN CERTIFICATE"), 50)

    def start(self, command, environment, mounts=()):
        """A container on the host's network. Where runc may not run, a changed root."""
        config = json.loads((self.bundle / "config.json").read_text())
        process = config["process"]
        process["terminal"] = False
        process["capabilities"] = {}
        process["args"] = configuration()["config"]["Entrypoint"] + command
        process["env"] += [f"{name}={value}" for name, value in environment.items()]
        config["root"] = {"path": str(self.rootfs), "readonly": True}
        config["mounts"] = [m for m in config["mounts"] if m["type"] in ("proc", "tmpfs", "devpts")]
        data = {"destination": DATA, "type": "tmpfs", "source": "tmpfs",
                "options": ["nosuid", "nodev", f"uid={USER}", f"gid={USER}", "mode=0700"]}
        config["mounts"] = [m for m in config["mounts"] if m["destination"] != DATA] + [data] + [
            {"destination": str(path), "type": "bind", "source": str(path), "options": ["rbind", "ro"]}
            for path in mounts
        ]
        config["linux"] = {"namespaces": [{"type": kind} for kind in ("pid", "ipc", "mount", "uts")]}
        folder = harness.scratch_folder()
        (folder / "config.json").write_text(json.dumps(config))
        name = hashlib.sha256(str(folder).encode()).hexdigest()[:16]
        state = folder / "state"
        self.addCleanup(lambda: subprocess.run(
            ["runc", "--root", state, "delete", "--force", name], capture_output=True))
        made = harness.Process(["runc", "--root", state, "run", "--bundle", folder, name])
        self.addCleanup(made.kill)
        return made

    @unittest.skipUnless(os.geteuid() == 0, "runc runs as root here")
    def test_it_serves_a_code_as_nobody_on_a_read_only_file_system_and_ends_on_sigterm(self):
        cloud = harness.Latchkey(command="cloud")
        self.addCleanup(cloud.kill)
        environment = {**cloud.environment_of("api"), "PORT": "0", "API_OPEN": "true"}
        trust = pathlib.Path(environment["SSL_CERT_FILE"])
        # Readable by the container's user, at the path that the environment names.
        for folder in list(trust.parents)[:-2]:
            if str(folder).startswith(str(harness.SCRATCH)):
                folder.chmod(0o755)
        serve = self.start(["serve"], environment, [trust])
        harness.wait_until(lambda: "http://" in serve.output() or not serve.running(), "the API")
        self.assertTrue(serve.running(), serve.everything_written())
        address = serve.output().split("http://")[1].split("/")[0]
        answer = harness.call("GET", f"http://{address}/api/v1/getcode")
        self.assertEqual(200, answer.status, serve.log())
        self.assertEqual(0, serve.stop())

    @unittest.skipUnless(os.geteuid() == 0, "runc runs as root here")
    def test_it_does_not_start_open_to_the_world_by_itself(self):
        settings = {
            "THIRD_PARTY_API_ENDPOINT": "http://localhost:1/api/RandomNumber",
            "THIRD_PARTY_API_SECRET_NAME": "third-party-api-key",
            "KEY_VAULT_URL": "https://latchkey.vault.localhost:1",
            "STORAGE_QUEUE_URL": "https://localhost:1/devstoreaccount1/code-requests",
        }
        serve = self.start(["serve"], settings)
        self.assertEqual(2, serve.child.wait(harness.PATIENCE))
        self.assertIn("API_OPEN", serve.log())


if __name__ == "__main__":
    unittest.main()
