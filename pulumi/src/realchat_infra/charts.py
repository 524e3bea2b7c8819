"""Operators and platform parts: Helm charts, each pinned, each in a namespace of its own."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import pulumi
from pulumi_kubernetes.helm.v3 import Release, RepositoryOptsArgs

from realchat_infra.manifest import Manifest
from realchat_infra.settings import Installable, Settings

DAPR = "1.18.2"


@dataclass(frozen=True)
class Chart:
    """Where a chart is, and which."""

    repository: str
    """Of an OCI chart, empty; then `chart` is its whole address."""
    chart: str
    version: str
    namespace: str


PINS: Mapping[Installable, Chart] = {
    "dapr": Chart("https://dapr.github.io/helm-charts", "dapr", DAPR, "dapr-system"),
    "strimzi": Chart("", "oci://quay.io/strimzi-helm/strimzi-kafka-operator", "0.48.0", "strimzi"),
    "cloudnative-pg": Chart("https://cloudnative-pg.github.io/charts", "cloudnative-pg", "0.26.0", "cnpg-system"),
    "cert-manager": Chart("https://charts.jetstack.io", "cert-manager", "v1.18.2", "cert-manager"),
    "traefik": Chart("https://traefik.github.io/charts", "traefik", "37.1.1", "traefik"),
    "metrics-server": Chart(
        "https://kubernetes-sigs.github.io/metrics-server", "metrics-server", "3.13.0", "metrics-server"
    ),
    "prometheus": Chart(
        "https://prometheus-community.github.io/helm-charts", "kube-prometheus-stack", "77.12.0", "monitoring"
    ),
    "prometheus-adapter": Chart(
        "https://prometheus-community.github.io/helm-charts", "prometheus-adapter", "4.14.1", "monitoring-adapter"
    ),
}


class Platform(pulumi.ComponentResource):
    """The charts that the cluster does not have from elsewhere.

    Outputs:
        installed: chart name to its version.
    """

    def __init__(self, settings: Settings, opts: pulumi.ResourceOptions) -> None:
        super().__init__("realchat:kubernetes:Platform", "platform", None, opts)
        self.releases: dict[str, Release] = {}
        for name, chart in PINS.items():
            if name not in settings.already_there:
                self.releases[name] = self._install(name, chart, _values(name, settings))
        self.register_outputs({"installed": {name: PINS[name].version for name in self.releases}})  # type: ignore[index]

    def after(self, *names: Installable) -> list[pulumi.Resource]:
        """What must be there before objects of these operators' kinds; nothing for those from elsewhere."""
        return [self.releases[name] for name in names if name in self.releases]

    def _install(self, name: str, chart: Chart, values: dict[str, Any]) -> Release:
        labels = {"app.kubernetes.io/managed-by": "realchat"}
        namespace = Manifest(
            {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": chart.namespace, "labels": labels}},
            pulumi.ResourceOptions(parent=self),
        )
        return Release(
            name,
            name=name,
            namespace=chart.namespace,
            chart=chart.chart,
            version=chart.version,
            repository_opts=RepositoryOptsArgs(repo=chart.repository) if chart.repository else None,
            values=values,
            atomic=True,
            timeout=600,
            opts=pulumi.ResourceOptions(parent=self, depends_on=[namespace]),
        )


def _values(name: Installable, settings: Settings) -> dict[str, Any]:
    """What we ask of a chart beyond its defaults."""
    replicas = 2 if settings.high_availability else 1
    values: dict[Installable, dict[str, Any]] = {
        "dapr": {
            "global": {
                "tag": DAPR,
                "logAsJson": True,
                "seccompProfile": "RuntimeDefault",
                "ha": {"enabled": settings.high_availability},
                # No actors, workflows or jobs: nobody would ask them anything.
                "actors": {"enabled": False},
                "scheduler": {"enabled": False},
            },
            "dapr_sidecar_injector": {
                "sidecarDropALLCapabilities": True,
                # An application without its sidecar is worse than one that does not start.
                "webhookFailurePolicy": "Fail",
                "namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": settings.namespace}},
            },
        },
        "strimzi": {
            "watchNamespaces": [settings.namespace],
            "replicas": replicas,
            "extraEnvs": [{"name": "STRIMZI_POD_SECURITY_PROVIDER_CLASS", "value": "restricted"}],
        },
        "cloudnative-pg": {"replicaCount": replicas},
        "cert-manager": {"crds": {"enabled": True, "keep": False}, "replicaCount": replicas},
        "traefik": {"deployment": {"replicas": replicas}},
        "metrics-server": {"replicas": replicas},
        "prometheus": {
            "prometheus": {
                "prometheusSpec": {
                    # Monitors and rules of every namespace, not only those of this release.
                    "podMonitorSelectorNilUsesHelmValues": False,
                    "ruleSelectorNilUsesHelmValues": False,
                    "retention": "15d",
                }
            },
            "grafana": {"sidecar": {"dashboards": {"searchNamespace": settings.namespace}}},
        },
        "prometheus-adapter": {
            "prometheus": {"url": "http://prometheus-kube-prometheus-prometheus.monitoring.svc"},
            "rules": {
                "default": False,
                "custom": [
                    {
                        "seriesQuery": "realchat_sockets",
                        "resources": {
                            "overrides": {"namespace": {"resource": "namespace"}, "pod": {"resource": "pod"}}
                        },
                        "metricsQuery": "sum(<<.Series>>{<<.LabelMatchers>>}) by (<<.GroupBy>>)",
                    }
                ],
            },
        },
    }
    return values[name]
