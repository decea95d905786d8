"""The identity endpoint is away: the service goes on as long as its token lives, then says why not,
and works again by itself."""

import http.server
import json
import threading
import time
import unittest
import urllib.request

import harness

TOKEN_SECONDS = 16
# A token is not given out in its last tenth, and calls take their time.
MARGIN_SECONDS = 5


class IdentityEndpoint(http.server.ThreadingHTTPServer):
    """Stands before the local cloud's identity endpoint and shortens the life of its tokens."""

    def __init__(self, behind):
        super().__init__(("127.0.0.1", 0), IdentityEndpoint.Handler)
        self.behind = behind
        self.url = f"http://127.0.0.1:{self.server_address[1]}/msi/token"
        self.away = False
        self.turned_away = 0
        self.last_end = 0
        threading.Thread(target=self.serve_forever, daemon=True).start()

    def end(self):
        self.shutdown()
        self.server_close()

    class Handler(http.server.BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self):
            server = self.server
            if server.away:
                server.turned_away += 1
                self.answer(404, b"{}")
                return
            request = urllib.request.Request(server.behind + "?" + self.path.partition("?")[2])
            request.add_header("X-IDENTITY-HEADER", self.headers["X-IDENTITY-HEADER"])
            with urllib.request.urlopen(request) as response:
                token = json.load(response)
            server.last_end = int(time.time()) + TOKEN_SECONDS
            token["expires_on"] = str(server.last_end)
            for member in ("expires_in", "refresh_in"):
                token.pop(member, None)
            self.answer(200, json.dumps(token).encode())

        def answer(self, status, body):
            self.send_response(status)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_):
            pass


class TokenOutage(unittest.TestCase):
    def test_codes_go_on_until_the_token_ends_and_then_the_log_says_why(self):
        cloud = harness.Latchkey(command="cloud")
        self.addCleanup(cloud.kill)
        endpoint = IdentityEndpoint(cloud.environment_of("api")["IDENTITY_ENDPOINT"])
        self.addCleanup(endpoint.end)
        serve = harness.Part("serve", cloud, "api", IDENTITY_ENDPOINT=endpoint.url)
        self.addCleanup(serve.kill)
        get_code = lambda: harness.call("GET", serve.api + "/api/v1/getcode")  # noqa: E731

        serve.get_code()
        endpoint.away = True
        while time.time() < endpoint.last_end - MARGIN_SECONDS:
            self.assertEqual(200, get_code().status, serve.log()[-2000:])
        self.assertGreater(endpoint.turned_away, 0, "nobody tried to renew the token")
        self.assertIn("token_refresh_failed", serve.log())

        refused = harness.wait_until(
            lambda: (answer := get_code()).status != 200 and answer, "the token to end"
        )
        self.assertEqual(503, refused.status)
        for said in ("ended at", "fetching a new one fails since", "HTTP 404"):
            self.assertIn(said, serve.log())

        endpoint.away = False
        harness.wait_until(lambda: get_code().status == 200, "the service to recover")
        self.assertEqual(0, serve.stop())


if __name__ == "__main__":
    unittest.main()
