"""Bad input to the API and hostile messages in the queue: the documented answer, and no harm."""

import base64
import json
import time

import harness
import storage

JSON = "application/json"


class ApiInput(harness.WithLatchkey):
    def call(self, method, path, body=None, content_type=None):
        headers = {"Content-Type": content_type} if content_type else {}
        return harness.call(method, self.latchkey.api + path, body, headers)

    def problem(self, status, answer):
        self.assertEqual(status, answer.status, answer)
        self.assertEqual("application/problem+json", answer.headers.get_content_type())
        self.assertEqual(status, answer.json()["status"])
        self.assertTrue(answer.json()["title"])

    def test_unknown_paths_are_404(self):
        for path in ("/nowhere", "/api", "/api/v1/getcode/x", "/api/v2/getcode", "/%00",
                     "/api/v1/../v1/getcod", "//etc/passwd", "/..%2f..%2fetc%2fpasswd"):
            with self.subTest(path):
                self.assertEqual(404, self.call("GET", path).status)

    def test_wrong_methods_are_405_and_name_the_right_ones(self):
        for method, path, right in (
            ("DELETE", "/api/v1/getcode", "GET"),
            ("PUT", "/api/v1/verify", "POST"),
            ("GET", "/api/v1/verify", "POST"),
            ("POST", "/healthz", "GET"),
        ):
            with self.subTest(method=method, path=path):
                answer = self.call(method, path)
                self.assertEqual(405, answer.status, answer)
                self.assertIn(right, answer.headers["Allow"])

    def test_unknown_methods_are_refused(self):
        self.assertIn(self.call("BREW", "/api/v1/getcode").status, (405, 501))

    def test_wrong_content_types_are_415(self):
        body = json.dumps({"code": "abc-1-abc"})
        for content_type in (None, "text/plain", "application/x-www-form-urlencoded", "json"):
            with self.subTest(content_type):
                self.problem(415, self.call("POST", "/api/v1/verify", body, content_type))

    def test_content_type_may_have_parameters_and_capitals(self):
        body = json.dumps({"code": "abc-1-abc"})
        for content_type in ("application/json; charset=utf-8", "Application/JSON"):
            with self.subTest(content_type):
                self.assertEqual(
                    403, self.call("POST", "/api/v1/verify", body, content_type).status
                )

    def test_what_is_no_json_of_the_right_shape_is_400(self):
        for body in (b"", b"{", b"[]", b"null", b"{}", b'{"code":5}', b'{"code":null}',
                     b'{"code":["abc-1-abc"]}', b'{"code":"abc-1-abc"', b'{"code":"a"}{}',
                     b'{"code":"\xff\xfe"}',
                     b'{"code":"' + b"x" * 10_000 + b'"}', b"[" * 20_000, b'{"a":' * 10_000):
            with self.subTest(body[:40]):
                self.problem(400, self.call("POST", "/api/v1/verify", body, JSON))

    def test_bodies_over_the_limit_are_413(self):
        body = json.dumps({"code": "a" * 200_000})
        self.assertEqual(413, self.call("POST", "/api/v1/verify", body, JSON).status)

    def test_codes_of_wrong_form_are_refused_as_unknown_ones_are(self):
        def told(code):
            answer = self.latchkey.verify(code)
            problem = answer.json()
            problem.pop("request_id")  # each request's own
            return answer.status, problem

        unknown = told("abc-1-abc")
        self.assertEqual((403, False), (unknown[0], unknown[1]["accepted"]))
        for code in ("", " ", "abc", "abc-1-ab", "ab1-1-abc", "abc--abc", "abc-1-abc ",
                     "abc-01-abc", "abc-1-abc\n", "äbc-1-abc", "abc-1-abc\0", "' OR 1=1 --", "%s%n", "../x",
                     "abc-" + "9" * 30 + "-abc", "x" * 256, "\U0001f511" * 50):
            with self.subTest(code[:30]):
                self.assertEqual(unknown, told(code))


# A code of the right form that was never issued: whoever can write to the queue could try this.
FORGED = "aaa-1-aaa"
NOW = time.strftime("%Y-%m-%d %H:%M:%S", time.gmtime())

HOSTILE_MESSAGES = {
    "empty": "",
    "blanks": "   ",
    "no JSON": "hello",
    "cut JSON": '{"code":"abc-1-abc"',
    "other shape": "[1,2,3]",
    "no code": "{}",
    "code is a number": '{"code":1,"timestamp":"2020-04-15 16:54:48.816549"}',
    "code of wrong form": '{"code":"; DROP TABLE codes","timestamp":"%s"}' % NOW,
    "time of wrong form": '{"code":"abc-1-abc","timestamp":"yesterday"}',
    "deep JSON": "[" * 30_000,
    "Python code": "__import__('os').system('touch /tmp/owned')",
    "Base64 of rubbish": base64.b64encode(bytes(range(256))).decode(),
    "64 KiB": "x" * 65_536,
    "forged": json.dumps({"code": FORGED, "timestamp": NOW + ".000000"}),
    "forged as the sample writes it": str({"code": FORGED, "timestamp": NOW + ".000000"}),
    "forged from the past": json.dumps({"code": FORGED, "timestamp": "1970-01-01 00:00:00.0"}),
    "forged from the future": json.dumps({"code": FORGED, "timestamp": "9999-12-31 23:59:59.0"}),
}


class HostileMessages(harness.WithLatchkey):
    lifetime = 3.0
    options = ("--code-lifetime", "3s")

    def setUp(self):
        account = storage.account_of(self.latchkey)
        self.queue = account.queue("code-requests")
        self.poison = account.queue("code-requests-poison")

    def test_they_leave_the_queue_make_nothing_valid_and_delay_nobody(self):
        for name, text in HOSTILE_MESSAGES.items():
            answer = self.queue.put(text.replace("&", "&amp;").replace("<", "&lt;").encode())
            self.assertEqual(201, answer.status, f"{name}: {answer}")
        code = self.latchkey.get_code()
        self.assertEqual(200, self.latchkey.verify_when_active(code, seconds=1).status)
        # Those that cannot be read are kept aside for a person to look at.
        unreadable = len([name for name in HOSTILE_MESSAGES if "forged" not in name])
        harness.wait_until(lambda: self.poison.count() >= unreadable, "the poison queue")
        self.assertEqual(403, self.latchkey.verify(FORGED).status)
        harness.wait_until(lambda: self.queue.count() == 0, "the queue to drain")
        self.assertEqual(403, self.latchkey.verify(FORGED).status)

    def test_a_second_copy_of_a_used_code_does_not_revive_it(self):
        answer = harness.call("GET", self.latchkey.api + "/api/v1/getcode")
        code = answer.json()["code"]
        self.assertEqual(200, self.latchkey.verify_when_active(code).status)
        self.assertEqual(201, self.queue.put(answer.body).status)
        self.assertEqual(201, self.queue.put(base64.b64encode(answer.body)).status)
        other = self.latchkey.get_code()  # once this is active, the copies were seen too
        self.latchkey.verify_when_active(other)
        self.assertEqual(403, self.latchkey.verify(code).status)

    def test_a_later_timestamp_in_a_copy_does_not_lengthen_a_life(self):
        answer = harness.call("GET", self.latchkey.api + "/api/v1/getcode")
        issued = time.monotonic()
        message = answer.json() | {"timestamp": "2099-01-01 00:00:00.000000"}
        self.assertEqual(201, self.queue.put(json.dumps(message).encode()).status)
        time.sleep(max(0.0, issued + self.lifetime - time.monotonic()))
        self.assertEqual(403, self.latchkey.verify(answer.json()["code"]).status)


class HostileQueueRequests(harness.WithLatchkey):
    def setUp(self):
        self.account = storage.account_of(self.latchkey)
        self.queue = self.account.queue("hostile")
        self.assertIn(self.queue.create().status, (201, 204))

    def refused(self, status, code, answer):
        self.assertEqual((status, code), (answer.status, answer.headers["x-ms-error-code"]), answer)
        self.assertIn(f"<Code>{code}</Code>".encode(), answer.body)

    def test_message_bodies(self):
        bomb = '<!DOCTYPE q [<!ENTITY a "aaaaaaaaaa">' + "".join(
            f'<!ENTITY {chr(98 + i)} "{("&" + chr(97 + i) + ";") * 10}">' for i in range(8)
        ) + "]><QueueMessage><MessageText>&i;</MessageText></QueueMessage>"
        file = '<!DOCTYPE q [<!ENTITY a SYSTEM "file:///etc/passwd">]>' \
               "<QueueMessage><MessageText>&a;</MessageText></QueueMessage>"
        for what, body in {"cut": b"<QueueMessage><MessageText>", "none": b"", "no XML": b"hello",
                           "control character": b"<QueueMessage><MessageText>\x01</MessageText>"
                                                b"</QueueMessage>"}.items():
            with self.subTest(what):
                answer = self.queue.call("POST", "/messages", body)
                self.refused(400, "InvalidXmlDocument", answer)
        for what, body in {"bomb": bomb, "file": file}.items():
            with self.subTest(what):
                # Refused, or the entity is taken as text: it is never expanded.
                self.queue.call("POST", "/messages", body.encode())
                for text in self.queue.peek():
                    self.assertLess(len(text), 1000)
                    self.assertNotIn("root:", text)

    def test_text_over_64_kib(self):
        self.refused(413, "RequestBodyTooLarge", self.queue.put(b"x" * 65_537))

    def test_parameters_out_of_range_or_no_numbers(self):
        self.refused(400, "OutOfRangeQueryParameterValue",
                     self.queue.call("GET", "/messages?numofmessages=33"))
        self.refused(400, "OutOfRangeQueryParameterValue",
                     self.queue.call("GET", "/messages?visibilitytimeout=604801"))
        self.refused(400, "InvalidQueryParameterValue",
                     self.queue.call("GET", "/messages?numofmessages=many"))

    def test_names(self):
        self.refused(400, "InvalidResourceName", self.account.queue("Not--Good").create())
        self.refused(400, "OutOfRangeInput", self.account.queue("q" * 64).create())
        self.refused(404, "QueueNotFound", self.account.queue("never-made").put(b"text"))

    def test_a_wrong_account_key(self):
        wrong = storage.Account(self.account.url, self.account.trust, key="d3Jvbmc=")
        self.refused(403, "AuthenticationFailed", wrong.queue("hostile").put(b"text"))

    def test_no_authorization_at_all(self):
        answer = harness.call("GET", self.account.url + "?comp=list", trust=self.account.trust,
                              headers={"x-ms-version": storage.VERSION})
        self.refused(401, "NoAuthenticationInformation", answer)
        self.assertIn("Bearer", answer.headers["WWW-Authenticate"])
