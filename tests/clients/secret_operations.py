"""Every operation that Azure's Python client for secrets has, one after the other.

On the vault of KEY_VAULT_URL with the identity of the environment. Prints the name of each
operation that did what it should; ends with an error at the first that did not.
"""

import datetime
import os
import time

from azure.core.exceptions import HttpResponseError, ResourceExistsError, ResourceNotFoundError
from azure.identity import DefaultAzureCredential
from azure.keyvault.secrets import SecretClient

client = SecretClient(os.environ["KEY_VAULT_URL"], DefaultAzureCredential())
name = f"python-{time.time_ns()}"
soon = datetime.datetime.now(datetime.timezone.utc).replace(microsecond=0) + datetime.timedelta(1)


def done(operation):
    print(operation, flush=True)


def equal(expected, actual):
    assert expected == actual, f"{expected!r} expected, {actual!r} came"


def refused(kind, status, operation, *arguments, **options):
    try:
        operation(*arguments, **options)
    except kind as error:
        equal(status, error.status_code)
    else:
        raise AssertionError(f"{status} expected")


first = client.set_secret(name, "one", content_type="text/plain", tags={"a": "b"}, expires_on=soon)
equal("one", first.value)
equal(soon, first.properties.expires_on)
second = client.set_secret(name, "two", enabled=True, not_before=soon)
done("set")

equal("two", client.get_secret(name).value)
equal("one", client.get_secret(name, first.properties.version).value)
equal({"a": "b"}, client.get_secret(name, first.properties.version).properties.tags)
refused(ResourceNotFoundError, 404, client.get_secret, "never-made")
done("get")

changed = client.update_secret_properties(name, first.properties.version, enabled=False)
equal(False, changed.enabled)
refused(HttpResponseError, 403, client.get_secret, name, first.properties.version)
client.update_secret_properties(name, content_type="newest")
equal("newest", client.get_secret(name).properties.content_type)
done("update")

more = [f"{name}-{number}" for number in range(5)]
for each in more:
    client.set_secret(each, "v")
listed = [item.name for item in client.list_properties_of_secrets(max_page_size=2)]
equal(sorted([name, *more]), [each for each in listed if each.startswith(name)])
versions = client.list_properties_of_secret_versions(name, max_page_size=1)
equal([first.properties.version, second.properties.version], [item.version for item in versions])
done("list")

backup = client.backup_secret(name)
refused(ResourceExistsError, 409, client.restore_secret_backup, backup)
deleted = client.begin_delete_secret(name).result()
equal(90, (deleted.scheduled_purge_date - deleted.deleted_date).days)
refused(ResourceNotFoundError, 404, client.get_secret, name)
refused(ResourceExistsError, 409, client.set_secret, name, "three")
done("delete")

equal(deleted.recovery_id, client.get_deleted_secret(name).recovery_id)
for each in more:
    client.begin_delete_secret(each).wait()
gone = [item.name for item in client.list_deleted_secrets(max_page_size=2)]
equal(sorted([name, *more]), [each for each in gone if each.startswith(name)])
done("list deleted")

client.begin_recover_deleted_secret(name).wait()
equal("two", client.get_secret(name).value)
done("recover")

client.begin_delete_secret(name).wait()
client.purge_deleted_secret(name)
refused(ResourceNotFoundError, 404, client.get_deleted_secret, name)
done("purge")

equal(name, client.restore_secret_backup(backup).name)
equal("two", client.get_secret(name).value)
refused(HttpResponseError, 400, client.restore_secret_backup, b"another vault's")
done("backup and restore")
