"""The parts as processes of their own, each with its own identity and no more roles than it needs,
and a number API that fails: the API's answer in every case."""

import http.server
import socket
import threading
import unittest

import harness
import storage
import vault

SORRY = b"Could not get you a code."


class NumberApi(http.server.ThreadingHTTPServer):
    """A third party that answers as the test says, to those who have the key."""

    def __init__(self):
        super().__init__(("127.0.0.1", 0), NumberApi.Handler)
        self.answer = (200, b'{"value": 161}')
        self.key = None
        self.url = f"http://localhost:{self.server_address[1]}/api/RandomNumber"
        threading.Thread(target=self.serve_forever, daemon=True).start()

    def end(self):
        self.shutdown()
        self.server_close()

    class Handler(http.server.BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self):
            status, body = self.server.answer
            if self.server.key and self.headers["x-functions-key"] != self.server.key:
                status, body = 401, b""
            self.send_response(status)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_):
            pass


class WithCloud(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.cloud = harness.Latchkey(command="cloud")
        cls.addClassCleanup(cls.cloud.kill)

    def part(self, *arguments, **settings):
        made = harness.Part(*arguments, **settings)
        self.addCleanup(made.kill)
        return made


class Parts(WithCloud):
    def test_serve_and_watch_with_their_own_roles_make_a_valid_code(self):
        for requeue in ("update", "resend"):
            with self.subTest(requeue):
                lifetime = {"CODE_LIFETIME": "2s"}
                serve = self.part("serve", self.cloud, "api", **lifetime)
                watch = self.part("watch", self.cloud, "watcher", WATCH_REQUEUE=requeue, **lifetime)
                codes = [serve.get_code() for _ in range(3)]
                self.assertEqual(200, serve.verify_when_active(codes[0]).status)
                queue = storage.account_of(self.cloud).queue("code-requests")
                harness.wait_until(lambda: queue.count() == 0, "the queue to drain")
                self.assertEqual([403] * 3, [serve.verify(code).status for code in codes])
                self.assertEqual((0, 0), (serve.stop(), watch.stop()))

    def test_the_api_may_not_read_the_queue_that_it_writes_to(self):
        settings = self.cloud.environment_of("api")
        headers = {
            "Authorization": f"Bearer {vault.token(settings, vault.STORAGE)}",
            "x-ms-version": storage.VERSION,
        }
        answer = harness.call(
            "GET", settings["STORAGE_QUEUE_URL"] + "/messages", headers=headers,
            trust=self.cloud.trust(),
        )
        self.assertEqual(403, answer.status)
        self.assertEqual("AuthorizationPermissionMismatch", answer.headers["x-ms-error-code"])


class FailingNumberApi(WithCloud):
    def setUp(self):
        self.number = NumberApi()
        self.addCleanup(self.number.end)
        self.serve = self.part(
            "serve", self.cloud, "api", THIRD_PARTY_API_ENDPOINT=self.number.url
        )

    def getcode(self):
        return harness.call("GET", self.serve.api + "/api/v1/getcode")

    def sorry(self, status, answer):
        self.assertEqual((status, SORRY), (answer.status, answer.body), answer)
        self.assertEqual("text/plain", answer.headers.get_content_type())

    def test_its_status_is_passed_on_with_a_fixed_sentence(self):
        self.assertEqual(200, self.getcode().status)
        for status in (400, 403, 404, 429, 500, 503):
            with self.subTest(status):
                self.number.answer = (status, b"<h1>inner details</h1>")
                self.sorry(status, self.getcode())
        self.number.answer = (200, b'{"value": 7}')
        self.assertIn("-7-", self.getcode().json()["code"])

    def test_an_answer_that_is_no_number_is_502(self):
        for body in (b"", b"{", b"161", b"{}", b'{"value":"x"}', b'{"value":-1}',
                     b'{"value":1e99}', b'{"value":99999999999999999999}', b'{"value":1.5}'):
            with self.subTest(body):
                self.number.answer = (200, body)
                self.sorry(502, self.getcode())

    def test_a_rotated_key_is_read_again_without_a_restart(self):
        settings = self.cloud.environment_of("app")
        secrets = vault.Vault(self.cloud, settings)
        name = settings["THIRD_PARTY_API_SECRET_NAME"]
        first = secrets.get(name)
        self.number.key = first
        self.assertEqual(200, self.getcode().status)
        try:
            secrets.set(name, "rotated")
            self.number.key = "rotated"
            # Refusals make the vault be asked at most once in a few seconds.
            harness.wait_until(lambda: self.getcode().status == 200, "the new key")
        finally:
            secrets.set(name, first)
        self.number.key = "nobody knows it"
        self.sorry(401, self.getcode())

    def test_an_unreachable_number_api_is_502(self):
        with socket.create_server(("127.0.0.1", 0)) as probe:
            port = probe.getsockname()[1]
        serve = self.part(
            "serve", self.cloud, "api", THIRD_PARTY_API_ENDPOINT=f"http://127.0.0.1:{port}/api"
        )
        self.sorry(502, harness.call("GET", serve.api + "/api/v1/getcode"))

    def test_a_number_api_that_says_nothing_is_504(self):
        with socket.create_server(("127.0.0.1", 0)) as silent:
            port = silent.getsockname()[1]
            serve = self.part(
                "serve", self.cloud, "api", THIRD_PARTY_API_ENDPOINT=f"http://127.0.0.1:{port}/api"
            )
            self.sorry(504, harness.call("GET", serve.api + "/api/v1/getcode"))
