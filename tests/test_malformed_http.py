"""Malformed and oversized HTTP, on every server of `latchkey up`: the answer that RFC 9112 and the
limits name, then the connection is closed and the server goes on."""

import re
import socket
import ssl
import urllib.parse

import harness

HOST = b"Host: localhost\r\n"
CHUNKED = b"Transfer-Encoding: chunked\r\n"


def get(target=b"/healthz", fields=HOST, version=b"HTTP/1.1"):
    return b"GET " + target + b" " + version + b"\r\n" + fields + b"\r\n"


def post(fields, body=b""):
    return b"POST /api/v1/verify HTTP/1.1\r\n" + HOST + fields + b"\r\n" + body


# what, bytes on the wire, allowed statuses
REQUESTS = [
    ("no Host", get(fields=b""), {400}),
    ("two Hosts", get(fields=HOST + HOST), {400}),
    ("blank before a colon", get(fields=HOST + b"X-A : b\r\n"), {400}),
    ("folded header", get(fields=HOST + b"X-A: b\r\n c\r\n"), {400}),
    ("bare line feeds", b"GET / HTTP/1.1\nHost: localhost\n\n", {400}),
    ("bare carriage return in a value", get(fields=HOST + b"X-A: b\rc\r\n"), {400}),
    ("control character in a value", get(fields=HOST + b"X-A: b\x00c\r\n"), {400}),
    ("header without a name", get(fields=HOST + b": b\r\n"), {400}),
    ("blank in the target", get(b"/a b"), {400}),
    ("no version", b"GET /\r\n" + HOST + b"\r\n", {400}),
    ("HTTP/3.0 in text", get(version=b"HTTP/3.0"), {400, 505}),
    ("not HTTP at all", b"\x05\x01\x00\xff\xfe\r\n\r\n", {400}),
    ("length and chunks", post(b"Content-Length: 4\r\nTransfer-Encoding: chunked\r\n"), {400}),
    ("two lengths", post(b"Content-Length: 4\r\nContent-Length: 5\r\n", b"abcde"), {400}),
    ("two lengths in one", post(b"Content-Length: 4, 5\r\n", b"abcde"), {400}),
    ("signed length", post(b"Content-Length: +4\r\n", b"abcd"), {400}),
    ("negative length", post(b"Content-Length: -1\r\n"), {400}),
    ("length in hexadecimal", post(b"Content-Length: 0x4\r\n", b"abcd"), {400}),
    ("overflowing length", post(b"Content-Length: 18446744073709551617\r\n"), {400, 413}),
    ("chunk size is no number", post(CHUNKED, b"zz\r\n\r\n"), {400}),
    ("chunk longer than said", post(CHUNKED, b"1\r\nab\r\n0\r\n\r\n"), {400}),
    ("unknown transfer coding", post(b"Transfer-Encoding: gzip\r\n"), {400, 501}),
    ("chunked hidden", post(b"Transfer-Encoding: xchunked\r\n"), {400, 501}),
    ("target too long", get(b"/" + b"a" * 20_000), {414}),
    ("header too long", get(fields=HOST + b"X-A: " + b"a" * 70_000 + b"\r\n"), {431}),
    ("too many header bytes", get(fields=HOST + b"X-A: abcdefgh\r\n" * 5_000), {431}),
    ("body over the limit", post(b"Content-Length: 9999999\r\n"), {413}),
]


def exchange(url, wire, trust=None):
    """What comes back until the server closes; each of our requests must make it do so."""
    parts = urllib.parse.urlsplit(url)
    with socket.create_connection((parts.hostname, parts.port), harness.PATIENCE) as connection:
        if trust:
            connection = trust.wrap_socket(connection, server_hostname=parts.hostname)
        received = b""
        try:
            connection.sendall(wire)
            while chunk := connection.recv(65536):
                received += chunk
        except (ConnectionResetError, BrokenPipeError, ssl.SSLEOFError):
            pass  # the server need not read what it has refused
        return received


def statuses_of(received):
    return [int(status) for status in re.findall(rb"HTTP/1\.1 ([0-9]{3}) ", received)]


def status_of(received):
    return (statuses_of(received) or [None])[0]


class MalformedHttp(harness.WithLatchkey):
    def servers(self):
        endpoints = self.latchkey.endpoints
        return {name: endpoints[name] for name in ("api", "functions", "identity")} | {
            # The port takes http as well as https, told apart by the first byte.
            "queue": endpoints["queue"].replace("https:", "http:"),
        }

    def test_every_server_refuses_what_is_no_http_or_over_a_limit(self):
        for name, url in self.servers().items():
            for what, wire, allowed in REQUESTS:
                with self.subTest(server=name, what=what):
                    received = exchange(url, wire)
                    self.assertIn(status_of(received), allowed, received[:300])
                    # One answer and no more: nothing after the fault was taken for a request.
                    self.assertEqual(1, len(statuses_of(received)), received[:600])
        self.latchkey.get_code()

    def test_the_same_over_tls(self):
        trust = self.latchkey.trust()
        for what, wire, allowed in REQUESTS[:3]:
            with self.subTest(what):
                received = exchange(self.latchkey.endpoints["vault"], wire, trust)
                self.assertIn(status_of(received), allowed, received[:300])

    def test_a_smuggled_request_is_never_run(self):
        smuggled = b"0\r\n\r\nGET /api/v1/getcode HTTP/1.1\r\nHost: localhost\r\n\r\n"
        for fields in (
            b"Content-Length: 5\r\nTransfer-Encoding: chunked\r\n",
            b"Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n",
            b"Transfer-Encoding : chunked\r\nContent-Length: %d\r\n" % len(smuggled),
            b"Transfer-Encoding:\x0bchunked\r\nContent-Length: %d\r\n" % len(smuggled),
        ):
            with self.subTest(fields):
                received = exchange(self.latchkey.api, post(fields, smuggled))
                self.assertIn(status_of(received), {400, 501}, received[:300])
                self.assertNotIn(b'"code"', received)

    def test_tls_on_the_plain_port_and_rubbish_on_the_tls_port_harm_nobody(self):
        hello = b"\x16\x03\x01\x00\x05\x01\x00\x00\x01\x00"
        self.assertNotEqual(200, status_of(exchange(self.latchkey.api, hello + b"\r\n\r\n")))
        vault = self.latchkey.endpoints["vault"]
        self.assertNotEqual(200, status_of(exchange(vault, hello)))
        self.assertNotEqual(200, status_of(exchange(vault, get())), "plain http on the vault")
        self.latchkey.get_code()

    def test_a_client_that_leaves_in_the_middle_harms_nobody(self):
        parts = urllib.parse.urlsplit(self.latchkey.api)
        for wire in (b"", b"GET /", post(b"Content-Length: 50\r\n", b'{"code"'), get() * 50):
            for _ in range(20):
                with socket.create_connection((parts.hostname, parts.port)) as connection:
                    connection.sendall(wire)
        self.latchkey.get_code()

    def test_pipelined_requests_are_answered_in_order(self):
        last = get(b"/nowhere", HOST + b"Connection: close\r\n")
        received = exchange(self.latchkey.api, get() * 3 + last)
        self.assertEqual([200, 200, 200, 404], statuses_of(received))
