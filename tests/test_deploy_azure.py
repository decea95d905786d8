"""The Bicep files. No compiler of Bicep can be had from Debian or npm, so none sees them here; instead: a grammar
reads them, names and modules are followed, every property is held against the models of Azure's SDK for Python,
roles against the local cloud's, and a code is made with the assigned roles and no others."""

import importlib
import json
import re
import subprocess
import unittest

import harness

FOLDER = harness.ROOT / "deploy/azure"
FILES = [FOLDER / "main.bicep", FOLDER / "secrets.bicep", *sorted(FOLDER.glob("modules/*.bicep"))]
# Of Bicep, not of the resource.
OF_BICEP = {"name", "parent", "scope", "dependsOn"}
ASSIGNMENT = "Microsoft.Authorization/roleAssignments"

# Resource type -> module and class of the SDK; Debian's is of January 2023.
MODELS = {
    "Microsoft.App/containerApps": ("appcontainers", "ContainerApp"),
    "Microsoft.App/managedEnvironments": ("appcontainers", "ManagedEnvironment"),
    ASSIGNMENT: ("authorization.v2022_04_01", "RoleAssignmentCreateParameters"),
    "Microsoft.Insights/diagnosticSettings": ("monitor.v2021_05_01_preview", "DiagnosticSettingsResource"),
    "Microsoft.KeyVault/vaults": ("keyvault.v2022_07_01", "VaultCreateOrUpdateParameters"),
    "Microsoft.KeyVault/vaults/secrets": ("keyvault.v2022_07_01", "SecretCreateOrUpdateParameters"),
    "Microsoft.ManagedIdentity/userAssignedIdentities": ("msi.v2022_01_31_preview", "Identity"),
    "Microsoft.ManagedIdentity/userAssignedIdentities/federatedIdentityCredentials":
        ("msi.v2022_01_31_preview", "FederatedIdentityCredential"),
    "Microsoft.OperationalInsights/workspaces": ("loganalytics", "Workspace"),
    "Microsoft.Storage/storageAccounts": ("storage.v2022_09_01", "StorageAccountCreateParameters"),
    "Microsoft.Storage/storageAccounts/queueServices": ("storage.v2022_09_01", "QueueServiceProperties"),
    "Microsoft.Storage/storageAccounts/queueServices/queues": ("storage.v2022_09_01", "StorageQueue"),
    "Microsoft.Storage/storageAccounts/tableServices": ("storage.v2022_09_01", "TableServiceProperties"),
    "Microsoft.Storage/storageAccounts/tableServices/tables": ("storage.v2022_09_01", "Table"),
    "Microsoft.Web/serverfarms": ("web.v2022_03_01", "AppServicePlan"),
    "Microsoft.Web/sites": ("web.v2022_03_01", "Site"),
    "Microsoft.Web/sites/basicPublishingCredentialsPolicies":
        ("web.v2022_03_01", "CsmPublishingCredentialsPoliciesEntity"),
}

# Roles that the local cloud does not know, from "Azure built-in roles".
OTHER_ROLES = {
    "Storage Table Data Contributor": "0a9a7e1f-b9d0-4cc4-a60d-0319b160aaa3",
    "Storage Blob Data Owner": "b7e6dc6d-f1e8-4753-8033-0f276bb0955b",
    "AcrPull": "7f951dda-4ed3-4680-a7ca-43fe172d538d",
}

# Who gets what where: all of it. Scopes are the names in the files.
ASSIGNED = {
    ("serveId", "Storage Queue Data Message Sender", "account::queues::codes"),
    ("serveId", "Storage Table Data Contributor", "account::tables::codes"),
    ("watchId", "Storage Queue Data Contributor", "account::queues::codes"),
    ("watchId", "Storage Queue Data Message Sender", "account::queues::poison"),
    ("watchId", "Storage Table Data Contributor", "account::tables::codes"),
    ("numberId", "Storage Blob Data Owner", "hostAccount"),
    ("id", "AcrPull", "registry"),
    ("servePrincipalId", "Key Vault Secrets User", "numberKey"),
    ("servePrincipalId", "Key Vault Secrets User", "apiKeys"),
    ("id", "Key Vault Secrets User", "codePepper"),
}


def read_files():
    done = subprocess.run(
        ["node", harness.CLIENTS / "bicep.mjs", *FILES], capture_output=True, text=True, timeout=60
    )
    if done.returncode != 0:
        raise AssertionError(done.stderr)
    return {file.relative_to(FOLDER).as_posix(): found
            for file, found in zip(FILES, json.loads(done.stdout).values())}


def mistakes(value, kind, models, where):
    """What in `value` the SDK's type `kind` does not have; computed values pass."""
    if isinstance(value, dict) and value.keys() == {"expression"}:
        return []
    if kind.startswith(("[", "{")):
        if not isinstance(value, list if kind[0] == "[" else dict):
            return [f"{where} is no {kind}"]
        items = enumerate(value) if kind[0] == "[" else value.items()
        return [m for key, item in items for m in mistakes(item, kind[1:-1], models, f"{where}.{key}")]
    plain = {"str": str, "bool": bool, "int": int, "float": (int, float), "object": object}.get(kind)
    if plain:
        return [] if isinstance(value, plain) else [f"{where} is no {kind}: {value!r}"]
    model = getattr(models, kind)
    if not hasattr(model, "_attribute_map"):  # an enumeration
        return [] if value in [it.value for it in model] else [f"{where}: no {kind}: {value!r}"]
    # A dot in a key of the SDK is a level of JSON: "properties.sku", "sku.name".
    levels = {}
    for entry in model._attribute_map.values():
        first, _, rest = entry["key"].partition(".")
        levels.setdefault(first, {})[rest] = entry["type"]
    found = []
    for key, item in value.items():
        if key not in levels:
            found.append(f"{where}.{key} is no property of {kind}")
        elif "" in levels[key]:
            found += mistakes(item, levels[key][""], models, f"{where}.{key}")
        else:
            for inner, inner_item in item.items():
                if inner not in levels[key]:
                    found.append(f"{where}.{key}.{inner} is no property of {kind}")
                else:
                    found += mistakes(inner_item, levels[key][inner], models, f"{where}.{key}.{inner}")
    return found


class Bicep(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.files = read_files()

    def declared(self, kind, made=True):
        for file, found in self.files.items():
            for it in found["declarations"]:
                if it["kind"] == kind and not (made and it["existing"]):
                    yield file, it

    def assignments(self):
        for file, it in self.declared("resource"):
            if it["type"].startswith(ASSIGNMENT + "@"):
                yield file, it

    def test_the_grammar_reads_every_file(self):
        self.assertEqual({}, {file: it["errors"] for file, it in self.files.items() if it["errors"]})

    def test_names_are_declared_and_used(self):
        for file, found in self.files.items():
            names = {it["name"] for it in found["declarations"]}
            self.assertEqual(set(), set(found["uses"]) - names, file)
            inputs = {it["name"] for it in found["declarations"] if it["kind"] in ("parameter", "variable")}
            self.assertEqual(set(), inputs - set(found["uses"]), file)

    def test_modules_get_what_they_ask_for_and_give_what_is_asked_of_them(self):
        for file, module in self.declared("module"):
            inner = self.files[module["type"]]["declarations"]
            asked = {it["name"]: it["optional"] for it in inner if it["kind"] == "parameter"}
            given = set(module["value"]["params"])
            self.assertEqual(set(), given - set(asked), module["name"])
            self.assertEqual(set(), {it for it, optional in asked.items() if not optional} - given)
            outputs = {it["name"] for it in inner if it["kind"] == "output"}
            used = {name for owner, name in self.files[file]["outputs"] if owner == module["name"]}
            self.assertEqual(set(), used - outputs, module["name"])

    def test_the_parameters_file_names_parameters(self):
        given = json.loads((FOLDER / "main.parameters.json").read_text())["parameters"]
        asked = {it["name"] for file, it in self.declared("parameter") if file == "main.bicep"}
        self.assertEqual(set(), set(given) - asked)

    def test_every_property_is_one_that_azures_sdk_knows(self):
        for file, it in self.declared("resource"):
            kind, _, version = it["type"].partition("@")
            self.assertRegex(version, r"^20\d\d-\d\d-\d\d(-preview)?$", it["name"])
            module, model = MODELS[kind]
            models = importlib.import_module(f"azure.mgmt.{module}.models")
            value = {key: item for key, item in it["value"].items() if key not in OF_BICEP}
            with self.subTest(file=file, resource=it["name"]):
                self.assertEqual([], mistakes(value, model, models, it["name"]))

    def test_accounts_and_vault_are_closed_to_keys_and_old_tls(self):
        accounts = [it["value"]["properties"] for _, it in self.declared("resource")
                    if it["type"].startswith("Microsoft.Storage/storageAccounts@")]
        self.assertEqual(2, len(accounts))
        for properties in accounts:
            self.assertFalse(properties["allowSharedKeyAccess"])
            self.assertFalse(properties["allowBlobPublicAccess"])
            self.assertTrue(properties["supportsHttpsTrafficOnly"])
            self.assertEqual("TLS1_2", properties["minimumTlsVersion"])
        vaults = [it["value"]["properties"] for _, it in self.declared("resource")
                  if it["type"].startswith("Microsoft.KeyVault/vaults@")]
        self.assertTrue(vaults[0]["enableRbacAuthorization"] and vaults[0]["enablePurgeProtection"])

    def test_no_key_leaves_the_deployment(self):
        for file, it in self.declared("output"):
            self.assertNotRegex(it["text"], r"(?i)list\w*key|secret|pepper|password", f"{file}: {it['name']}")
        # Keys are asked for in one place, where they become a secret of the vault.
        users = [file for file, it in self.files.items() if any("list" in name for name in it["functions"])]
        self.assertEqual(["secrets.bicep"], users)
        pepper = (FOLDER / "secrets.bicep").read_text()
        self.assertIn("@secure()\nparam pepper string", pepper)

    def test_assignments_are_these_and_no_others(self):
        found = set()
        for _, it in self.assignments():
            text = it["text"]
            properties = it["value"]["properties"]
            role = re.search(r"roles\['([^']+)'\]|roles\.(\w+)", properties["roleDefinitionId"]["expression"])
            found.add((properties["principalId"]["expression"],
                       (role[1] or role[2]) if role else "Key Vault Secrets User",
                       re.search(r"^  scope: (.+)$", text, re.MULTILINE)[1]))
            # Azure asks no directory for a principal that is still unknown there when it says what it is.
            self.assertEqual("ServicePrincipal", properties["principalType"])
        self.assertEqual(ASSIGNED, found)

    def test_role_ids_are_those_of_the_local_cloud(self):
        cloud = harness.Latchkey(command="cloud")
        self.addCleanup(cloud.kill)
        known = {**OTHER_ROLES}
        for role in json.loads(cloud.command("role", "definitions", "--json").stdout):
            properties = role.get("properties", role)
            known[properties.get("roleName", properties.get("name"))] = role["name"]
        for variable in ("roles", "secretsUser"):
            table = next(it["value"] for _, it in self.declared("variable") if it["name"] == variable)
            self.assertEqual({name: known.get(name) for name in table}, table)

    def test_api_and_watcher_need_no_more_than_these_roles(self):
        cloud = harness.Latchkey(command="cloud")
        self.addCleanup(cloud.kill)
        places = {"account::queues::codes": ("--queue", "code-requests"),
                  "account::queues::poison": ("--queue", "code-requests-poison")}
        secrets = {"serve": ["third-party-api-key", "code-pepper"], "watch": ["code-pepper"]}
        cloud.command("queue", "create", "--queue", "code-requests-poison", check=False)
        walkthrough = {name: value for name, value in cloud.environment_of("api").items()
                       if name.startswith("THIRD_PARTY")}
        parts = {}
        for part in secrets:
            name = f"bicep-{part}"
            cloud.command("identity", "create", name)
            for who, role, scope in ASSIGNED:
                if who == f"{part}Id" and scope in places:
                    cloud.command("role", "assign", "--assignee", name, "--role", role, *places[scope])
            for secret in secrets[part]:
                cloud.command("role", "assign", "--assignee", name, "--role", "Key Vault Secrets User",
                              "--vault", "--secret", secret)
            parts[part] = harness.Part(part, cloud, name, **walkthrough)
            self.addCleanup(parts[part].kill)
        code = parts["serve"].get_code()
        self.assertEqual(200, parts["serve"].verify_when_active(code).status)
        # What nobody can read is put aside, which is why the watcher may send to that one queue.
        cloud.command("queue", "put", "--queue", "code-requests", "no code at all")
        harness.wait_until(
            lambda: "no code at all" in cloud.command("queue", "peek", "--queue", "code-requests-poison").stdout,
            "the message in the poison queue",
        )


if __name__ == "__main__":
    unittest.main()
