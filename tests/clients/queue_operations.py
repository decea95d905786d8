"""Every operation that Azure's Python client for queues has, one after the other.

On the account of AZURE_STORAGE_CONNECTION_STRING. Prints the name of each operation that did what
it should; ends with an error at the first that did not.
"""

import datetime
import os
import time

from azure.core.exceptions import HttpResponseError, ResourceExistsError, ResourceNotFoundError
from azure.storage.queue import (
    AccessPolicy, AccountSasPermissions, CorsRule, Metrics, QueueAnalyticsLogging, QueueClient,
    QueueSasPermissions, QueueServiceClient, ResourceTypes, RetentionPolicy, generate_account_sas,
    generate_queue_sas,
)

CONNECTION = os.environ["AZURE_STORAGE_CONNECTION_STRING"]
service = QueueServiceClient.from_connection_string(CONNECTION)
name = f"python-{time.time_ns()}"
queue = service.get_queue_client(name)
soon = datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(minutes=1)


def done(operation):
    print(operation, flush=True)


def equal(expected, actual):
    assert expected == actual, f"{expected!r} expected, {actual!r} came"


def refused(kind, code, operation, *arguments, **options):
    try:
        operation(*arguments, **options)
    except kind as error:
        equal(code, error.error_code)
    else:
        raise AssertionError(f"{code} expected")


def account():
    retention = RetentionPolicy(enabled=True, days=5)
    service.set_service_properties(
        analytics_logging=QueueAnalyticsLogging(
            delete=True, write=True, retention_policy=retention
        ),
        hour_metrics=Metrics(enabled=True, include_apis=True, retention_policy=retention),
        minute_metrics=Metrics(enabled=False),
        cors=[CorsRule(["www.xyz.com"], ["GET", "PUT"], max_age_in_seconds=7)],
    )
    properties = service.get_service_properties()
    equal(5, properties["analytics_logging"].retention_policy.days)
    equal(True, properties["hour_metrics"].include_apis)
    equal(7, properties["cors"][0].max_age_in_seconds)
    service.set_service_properties(cors=[])
    properties = service.get_service_properties()
    equal([], list(properties["cors"]))
    equal(True, properties["analytics_logging"].write)
    done("set and get service properties")
    equal("live", service.get_service_stats()["geo_replication"]["status"])
    done("get service stats")


def queues():
    queue.create_queue(metadata={"Colour": "red"})
    refused(ResourceExistsError, "QueueAlreadyExists", queue.create_queue)
    for other in ("a", "b"):
        service.create_queue(f"{name}-{other}")
    pages = service.list_queues(name_starts_with=name, include_metadata=True, results_per_page=1)
    listed = [(item.name, item.metadata) for item in pages]
    equal([(name, {"Colour": "red"}), (f"{name}-a", None), (f"{name}-b", None)],
          [(found, metadata or None) for found, metadata in listed])
    service.delete_queue(f"{name}-a")
    service.delete_queue(f"{name}-b")
    refused(ResourceNotFoundError, "QueueNotFound", service.delete_queue, f"{name}-b")
    done("create, list and delete queues")
    equal({"Colour": "red"}, queue.get_queue_properties().metadata)
    queue.set_queue_metadata({"other": "1"})
    equal({"other": "1"}, queue.get_queue_properties().metadata)
    done("set and get metadata")


def policies():
    start = datetime.datetime(2026, 1, 1, tzinfo=datetime.timezone.utc)
    whole = AccessPolicy(permission=QueueSasPermissions(read=True), start=start, expiry=soon)
    queue.set_queue_access_policy({"whole": whole, "empty": None})
    found = queue.get_queue_access_policy()
    equal("r", found["whole"].permission)
    assert found["empty"] is None or not found["empty"].permission
    sas = generate_queue_sas(service.account_name, name, service.credential.account_key,
                             policy_id="whole")
    QueueClient(service.url, name, credential=sas).peek_messages()
    queue.set_queue_access_policy({})
    equal({}, queue.get_queue_access_policy())
    refused(HttpResponseError, "AuthenticationFailed",
            QueueClient(service.url, name, credential=sas).peek_messages)
    done("set and get access policies")


def messages():
    sent = queue.send_message("<one> & é", visibility_timeout=0, time_to_live=-1)
    equal(9999, sent.expires_on.year)
    queue.send_message("two")
    equal(["<one> & é", "two"], [message.content for message in queue.peek_messages(32)])
    one, two = list(queue.receive_messages(messages_per_page=2, visibility_timeout=60))
    equal(1, one.dequeue_count)
    updated = queue.update_message(one, content="changed", visibility_timeout=0)
    refused(HttpResponseError, "MessageNotFound", queue.delete_message, one.id, one.pop_receipt)
    equal("changed", queue.peek_messages()[0].content)
    queue.delete_message(updated.id, updated.pop_receipt)
    queue.delete_message(two)
    queue.send_message("three")
    equal("three", queue.receive_message().content)
    queue.clear_messages()
    equal(0, queue.get_queue_properties().approximate_message_count)
    done("send, peek, receive, update, delete and clear messages")


def signatures():
    key = service.credential.account_key
    sas = generate_account_sas(service.account_name, key, ResourceTypes(service=True),
                               AccountSasPermissions(list=True), soon)
    by_sas = QueueServiceClient(service.url, credential=sas)
    equal([name], [found.name for found in by_sas.list_queues(name_starts_with=name)])
    refused(HttpResponseError, "AuthorizationResourceTypeMismatch",
            by_sas.create_queue, f"{name}-no")
    done("account SAS")
    sas = generate_queue_sas(service.account_name, name, key, QueueSasPermissions(add=True), soon)
    sender = QueueClient(service.url, name, credential=sas)
    sender.send_message("by SAS")
    refused(HttpResponseError, "AuthorizationPermissionMismatch", sender.peek_messages)
    done("service SAS")


for part in (account, queues, policies, messages, signatures):
    part()
queue.delete_queue()
refused(ResourceNotFoundError, "QueueNotFound", queue.get_queue_properties)
