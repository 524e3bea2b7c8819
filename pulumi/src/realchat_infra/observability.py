"""What one sees of it: traces to Jaeger, metrics to Prometheus with rules, dashboards to Grafana.

Collector, rules and dashboards are the files that Compose mounts (dev/compose, dev/observability).
"""

from __future__ import annotations

import hashlib
from typing import Any

import pulumi
import yaml

from realchat_infra.manifest import Manifest, Part
from realchat_infra.network import COLLECTOR_POD, JAEGER_POD, LAG_POD
from realchat_infra.pods import RESTRICTED, RESTRICTED_CONTAINER, resources
from realchat_infra.settings import Settings
from realchat_infra.sources import COLLECTOR, DASHBOARDS, RULES

COLLECTOR_IMAGE = "docker.io/otel/opentelemetry-collector-contrib:0.136.0"
JAEGER_IMAGE = "docker.io/jaegertracing/jaeger:2.10.0"
USER = 10001


class Observability(Part):
    """Collector, Jaeger, monitors, rules and dashboards.

    Outputs:
        traces: the address of Jaeger's page inside the cluster.
    """

    def __init__(self, settings: Settings, after: list[pulumi.Resource], opts: pulumi.ResourceOptions) -> None:
        super().__init__("Observability", "observability", settings.namespace, opts)
        collector = COLLECTOR.read_text()
        configuration = self.add("v1", "ConfigMap", "otel-collector", data={"config.yaml": collector})
        self._server(
            "otel-collector",
            COLLECTOR_IMAGE,
            COLLECTOR_POD["matchLabels"],
            {"otlp": 4317, "metrics": 8888},
            args=["--config=/etc/otel/config.yaml"],
            mounts=[{"name": "configuration", "mountPath": "/etc/otel"}],
            volumes=[{"name": "configuration", "configMap": {"name": "otel-collector"}}],
            annotations={"realchat/configuration": hashlib.sha256(collector.encode()).hexdigest()[:32]},
            after=[configuration],
        )
        self._server(
            "jaeger",
            JAEGER_IMAGE,
            JAEGER_POD["matchLabels"],
            {"otlp": 4317, "ui": 16686},
            env={"JAEGER_LISTEN_HOST": "0.0.0.0"},  # noqa: S104 - the network policies say who reaches it
        )
        self._monitor(after)
        rules = yaml.safe_load(RULES.read_text())
        self.add("monitoring.coreos.com/v1", "PrometheusRule", "realchat", after=after, spec=rules)
        for file in sorted(DASHBOARDS.glob("*.json")):
            self.add(
                "v1",
                "ConfigMap",
                f"dashboard-{file.stem}",
                labels={"grafana_dashboard": "1"},
                data={file.name: file.read_text()},
            )
        self.register_outputs({"traces": f"http://jaeger.{settings.namespace}.svc:16686"})

    def _monitor(self, after: list[pulumi.Resource]) -> None:
        """Applications on their internal port, their sidecars on Dapr's, and Strimzi's exporter of consumers' lag."""
        self.add(
            "monitoring.coreos.com/v1",
            "PodMonitor",
            "realchat-kafka",
            after=after,
            spec={"selector": LAG_POD, "podMetricsEndpoints": [{"port": "tcp-prometheus", "path": "/metrics"}]},
        )
        self.add(
            "monitoring.coreos.com/v1",
            "PodMonitor",
            "realchat",
            after=after,
            spec={
                "selector": {"matchLabels": {"app.kubernetes.io/component": "service"}},
                "podTargetLabels": ["app.kubernetes.io/name"],
                "podMetricsEndpoints": [
                    {"port": "internal", "path": "/metrics"},
                    {"port": "dapr-metrics", "path": "/"},
                ],
            },
        )

    def _server(
        self,
        name: str,
        image: str,
        labels: dict[str, str],
        ports: dict[str, int],
        *,
        args: list[str] | None = None,
        env: dict[str, str] | None = None,
        mounts: list[dict[str, Any]] | None = None,
        volumes: list[dict[str, Any]] | None = None,
        annotations: dict[str, str] | None = None,
        after: list[pulumi.Resource] | None = None,
    ) -> Manifest:
        self.add(
            "v1",
            "Service",
            name,
            spec={"selector": labels, "ports": [{"name": port, "port": number} for port, number in ports.items()]},
        )
        container = {
            "name": name,
            "image": image,
            "args": args or [],
            "env": [{"name": variable, "value": value} for variable, value in (env or {}).items()],
            "ports": [{"name": port, "containerPort": number} for port, number in ports.items()],
            "resources": resources("50m", "1", "512Mi"),
            "securityContext": RESTRICTED_CONTAINER,
            "readinessProbe": {"tcpSocket": {"port": "otlp"}, "periodSeconds": 5},
            "livenessProbe": {"tcpSocket": {"port": "otlp"}, "periodSeconds": 20, "failureThreshold": 6},
            "volumeMounts": [{"name": "tmp", "mountPath": "/tmp"}, *(mounts or [])],  # noqa: S108
        }
        return self.add(
            "apps/v1",
            "Deployment",
            name,
            labels=labels,
            after=after,
            spec={
                "replicas": 1,
                "selector": {"matchLabels": labels},
                "template": {
                    "metadata": {
                        "labels": {**labels, "app.kubernetes.io/part-of": "realchat"},
                        "annotations": annotations or {},
                    },
                    "spec": {
                        "automountServiceAccountToken": False,
                        "securityContext": {**RESTRICTED, "runAsUser": USER, "runAsGroup": USER},
                        "containers": [container],
                        "volumes": [{"name": "tmp", "emptyDir": {"sizeLimit": "64Mi"}}, *(volumes or [])],
                    },
                },
            },
        )
