"""The API as an app uses it: subjects, limits, repetition, revocation; API keys and tokens."""

import concurrent.futures
import json
import os
import signal
import uuid

import harness
import test_parts
import vault

SIGN_IN = "sign-in"
AUDIENCE = "api://latchkey"


class Client:
    """Calls the API, as somebody with a credential or as nobody."""

    def __init__(self, url, **headers):
        self.url = url + "/api/v1"
        self.headers = headers

    def post(self, path, json_body=None, **headers):
        headers = {name.replace("_", "-"): value for name, value in headers.items()}
        return harness.call(
            "POST", self.url + path, headers={**self.headers, **headers}, json_body=json_body
        )

    def get(self, path):
        return harness.call("GET", self.url + path, headers=self.headers)

    def issue(self, subject=None, purpose=SIGN_IN, **headers):
        body = {"subject": subject, "purpose": purpose} if subject else {}
        return self.post("/codes", body, **headers)

    def verify(self, code, subject=None, purpose=SIGN_IN, wait=5, **headers):
        body = {"code": code, **({"subject": subject, "purpose": purpose} if subject else {})}
        return self.post("/verify", body, Prefer=f"wait={wait}", **headers)

    def state(self, code_id):
        return self.get(f"/codes/{code_id}").json()["state"]


def somebody():
    return f"user-{uuid.uuid4()}"


class Journeys(harness.WithLatchkey):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.client = Client(cls.latchkey.api)

    def issued(self, *who):
        answer = self.client.issue(*who)
        self.assertEqual(201, answer.status, answer)
        return answer.json()

    def refused(self, answer, status, problem):
        self.assertEqual(status, answer.status, answer)
        self.assertEqual(f"urn:latchkey:problem:{problem}", answer.json()["type"])
        return answer

    def test_a_code_is_good_for_its_subject_and_purpose_only_and_once(self):
        user = somebody()
        code = self.issued(user)["code"]
        self.refused(self.client.verify(code), 403, "code-refused")
        self.refused(self.client.verify(code, somebody()), 403, "code-refused")
        self.refused(self.client.verify(code, user, "payment"), 403, "code-refused")
        self.assertEqual(200, self.client.verify(code, user).status)
        self.refused(self.client.verify(code, user), 403, "code-refused")

    def test_only_the_newest_code_of_a_subject_and_purpose_is_good(self):
        user = somebody()
        old = self.issued(user)
        payment = self.issued(user, "payment")
        new = self.issued(user)
        self.refused(self.client.verify(old["code"], user), 403, "code-refused")
        self.assertEqual("revoked", self.client.state(old["id"]))
        self.assertEqual(200, self.client.verify(new["code"], user).status)
        self.assertEqual(200, self.client.verify(payment["code"], user, "payment").status)

    def test_states_are_shown_from_issue_to_use(self):
        user = somebody()
        issued = self.issued(user)
        harness.wait_until(lambda: self.client.state(issued["id"]) == "valid", "activation")
        view = self.client.get(f"/codes/{issued['id']}").json()
        self.assertEqual((user, SIGN_IN), (view["subject"], view["purpose"]))
        self.assertNotIn(issued["code"], json.dumps(view))
        answer = self.client.verify(issued["code"], user)
        self.assertEqual({"accepted": True, "id": issued["id"]}, answer.json())
        self.assertEqual("used", self.client.state(issued["id"]))

    def test_a_short_lifetime_ends_the_code(self):
        issued = self.client.post("/codes", {"lifetime": 1}).json()
        harness.wait_until(lambda: self.client.state(issued["id"]) == "expired", "the end")
        self.refused(self.client.verify(issued["code"], wait=0), 403, "code-refused")

    def test_one_code_or_all_of_a_subject_are_revoked(self):
        user = somebody()
        one, two, three = (self.issued(user, purpose) for purpose in ("a", "b", "c"))
        answer = self.client.post(f"/codes/{one['id']}/revoke")
        self.assertEqual({"id": one["id"], "state": "revoked"}, answer.json())
        self.assertEqual(200, self.client.post(f"/codes/{one['id']}/revoke").status)
        answer = self.client.post("/codes/revoke", {"subject": user})
        self.assertEqual({"revoked": 2}, answer.json())
        for issued, purpose in ((one, "a"), (two, "b"), (three, "c")):
            self.refused(self.client.verify(issued["code"], user, purpose), 403, "code-refused")

    def test_a_repeated_issue_gives_the_same_code(self):
        user, key = somebody(), str(uuid.uuid4())
        first = self.client.issue(user, Idempotency_Key=key)
        second = self.client.issue(user, Idempotency_Key=key)
        self.assertEqual((201, 201), (first.status, second.status))
        self.assertEqual(first.body, second.body)
        self.assertEqual("true", second.headers["Idempotency-Replayed"])
        other = self.client.issue(somebody(), Idempotency_Key=key)
        self.refused(other, 422, "idempotency-key-reused")
        self.assertEqual(200, self.client.verify(first.json()["code"], user).status)

    def test_simultaneous_repetitions_make_one_code(self):
        user, key = somebody(), str(uuid.uuid4())
        with concurrent.futures.ThreadPoolExecutor(8) as pool:
            answers = list(pool.map(
                lambda _: self.client.issue(user, Idempotency_Key=key), range(8)))
        self.assertLessEqual({answer.status for answer in answers}, {201, 409})
        bodies = {answer.body for answer in answers if answer.status == 201}
        self.assertEqual(1, len(bodies))

    def test_a_verification_whose_answer_was_lost_may_be_repeated_by_its_key_only(self):
        user, key = somebody(), str(uuid.uuid4())
        code = self.issued(user)["code"]
        first = self.client.verify(code, user, Idempotency_Key=key)
        self.assertEqual(200, first.status)
        self.assertEqual(first.body, self.client.verify(code, user, Idempotency_Key=key).body)
        other = self.client.verify(code, user, Idempotency_Key=str(uuid.uuid4()))
        self.refused(other, 403, "code-refused")

    def test_a_subject_gets_five_codes_in_ten_minutes(self):
        user = somebody()
        for left in (4, 3, 2, 1, 0):
            answer = self.client.issue(user)
            self.assertTrue(answer.headers["RateLimit"].startswith(f'"issue";r={left};t='), answer)
        over = self.refused(self.client.issue(user, "other"), 429, "issue-limit")
        self.assertIn(int(over.headers["Retry-After"]), range(500, 601))
        self.issued(somebody())

    def test_five_refused_attempts_end_a_code(self):
        user = somebody()
        issued = self.issued(user)
        harness.wait_until(lambda: self.client.state(issued["id"]) == "valid", "activation")
        for left in (99, 98, 97, 96):
            answer = self.client.verify("zzz-9-zzz", user)
            self.assertEqual(f'"failures";r={left}', answer.headers["RateLimit"])
        self.assertEqual("valid", self.client.state(issued["id"]))
        self.refused(self.client.verify("zzz-9-zzz", user), 403, "code-refused")
        self.refused(self.client.verify(issued["code"], user), 403, "code-refused")
        self.assertEqual("revoked", self.client.state(issued["id"]))


class Waiting(test_parts.WithCloud):
    def test_a_code_that_is_not_active_yet_is_waited_for(self):
        client = Client(self.part("serve", self.cloud, "api").api)
        watch = self.part("watch", self.cloud, "watcher")
        os.kill(watch.pid, signal.SIGSTOP)
        code = client.issue().json()["code"]
        early = client.verify(code, wait=0)
        self.assertEqual((409, "1"), (early.status, early.headers["Retry-After"]))
        with concurrent.futures.ThreadPoolExecutor(1) as pool:
            waiting = pool.submit(client.verify, code, wait=5)
            os.kill(watch.pid, signal.SIGCONT)
            answer = waiting.result()
        self.assertEqual((200, "wait=5"), (answer.status, answer.headers["Preference-Applied"]))


class Credentials(test_parts.WithCloud):
    """What is provisioned here by hand is what an operator does in Azure."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.app = cls.cloud.environment_of("app")
        cls.operator = cls.cloud.environment_of("operator")
        cls.secrets = vault.Vault(cls.cloud, cls.app)
        cls.cloud.command(
            "role", "assign", "--assignee", "api", "--role", "Key Vault Secrets User", "--vault"
        )

    def new_key(self, name, *roles):
        options = [part for role in roles for part in ("--role", role)]
        lines = harness.run_latchkey("api-key", "new", name, *options).stdout.splitlines()
        key = next(line for line in lines if line.startswith("lk_"))
        return key, json.loads(next(line for line in lines if line.startswith("{")))

    def serve_with_keys(self, *entries):
        self.secrets.set("api-keys", json.dumps(entries))
        return self.part("serve", self.cloud, "api", API_KEYS_SECRET_NAME="api-keys")

    def test_a_key_opens_what_its_roles_allow_and_is_never_told(self):
        key, entry = self.new_key("web", "Codes.Issue")
        serve = self.serve_with_keys(entry)
        self.assertEqual(201, Client(serve.api, **{"x-api-key": key}).issue().status)
        for client, status in (
            (Client(serve.api, **{"x-api-key": key}), 403),
            (Client(serve.api), 401),
            (Client(serve.api, **{"x-api-key": key + "x"}), 401),
            (Client(serve.api, Authorization=f"Bearer {key}"), 401),
        ):
            self.assertEqual(status, client.verify("zzz-9-zzz").status)
        self.assertEqual(0, serve.stop())
        self.assertNotIn(key, serve.everything_written())
        audit = "".join(file.read_text() for file in (self.cloud.data / "audit").glob("*.jsonl"))
        self.assertIn("key:web", audit)
        self.assertIn("caller_refused", audit)
        self.assertNotIn(key, audit)

    def test_a_new_key_is_taken_up_without_a_restart(self):
        _, first = self.new_key("first", "Codes.Issue")
        key, second = self.new_key("second", "Codes.Issue")
        serve = self.serve_with_keys(first)
        client = Client(serve.api, **{"x-api-key": key})
        self.assertEqual(401, client.issue().status)
        self.secrets.set("api-keys", json.dumps([first, second]))
        # Refusals make the vault be asked at most once in a few seconds.
        harness.wait_until(lambda: client.issue().status == 201, "the new key")

    def test_tokens_of_entra_id_open_what_their_app_roles_allow(self):
        identities = json.loads((self.cloud.data / "identities.json").read_text())
        serve = self.part(
            "serve", self.cloud, "api", ENTRA_AUDIENCE=AUDIENCE,
            ENTRA_TENANT_ID=identities["tenant_id"],
            AZURE_AUTHORITY_HOST=self.cloud.endpoints["login"],
        )

        def as_(settings, audience=AUDIENCE):
            token = vault.token(settings, audience)
            return Client(serve.api, Authorization=f"Bearer {token}")

        app, operator = as_(self.app), as_(self.operator)
        issued = app.issue().json()
        self.assertEqual(403, app.get(f"/codes/{issued['id']}").status)
        self.assertEqual("pending", operator.state(issued["id"]))
        self.assertEqual(403, operator.issue().status)
        self.assertEqual(401, as_(self.app, vault.VAULT).issue().status)

    def test_an_api_that_others_can_reach_does_not_start_open(self):
        settings = {**self.cloud.environment_of("api"), "PORT": "0", "LISTEN_ADDRESS": "0.0.0.0"}
        done = harness.run_latchkey(
            "serve", "--data", self.cloud.data, check=False, environment=settings
        )
        self.assertEqual(2, done.returncode, done)
        self.assertIn("API_KEYS_SECRET_NAME", done.stderr)
        serve = self.part(
            "serve", self.cloud, "api", LISTEN_ADDRESS="0.0.0.0", API_OPEN="true"
        )
        self.assertEqual(201, Client(serve.api).issue().status)
