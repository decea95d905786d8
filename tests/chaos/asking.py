"""Requests to the processes, each recorded with what may have become of it."""

import asyncio
import datetime
import json
import re

PATIENCE = 8.0
OUTCOMES = {200: "issued", 201: "issued", 429: "throttled"}
VERDICTS = {200: "accepted", 403: "refused", 409: "inactive", 429: "throttled"}


class Unsent(Exception):
    """Nobody listened: it cannot have had an effect."""


class Unanswered(Exception):
    """It was sent; whether it had an effect is not known."""


async def ask(url, method, path, body=None, headers=None, source="127.0.0.1"):
    """One request on a connection of its own: (status, JSON or None)."""
    if url is None:
        raise Unsent
    port = int(url.rpartition(":")[2])
    try:
        opening = asyncio.open_connection("127.0.0.1", port, local_addr=(source, 0))
        reader, writer = await asyncio.wait_for(opening, PATIENCE)
    except (OSError, asyncio.TimeoutError) as error:
        raise Unsent from error
    content = json.dumps(body).encode() if body is not None else b""
    lines = [f"{method} {path} HTTP/1.1", f"Host: localhost:{port}", "Connection: close"]
    if content:
        lines += ["Content-Type: application/json", f"Content-Length: {len(content)}"]
    lines += [f"{name}: {value}" for name, value in (headers or {}).items()]
    try:
        writer.write("\r\n".join([*lines, "", ""]).encode() + content)
        answer = await asyncio.wait_for(reader.read(), PATIENCE)
        head, _, text = answer.partition(b"\r\n\r\n")
        status = re.match(rb"HTTP/1\.1 (\d{3}) ", head)
        if not status or not _:
            raise Unanswered
        return int(status[1]), json.loads(text) if b"json" in head.lower() and text else None
    except (OSError, asyncio.TimeoutError, ValueError) as error:
        raise Unanswered from error
    finally:
        writer.transport.abort()


def seconds_of(text):
    """Python's text of a UTC time, as the answers carry it, in seconds since 1970."""
    form = "%Y-%m-%d %H:%M:%S.%f" if "." in text else "%Y-%m-%d %H:%M:%S"
    moment = datetime.datetime.strptime(text, form)
    return moment.replace(tzinfo=datetime.timezone.utc).timestamp()


class Asker:
    def __init__(self, journal, lifetime):
        self.journal = journal
        self.lifetime = lifetime
        self.texts = {}  # label -> code
        self.labels = {}  # code -> label

    async def issue(self, member, label, subject, purpose, lifetime, source, key=None):
        """The record of the issue; its "outcome" says whether there is a code."""
        record = {"code": label, "by": member.name, "subject": subject, "purpose": purpose,
                  "key": key, "start": self.journal.now()}
        headers = {"Idempotency-Key": key} if key else {}
        try:
            if subject:
                body = {"subject": subject, "purpose": purpose, "lifetime": lifetime}
                status, answer = await ask(
                    member.url, "POST", "/api/v1/codes", body, headers, source
                )
            else:
                status, answer = await ask(member.url, "GET", "/api/v1/getcode", source=source)
            record["outcome"] = OUTCOMES.get(status, "failed")
        except Unsent:
            record["outcome"] = "unsent"
        except Unanswered:
            record["outcome"] = "unanswered"
        record["end"] = self.journal.now()
        if record["outcome"] == "issued":
            # A retry with the same key gets the same code.
            record["code"] = self.labels.setdefault(answer["code"], label)
            self.texts[record["code"]] = answer["code"]
            record["id"] = answer.get("id")
            record["issued"] = seconds_of(answer["timestamp"])
            record["expires"] = (
                seconds_of(answer["expires"]) if subject else record["issued"] + self.lifetime
            )
        else:
            record["code"] = None
        self.journal.write("issue", **record)
        return record

    async def verify(self, member, label, subject, purpose, source, key=None, text=None):
        """The verdict. `text`: the code itself where it is not one of ours."""
        body = {"code": text or self.texts[label]}
        if subject:
            body |= {"subject": subject, "purpose": purpose}
        record = {"code": label, "by": member.name, "offset": member.offset, "subject": subject,
                  "purpose": purpose, "key": key, "start": self.journal.now()}
        headers = {"Idempotency-Key": key} if key else {}
        try:
            status, _ = await ask(member.url, "POST", "/api/v1/verify", body, headers, source)
            record["verdict"] = VERDICTS.get(status, "failed")
        except Unsent:
            record["verdict"] = "unsent"
        except Unanswered:
            record["verdict"] = "unanswered"
        self.journal.write("verify", **record, end=self.journal.now())
        return record["verdict"]

    async def revoke(self, member, issue):
        record = {"code": issue["code"], "by": member.name, "start": self.journal.now()}
        try:
            status, _ = await ask(member.url, "POST", f"/api/v1/codes/{issue['id']}/revoke")
            record["outcome"] = {200: "revoked", 409: "used"}.get(status, "failed")
        except (Unsent, Unanswered):
            record["outcome"] = "unanswered"
        self.journal.write("revoke", **record, end=self.journal.now())
