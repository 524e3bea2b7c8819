"""A cluster's own controllers at a test's API server, and what nodes and operators would report if there were any."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import UTC, datetime
from itertools import count
from pathlib import Path
from typing import Any

from infra.apiserver import ApiServer, process

POLL_SECONDS = 0.3
NODE = "node"
READY = {"type": "Ready", "status": "True"}
OPERATED: Mapping[str, Mapping[str, Any]] = {
    "/apis/kafka.strimzi.io/v1beta2/kafkas": {"conditions": [READY]},
    "/apis/kafka.strimzi.io/v1beta2/kafkatopics": {"conditions": [READY]},
    "/apis/postgresql.cnpg.io/v1/clusters": {
        "conditions": [
            {**READY, "reason": "ClusterIsReady", "message": "played", "lastTransitionTime": "2026-01-01T00:00:00Z"}
        ]
    },
    "/apis/postgresql.cnpg.io/v1/databases": {"applied": True},
    "/apis/networking.k8s.io/v1/ingresses": {"loadBalancer": {"ingress": [{"ip": "10.0.0.250"}]}},
}
"""What the program waits for, and what its operator says when it is there."""


@contextmanager
def controlled(server: ApiServer, program: Path, folder: Path) -> Iterator[None]:
    """Kubernetes' controllers run, and all that would be reported from outside is reported as well."""
    kubeconfig = folder / "controllers.kubeconfig"
    kubeconfig.write_text(json.dumps(server.kubeconfig("test")))
    command: list[str | Path] = [
        program,
        f"--kubeconfig={kubeconfig}",
        "--leader-elect=false",
        "--secure-port=0",
        "--controllers=*,-node-lifecycle-controller",  # ours sends no signs of life
        "--kube-api-qps=200",
        "--kube-api-burst=400",
    ]
    server.apply({"apiVersion": "v1", "kind": "Node", "metadata": {"name": NODE}}).raise_for_status()
    stopped = threading.Event()
    addresses = count(2)

    def report() -> None:
        while not stopped.wait(POLL_SECONDS):
            for pod in server.items("/api/v1/pods"):
                _play_node(server, pod, addresses)
            for path, status in OPERATED.items():
                root, _, plural = path.rpartition("/")
                for each in server.items(path):
                    if not status.items() <= each.get("status", {}).items():
                        server.report(each, root, plural, status)

    with process(command, folder / "controllers.log"), ThreadPoolExecutor(1) as thread:
        reporting = thread.submit(report)
        try:
            yield
        finally:
            stopped.set()
        reporting.result()


def _play_node(server: ApiServer, pod: Mapping[str, Any], addresses: Iterator[int]) -> None:
    """Takes a pod, and says that it serves or, of a job's, that it came to its end; lets go of one that is to stop."""
    metadata = pod["metadata"]
    path = f"/api/v1/namespaces/{metadata['namespace']}/pods/{metadata['name']}"
    if "deletionTimestamp" in metadata:
        server.client.request("DELETE", path, json={"gracePeriodSeconds": 0})
    elif "nodeName" not in pod["spec"]:
        target = {"apiVersion": "v1", "kind": "Node", "name": NODE}
        server.client.post(f"{path}/binding", json={"metadata": {"name": metadata["name"]}, "target": target})
    elif pod["status"]["phase"] == "Pending":
        status: dict[str, Any] = {"phase": "Succeeded"}
        if "Job" not in {owner["kind"] for owner in metadata.get("ownerReferences", [])}:
            address = f"10.1.0.{next(addresses)}"
            ready = {**READY, "lastTransitionTime": f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%SZ}"}
            status = {"phase": "Running", "conditions": [ready], "podIP": address, "podIPs": [{"ip": address}]}
        server.report(pod, "/api/v1", "pods", status)
