"""A disk without room: changes are refused by 503 StorageFull, reads go on, nothing answered is
lost, and when there is room again everything works by itself."""

import pathlib
import resource
import subprocess
import unittest
import urllib.parse

import harness
import storage


def queue_of(endpoints):
    port = urllib.parse.urlsplit(endpoints["queue"]).port
    account = storage.Account(f"http://localhost:{port}/{storage.ACCOUNT}", None)
    return account.queue("orders")


class FullDisk:
    """The test itself; subclasses know how to take the room away and how to give it back."""

    def make_full(self):
        raise NotImplementedError

    def make_room(self):
        raise NotImplementedError

    def restart(self):
        """Kills the cloud and starts it anew; its endpoints."""
        raise NotImplementedError

    def check(self, queue):
        texts = [f"text-{number}" for number in range(30)]
        self.assertEqual(201, queue.create().status)
        for text in texts[:20]:
            self.assertEqual(201, queue.put(text.encode()).status)

        self.make_full()
        for attempt in range(3):
            refused = queue.put(b"x" * 40_000)
            self.assertEqual((503, "StorageFull"), (refused.status, code_of(refused)))
            self.assertGreater(int(refused.headers["Retry-After"]), 0)
        for change in (queue.call("GET", "/messages"), queue.call("DELETE", "/messages")):
            self.assertEqual((503, "StorageFull"), (change.status, code_of(change)))
        self.assertEqual(texts[:20], queue.peek(), "reads go on")
        self.assertEqual(20, queue.count())
        self.assertIn("orders", queue.account.queues())

        self.make_room()
        for text in texts[20:]:
            self.assertEqual(201, queue.put(text.encode()).status, "by itself")
        self.assertEqual(texts, queue.peek())

        queue = queue_of(self.restart())
        self.assertEqual(texts, queue.peek())


def code_of(answer):
    return answer.headers.get("x-ms-error-code")


class FileSizeLimit(FullDisk, unittest.TestCase):
    """ulimit -f: the kernel would end a process that does not expect it (SIGXFSZ)."""

    def test_a_limit_on_the_size_of_files_is_a_full_disk(self):
        self.latchkey = harness.Latchkey(command="cloud")
        self.addCleanup(lambda: self.latchkey.kill())
        self.check(queue_of(self.latchkey.endpoints))

    def limit(self, size):
        resource.prlimit(self.latchkey.pid, resource.RLIMIT_FSIZE, (size, resource.RLIM_INFINITY))

    def make_full(self):
        self.limit(4096)

    def make_room(self):
        self.limit(resource.RLIM_INFINITY)

    def restart(self):
        self.latchkey.kill()
        self.latchkey = harness.Latchkey(command="cloud", data=self.latchkey.data)
        return self.latchkey.endpoints


class FullFileSystem(FullDisk, unittest.TestCase):
    """A small file system of our own, in a namespace: needs no root where users may make these."""

    def test_a_full_file_system_is_survived(self):
        self.folder = harness.scratch_folder()
        mount = f"mount -t tmpfs -o size=16m none {self.folder} && echo mounted && exec sleep 3600"
        self.holder = harness.Process(["unshare", "--user", "--map-root-user", "--mount",
                                       "sh", "-c", mount])
        self.addCleanup(self.holder.kill)
        harness.wait_until(
            lambda: self.holder.output() or not self.holder.running(), "the file system"
        )
        if not self.holder.running():
            self.skipTest(f"no file systems of one's own here: {self.holder.log().strip()}")
        self.seen = pathlib.Path(f"/proc/{self.holder.pid}/root{self.folder}")
        self.process = None
        self.addCleanup(lambda: self.process and self.process.kill())
        self.check(queue_of(self.start()))

    def start(self):
        data = self.folder / "data"
        self.process = harness.Process(
            ["nsenter", "--target", self.holder.pid, "--user", "--mount",
             "--preserve-credentials", harness.BINARY, "cloud", "--data", data, "--ports", "auto"]
        )
        file = self.seen / "data" / "endpoints.json"
        harness.wait_until(lambda: file.exists() or not self.process.running(), "endpoints.json")
        if not self.process.running():
            raise AssertionError(self.process.everything_written())
        return harness.json.loads(file.read_text())

    def make_full(self):
        with (self.seen / "balloon").open("wb", buffering=0) as balloon:
            try:
                while balloon.write(b"\0" * 4096):
                    pass
            except OSError:
                pass

    def make_room(self):
        (self.seen / "balloon").unlink()

    def restart(self):
        self.process.kill()
        (self.seen / "data" / "endpoints.json").unlink()
        return self.start()
