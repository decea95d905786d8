"""The npm packages of the Azure SDK against the local cloud."""

import shutil
import unittest

import harness
import sdk_behaviour

NODE = shutil.which("node")
INSTALLED = (harness.CLIENTS / "node_modules" / "@azure" / "storage-queue").is_dir()


@unittest.skipUnless(NODE and INSTALLED, "needs node and `npm ci --prefix tests/clients`")
class NodeSdk(sdk_behaviour.SdkBehaviour, harness.WithLatchkey):
    client_name = "node"
    client_arguments = [NODE, str(harness.CLIENTS / "client.mjs")]
