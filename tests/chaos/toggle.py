"""The walkthrough's own pseudo-code as a program: the chaos test must find it out.

  toggle.py watch|verify DATA

Watcher: pull a message; if its code is in the table remove it, else add it and send the same
message again with visibility_timeout set to the code's life. Sign-in: a code that is in the table
is accepted and removed. The table is a SQLite file that all share, so nothing is lost by a kill.
"""

import html
import http.client
import http.server
import json
import os
import pathlib
import sqlite3
import ssl
import sys
import time
import urllib.parse

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent))
import storage  # noqa: E402: found by the path above

LIFETIME = os.environ["CODE_LIFETIME"].rstrip("s")
VISIBILITY = 5  # our own watcher's, so that crashes cost both the same


def open_table():
    table = sqlite3.connect(os.environ["TOGGLE_TABLE_FILE"], isolation_level=None,
                            timeout=30)
    table.execute("PRAGMA journal_mode = WAL")
    table.execute("CREATE TABLE IF NOT EXISTS codes (code TEXT PRIMARY KEY)")
    return table


def visit(queue, table, message):
    text = message.findtext("MessageText")
    try:
        code = json.loads(text)["code"]
    except (ValueError, KeyError, TypeError):
        code = None
    if code:
        found = table.execute("SELECT 1 FROM codes WHERE code = ?", (code,)).fetchone()
        if found:
            table.execute("DELETE FROM codes WHERE code = ?", (code,))
        else:
            table.execute("INSERT OR IGNORE INTO codes VALUES (?)", (code,))
            body = f"<QueueMessage><MessageText>{html.escape(text)}</MessageText></QueueMessage>"
            queue.call("POST", f"/messages?visibilitytimeout={LIFETIME}", body.encode())
    receipt = urllib.parse.quote(message.findtext("PopReceipt"), safe="")
    queue.call("DELETE", f"/messages/{message.findtext('MessageId')}?popreceipt={receipt}")


def watch(data):
    trust = ssl.create_default_context(cafile=str(data / "ca.pem"))
    # Signed with the account's key, so without the SAS that may stand behind it.
    url, _, name = os.environ["STORAGE_QUEUE_URL"].partition("?")[0].rpartition("/")
    queue = storage.Account(url, trust).queue(name)
    table = open_table()
    print("watching", flush=True)
    while True:
        try:
            answer = queue.call("GET", f"/messages?numofmessages=32&visibilitytimeout={VISIBILITY}")
            messages = list(storage.parse(answer).iter("QueueMessage"))
            for message in messages:
                visit(queue, table, message)
        except (OSError, http.client.HTTPException, AssertionError):
            messages = []  # what was not finished comes back by itself
        if not messages:
            time.sleep(0.1)


class SignIn(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_POST(self):
        code = json.loads(self.rfile.read(int(self.headers["Content-Length"])))["code"]
        removed = open_table().execute("DELETE FROM codes WHERE code = ?", (code,)).rowcount
        self.send_response(200 if removed else 403)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_):
        pass


def main():
    kind, data = sys.argv[1], pathlib.Path(sys.argv[2])
    if kind == "watch":
        watch(data)
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), SignIn)
    print(f"http://localhost:{server.server_address[1]}", flush=True)
    server.serve_forever()


if __name__ == "__main__":
    main()
