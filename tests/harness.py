"""What the end-to-end tests share: starting latchkey and its neighbours, waiting, and HTTP calls.

Every process starts in a session of its own. So a test can see what a process left behind, and
whatever a failing test leaves running is ended here: at the end of the class that started it, and
again at exit.
"""

import atexit
import http.client
import json
import os
import pathlib
import re
import shlex
import shutil
import signal
import socket
import ssl
import subprocess
import tempfile
import time
import unittest
import urllib.parse

ROOT = pathlib.Path(__file__).resolve().parent.parent
CLIENTS = ROOT / "tests" / "clients"
BINARY = pathlib.Path(
    os.environ.get("LATCHKEY_BINARY", ROOT / "build" / "release" / "latchkey")
).resolve()

CODE_FORM = re.compile(r"[A-Za-z]{3}-([1-9][0-9]{0,3})-[A-Za-z]{3}")

# All that a run leaves on disk. Gone at its end; LATCHKEY_KEEP=1 keeps it, to look at.
SCRATCH = pathlib.Path(tempfile.mkdtemp(prefix="latchkey-test-"))

# Sanitizers and a busy machine make everything slower; no test waits this long when all is well.
PATIENCE = 30.0

_living = []


def end_all():
    for process in list(_living):
        process.kill()


def _remove_scratch():
    if os.environ.get("LATCHKEY_KEEP"):
        print(f"files are kept in {SCRATCH}")
    else:
        shutil.rmtree(SCRATCH, ignore_errors=True)


def scratch_folder():
    return pathlib.Path(tempfile.mkdtemp(dir=SCRATCH))


atexit.register(_remove_scratch)
atexit.register(end_all)  # the last one registered runs first


def wait_until(condition, what, seconds=PATIENCE):
    """The first true value of `condition`, asked every 10 ms; fails after `seconds`."""
    deadline = time.monotonic() + seconds
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > deadline:
            raise AssertionError(f"waited {seconds} s in vain for {what}")
        time.sleep(0.01)


def clean_environment(extra=None):
    """What a child sees: nothing of the caller's Azure, proxy or port settings."""
    kept = ("PATH", "LANG", "ASAN_OPTIONS", "UBSAN_OPTIONS", "TSAN_OPTIONS", "LSAN_OPTIONS")
    environment = {name: os.environ[name] for name in kept if name in os.environ}
    environment["HOME"] = str(SCRATCH)
    environment.update(extra or {})
    return environment


class Process:
    """A child process; what it writes goes to two files that can be read at any time."""

    def __init__(self, arguments, environment=None, folder=None):
        self.folder = pathlib.Path(folder or scratch_folder())
        self.out = self.folder / f"{id(self):x}.out"
        self.err = self.folder / f"{id(self):x}.err"
        with self.out.open("wb") as out, self.err.open("wb") as err:
            self.child = subprocess.Popen(
                [str(argument) for argument in arguments],
                env=clean_environment(environment),
                cwd=self.folder,
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=err,
                start_new_session=True,
            )
        _living.append(self)

    @property
    def pid(self):
        return self.child.pid

    def running(self):
        return self.child.poll() is None

    def output(self):
        return self.out.read_text(errors="replace")

    def log(self):
        return self.err.read_text(errors="replace")

    def everything_written(self):
        return self.output() + self.log()

    def stop(self, by=signal.SIGTERM):
        """Asks the process to end; its exit code. Killed, and an error, if it does not."""
        self.child.send_signal(by)
        try:
            return self.child.wait(PATIENCE)
        except subprocess.TimeoutExpired:
            self.kill()
            raise AssertionError(f"did not end on {by!r}:\n{self.log()[-4000:]}") from None
        finally:
            if not self.left_behind() and self in _living:
                _living.remove(self)

    def kill(self):
        """kill -9 of the process and of all that it started."""
        for pid in [self.pid, *self.left_behind()]:
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                pass
        self.child.wait()
        if self in _living:
            _living.remove(self)

    def left_behind(self):
        """Other processes of this session that still run."""
        found = []
        for entry in pathlib.Path("/proc").iterdir():
            if entry.name.isdigit() and int(entry.name) != self.pid:
                try:
                    # After the command name in brackets: state, parent, group, session.
                    fields = (entry / "stat").read_text().rpartition(")")[2].split()
                except (FileNotFoundError, ProcessLookupError):
                    continue
                if int(fields[3]) == self.pid and fields[0] != "Z":
                    found.append(int(entry.name))
        return found


class Api:
    """What can be asked of the API at `self.api`."""

    def get_code(self):
        answer = call("GET", self.api + "/api/v1/getcode")
        if answer.status != 200:
            raise AssertionError(f"getcode: {answer}\n{self.log()[-4000:]}")
        return answer.json()["code"]

    def verify(self, code, **binding):
        body = {"code": code, **binding}
        return call("POST", self.api + "/api/v1/verify", json_body=body)

    def verify_when_active(self, code, seconds=PATIENCE, **binding):
        """As `verify`, but asks again while the code is not active yet (409)."""

        def verdict():
            answer = self.verify(code, **binding)
            return None if answer.status == 409 else answer

        return wait_until(verdict, "the code to become active", seconds)


class Latchkey(Process, Api):
    """`latchkey up` (or `cloud`) on a data folder, ready when the constructor returns."""

    def __init__(self, *options, command="up", data=None, environment=None):
        home = scratch_folder()
        self.data = pathlib.Path(data or home / "data")
        self.endpoints_file = self.data / "endpoints.json"
        # After a kill -9 the file of the dead process is still there: it must be another one.
        before = self._file_identity()
        super().__init__(
            [BINARY, command, "--data", self.data, "--ports", "auto", *options], environment, home
        )
        wait_until(
            lambda: not self.running() or self._file_identity() not in (None, before),
            "endpoints.json",
        )
        if not self.running():
            raise AssertionError(f"latchkey {command} ended:\n{self.everything_written()}")
        self.endpoints = json.loads(self.endpoints_file.read_text())

    def _file_identity(self):
        try:
            status = self.endpoints_file.stat()
        except FileNotFoundError:
            return None
        return status.st_ino, status.st_mtime_ns

    @property
    def api(self):
        return self.endpoints["api"]

    def command(self, *arguments, **how):
        """Another latchkey command on the same data folder; `how` as in run_latchkey."""
        return run_latchkey(*arguments, "--data", self.data, **how)

    def environment_of(self, identity="app"):
        return read_exports(self.command("env", "--as", identity).stdout)

    def trust(self):
        """Verifies the servers' certificates against the local authority, as a client would."""
        return ssl.create_default_context(cafile=str(self.data / "ca.pem"))


class Part(Process, Api):
    """`latchkey serve` or `watch` beside a `latchkey cloud`: a process of its own, ready."""

    def __init__(self, command, cloud, identity, **settings):
        environment = {**cloud.environment_of(identity), "PORT": "0", **settings}
        super().__init__([BINARY, command, "--data", cloud.data], environment)
        wait_until(lambda: not self.running() or self.output().endswith("\n"), command)
        if not self.running():
            raise AssertionError(f"latchkey {command} ended:\n{self.everything_written()}")
        address = re.search(r"http://localhost:\d+", self.output())
        self.api = address[0] if address else None


def free_port():
    """A port that was free a moment ago, for programs that take the one they are told: between here
    and there somebody else could take it."""
    with socket.create_server(("127.0.0.1", 0)) as probe:
        return probe.getsockname()[1]


def run_latchkey(*arguments, check=True, environment=None, input=""):
    done = subprocess.run(
        [str(BINARY), *map(str, arguments)],
        env=clean_environment(environment),
        input=input,
        capture_output=True,
        text=True,
        timeout=PATIENCE * 2,
    )
    if check and done.returncode != 0:
        raise AssertionError(f"latchkey {arguments[:2]}: {done.returncode}\n{done.stderr}")
    return done


def read_exports(text):
    """The settings in lines of the form: export NAME='value'."""
    words = (shlex.split(line) for line in text.splitlines() if line.startswith("export "))
    return dict(word.split("=", 1) for _, word in words)


def read_connection_string(text):
    return dict(part.split("=", 1) for part in text.split(";") if part)


class Answer:
    def __init__(self, response):
        self.status = response.status
        self.reason = response.reason
        self.headers = response.headers
        self.body = response.read()

    def json(self):
        return json.loads(self.body)

    def __repr__(self):
        return f"<{self.status} {self.body[:300]!r}>"


class Connection:
    """One kept-alive connection to the server of a URL; `trust` is needed for https."""

    def __init__(self, url, trust=None, seconds=PATIENCE):
        parts = urllib.parse.urlsplit(url)
        if parts.scheme == "https":
            self.http = http.client.HTTPSConnection(
                parts.hostname, parts.port, timeout=seconds, context=trust
            )
        else:
            self.http = http.client.HTTPConnection(parts.hostname, parts.port, timeout=seconds)

    def call(self, method, target, body=None, headers=None, json_body=None):
        headers = dict(headers or {})
        if json_body is not None:
            body = json.dumps(json_body).encode()
            headers.setdefault("Content-Type", "application/json")
        self.http.request(method, target, body, headers)
        return Answer(self.http.getresponse())

    def close(self):
        self.http.close()


def call(method, url, body=None, headers=None, json_body=None, trust=None):
    """One request on a connection of its own."""
    parts = urllib.parse.urlsplit(url)
    target = urllib.parse.urlunsplit(("", "", parts.path or "/", parts.query, ""))
    connection = Connection(url, trust)
    try:
        return connection.call(method, target, body, headers, json_body)
    finally:
        connection.close()


class WithLatchkey(unittest.TestCase):
    """Tests that share one running `latchkey up`; it must end well when they are done."""

    options = ()

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.latchkey = Latchkey(*cls.options)

    @classmethod
    def tearDownClass(cls):
        code = cls.latchkey.stop()
        left = cls.latchkey.left_behind()
        if code != 0 or left:
            raise AssertionError(
                f"exit code {code}, processes left {left}:\n{cls.latchkey.log()[-4000:]}"
            )
        super().tearDownClass()
