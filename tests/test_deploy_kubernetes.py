"""The Kubernetes manifests: every field is one that Kubernetes' own client knows, of the right type, and
what is said in several places agrees."""

import json
import re
import shutil
import subprocess
import unittest

import harness

try:
    import kubernetes.client.models as models
    import yaml
except ImportError:
    models = None

FOLDER = harness.ROOT / "deploy/kubernetes"
# Debian's client is of Kubernetes 1.22, in which this version had another name and the same fields.
RENAMED = {"autoscaling/v2": "autoscaling/v2beta2"}


def model_of(document):
    version = RENAMED.get(document["apiVersion"], document["apiVersion"]).rpartition("/")[2]
    return getattr(models, version[0].upper() + version[1:] + document["kind"])


def mistakes(value, kind, where):
    """What in `value` is not as the client's type `kind` has it; kind as in `dict(str, list[V1Container])`."""
    listed = re.fullmatch(r"list\[(.*)\]", kind)
    mapped = re.fullmatch(r"dict\(str, (.*)\)", kind)
    if listed or mapped:
        if not isinstance(value, list if listed else dict):
            return [f"{where} is no {kind}"]
        items = enumerate(value) if listed else value.items()
        inner = (listed or mapped)[1]
        return [m for key, item in items for m in mistakes(item, inner, f"{where}[{key}]")]
    plain = {"str": str, "int": int, "bool": bool, "object": object}.get(kind)
    if plain:
        right = isinstance(value, plain) and (plain is not int or not isinstance(value, bool))
        # A port or a quantity may be a number or text.
        return [] if right else [f"{where} is no {kind}: {value!r}"]
    model = getattr(models, kind)
    if not isinstance(value, dict):
        return [f"{where} is no {kind}"]
    types = {json_name: model.openapi_types[name] for name, json_name in model.attribute_map.items()}
    found = []
    for key, item in value.items():
        if key not in types:
            found.append(f"{where}.{key} is no field of {kind}")
        else:
            found += mistakes(item, types[key], f"{where}.{key}")
    # The client's constructor refuses an object without a field that must be there.
    try:
        model(**{name: value.get(json_name) for name, json_name in model.attribute_map.items()})
    except ValueError as error:
        found.append(f"{where}: {error}")
    return found


@unittest.skipUnless(models, "python3-kubernetes and python3-yaml are not installed")
class Kubernetes(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.kustomization = yaml.safe_load((FOLDER / "kustomization.yaml").read_text())
        cls.objects = {}
        for file in cls.kustomization["resources"]:
            for document in yaml.safe_load_all((FOLDER / file).read_text()):
                cls.objects[document["kind"], document["metadata"]["name"]] = document

    def of_kind(self, kind):
        return [it for (its_kind, _), it in self.objects.items() if its_kind == kind]

    def pods(self):
        return [(it, it["spec"]["template"]) for it in self.of_kind("Deployment")]

    def test_every_field_is_known_and_of_the_right_type(self):
        for (kind, name), document in self.objects.items():
            with self.subTest(kind=kind, name=name):
                model = model_of(document)
                self.assertEqual([], mistakes(document, model.__name__, kind))

    def test_every_file_is_listed(self):
        files = {path.name for path in FOLDER.glob("*.yaml")} - {"kustomization.yaml"}
        self.assertEqual(files, set(self.kustomization["resources"]))

    @unittest.skipUnless(shutil.which("kubectl"), "kubectl is not installed")
    def test_kustomize_makes_all_of_it_in_one_namespace_with_the_image_named(self):
        done = subprocess.run(
            ["kubectl", "kustomize", FOLDER], capture_output=True, text=True, timeout=60
        )
        self.assertEqual(0, done.returncode, done.stderr)
        made = list(yaml.safe_load_all(done.stdout))
        self.assertEqual(len(self.objects), len(made))
        for document in made:
            if document["kind"] != "Namespace":
                self.assertEqual("latchkey", document["metadata"]["namespace"])
            if document["kind"] == "Deployment":
                image = document["spec"]["template"]["spec"]["containers"][0]["image"]
                self.assertRegex(image, r"^REGISTRY\.azurecr\.io/latchkey:\d")

    def test_no_pod_may_do_more_than_it_needs(self):
        for deployment, pod in self.pods():
            spec = pod["spec"]
            self.assertTrue(spec["securityContext"]["runAsNonRoot"])
            self.assertEqual("RuntimeDefault", spec["securityContext"]["seccompProfile"]["type"])
            account = self.objects["ServiceAccount", spec["serviceAccountName"]]
            self.assertFalse(account["automountServiceAccountToken"])
            # Workload identity: the webhook looks at this label, and at the account's annotation.
            self.assertEqual("true", pod["metadata"]["labels"]["azure.workload.identity/use"])
            self.assertIn("azure.workload.identity/client-id", account["metadata"]["annotations"])
            for container in spec["containers"]:
                rights = container["securityContext"]
                self.assertTrue(rights["readOnlyRootFilesystem"])
                self.assertFalse(rights["allowPrivilegeEscalation"])
                self.assertEqual({"drop": ["ALL"]}, rights["capabilities"])
                self.assertIn("memory", container["resources"]["limits"])
                self.assertNotIn("secretRef", json.dumps(container))

    def test_selectors_find_their_pods_and_every_part_has_a_disruption_budget(self):
        labels = [pod["metadata"]["labels"] for _, pod in self.pods()]

        def matching(selector):
            return [it for it in labels if selector.items() <= it.items()]

        for deployment, pod in self.pods():
            self.assertEqual(1, len(matching(deployment["spec"]["selector"]["matchLabels"])))
            for spread in pod["spec"]["topologySpreadConstraints"]:
                self.assertEqual(1, len(matching(spread["labelSelector"]["matchLabels"])))
        budgets = [it["spec"]["selector"]["matchLabels"] for it in self.of_kind("PodDisruptionBudget")]
        for it in labels:
            self.assertTrue(any(budget.items() <= it.items() for budget in budgets), it)
        for service in self.of_kind("Service"):
            self.assertEqual(1, len(matching(service["spec"]["selector"])))

    def test_a_pod_has_time_for_its_drain(self):
        settings = self.objects["ConfigMap", "latchkey"]["data"]
        delay = int(re.fullmatch(r"(\d+)s", settings["DRAIN_DELAY"])[1])
        for _, pod in self.pods():
            self.assertGreater(pod["spec"]["terminationGracePeriodSeconds"], delay + 5)

    def test_probes_ask_at_ports_where_somebody_listens(self):
        settings = self.objects["ConfigMap", "latchkey"]["data"]
        dockerfile = (harness.ROOT / "deploy/container/Dockerfile").read_text()
        listening = {
            "http": int(re.search(r"^EXPOSE (\d+)$", dockerfile, re.MULTILINE)[1]),
            "metrics": int(settings["METRICS_PORT"]),
        }
        paths = {"startup": "/healthz", "liveness": "/healthz", "readiness": "/readyz"}
        for deployment, pod in self.pods():
            container = pod["spec"]["containers"][0]
            ports = {it["name"]: it["containerPort"] for it in container["ports"]}
            self.assertEqual({name: listening[name] for name in ports}, ports)
            for kind, path in paths.items():
                probe = container[kind + "Probe"]["httpGet"]
                self.assertEqual(path, probe["path"])
                self.assertIn(probe["port"], ports)

    def test_settings_are_those_of_the_guide(self):
        guide = (harness.ROOT / "docs/settings.md").read_text()
        names = self.objects["ConfigMap", "latchkey"]["data"]
        self.assertEqual([], [name for name in names if f"`{name}`" not in guide])


if __name__ == "__main__":
    unittest.main()
