"""Wrong function keys, and tokens that are forged, expired or meant for somebody else."""

import base64
import json
import subprocess
import time
import urllib.parse

import harness
import storage
import vault


def encode(data):
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def decode(part):
    return json.loads(base64.urlsafe_b64decode(part + "=="))


class KeysAndTokens(harness.WithLatchkey):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.settings = cls.latchkey.environment_of("app")
        cls.vault = vault.Vault(cls.latchkey, cls.settings)

    def token(self, resource):
        return vault.token(self.settings, resource)

    def changed(self, token, **claims):
        """The token with other claims, signed with the cloud's own key: only they are wrong."""
        header, payload, _ = token.split(".")
        text = f"{header}.{encode(json.dumps(decode(payload) | claims).encode())}"
        return f"{text}.{encode(self.sign(text.encode()))}"

    def sign(self, text):
        key = self.latchkey.data / "keys" / "token-key.pem"
        command = ["openssl", "dgst", "-sha256", "-sign", str(key)]
        return subprocess.run(command, input=text, capture_output=True, check=True).stdout

    def read_secret(self, token):
        return self.vault.call("GET", "third-party-api-key", token)

    def list_queues(self, token):
        return harness.call(
            "GET", f"{self.latchkey.endpoints['queue']}?comp=list",
            headers={"Authorization": f"Bearer {token}", "x-ms-version": storage.VERSION},
            trust=self.latchkey.trust(),
        )

    def bad_tokens(self, resource, other_resource):
        good = self.token(resource)
        header, payload, signature = good.split(".")
        now = int(time.time())
        none = encode(json.dumps({"alg": "none", "typ": "JWT"}).encode())
        hmac = encode(json.dumps(decode(header) | {"alg": "HS256"}).encode())
        elevated = encode(json.dumps(decode(payload) | {"oid": "someone-else"}).encode())
        return {
            "one word": "x",
            "two parts": f"{header}.{payload}",
            "algorithm none": f"{none}.{payload}.",
            "algorithm changed": f"{hmac}.{payload}.{signature}",
            "claims changed": f"{header}.{elevated}.{signature}",
            "signature cut": f"{header}.{payload}.{signature[:-4]}",
            "rubbish": f"{header}.{'A' * 5000}.{signature}",
            "expired": self.changed(good, exp=now - 1, nbf=now - 3600, iat=now - 3600),
            "not yet valid": self.changed(good, nbf=now + 3000, exp=now + 6000),
            "another issuer": self.changed(good, iss="https://sts.windows.net/other/"),
            "another audience": self.token(other_resource),
        }

    def test_a_token_of_ours_is_taken(self):
        # Shows that those below are refused for what is wrong with them and for nothing else.
        of_vault, of_queue = self.token(vault.VAULT), self.token(vault.STORAGE)
        for token in (of_vault, self.changed(of_vault)):
            self.assertEqual(200, self.read_secret(token).status)
        self.assertEqual(200, self.list_queues(of_queue).status)

    def test_the_vault_refuses_bad_tokens_with_its_challenge(self):
        for what, token in (self.bad_tokens(vault.VAULT, vault.STORAGE) | {"none": None}).items():
            with self.subTest(what):
                answer = self.read_secret(token)
                self.assertEqual(401, answer.status, answer)
                self.assertEqual("Unauthorized", answer.json()["error"]["code"])
                challenge = answer.headers["WWW-Authenticate"]
                self.assertRegex(challenge, r'Bearer authorization="https.+", resource="https')

    def test_the_queue_refuses_bad_tokens_with_its_challenge(self):
        for what, token in self.bad_tokens(vault.STORAGE, vault.VAULT).items():
            with self.subTest(what):
                answer = self.list_queues(token)
                self.assertEqual(401, answer.status, answer)
                self.assertEqual("InvalidAuthenticationInfo", answer.headers["x-ms-error-code"])
                self.assertIn("Bearer authorization_uri=", answer.headers["WWW-Authenticate"])

    def test_the_identity_endpoint_gives_nothing_to_a_wrong_header(self):
        for header in ("wrong", self.settings["IDENTITY_HEADER"][:-1]):
            answer = vault.ask_for_token(self.settings, vault.VAULT, header)
            self.assertIn(answer.status, (400, 401), answer)
            self.assertNotIn(b"access_token", answer.body)

    def test_the_function_refuses_wrong_keys_with_an_empty_401(self):
        url = self.settings["THIRD_PARTY_API_ENDPOINT"]
        key = self.vault.get("third-party-api-key")
        right = harness.call("GET", url, headers={"x-functions-key": key})
        self.assertEqual(200, right.status, right)
        self.assertIn(right.json()["value"], range(1, 1001))
        self.assertEqual(200, harness.call("GET", f"{url}?code={urllib.parse.quote(key)}").status)
        for headers, query in (
            ({}, ""),
            ({"x-functions-key": ""}, ""),
            ({"x-functions-key": key[:-1]}, ""),
            ({"x-functions-key": key + "x"}, ""),
            ({"x-functions-key": "wrong"}, f"?code={urllib.parse.quote(key)}"),
            ({}, "?code=wrong"),
        ):
            with self.subTest(headers=list(headers), query=query[:6]):
                answer = harness.call("GET", url + query, headers=headers)
                self.assertEqual((401, b""), (answer.status, answer.body))
