"""Load, peers and the figures of a row."""

import os
import pathlib
import re
import signal
import socket
import statistics
import subprocess
import time

import harness

# What Queue Storage answers to Put Message: the client reads it.
PUT_ANSWER = (
    '<?xml version="1.0" encoding="utf-8"?><QueueMessagesList><QueueMessage>'
    "<MessageId>0c8b8f6d-6d0f-4b3c-8d4c-9f4d0c7b8a11</MessageId>"
    "<InsertionTime>Fri, 09 Oct 2026 21:04:30 GMT</InsertionTime>"
    "<ExpirationTime>Fri, 16 Oct 2026 21:04:30 GMT</ExpirationTime>"
    "<PopReceipt>YzQ4Yzg1MDIt</PopReceipt>"
    "<TimeNextVisible>Fri, 09 Oct 2026 21:04:30 GMT</TimeNextVisible>"
    "</QueueMessage></QueueMessagesList>"
)

HEADING = (
    f"{'':7}{'':42}{'per s':>9}{'p50 ms':>9}{'p99 ms':>9}{'CPU us':>9}{'to peer':>9}"
)


def machine():
    model = re.search(r"model name\s*: (.*)", pathlib.Path("/proc/cpuinfo").read_text())
    kernel = os.uname().release
    busy = os.getloadavg()[0]
    return (
        f"{model[1] if model else 'unknown CPU'}, {os.cpu_count()} cores, Linux {kernel},"
        f" load average at the start {busy:.1f}"
    )


def cpu_seconds(pid):
    """User and system time of a process, all its threads."""
    fields = pathlib.Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


class Load:
    """One run of wrk: what it saw, and the CPU time that the server spent on it."""

    def __init__(self, url, connections, seconds, server_pid, script=None, arguments=()):
        before = cpu_seconds(server_pid)
        scripted = ["-s", script] if script else []
        output = run_wrk(
            ["-t1", f"-c{connections}", f"-d{seconds}s", "--latency", *scripted, url, "--",
             *arguments]
        )
        spent = cpu_seconds(server_pid) - before
        requests = int(re.search(r"(\d+) requests in", output)[1])
        failed = re.search(r"Non-2xx or 3xx responses: .*|Socket errors: .*", output)
        if failed or not requests:
            raise SystemExit(f"{url}: {failed[0] if failed else 'no answer'}\n{output}")
        self.rate = float(re.search(r"Requests/sec:\s+([\d.]+)", output)[1])
        self.cpu_us = spent / requests * 1e6
        # At the line's start only: "70.99%" stands elsewhere.
        self.p50_ms = milliseconds(re.search(r"^ +50% +(\S+)", output, re.M)[1])
        self.p99_ms = milliseconds(re.search(r"^ +99% +(\S+)", output, re.M)[1])


def run_wrk(arguments):
    """What it prints. A script ends the run before its time by a word on standard error."""
    with subprocess.Popen(
        ["wrk", *arguments], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as wrk:
        wrk.stderr.readline()
        while wrk.poll() is None:
            wrk.send_signal(signal.SIGINT)  # the first may come before it listens
            time.sleep(0.02)
        if wrk.returncode != 0:
            raise SystemExit(f"wrk {arguments}: {wrk.returncode}\n{wrk.stderr.read()}")
        return wrk.stdout.read()


class Time:
    def __init__(self, seconds):
        self.p50_ms = seconds * 1000


class Memory:
    def __init__(self, pid):
        status = pathlib.Path(f"/proc/{pid}/status").read_text()
        self.megabytes = int(re.search(r"VmRSS:\s+(\d+) kB", status)[1]) / 1024


def milliseconds(text):
    number, unit = re.fullmatch(r"([\d.]+)(us|ms|s|m)", text).groups()
    return float(number) * {"us": 0.001, "ms": 1, "s": 1000, "m": 60_000}[unit]


def row(kind, what, measured):
    """One line: medians; `measured` holds pairs of figures and those of the peer of that round."""
    figures = [pair[0] for pair in measured]
    if isinstance(figures[0], Memory):
        megabytes = statistics.median(one.megabytes for one in figures)
        return f"{kind:7}{what:42}{megabytes:>9.1f} MB resident"

    def median(name, form):
        if not hasattr(figures[0], name):
            return f"{'-':>9}"
        return format(statistics.median(getattr(one, name) for one in figures), f">9{form}")

    ratios = [ours.cpu_us / peer.cpu_us for ours, peer in measured if peer]
    ratio = f"{statistics.median(ratios):>8.2f}x" if ratios else f"{'-':>9}"
    return (
        f"{kind:7}{what:42}{median('rate', ',.0f')}{median('p50_ms', '.2f')}"
        f"{median('p99_ms', '.2f')}{median('cpu_us', ',.1f')}{ratio}"
    )


class Nginx:
    """nginx with one worker that serves `locations`, over TLS when given a certificate and key."""

    def __init__(self, locations, outside="", tls=None):
        self.port = harness.free_port()
        self.scheme = "https" if tls else "http"
        certificate = f"ssl_certificate {tls[0]}; ssl_certificate_key {tls[1]};" if tls else ""
        folder = harness.scratch_folder()
        scratch = " ".join(
            f"{kind}_temp_path {folder}/{kind};"
            for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
        )
        (folder / "nginx.conf").write_text(
            f"worker_processes 1; daemon off; pid {folder}/pid; error_log {folder}/error.log;\n"
            "events { worker_connections 1024; }\n"
            f"http {{ access_log off; keepalive_requests 1000000000; {scratch} {outside}\n"
            f"server {{ listen 127.0.0.1:{self.port} {'ssl' if tls else ''}; {certificate}\n"
            f"default_type application/json; {locations} }} }}\n"
        )
        self.process = harness.Process(
            ["nginx", "-p", folder, "-c", folder / "nginx.conf", "-e", folder / "error.log"]
        )
        harness.wait_until(self.listens, "nginx to listen")
        children = pathlib.Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children")
        self.worker = int(harness.wait_until(lambda: children.read_text().split(), "nginx")[0])

    def listens(self):
        if not self.process.running():
            raise AssertionError(self.process.everything_written())
        try:
            socket.create_connection(("127.0.0.1", self.port), 1).close()
            return True
        except OSError:
            return False

    def url(self, path="/"):
        return f"{self.scheme}://127.0.0.1:{self.port}{path}"
