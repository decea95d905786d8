"""Reads a secret, sends a queue message; see README.md."""

import json
import sys

from azure.core.exceptions import HttpResponseError
from azure.identity import DefaultAzureCredential
from azure.keyvault.secrets import SecretClient
from azure.storage.queue import QueueClient

vault_url, secret_name, queue_url, text = sys.argv[1:]
account_url, _, queue_name = queue_url.rpartition("/")

credential = DefaultAzureCredential()
secrets = SecretClient(vault_url=vault_url, credential=credential)
queue = QueueClient(account_url, queue_name=queue_name, credential=credential)


def outcome(call):
    try:
        return call()
    except HttpResponseError as error:
        code = getattr(error, "error_code", None) or getattr(error.error, "code", None)
        return {"status": error.status_code, "code": code}


print(json.dumps({
    "secret": outcome(lambda: secrets.get_secret(secret_name).value),
    "message": outcome(lambda: queue.send_message(text).id),
}))
