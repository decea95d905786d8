"""The running server against its description: every path, method and status of web/openapi.json.

Each answer is checked as a whole: status, content type, headers and body. A status, a header or a
route that the document lacks fails, and so does a documented answer that nothing here provokes.
"""

import json
import os
import re
import signal
import socket
import threading
import unittest
import uuid

import harness
import test_parts
import vault

try:
    import jsonschema
except ImportError:  # Debian: python3-jsonschema
    jsonschema = None

KEYS_SECRET = "latchkey-api-keys"
AUDIENCE = "api://latchkey"
UNKNOWN_ID = "019a0b5e-9f30-7c1d-8a44-0d6f3b1c2e75"
WRONG_CODE = {"code": "zzz-9-zzz"}
CODES, VERIFY, REVOKE = "/api/v1/codes", "/api/v1/verify", "/api/v1/codes/revoke"
ONE, REVOKE_ONE = "/api/v1/codes/{id}", "/api/v1/codes/{id}/revoke"
# What HTTP itself adds to an answer.
OF_HTTP = {"date", "content-length", "content-type", "connection"}
# What every answer has but those of probes: told once, in the document's own description.
OF_ALL = "x-request-id"
PROBES = ("/healthz", "/readyz")


def fresh_subject():
    return f"subject-{uuid.uuid4()}"


class Document:
    """web/openapi.json as served, and which of its answers have been seen."""

    def __init__(self, text):
        self.json = json.loads(text)
        self.resolver = jsonschema.RefResolver.from_schema(self.json)
        self.seen = set()

    def resolved(self, node):
        while "$ref" in node:
            node = self.resolver.resolve(node["$ref"])[1]
        return node

    def operations(self):
        for path, item in self.json["paths"].items():
            for method, operation in item.items():
                if method != "parameters":
                    yield path, method, operation

    def validate(self, value, schema):
        jsonschema.Draft202012Validator(schema, resolver=self.resolver).validate(value)

    def valid(self, value, schema):
        return jsonschema.Draft202012Validator(schema, resolver=self.resolver).is_valid(value)

    def body_schema(self, path):
        body = self.json["paths"][path]["post"]["requestBody"]
        return body["content"]["application/json"]["schema"]

    def check(self, method, path, answer):
        """Fails unless `answer` is one that the document has for this operation."""
        responses = self.json["paths"][path][method.lower()]["responses"]
        by_status = str(answer.status), f"{answer.status // 100}XX"
        status = next((status for status in by_status if status in responses), None)
        if status is None:
            raise AssertionError(f"{method} {path}: {answer} is not documented")
        self.seen.add((method.lower(), path, status))
        response = self.resolved(responses[status])
        content_type = answer.headers.get_content_type()
        if content_type not in response["content"]:
            raise AssertionError(f"{method} {path}: {content_type} is not documented: {answer}")
        is_json = content_type.endswith("json")
        body = answer.json() if is_json else answer.body.decode()
        self.validate(body, response["content"][content_type]["schema"])
        self.check_headers(response.get("headers", {}), answer)
        by_server = path in PROBES or answer.status == 413  # before any route has a say
        if (OF_ALL in answer.headers) == by_server:
            raise AssertionError(f"{method} {path}: {OF_ALL}? {answer.headers}")

    def check_headers(self, documented, answer):
        documented = {name.lower(): self.resolved(header) for name, header in documented.items()}
        sent = {name.lower() for name in answer.headers}
        if unknown := sent - set(documented) - OF_HTTP - {OF_ALL}:
            raise AssertionError(f"headers {unknown} are not documented: {answer}")
        for name, header in documented.items():
            if header.get("required") and name not in sent:
                raise AssertionError(f"header {name} is missing: {answer}")
            for value in answer.headers.get_all(name, []):
                is_number = header["schema"].get("type") == "integer"
                self.validate(int(value) if is_number else value, header["schema"])


@unittest.skipUnless(jsonschema, "needs Debian's python3-jsonschema")
class OpenApi(test_parts.WithCloud):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.number = test_parts.NumberApi()
        cls.addClassCleanup(cls.number.end)
        cls.make_credentials()
        identities = json.loads((cls.cloud.data / "identities.json").read_text())
        cls.settings = {
            "THIRD_PARTY_API_ENDPOINT": cls.number.url,
            "API_KEYS_SECRET_NAME": KEYS_SECRET,
            "ENTRA_AUDIENCE": AUDIENCE,
            "ENTRA_TENANT_ID": identities["tenant_id"],
            "AZURE_AUTHORITY_HOST": cls.cloud.endpoints["login"],
            "FAILURES_MAX": "1",
            "CALLER_ISSUES": "60/1h",
        }
        cls.serve = cls.start("serve", "api", **cls.settings)
        cls.watch = cls.start("watch", "watcher")
        cls.document = Document(harness.call("GET", cls.serve.api + "/openapi.json").body)

    @classmethod
    def start(cls, command, identity, **settings):
        part = harness.Part(command, cls.cloud, identity, **settings)
        cls.addClassCleanup(part.kill)
        return part

    @classmethod
    def make_credentials(cls):
        """API keys in the vault, made by our own command; tokens from the local cloud."""
        cls.headers, entries = {}, []
        for name, roles in (
            ("web", ["Codes.Issue", "Codes.Verify"]), ("ops", ["Codes.Admin"]),
            ("greedy", ["Codes.Issue"]),
        ):
            options = [part for role in roles for part in ("--role", role)]
            lines = harness.run_latchkey("api-key", "new", name, *options).stdout.splitlines()
            key = next(line for line in lines if line.startswith("lk_"))
            entries.append(next(line for line in lines if line.startswith("{")))
            cls.headers[name] = {"x-api-key": key}
        app, operator = cls.cloud.environment_of("app"), cls.cloud.environment_of("operator")
        vault.Vault(cls.cloud, app).set(KEYS_SECRET, f"[{','.join(entries)}]")
        cls.cloud.command(
            "role", "assign", "--assignee", "api", "--role", "Key Vault Secrets User", "--vault"
        )
        for name, settings in (("app token", app), ("operator token", operator)):
            token = vault.token(settings, AUDIENCE)
            cls.headers[name] = {"Authorization": f"Bearer {token}"}

    def ask(self, method, path, json_body=None, *, who="web", status=None, at=None, server=None,
            **more):
        """Calls the operation `path` of the document at the URL path `at`; checks the answer."""
        headers = {**self.headers.get(who, {}), **more.pop("headers", {})}
        answer = harness.call(
            method, (server or self.serve).api + (at or path), json_body=json_body,
            headers=headers, **more,
        )
        self.document.check(method, path, answer)
        if status is not None:
            self.assertEqual(status, answer.status, answer)
        return answer

    def issue(self, **body):
        return self.ask("POST", CODES, body, status=201).json()

    def accept(self, issued, **body):
        body = {"code": issued["code"], **body}
        return self.ask("POST", VERIFY, body, headers={"Prefer": "wait=5"}, status=200)

    def of_one(self, method, path, code_id, status, who="ops"):
        answer = self.ask(method, path, who=who, at=path.replace("{id}", code_id), status=status)
        return answer.json()

    # The tests below call these by operation; the order does not matter.

    def provoke_codes_life(self):
        subject = fresh_subject()
        issued = self.issue(subject=subject, purpose="sign-in", lifetime=60)
        self.accept(issued, subject=subject, purpose="sign-in")
        self.of_one("GET", ONE, issued["id"], 200)
        self.of_one("POST", REVOKE_ONE, issued["id"], 409)
        other = self.issue()
        self.of_one("POST", REVOKE_ONE, other["id"], 200)
        self.of_one("GET", ONE, UNKNOWN_ID, 404)
        self.of_one("POST", REVOKE_ONE, UNKNOWN_ID, 404)
        self.ask("POST", REVOKE, {"subject": subject}, who="ops", status=200)
        self.ask("GET", "/api/v1/getcode", status=200)
        for path in ("/", "/openapi.json", "/healthz", "/readyz"):
            self.ask("GET", path, who=None, status=200)

    def provoke_idempotency(self):
        key = {"Idempotency-Key": str(uuid.uuid4())}
        first = self.ask("POST", CODES, {}, headers=key, status=201)
        again = self.ask("POST", CODES, {}, headers=key, status=201)
        self.assertEqual(first.body, again.body)
        self.assertEqual("true", again.headers["Idempotency-Replayed"])
        self.ask("POST", CODES, {"purpose": "other"}, headers=key, status=422)
        for path, body in ((CODES, {}), (VERIFY, WRONG_CODE)):
            self.ask("POST", path, body, headers={"Idempotency-Key": "short"}, status=400)

    def provoke_limits(self):
        subject = fresh_subject()
        self.ask("POST", VERIFY, {**WRONG_CODE, "subject": subject}, status=403)
        self.ask("POST", VERIFY, {**WRONG_CODE, "subject": subject}, status=429)
        for _ in range(5):
            self.issue(subject=subject)
        self.ask("POST", CODES, {"subject": subject}, status=429)
        statuses = {self.ask("GET", "/api/v1/getcode", who="greedy").status for _ in range(61)}
        self.assertEqual({200, 429}, statuses)

    def provoke_a_code_that_is_not_active_yet(self):
        os.kill(self.watch.pid, signal.SIGSTOP)
        try:
            issued = self.issue()
            self.ask("POST", VERIFY, {"code": issued["code"]}, status=409)
        finally:
            os.kill(self.watch.pid, signal.SIGCONT)

    def provoke_refused_callers(self):
        for path, method, operation in self.document.operations():
            if not operation["security"]:
                continue
            at = path.replace("{id}", UNKNOWN_ID)
            needed = operation["security"][0]["apiKey"][0]
            wrong = ("web", "app token") if needed == "Codes.Admin" else ("ops", "operator token")
            for who in wrong:
                answer = self.ask(method.upper(), path, who=who, at=at, status=403)
                self.assertIn(needed, answer.json()["detail"])
            for headers in (
                {}, {"x-api-key": "lk_wrong"}, {"Authorization": "Bearer x.y.z"},
                {"Authorization": "Basic YTpi"},
            ):
                answer = self.ask(
                    method.upper(), path, who=None, at=at, headers=headers, status=401
                )
                challenges = " ".join(answer.headers.get_all("WWW-Authenticate"))
                self.assertIn("Bearer", challenges)
                self.assertIn("x-api-key", challenges)
            both = {**self.headers["web"], **self.headers["app token"]}
            self.ask(method.upper(), path, who=None, at=at, headers=both, status=400)

    def provoke_bodies_that_are_none(self):
        for path, who in ((CODES, "web"), (VERIFY, "web"), (REVOKE, "ops")):
            self.ask("POST", path, {"subjct": "ada"}, who=who, status=400)
            self.ask("POST", path, who=who, body=b"{}", status=415)
            big = json.dumps({"subject": "a" * 100_000}).encode()
            self.ask("POST", path, who=who, body=big, status=413)
            connection = harness.Connection(self.serve.api).http
            connection.putrequest("POST", path)
            for header in self.headers[who].items():
                connection.putheader(*header)
            connection.endheaders()  # http.client itself would say Content-Length: 0
            answer = harness.Answer(connection.getresponse())
            connection.close()
            self.assertEqual(411, answer.status)
            self.document.check("POST", path, answer)

    def provoke_paths_and_queries_that_are_none(self):
        self.ask("GET", ONE, who="ops", at=CODES + "/%zz", status=400)
        self.ask("GET", "/api/v1/getcode", at="/api/v1/getcode?a=%zz", status=400)

    def provoke_a_failing_number_api(self):
        right = self.number.answer
        try:
            for status in (400, 401, 403, 404, 429, 500, 502, 503, 504):
                self.number.answer = (status, b"<h1>inner details</h1>")
                self.ask("GET", "/api/v1/getcode", status=status)
                self.ask("POST", CODES, {}, status=502)
            self.number.answer = (200, b"{}")
            self.ask("GET", "/api/v1/getcode", status=502)
        finally:
            self.number.answer = right

    def provoke_a_silent_number_api(self):
        with socket.create_server(("127.0.0.1", 0)) as silent:
            url = f"http://127.0.0.1:{silent.getsockname()[1]}/api"
            serve = self.start("serve", "api", **{**self.settings, "THIRD_PARTY_API_ENDPOINT": url})
            key = {"Idempotency-Key": str(uuid.uuid4())}
            answers = []
            under_way = threading.Thread(target=lambda: answers.append(
                self.ask("POST", CODES, {}, headers=key, server=serve)))
            under_way.start()
            held = silent.accept()[0]  # the first request has come as far as the number API
            self.addCleanup(held.close)
            self.ask("POST", CODES, {}, headers=key, server=serve, status=409)
            under_way.join(harness.PATIENCE)
            self.assertEqual([504], [answer.status for answer in answers])
            self.ask("GET", "/api/v1/getcode", server=serve, status=504)

    def provoke_a_queue_that_refuses(self):
        sender = ("--assignee", "api", "--role", "Storage Queue Data Message Sender",
                  "--queue", "code-requests")
        self.cloud.command("role", "remove", *sender)
        try:
            self.ask("POST", CODES, {}, status=503)
            self.ask("GET", "/api/v1/getcode", status=503)
        finally:
            self.cloud.command("role", "assign", *sender)

    def provoke_a_vault_without_our_secrets(self):
        serve = self.start("serve", "api", **{
            **self.settings, "API_KEYS_SECRET_NAME": "none", "THIRD_PARTY_API_SECRET_NAME": "none",
        })
        self.ask("GET", "/readyz", server=serve, status=503)
        for path, method, operation in self.document.operations():
            if operation["security"]:
                at = path.replace("{id}", UNKNOWN_ID)
                self.ask(method.upper(), path, at=at, server=serve, status=503)

    def test_every_documented_answer_can_be_had_and_is_as_documented(self):
        self.document.seen.clear()
        for name in dir(self):
            if name.startswith("provoke_"):
                with self.subTest(name):
                    getattr(self, name)()
        documented = {
            (method, path, status)
            for path, method, operation in self.document.operations()
            for status in operation["responses"]
        }
        self.assertEqual(set(), documented - self.document.seen, "never provoked")

    def test_tokens_with_the_role_are_taken(self):
        self.ask("GET", "/api/v1/getcode", who="app token", status=200)
        self.ask("POST", REVOKE, {"subject": "nobody"}, who="operator token", status=200)

    def test_the_served_document_is_the_file_in_the_repository(self):
        file = (harness.ROOT / "web" / "openapi.json").read_bytes()
        self.assertEqual(file, harness.call("GET", self.serve.api + "/openapi.json").body)

    def test_schemas_and_examples_are_valid(self):
        components = self.document.json["components"]
        for schema in components["schemas"].values():
            jsonschema.Draft202012Validator.check_schema(schema)
        for path, method, operation in self.document.operations():
            responses = map(self.document.resolved, operation["responses"].values())
            contents = [response["content"] for response in responses]
            contents.append(operation.get("requestBody", {}).get("content", {}))
            for content in contents:
                for media in content.values():
                    examples = [e["value"] for e in media.get("examples", {}).values()]
                    if "example" in media:
                        examples.append(media["example"])
                    for example in examples:
                        with self.subTest(path=path, method=method, example=example):
                            self.document.validate(example, media["schema"])

    def test_the_server_refuses_just_the_bodies_that_the_schemas_refuse(self):
        names = ["ada", "", "a" * 256, "a" * 257, "a\nb", "a\x00", "\x7f", "\x9f", "\u2028", "é",
                 "\U0001f511", 7, None, []]
        bodies = [(CODES, {name: value}) for name in ("subject", "purpose") for value in names]
        bodies += [(CODES, {"lifetime": value})
                   for value in (1, 600, 60.0, 0, 601, -1, 1.5, "60", True, None)]
        bodies += [(VERIFY, {"code": value}) for value in ("x", "a" * 256, "a" * 257, 7, None)]
        bodies += [(REVOKE, {"subject": value}) for value in names]
        bodies += [(VERIFY, {}), (REVOKE, {}), (REVOKE, {"purpose": "x"}), (CODES, {"other": 1}),
                   (CODES, []), (VERIFY, "text"), (REVOKE, None)]
        for path, body in bodies:
            with self.subTest(path=path, body=body):
                who = "ops" if path == REVOKE else "app token"
                answer = self.ask(
                    "POST", path, who=who, body=json.dumps(body).encode(),
                    headers={"Content-Type": "application/json"},
                )
                valid = self.document.valid(body, self.document.body_schema(path))
                self.assertEqual(valid, answer.status != 400, answer)

    def test_the_router_has_no_route_that_the_document_lacks(self):
        documented = {}
        for path, method, _ in self.document.operations():
            documented.setdefault(path, set()).add(method.upper())
        routes = {}
        for source in (harness.ROOT / "src" / "service").glob("*.cpp"):
            # What a functions host calls is no part of the API.
            if not source.name.endswith(("_test.cpp", "function_routes.cpp")):
                text = source.read_text()
                for method, path in re.findall(r'Method::(\w+),\s*"(/[^"]*)"', text):
                    routes.setdefault(path, set()).add(method.upper())
        self.assertEqual(documented, routes)
        for path, methods in documented.items():
            at = path.replace("{id}", UNKNOWN_ID)
            answer = harness.call("DELETE", self.serve.api + at, headers=self.headers["ops"])
            self.assertEqual(405, answer.status, answer)
            # POST /api/v1/codes/revoke also fits GET /api/v1/codes/{id}.
            allowed = set(answer.headers["Allow"].split(", "))
            self.assertEqual(methods | ({"GET"} if path == REVOKE else set()), allowed)
            problem = self.document.json["components"]["schemas"]["MethodNotAllowed"]
            self.document.validate(answer.json(), problem)

    def test_answers_beside_the_paths_are_problems_of_the_document(self):
        schemas = self.document.json["components"]["schemas"]
        for method, path, name in (
            ("GET", "/nowhere", "NoSuchPath"), ("BREW", "/", "UnknownMethod"),
            ("GET", "/%zz", "BadRequest"),
        ):
            answer = harness.call(method, self.serve.api + path)
            self.document.validate(answer.json(), schemas[name])
            self.assertEqual(answer.json()["status"], answer.status)
