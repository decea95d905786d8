"""Plays exchanges with Queue Storage that stand in tests/data/queue/*.json.

A file is a list of scenarios; a scenario has a name, the source of its facts and steps. A step:

    send        "PUT /{q}?comp=metadata": method and target below the account; {q} is the name of a
                queue of the scenario's own, {anything} what an earlier step kept, percent-encoded
    as          who asks: "key" (the default), "key2", "lite", "nobody", the name of an identity (a
                bearer token over https), or a SAS: {"account": fields}, {"queue": fields} or
                {"delegated": fields, "key": the key's value}, maybe with a token beside it:
                {..., "with": identity}
    headers     beside x-ms-version, x-ms-date and Host; null takes one of them away; "none" as
                Content-Length sends none
    body        with {kept} values as they are; a long one stands in parts
    text        instead of a body: that of a message, as it is written in XML
    over        "https" instead of http, or "ipv4"
    from        "host": the account as first label of the host; "secondary": its secondary; "raw":
                the target as it stands, with the account in it
    status, code    of the answer; code also means Azure's form of an error
    has, lacks  headers: name to pattern (regular expression for the whole value); names
    body has, body lacks    patterns to be found, or not, in the body
    empty       true: there is no body
    keep        name to pattern; its first group is kept, from the body, or from a header when its
                name and ": " stand in front
    until       true: the step is sent until its answer is as it says
    change      instead of send: "assign" or "remove", with "identity", "role" and maybe "queue"

In SAS fields, headers and bodies "@+60" is a minute from now, "@-60" a minute ago, "date@+60" the
same as an HTTP date, and "@9000x" 9000 letters.
"""

import base64
import datetime
import email.utils
import hashlib
import hmac
import http.client
import json
import pathlib
import re
import sqlite3
import time
import urllib.parse
import uuid
import xml.etree.ElementTree as xml

import harness
import storage
import vault

FOLDER = pathlib.Path(__file__).resolve().parent / "data" / "queue"
ACCOUNT = storage.ACCOUNT
VERSION = "2026-04-06"
GUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")

# What is signed, in its order. "resource" is /queue/ACCOUNT/QUEUE.
SIGNED = {
    "account": "account sp ss srt st se sip spr sv ses end",
    "queue": "sp st se resource si sip spr sv",
    "delegated": "sp st se resource skoid sktid skt ske sks skv skdutid sduoid sip spr sv",
}


def scenarios():
    for path in sorted(FOLDER.glob("*.json")):
        for scenario in json.loads(path.read_text()):
            yield path.stem, scenario


def moment(text):
    """The time that "@+60" stands for, in the form of a SAS."""
    seconds = int(text.removeprefix("@"))
    now = datetime.datetime.now(datetime.timezone.utc)
    return (now + datetime.timedelta(seconds=seconds)).strftime("%Y-%m-%dT%H:%M:%SZ")


def spelled_out(text):
    text = re.sub(r"@(\d+)x", lambda found: "x" * int(found[1]), text)
    text = re.sub(r"date@([+-]\d+)", lambda found: http_date(found[1]), text)
    return re.sub(r"@[+-]\d+", lambda found: moment(found[0]), text)


def http_date(seconds):
    return email.utils.formatdate(time.time() + int(seconds), usegmt=True)


def sas(kind, fields, queue, key, account=ACCOUNT):
    """The fields of a signed SAS; a "sig" among `fields` is taken as it is."""
    fields = {"sv": VERSION} | {name: spelled_out(value) for name, value in fields.items()}
    values = {"account": account, "resource": f"/queue/{account}/{queue}", "end": ""} | fields
    text = "\n".join(values.get(name, "") for name in SIGNED[kind].split())
    digest = hmac.new(base64.b64decode(key), text.encode(), hashlib.sha256).digest()
    return {"sig": base64.b64encode(digest).decode()} | fields


def lite_signature(method, url, headers, key):
    """SharedKeyLite of the REST reference, "Authorize with Shared Key"."""
    parts = urllib.parse.urlsplit(url)
    lines = [method, "", headers.get("content-type", ""), ""]
    lines += [f"{name}:{headers[name]}" for name in sorted(headers) if name.startswith("x-ms-")]
    comp = urllib.parse.parse_qs(parts.query).get("comp")
    lines.append(f"/{ACCOUNT}{parts.path}" + (f"?comp={comp[0]}" if comp else ""))
    digest = hmac.new(base64.b64decode(key), "\n".join(lines).encode(), hashlib.sha256).digest()
    return f"SharedKeyLite {ACCOUNT}:{base64.b64encode(digest).decode()}"


class Answer(harness.Answer):
    """Beside the answer itself: what every answer of the service must be like."""

    def text(self):
        return self.body.decode("utf-8-sig")

    def check_form(self, method, sent):
        expect(GUID.fullmatch(self.headers["x-ms-request-id"] or ""), "x-ms-request-id", self)
        expect(email.utils.parsedate(self.headers["Date"] or ""), "Date", self)
        expect(self.headers["Server"], "Server", self)
        expect(self.headers["x-ms-version"], "x-ms-version", self)
        for name in ("x-ms-version", "x-ms-client-request-id"):
            if name in sent and self.headers["x-ms-error-code"] != "InvalidHeaderValue":
                expect(self.headers[name] == sent[name], f"{name} echoed", self)
        if "x-ms-client-request-id" not in sent:
            expect("x-ms-client-request-id" not in self.headers, "no client request id", self)
        if method == "GET":
            expect(self.headers["Cache-Control"] == "no-cache", "Cache-Control", self)
        if self.status >= 400:
            self.check_error(method)
        elif self.body:
            expect(self.body.startswith(b'\xef\xbb\xbf<?xml version="1.0" encoding="utf-8"?>'),
                   "an XML head with BOM", self)
            expect(self.headers["Transfer-Encoding"] == "chunked", "chunked", self)

    def check_error(self, method):
        code = self.headers["x-ms-error-code"]
        expect(code, "x-ms-error-code", self)
        if method == "HEAD":
            expect(not self.body, "no body for HEAD", self)
            return
        error = xml.fromstring(self.text())
        expect(error.tag == "Error" and error.findtext("Code") == code, "Error > Code", self)
        first, request_id, when = error.findtext("Message").split("\n")
        expect(self.reason == first, "the message as reason phrase", self)
        expect(request_id == "RequestId:" + self.headers["x-ms-request-id"], "RequestId", self)
        expect(re.fullmatch(r"Time:\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{7}Z", when), "Time", self)
        expect(self.headers["Content-Length"] == str(len(self.body)), "Content-Length", self)
        expect(self.headers["Content-Type"] == "application/xml", "Content-Type", self)


def expect(condition, what, answer):
    if not condition:
        raise AssertionError(f"{what}: {answer.status} {answer.reason}\n{answer.headers}{answer!r}")


class Player:
    """Plays scenarios against one running `latchkey cloud`."""

    def __init__(self, cloud):
        self.cloud = cloud
        self.trust = cloud.trust()
        self.address = urllib.parse.urlsplit(cloud.endpoints["queue"]).netloc
        self.identities = {}
        with sqlite3.connect(f"file:{cloud.data}/cloud.db?mode=ro", uri=True) as database:
            row = database.execute("SELECT value FROM settings WHERE name = 'storage_key2'")
            self.key2 = row.fetchone()[0]

    def play(self, scenario):
        kept = {"q": f"q-{uuid.uuid4().hex[:12]}", "account": ACCOUNT}
        for number, step in enumerate(scenario["steps"], 1):
            try:
                if step.get("until"):
                    self.take_until(step, kept)
                else:
                    self.take(step, kept)
            except AssertionError as error:
                about = step.get("send") or step["change"]
                raise AssertionError(f"step {number}, {about}: {error}") from None

    def take_until(self, step, kept):
        def taken():
            try:
                self.take(step, kept)
            except AssertionError:
                return False
            return True

        harness.wait_until(taken, "such an answer")

    def take(self, step, kept):
        if "change" in step:
            scope = ["--queue", fill(step["queue"], kept)] if "queue" in step else []
            self.cloud.command("role", step["change"], "--assignee", step["identity"],
                               "--role", step["role"], *scope)
            return
        method, answer = self.send(step, kept)
        expect(answer.status == step["status"], f"status {step['status']}", answer)
        expect(answer.headers["x-ms-error-code"] == step.get("code"), f"{step.get('code')}", answer)
        for name, pattern in step.get("has", {}).items():
            found = re.fullmatch(fill(joined(pattern), kept, re.escape), answer.headers[name] or "")
            expect(found, f"{name}: {pattern}", answer)
        for name in step.get("lacks", []):
            expect(name not in answer.headers, f"no {name}", answer)
        text = answer.text() if answer.body else ""
        for pattern in step.get("body has", []):
            expect(found_in(text, pattern, kept), f"body {joined(pattern)}", answer)
        for pattern in step.get("body lacks", []):
            expect(not found_in(text, pattern, kept), f"no {joined(pattern)}", answer)
        if step.get("empty"):
            expect(not text, "an empty body", answer)
        for name, pattern in step.get("keep", {}).items():
            header, _, rest = pattern.rpartition(": ")
            found = re.search(rest, answer.headers[header] or "" if header else text)
            expect(found, f"to keep {pattern}", answer)
            kept[name] = unescape(found[1])

    def send(self, step, kept):
        method, target = step["send"].split(" ", 1)
        target = fill(target, kept, lambda value: urllib.parse.quote(value, safe=""))
        who = step.get("as", "key")
        over = "https" if is_identity(who) else step.get("over", "http")
        target, host = self.place(step.get("from"), target)
        address = self.address.replace("localhost", "127.0.0.1") if over == "ipv4" else self.address
        body = spelled_out(fill(body_of(step), kept)).encode()
        headers = {"x-ms-version": VERSION, "x-ms-date": email.utils.formatdate(usegmt=True)}
        headers |= step.get("headers", {})
        headers = {name: spelled_out(value) for name, value in headers.items() if value is not None}
        if isinstance(who, dict):
            target += ("&" if "?" in target else "?") + self.sas_of(who, kept)
            who = who.get("with", "nobody")
        self.sign(who, method, target, headers, len(body))
        answer = self.exchange(over, address, host, method, target, headers, body)
        answer.check_form(method, headers)
        return method, answer

    def place(self, where, target):
        if where == "raw":
            return target, self.address
        if where == "host":
            return target, f"{ACCOUNT}.queue.localhost"
        account = ACCOUNT + ("-secondary" if where == "secondary" else "")
        return f"/{account}{target}".replace("/?", "?", 1), self.address

    def sign(self, who, method, target, headers, length):
        signed = {name.lower(): value for name, value in headers.items()}
        if "authorization" in signed or who == "nobody":
            return
        if who == "lite":
            headers["Authorization"] = lite_signature(method, target, signed, storage.KEY)
        elif who in ("key", "key2"):
            key = self.key2 if who == "key2" else storage.KEY
            headers["Authorization"] = storage.signature(method, target, signed, length, key)
        else:
            headers["Authorization"] = f"Bearer {self.token(who)}"

    def token(self, identity):
        if identity not in self.identities:
            settings = self.cloud.environment_of(identity)
            self.identities[identity] = vault.token(settings, vault.STORAGE)
        return self.identities[identity]

    def sas_of(self, who, kept):
        kind = next(name for name in SIGNED if name in who)
        key = fill(who["key"], kept) if "key" in who else storage.KEY
        fields = {name: fill(value, kept) for name, value in who[kind].items()}
        signed = sas(kind, fields, kept["q"], key)
        return urllib.parse.urlencode(signed, quote_via=urllib.parse.quote)

    def exchange(self, over, address, host, method, target, headers, body):
        if over == "https":
            connection = http.client.HTTPSConnection(
                address, timeout=harness.PATIENCE, context=self.trust)
        else:
            connection = http.client.HTTPConnection(address, timeout=harness.PATIENCE)
        try:
            connection.putrequest(method, target, skip_host=True, skip_accept_encoding=True)
            connection.putheader("Host", headers.pop("Host", host))
            if headers.pop("Content-Length", "") != "none":
                connection.putheader("Content-Length", str(len(body)))
            for name, value in headers.items():
                connection.putheader(name, value)
            connection.endheaders(body)
            return Answer(connection.getresponse())
        finally:
            connection.close()


def found_in(text, pattern, kept):
    return re.search(fill(joined(pattern), kept, re.escape), text)


def body_of(step):
    if "text" in step:
        return f"<QueueMessage><MessageText>{step['text']}</MessageText></QueueMessage>"
    return joined(step.get("body", ""))


def joined(text):
    """Long texts stand in parts."""
    return "".join(text) if isinstance(text, list) else text


def is_identity(who):
    if isinstance(who, dict):
        who = who.get("with", "nobody")
    return who not in ("key", "key2", "lite", "nobody")


def unescape(text):
    for entity, character in (("&lt;", "<"), ("&gt;", ">"), ("&amp;", "&")):
        text = text.replace(entity, character)
    return text


def fill(text, kept, change=lambda value: value):
    """Puts kept values in the place of {name}; braces of regular expressions stay."""
    return re.sub(r"\{([a-z][a-z0-9_]*)\}", lambda found: change(kept[found[1]]), text)
