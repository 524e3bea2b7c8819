"""A real API server takes everything that the program would create, strictly: no field that it does not know.

The definitions of custom resources are those of the pinned operators: Dapr's, CloudNativePG's, cert-manager's and
Prometheus' come from their Go modules. Strimzi's are in no registry; its objects are read by its own Java classes
instead, and only their names are checked here. Helm's releases are not rendered: of the charts only Dapr's can be had,
which test_engine.py installs.
"""

from __future__ import annotations

import json
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from infra.apiserver import ApiServer
from infra.rendering import STACKS, Rendering, run, settings
from infra.test_settings import MANAGED
from realchat_infra.charts import DAPR
from stack import StackError, tools

pytestmark = [pytest.mark.kubernetes, pytest.mark.timeout(1800)]

STRIMZI = Path(__file__).with_name("Strimzi.java")
WORKLOADS = ("Deployment", "StatefulSet", "Job")


@pytest.fixture(scope="module", params=[*STACKS, "managed"])
def rendering(request: pytest.FixtureRequest) -> Rendering:
    """Each stack in a namespace of its own."""
    name = request.param
    config = {**settings("dev"), **MANAGED} if name == "managed" else settings(name)
    return run({**config, "realchat:namespace": f"realchat-{name}"})


def in_order(rendering: Rendering) -> list[dict[str, Any]]:
    first = ("Namespace", "ServiceAccount")
    manifests = [each.manifest for each in rendering.objects]
    return sorted(manifests, key=lambda manifest: manifest["kind"] not in first)


def test_the_server_takes_every_object_and_a_second_time_changes_none(server: ApiServer, rendering: Rendering) -> None:
    versions = []
    for _ in range(2):
        answers = [(manifest, server.apply(manifest)) for manifest in in_order(rendering)]
        refused = [
            f"{manifest['kind']}/{manifest['metadata']['name']}: {answer.json()['message']}"
            for manifest, answer in answers
            if not answer.is_success
        ]
        assert not refused, "\n".join(refused)
        warnings = {answer.headers["Warning"] for _, answer in answers if "Warning" in answer.headers}
        assert not warnings
        versions.append([answer.json()["metadata"]["resourceVersion"] for _, answer in answers])
    assert versions[0] == versions[1]


def test_a_field_that_does_not_exist_is_refused(server: ApiServer, rendering: Rendering) -> None:
    """Or the test above would prove nothing."""
    for kind in ("Deployment", "NetworkPolicy", "Component", "Configuration"):
        manifest = next(iter(rendering.manifests(kind).values()))
        broken = {**manifest, "spec": {**manifest["spec"], "fieldOfNobody": 1}}
        assert server.apply(broken).status_code in (400, 422, 500), kind


def test_pods_pass_admission(server: ApiServer, rendering: Rendering) -> None:
    """Level `restricted`, quota and limit range are enforced on pods, which no controller makes here."""
    for manifest in in_order(rendering):
        assert server.apply(manifest).is_success
    for kind in WORKLOADS:
        for name, manifest in rendering.manifests(kind).items():
            answer = server.client.post(
                f"/api/v1/namespaces/{manifest['metadata']['namespace']}/pods",
                params={"dryRun": "All", "fieldValidation": "Strict"},
                json=pod(name, manifest["spec"]),
            )
            assert answer.is_success, f"{kind}/{name}: {answer.text}"
            created = answer.json()
            assert not created["spec"].get("automountServiceAccountToken", True)


def pod(name: str, owner: Mapping[str, Any]) -> dict[str, Any]:
    """A pod as a controller, and for an application Dapr's injector, would make it."""
    template = owner["template"]
    claimed = [{"name": each["metadata"]["name"], "emptyDir": {}} for each in owner.get("volumeClaimTemplates", [])]
    spec = {**template["spec"], "volumes": template["spec"].get("volumes", []) + claimed}
    metadata = {**template["metadata"], "name": name}
    annotations = template["metadata"].get("annotations", {})
    if "dapr.io/enabled" in annotations:
        bounds = {
            each: {what: annotations[f"dapr.io/sidecar-{what}-{each}"] for what in ("cpu", "memory")}
            for each in ("request", "limit")
        }
        mounts = [pair.split(":") for pair in annotations["dapr.io/volume-mounts"].split(",")]
        sidecar = {
            "name": "daprd",
            "image": f"docker.io/daprio/daprd:{DAPR}",
            "restartPolicy": "Always",
            "resources": {"requests": bounds["request"], "limits": bounds["limit"]},
            # pkg/injector/patcher/sidecar_container.go, with sidecarDropALLCapabilities
            "securityContext": {
                "allowPrivilegeEscalation": False,
                "runAsNonRoot": True,
                "readOnlyRootFilesystem": True,
                "seccompProfile": {"type": annotations["dapr.io/sidecar-seccomp-profile-type"]},
                "capabilities": {"drop": ["ALL"]},
            },
            "volumeMounts": [{"name": name, "mountPath": path, "readOnly": True} for name, path in mounts],
        }
        spec["initContainers"] = [sidecar]
    return {"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": spec}


def test_strimzis_own_classes_know_every_field() -> None:
    manifests = [
        manifest
        for stack in STACKS
        for kind in ("Kafka", "KafkaNodePool", "KafkaTopic")
        for manifest in run(settings(stack)).manifests(kind).values()
    ]
    try:
        jars = tools.strimzi()
    except StackError as error:
        pytest.skip(str(error))
    check = ["java", "-cp", f"{jars}/*", str(STRIMZI)]
    known = subprocess.run(check, input=json.dumps(manifests), text=True, capture_output=True, check=False)
    assert known.returncode == 0, known.stdout + known.stderr
    broken = json.dumps(manifests).replace('"kraftMetadata"', '"kraftMetedata"')
    assert subprocess.run(check, input=broken, text=True, capture_output=True, check=False).returncode == 1
