#!/usr/bin/python3
"""A custom handler of a function app that does what each call asks for, and writes down what it got.

Answers to POST /FUNCTION come from the file FUNCTION.answer.json in its folder, when there is one:
{"status": 200, "body": ..., "raw": "..."}. Forwarded requests are told back as they came. With
HANDLER_START it is a broken one: "never" does not listen, "die" ends at once.
"""

import http.server
import json
import os
import pathlib
import sys
import threading
import time

FOLDER = pathlib.Path(os.environ["FUNCTIONS_APP_ROOT_PATH"])
LOCK = threading.Lock()


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self):
        self.answer()

    do_POST = do_PUT = do_DELETE = do_GET

    def answer(self):
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        call = {
            "method": self.command,
            "path": self.path,
            "headers": [[name, value] for name, value in self.headers.items()],
            "body": body.decode(errors="replace"),
            "pid": os.getpid(),
        }
        if self.path != "/":
            with LOCK, (FOLDER / "calls.jsonl").open("a") as calls:
                calls.write(json.dumps(call) + "\n")
        if "X-Azure-Functions-InvocationId" in self.headers and self.path.count("/") == 1:
            self.answer_invocation(self.path[1:])
        elif self.path.endswith("/die"):
            os._exit(3)
        elif self.path.endswith("/moved"):
            self.send(302, b"", Location="/elsewhere", Set_Cookie="seen=1")
        else:
            self.send(203, json.dumps(call).encode(), X_Answer="as it is")

    def answer_invocation(self, function):
        file = FOLDER / f"{function}.answer.json"
        answer = json.loads(file.read_text()) if file.exists() else {}
        deadline = time.monotonic() + 60
        while (FOLDER / f"{function}.wait").exists() and time.monotonic() < deadline:
            time.sleep(0.01)
        raw = answer.get("raw")
        body = raw if raw is not None else json.dumps(answer.get("body", {}))
        self.send(answer.get("status", 200), body.encode())

    def send(self, status, body, **headers):
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), value)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


def main():
    (FOLDER / "environment.json").write_text(json.dumps(dict(os.environ)))
    (FOLDER / "handler.pid").write_text(str(os.getpid()))
    print("the handler begins", *sys.argv[1:], flush=True)
    start = os.environ.get("HANDLER_START")
    if start == "die":
        sys.exit("cannot go on")
    while start == "never":
        time.sleep(1)
    port = int(os.environ["FUNCTIONS_CUSTOMHANDLER_PORT"])
    http.server.ThreadingHTTPServer(("127.0.0.1", port), Handler).serve_forever()


main()
