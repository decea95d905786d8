"""Tokens and secrets by hand: what an SDK would hide."""

import json
import urllib.parse

import harness

VAULT = "https://vault.azure.net"
STORAGE = "https://storage.azure.com"


def ask_for_token(settings, resource, header=None):
    """The App Service endpoint's answer to the identity of `settings`, or to another header."""
    query = urllib.parse.urlencode({"api-version": "2019-08-01", "resource": resource})
    headers = {"X-IDENTITY-HEADER": header or settings["IDENTITY_HEADER"]}
    return harness.call("GET", f"{settings['IDENTITY_ENDPOINT']}?{query}", headers=headers)


def token(settings, resource):
    return ask_for_token(settings, resource).json()["access_token"]


class Management:
    """Azure Resource Manager, asked by one of the identities about the one resource group."""

    def __init__(self, latchkey, identity):
        ids = json.loads((latchkey.data / "identities.json").read_text())
        self.tenant_id = ids["tenant_id"]
        self.group = (f"{latchkey.endpoints['login']}/subscriptions/{ids['subscription_id']}"
                      f"/resourceGroups/{ids['resource_group']}/providers/")
        bearer = token(latchkey.environment_of(identity), "https://management.azure.com")
        self.headers = {"Authorization": f"Bearer {bearer}"}
        self.trust = latchkey.trust()

    def call(self, method, resource, json_body=None):
        return harness.call(method, f"{self.group}{resource}?api-version=2023-07-01",
                            headers=self.headers, json_body=json_body, trust=self.trust)


class Vault:
    def __init__(self, latchkey, settings):
        self.url = settings["KEY_VAULT_URL"]
        self.settings = settings
        self.trust = latchkey.trust()

    def call(self, method, name, bearer=None, json_body=None):
        return harness.call(
            method, f"{self.url}/secrets/{name}?api-version=7.4", json_body=json_body,
            headers={"Authorization": f"Bearer {bearer}"} if bearer else {}, trust=self.trust,
        )

    def get(self, name):
        return self._ours("GET", name)["value"]

    def set(self, name, value):
        self._ours("PUT", name, {"value": value})

    def _ours(self, method, name, json_body=None):
        answer = self.call(method, name, token(self.settings, VAULT), json_body)
        if answer.status != 200:
            raise AssertionError(f"{method} {name}: {answer}")
        return answer.json()
