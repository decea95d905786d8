"""Exchanges as Queue Storage's documentation and recordings of the real service have them.

They are data: tests/data/queue/*.json, in the form that queue_exchange.py tells. Every answer is
also checked for what all answers of the service have in common.
"""

import re
import unittest

import harness
import queue_exchange

OPERATIONS = {
    "List Queues", "Get Service Properties", "Set Service Properties", "Get Service Stats",
    "Preflight", "Get User Delegation Key", "Create Queue", "Delete Queue", "Get Metadata",
    "Set Metadata", "Get ACL", "Set ACL", "Put Message", "Get Messages", "Peek Messages",
    "Clear Messages", "Update Message", "Delete Message",
}

# All that the references know for queues.
CODES = set("""
    AuthenticationFailed AuthorizationPermissionMismatch AuthorizationProtocolMismatch
    AuthorizationResourceTypeMismatch AuthorizationServiceMismatch AuthorizationSourceIPMismatch
    CorsPreflightFailure EmptyMetadataKey InvalidAuthenticationInfo InvalidHeaderValue InvalidMarker
    InvalidMetadata InvalidQueryParameterValue InvalidResourceName InvalidUri InvalidXmlDocument
    InvalidXmlNodeValue MessageNotFound MetadataTooLarge MissingContentLengthHeader
    MissingRequiredQueryParameter MissingRequiredXmlNode NoAuthenticationInformation
    OutOfRangeInput OutOfRangeQueryParameterValue PopReceiptMismatch QueueAlreadyExists
    QueueNotFound RequestBodyTooLarge ResourceNotFound UnsupportedHttpVerb
""".split())
# And these cannot be had by asking: ServerBusy, InternalError and OperationTimedOut need a server
# in trouble, QueueBeingDeleted an option; of QueueDisabled, QueueNotEmpty and MessageTooLarge the
# documentation names no operation that gives them.


def operation_of(step):
    """The operation that a step sends; None when it sends none."""
    method, target = step.get("send", " ").split(" ", 1)
    path, _, query = target.lower().partition("?")
    if method == "OPTIONS":
        return "Preflight"
    reads = "Get" if method in ("GET", "HEAD") else "Set"
    if "/messages/" in path:
        return {"PUT": "Update Message", "DELETE": "Delete Message"}.get(method)
    if path.endswith("/messages"):
        peeks = method == "GET" and "peekonly=true" in query
        others = {"POST": "Put Message", "GET": "Get Messages", "DELETE": "Clear Messages"}
        return "Peek Messages" if peeks else others.get(method)
    comp = re.search(r"comp=(\w+)", query)
    if not comp:
        return {"PUT": "Create Queue", "DELETE": "Delete Queue"}.get(method)
    named = {"metadata": f"{reads} Metadata", "acl": f"{reads} ACL", "list": "List Queues",
             "properties": f"{reads} Service Properties", "stats": "Get Service Stats",
             "userdelegationkey": "Get User Delegation Key"}
    return named.get(comp[1])


class QueueConformance(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.cloud = harness.Latchkey(command="cloud")
        cls.addClassCleanup(cls.cloud.kill)
        cls.player = queue_exchange.Player(cls.cloud)

    def test_every_operation_and_every_error_is_asked_for(self):
        steps = [step for _, scenario in queue_exchange.scenarios() for step in scenario["steps"]]
        done = {operation_of(step) for step in steps if step.get("status", 400) < 300}
        self.assertEqual(set(), OPERATIONS - done, "operations that no exchange has succeed")
        self.assertEqual(CODES, {step["code"] for step in steps if "code" in step})


def test_of(scenario):
    def test(self):
        self.player.play(scenario)

    return test


for file, scenario in queue_exchange.scenarios():
    name = re.sub(r"\W+", "_", f"{file} {scenario['name']}".lower())
    setattr(QueueConformance, f"test_{name}", test_of(scenario))
