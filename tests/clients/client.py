"""An app on Azure's Python SDK: commands on standard input, one line of JSON for each.

Knows nothing of latchkey: only the settings that an app in Azure would have as well.
"""

import json
import os
import sys

from azure.core.exceptions import HttpResponseError
from azure.identity import DefaultAzureCredential
from azure.keyvault.secrets import SecretClient
from azure.storage.queue import QueueClient

credential = DefaultAzureCredential()
secrets = SecretClient(os.environ["KEY_VAULT_URL"], credential)
account_url = os.environ["STORAGE_QUEUE_URL"].rpartition("/")[0]
queues = {}


def queue(name):
    if name not in queues:
        queues[name] = QueueClient(account_url, name, credential=credential)
    return queues[name]


def create(name):
    queue(name).create_queue()
    return {"created": name}


def take(name):
    messages = list(queue(name).receive_messages())
    for message in messages:
        queue(name).delete_message(message)
    return {"texts": [message.content for message in messages]}


COMMANDS = {
    "read-secret": lambda name: {"value": secrets.get_secret(name).value},
    "set-secret": lambda name, value: {"value": secrets.set_secret(name, value).value},
    "create": create,
    "put": lambda name, text: {"id": queue(name).send_message(text).id},
    "peek": lambda name: {"texts": [m.content for m in queue(name).peek_messages(32)]},
    "take": take,
}


def refusal(error):
    # The vault's errors come as OData (error.error), the queue's with error_code.
    detail = getattr(error, "error", None)
    inner = getattr(detail, "innererror", None) or {}
    code = getattr(error, "error_code", None) or getattr(detail, "code", None)
    return {"status": error.status_code, "code": code, "inner": inner.get("code")}


for line in sys.stdin:
    command, *words = line.split()
    try:
        answer = COMMANDS[command](*words)
    except HttpResponseError as error:
        answer = refusal(error)
    except Exception as error:  # a credential that fails, a certificate that is refused
        answer = {"failed": f"{type(error).__name__}: {error}"}
    print(json.dumps(answer), flush=True)
