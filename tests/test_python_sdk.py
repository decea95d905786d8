"""Debian's Python packages of the Azure SDK against the local cloud."""

import importlib.util
import unittest

import harness
import sdk_behaviour


def missing_packages():
    needed = ("azure.identity", "azure.keyvault.secrets", "azure.storage.queue")
    try:
        return [name for name in needed if importlib.util.find_spec(name) is None]
    except ModuleNotFoundError:
        return list(needed)


@unittest.skipIf(missing_packages(), f"python3-azure lacks {missing_packages()}")
class PythonSdk(sdk_behaviour.SdkBehaviour, harness.WithLatchkey):
    client_name = "python"
    client_arguments = ["/usr/bin/python3", str(harness.CLIENTS / "client.py")]
