"""Queue Storage by hand, signed with the account key: what no client library would send as well."""

import base64
import datetime
import email.utils
import hashlib
import hmac
import urllib.parse
import xml.etree.ElementTree as xml

import harness

ACCOUNT = "devstoreaccount1"
# Published: the same in every emulator.
KEY = "Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw=="
VERSION = "2021-02-12"


def signature(method, url, headers, length, key=KEY):
    """SharedKey of the REST reference, "Authorize with Shared Key"; header names in lower case."""
    parts = urllib.parse.urlsplit(url)
    standard = ["content-encoding", "content-language", None, "content-md5", "content-type"]
    standard += ["date", "if-modified-since", "if-match", "if-none-match", "if-unmodified-since"]
    standard += ["range"]
    lines = [method]
    for name in standard:
        lines.append(headers.get(name, "") if name else (str(length) if length else ""))
    lines += [f"{name}:{headers[name]}" for name in sorted(headers) if name.startswith("x-ms-")]
    resource = f"/{ACCOUNT}{parts.path}"
    for name, value in sorted(urllib.parse.parse_qsl(parts.query, keep_blank_values=True)):
        resource += f"\n{name.lower()}:{value}"
    text = "\n".join(lines + [resource])
    digest = hmac.new(base64.b64decode(key), text.encode(), hashlib.sha256).digest()
    return f"SharedKey {ACCOUNT}:{base64.b64encode(digest).decode()}"


def account_sas(service="q"):
    """An account SAS for everything, as a query, good for two hours. `service`: q or t."""
    now = datetime.datetime.now(datetime.timezone.utc)
    expiry = (now + datetime.timedelta(hours=2)).strftime("%Y-%m-%dT%H:%M:%SZ")
    fields = [ACCOUNT, "rwdlacup", service, "sco", "", expiry, "", "", VERSION, "", ""]
    digest = hmac.new(base64.b64decode(KEY), "\n".join(fields).encode(), hashlib.sha256).digest()
    return urllib.parse.urlencode({"sv": VERSION, "ss": service, "srt": "sco", "sp": "rwdlacup",
                                   "se": expiry, "sig": base64.b64encode(digest).decode()})


class Account:
    def __init__(self, url, trust, key=KEY):
        self.url = url
        self.trust = trust
        self.key = key

    def call(self, method, path="", body=b"", headers=None):
        url = self.url + path
        headers = {"x-ms-version": VERSION, "x-ms-date": email.utils.formatdate(usegmt=True)} | {
            name.lower(): value for name, value in (headers or {}).items()
        }
        # http.client adds Content-Length, but no Content-Type: so none is signed.
        headers["authorization"] = signature(method, url, headers, len(body), self.key)
        return harness.call(method, url, body, headers, trust=self.trust)

    def queues(self):
        answer = self.call("GET", "/?comp=list")
        return [name.text for name in parse(answer).iter("Name")]

    def queue(self, name):
        return Queue(self, name)


class Queue:
    def __init__(self, account, name):
        self.account = account
        self.name = name

    def call(self, method, path="", body=b""):
        return self.account.call(method, f"/{self.name}{path}", body)

    def create(self):
        return self.call("PUT")

    def put(self, text):
        """`text` as it is: what is no XML text must be escaped by the caller."""
        message = b"<QueueMessage><MessageText>" + text + b"</MessageText></QueueMessage>"
        return self.call("POST", "/messages", message)

    def peek(self, count=32):
        return self._texts(self.call("GET", f"/messages?peekonly=true&numofmessages={count}"))

    def count(self):
        """Messages in the queue, the hidden ones too; 0 for a queue that is not there."""
        answer = self.call("GET", "?comp=metadata")
        return int(answer.headers.get("x-ms-approximate-messages-count", 0))

    @staticmethod
    def _texts(answer):
        return [text.text or "" for text in parse(answer).iter("MessageText")]


def parse(answer):
    if answer.status != 200:
        raise AssertionError(f"{answer.status} {answer.body!r}")
    return xml.fromstring(answer.body.decode("utf-8-sig"))


def account_of(latchkey):
    return Account(latchkey.endpoints["queue"], latchkey.trust())
