"""What pods are, may and are told, for each stack: images, bounds, security, environment."""

from __future__ import annotations

import importlib
import inspect
import re
from collections.abc import Iterator
from typing import Any

import pytest
import yaml
from infra.rendering import ROOT, Rendering, plain_texts, render
from realchat_infra.sources import APPS

from realchat_common.settings import ServiceSettings

PINNED = re.compile(r"^[a-z0-9.-]+(/[a-z0-9._-]+)+:v?[0-9][A-Za-z0-9._-]*$")


def pod_specs(rendering: Rendering) -> Iterator[tuple[str, dict[str, Any]]]:
    for kind in ("Deployment", "StatefulSet", "Job"):
        for name, manifest in rendering.manifests(kind).items():
            yield f"{kind}/{name}", manifest["spec"]["template"]["spec"]


def test_every_image_and_chart_is_pinned(rendering: Rendering) -> None:
    images = {container["image"] for _, spec in pod_specs(rendering) for container in spec["containers"]}
    images |= {cluster["spec"]["imageName"] for cluster in rendering.manifests("Cluster").values()}
    assert [image for image in images if not PINNED.match(image)] == []
    releases = [each for each in rendering.resources if each.type.endswith(":Release")]
    assert len(releases) == 8
    assert all(re.match(r"^v?[0-9]+\.[0-9]+\.[0-9]+$", each.inputs["version"]) for each in releases)
    assert not [text for each in rendering.resources for text in plain_texts(each.inputs) if text.endswith(":latest")]


def test_every_container_has_requests_and_limits(rendering: Rendering) -> None:
    for name, spec in pod_specs(rendering):
        for container in spec["containers"]:
            for bound in ("requests", "limits"):
                assert container["resources"][bound].keys() == {"cpu", "memory"}, name
    for name, manifest in rendering.manifests("Deployment").items():
        annotations = manifest["spec"]["template"]["metadata"].get("annotations", {})
        if "dapr.io/enabled" in annotations:
            bounds = {f"dapr.io/sidecar-{r}-{b}" for r in ("cpu", "memory") for b in ("request", "limit")}
            assert bounds <= annotations.keys(), name


def test_every_pod_is_restricted(rendering: Rendering) -> None:
    for name, spec in pod_specs(rendering):
        assert spec["securityContext"]["runAsNonRoot"] is True, name
        assert spec["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}, name
        assert spec["automountServiceAccountToken"] is False, name
        for container in spec["containers"]:
            context = container["securityContext"]
            assert context["readOnlyRootFilesystem"] is True, name
            assert context["allowPrivilegeEscalation"] is False, name
            assert context["capabilities"] == {"drop": ["ALL"]}, name
    namespace = rendering.manifests("Namespace")["realchat"]
    assert namespace["metadata"]["labels"]["pod-security.kubernetes.io/enforce"] == "restricted"


def test_the_quota_admits_every_replica_that_the_autoscalers_may_add(rendering: Rendering) -> None:
    most = {name: each["spec"]["maxReplicas"] for name, each in rendering.manifests("HorizontalPodAutoscaler").items()}
    pods: list[tuple[int, dict[str, str]]] = []
    for kind in ("Deployment", "StatefulSet", "Job"):
        for name, manifest in rendering.manifests(kind).items():
            template = manifest["spec"]["template"]
            copies = most.get(name, manifest["spec"].get("replicas", 1))
            copies += kind == "Deployment"  # one more while it rolls out
            pods += [(copies, container["resources"]["requests"]) for container in template["spec"]["containers"]]
            sidecar = template["metadata"].get("annotations", {})
            if "dapr.io/enabled" in sidecar:
                own = {bound: sidecar[f"dapr.io/sidecar-{bound}-request"] for bound in ("cpu", "memory")}
                pods.append((copies, own))
    for pool in rendering.manifests("KafkaNodePool").values():
        pods.append((pool["spec"]["replicas"], pool["spec"]["resources"]["requests"]))
    for cluster in rendering.manifests("Cluster").values():
        pods.append((cluster["spec"]["instances"], cluster["spec"]["resources"]["requests"]))
    hard = rendering.manifests("ResourceQuota")["realchat"]["spec"]["hard"]
    for bound in ("cpu", "memory"):
        assert sum(copies * amount(each[bound]) for copies, each in pods) <= amount(hard[f"requests.{bound}"]), bound
    assert sum(copies for copies, _ in pods) <= int(hard["pods"]) * 2  # a sidecar is not a pod of its own


def amount(text: str) -> float:
    number, unit = re.fullmatch(r"([0-9.]+)(\D*)", text).groups()  # type: ignore[union-attr]
    return float(number) * {"": 1, "m": 1e-3, "Ki": 2**10, "Mi": 2**20, "Gi": 2**30, "Ti": 2**40}[unit]


def test_a_pod_has_time_for_all_that_its_end_consists_of(rendering: Rendering) -> None:
    for app_id in APPS:
        spec = rendering.manifests("Deployment")[app_id]["spec"]["template"]["spec"]
        container = spec["containers"][0]
        env = {item["name"]: item.get("value") for item in container["env"]}
        needed = container["lifecycle"]["preStop"]["sleep"]["seconds"] + float(env["REALCHAT_DRAIN_SECONDS"])
        assert spec["terminationGracePeriodSeconds"] > needed + 10, app_id
    delivery = rendering.manifests("Deployment")["delivery"]["spec"]["template"]["spec"]
    assert delivery["terminationGracePeriodSeconds"] >= 240


@pytest.mark.parametrize("app_id", APPS)
def test_the_application_accepts_its_environment(app_id: str, monkeypatch: pytest.MonkeyPatch) -> None:
    rendering = render("prod")
    container = rendering.manifests("Deployment")[app_id]["spec"]["template"]["spec"]["containers"][0]
    module = importlib.import_module(f"{APPS[app_id].package}.settings")
    (settings_class,) = [
        each
        for _, each in inspect.getmembers(module, inspect.isclass)
        if issubclass(each, ServiceSettings) and each is not ServiceSettings
    ]
    for item in container["env"]:
        monkeypatch.setenv(item["name"], item.get("value", "from elsewhere"))
    monkeypatch.setenv("DAPR_GRPC_PORT", "50001")  # from the injector
    accepted = settings_class()
    assert accepted.app_id == app_id
    assert accepted.internal_port == APPS[app_id].ports["internal"]
    issuers = {getattr(accepted, name) for name in ("issuer", "token_issuer") if hasattr(accepted, name)}
    assert issuers <= {"https://chat.example"}


@pytest.mark.parametrize("app_id", APPS)
def test_probes_ask_the_internal_port(app_id: str) -> None:
    container = render("prod").manifests("Deployment")[app_id]["spec"]["template"]["spec"]["containers"][0]
    ports = {port["name"]: port["containerPort"] for port in container["ports"]}
    probes = [container[f"{name}Probe"]["httpGet"] for name in ("startup", "liveness", "readiness")]
    assert [(probe["path"], ports[probe["port"]]) for probe in probes] == [
        (path, APPS[app_id].ports["internal"]) for path in ("/livez", "/livez", "/readyz")
    ]


def test_topics_are_those_of_the_local_broker(rendering: Rendering) -> None:
    topics = yaml.safe_load((ROOT / "dev" / "kafka" / "topics.yaml").read_text())["topics"]
    rendered = rendering.manifests("KafkaTopic")
    assert rendered.keys() == topics.keys()
    assert all(rendered[name]["spec"]["partitions"] == topic["partitions"] for name, topic in topics.items())


def test_delivery_is_scaled_by_its_sockets() -> None:
    metrics = render("prod").manifests("HorizontalPodAutoscaler")["delivery"]["spec"]["metrics"]
    (sockets,) = [metric["pods"] for metric in metrics if metric["type"] == "Pods"]
    assert sockets["metric"]["name"] in (ROOT / "apps/delivery/realchat_delivery/connection.py").read_text()
