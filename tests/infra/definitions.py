"""The definitions of the custom resources that the program makes objects of, as the pinned operators have them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import yaml
from realchat_infra.charts import DAPR
from stack import tools

DEFINITIONS = {
    ("github.com/dapr/dapr", f"v{DAPR}"): (
        "charts/dapr/crds/components.yaml",
        "charts/dapr/crds/configuration.yaml",
        "charts/dapr/crds/resiliency.yaml",
        "charts/dapr/crds/subscription.yaml",
    ),
    ("github.com/cloudnative-pg/cloudnative-pg", "v1.27.0"): (
        "config/crd/bases/postgresql.cnpg.io_clusters.yaml",
        "config/crd/bases/postgresql.cnpg.io_databases.yaml",
        "config/crd/bases/postgresql.cnpg.io_scheduledbackups.yaml",
    ),
    ("github.com/cert-manager/cert-manager", "v1.18.2"): (
        "deploy/crds/crd-certificates.yaml",
        "deploy/crds/crd-issuers.yaml",
    ),
    ("github.com/prometheus-operator/prometheus-operator", "v0.85.0"): (
        "example/prometheus-operator-crd/monitoring.coreos.com_podmonitors.yaml",
        "example/prometheus-operator-crd/monitoring.coreos.com_prometheusrules.yaml",
    ),
}


def definitions() -> Iterator[dict[str, Any]]:
    for (module, version), files in DEFINITIONS.items():
        folder, _ = tools.go_module(module, version)
        for file in files:
            for document in yaml.safe_load_all((folder / file).read_text()):
                if document and document["kind"] == "CustomResourceDefinition":
                    # cert-manager's labels are for Helm to fill in
                    yield {**document, "metadata": {"name": document["metadata"]["name"]}}
    for kind, plural in (("Kafka", "kafkas"), ("KafkaNodePool", "kafkanodepools"), ("KafkaTopic", "kafkatopics")):
        yield {
            "apiVersion": "apiextensions.k8s.io/v1",
            "kind": "CustomResourceDefinition",
            "metadata": {"name": f"{plural}.kafka.strimzi.io"},
            "spec": {
                "group": "kafka.strimzi.io",
                "scope": "Namespaced",
                "names": {"kind": kind, "plural": plural},
                "versions": [
                    {
                        "name": "v1beta2",
                        "served": True,
                        "storage": True,
                        "subresources": {"status": {}},
                        "schema": {"openAPIV3Schema": {"type": "object", "x-kubernetes-preserve-unknown-fields": True}},
                    }
                ],
            },
        }
