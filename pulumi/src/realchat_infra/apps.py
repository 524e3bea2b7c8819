"""The applications: for each a migration where it has a database, then its pods, their service and their bounds."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pulumi

from realchat_infra import dapr
from realchat_infra.keyring import DATABASE_APPS
from realchat_infra.manifest import Manifest, Part
from realchat_infra.network import app_pod
from realchat_infra.pods import RESTRICTED, RESTRICTED_CONTAINER, resources, spread
from realchat_infra.postgres import AUTHORITY, AUTHORITY_FOLDER, Postgres
from realchat_infra.settings import Settings, Size
from realchat_infra.sources import APPS, App
from realchat_infra.vault import secret_name

USER = 10001
"""The image's own (dev/Dockerfile)."""
DATABASE_MOUNTS = [{"name": AUTHORITY, "mountPath": AUTHORITY_FOLDER}]
DATABASE_VOLUMES = [
    {"name": AUTHORITY, "secret": {"secretName": AUTHORITY, "items": [{"key": "ca.crt", "path": "ca.crt"}]}}
]
MIGRATION_SECONDS = 1800
ROLLOUT_SECONDS = 3600
"""One replica after the other, forty at the most."""
ENDPOINTS_SECONDS = 5
"""Until every node knows that a pod is no longer an endpoint."""


@dataclass(frozen=True)
class Drain:
    """How long a stopping pod may take."""

    application: int
    """Seconds in which the application tells its clients to go; it stops earlier when they have gone."""
    sidecar: int = 10

    @property
    def grace(self) -> int:
        return ENDPOINTS_SECONDS + self.application + 15 + self.sidecar


DRAIN = Drain(application=10)
# Sockets are asked to move over time, so that their reconnecting is not a storm.
DELIVERY_DRAIN = Drain(application=240)


class Service(Part):
    """One application.

    Outputs:
        image: what it runs.
        replicas: at least and at most.
    """

    def __init__(
        self,
        app: App,
        settings: Settings,
        postgres: Postgres,
        checksum: pulumi.Input[str],
        opts: pulumi.ResourceOptions,
    ) -> None:
        super().__init__("Service", app.app_id, settings.namespace, opts)
        self.app = app
        self._settings = settings
        self._postgres = postgres
        self._labels: dict[str, str] = app_pod(app.app_id)["matchLabels"]
        self._image = f"{settings.image.repository}:{settings.image.tag}"
        self._drain = DELIVERY_DRAIN if app.app_id == "delivery" else DRAIN
        size = settings.size(app.app_id)

        account = self.add("v1", "ServiceAccount", app.app_id, labels=self._labels, automountServiceAccountToken=False)
        before: list[pulumi.Resource] = [account]
        if app.app_id in DATABASE_APPS:
            before.append(self._migration(checksum))
        if "http" in app.ports:
            self.add(
                "v1",
                "Service",
                app.app_id,
                labels=self._labels,
                spec={"selector": self._labels, "ports": [{"name": "http", "port": app.ports["http"]}]},
            )
        deployment = self._deployment(checksum, before)
        if size.replicas > 1:
            self.add(
                "policy/v1",
                "PodDisruptionBudget",
                app.app_id,
                spec={
                    "maxUnavailable": 1,
                    "selector": {"matchLabels": self._labels},
                    "unhealthyPodEvictionPolicy": "AlwaysAllow",
                },
            )
        if size.most:
            self._autoscaler(deployment, size)
        self.register_outputs({"image": self._image, "replicas": [size.replicas, size.most or size.replicas]})

    def _migration(self, checksum: pulumi.Input[str]) -> Manifest:
        """Brings the database to this image's schema. The pods wait for it; a new image makes a new job."""
        labels = app_pod(self.app.app_id, "migration")["matchLabels"]
        name = f"{self.app.app_id}-migration"
        container = {
            "name": "migration",
            "image": self._image,
            "command": ["python", "-m", "realchat_common.migrate", self.app.package],
            "env": [
                {
                    "name": "DATABASE_URL",
                    "valueFrom": {"secretKeyRef": {"name": secret_name(self.app.app_id), "key": "database-url"}},
                },
                *self._database_env(),
            ],
            "resources": resources("100m", "1", "256Mi"),
            "securityContext": RESTRICTED_CONTAINER,
            "volumeMounts": DATABASE_MOUNTS,
        }
        return self.add(
            "batch/v1",
            "Job",
            name,
            labels=labels,
            seconds=MIGRATION_SECONDS + 60,
            spec={
                "backoffLimit": 3,
                "activeDeadlineSeconds": MIGRATION_SECONDS,
                "template": {
                    "metadata": {
                        "labels": {**labels, "app.kubernetes.io/part-of": "realchat"},
                        "annotations": {"realchat/secrets": checksum},
                    },
                    "spec": {
                        "restartPolicy": "Never",
                        "automountServiceAccountToken": False,
                        "securityContext": {**RESTRICTED, "runAsUser": USER, "runAsGroup": USER},
                        "containers": [container],
                        "volumes": DATABASE_VOLUMES,
                    },
                },
            },
        )

    def _deployment(self, checksum: pulumi.Input[str], before: list[pulumi.Resource]) -> Manifest:
        app, size = self.app, self._settings.size(self.app.app_id)
        has_database = app.app_id in DATABASE_APPS
        sidecar = dapr.sidecar_annotations(app.app_id, app.channel, app.protocol, grace_seconds=self._drain.sidecar)
        if has_database:
            sidecar["dapr.io/env"] = ",".join(f"{name}={value}" for name, value in self._postgres.env.items())
            sidecar["dapr.io/volume-mounts"] += f",{AUTHORITY}:{AUTHORITY_FOLDER}"
        folders = []
        if folder := self._folder:
            name, path, most = folder
            folders.append({"name": name, "emptyDir": {"sizeLimit": most}})
            sidecar["dapr.io/volume-mounts-rw"] = f"{name}:{path}"
        container = {
            "name": app.app_id,
            "image": self._image,
            "command": list(app.command),
            "env": self._env() + (self._database_env() if has_database else []),
            "ports": [{"name": name, "containerPort": port} for name, port in app.ports.items()],
            "resources": resources(size.cpu, size.cpu_limit, size.memory),
            "securityContext": RESTRICTED_CONTAINER,
            # Alive is a matter of the process alone; its dependencies only decide whether it gets work.
            "startupProbe": _probe("/livez", periodSeconds=2, failureThreshold=90),
            "livenessProbe": _probe("/livez", periodSeconds=10, failureThreshold=6),
            "readinessProbe": _probe("/readyz", periodSeconds=5, failureThreshold=2),
            "lifecycle": {"preStop": {"sleep": {"seconds": ENDPOINTS_SECONDS}}},
            "volumeMounts": [
                {"name": "tmp", "mountPath": "/tmp"},  # noqa: S108 - the container's own
                *(DATABASE_MOUNTS if has_database else []),
            ],
        }
        secrets = {
            "name": "secrets",
            "secret": {
                "secretName": secret_name(app.app_id),
                "items": [{"key": "secrets.json", "path": "secrets.json"}],
                "defaultMode": 0o440,
            },
        }
        spec: dict[str, Any] = {
            "selector": {"matchLabels": self._labels},
            "minReadySeconds": 10,
            "progressDeadlineSeconds": 900,
            "revisionHistoryLimit": 5,
            # One at a time, and none is missed meanwhile.
            "strategy": {"type": "RollingUpdate", "rollingUpdate": {"maxSurge": 1, "maxUnavailable": 0}},
            "template": {
                "metadata": {
                    "labels": {**self._labels, "app.kubernetes.io/part-of": "realchat"},
                    "annotations": {**sidecar, "realchat/secrets": checksum},
                },
                "spec": {
                    "serviceAccountName": app.app_id,
                    "automountServiceAccountToken": False,
                    "enableServiceLinks": False,
                    "terminationGracePeriodSeconds": self._drain.grace,
                    # The sidecar runs as the same user; only it mounts the secrets.
                    "securityContext": {**RESTRICTED, "runAsUser": USER, "runAsGroup": USER, "fsGroup": USER},
                    "topologySpreadConstraints": spread(self._labels, zones=self._settings.high_availability),
                    "containers": [container],
                    "volumes": [
                        {"name": "tmp", "emptyDir": {"sizeLimit": "64Mi"}},
                        secrets,
                        *folders,
                        *(DATABASE_VOLUMES if has_database else []),
                    ],
                },
            },
        }
        if not size.most:
            spec["replicas"] = size.replicas  # otherwise the autoscaler's business
        return self.add(
            "apps/v1",
            "Deployment",
            app.app_id,
            labels=self._labels,
            seconds=ROLLOUT_SECONDS,
            after=before,
            spec=spec,
        )

    @property
    def _folder(self) -> tuple[str, str, str] | None:
        """Name, path and size of what the sidecar keeps in its pod for want of a better place."""
        if self.app.app_id == "auth" and self._settings.smtp is None:
            return "mail", dapr.MAIL_FOLDER, "16Mi"
        if self.app.app_id == "message" and self._settings.attachments is None:
            return "attachments", dapr.ATTACHMENTS_FOLDER, "1Gi"
        return None

    def _env(self) -> list[dict[str, Any]]:
        settings = self._settings
        secret = secret_name(self.app.app_id)
        values = {
            **self.app.env,
            "APP_ID": self.app.app_id,
            "REALCHAT_ENVIRONMENT": settings.environment,
            "REALCHAT_HOST": "0.0.0.0",  # noqa: S104 - the network policies say who reaches it
            "REALCHAT_OTLP_ENDPOINT": f"http://{dapr.COLLECTOR}",
            "REALCHAT_TRACE_RATIO": str(settings.trace_ratio),
            "REALCHAT_DRAIN_SECONDS": str(self._drain.application),
        }
        # What tokens name as their issuer, and where the keys to check them are: the gateway passes them on.
        url = f"https://{settings.ingress.host}"
        values["REALCHAT_ISSUER"] = url
        if self.app.app_id == "auth":
            values |= {"REALCHAT_PUBLIC_URL": url, "REALCHAT_WEB_URL": url}
        if self.app.app_id == "gateway":
            values |= {
                "REALCHAT_SOCKET_URL": f"wss://{settings.ingress.host}/v1/socket",
                "REALCHAT_TRUSTED_PROXIES": settings.ingress.trusted_proxies,
            }
        return [
            *({"name": name, "value": value} for name, value in values.items()),
            {"name": "NAMESPACE", "valueFrom": {"fieldRef": {"fieldPath": "metadata.namespace"}}},
            *(
                {"name": name, "valueFrom": {"secretKeyRef": {"name": secret, "key": key}}}
                for name, key in (("DAPR_API_TOKEN", "dapr-api-token"), ("APP_API_TOKEN", "app-api-token"))
            ),
        ]

    def _database_env(self) -> list[dict[str, Any]]:
        return [{"name": name, "value": value} for name, value in self._postgres.env.items()]

    def _autoscaler(self, deployment: Manifest, size: Size) -> None:
        cpu = {
            "type": "ContainerResource",
            "containerResource": {
                "name": "cpu",
                "container": self.app.app_id,
                "target": {"type": "Utilization", "averageUtilization": size.cpu_percent},
            },
        }
        sockets = {
            "type": "Pods",
            "pods": {
                "metric": {"name": "realchat_sockets"},
                "target": {"type": "AverageValue", "averageValue": str(size.sockets)},
            },
        }
        self.add(
            "autoscaling/v2",
            "HorizontalPodAutoscaler",
            self.app.app_id,
            after=[deployment],
            spec={
                "scaleTargetRef": {"apiVersion": "apps/v1", "kind": "Deployment", "name": self.app.app_id},
                "minReplicas": size.replicas,
                "maxReplicas": size.most,
                "metrics": [cpu, sockets] if self.app.app_id == "delivery" else [cpu],
                # Fewer only slowly: each replica less is a drain.
                "behavior": {
                    "scaleDown": {
                        "stabilizationWindowSeconds": 600,
                        "policies": [{"type": "Pods", "value": 1, "periodSeconds": self._drain.grace}],
                    }
                },
            },
        )


def _probe(path: str, **timing: int) -> dict[str, Any]:
    return {"httpGet": {"path": path, "port": "internal"}, "timeoutSeconds": 3, **timing}


class Apps(pulumi.ComponentResource):
    """All seven.

    Outputs:
        services: their names.
    """

    def __init__(
        self,
        settings: Settings,
        postgres: Postgres,
        checksums: dict[str, pulumi.Output[str]],
        opts: pulumi.ResourceOptions,
    ) -> None:
        super().__init__("realchat:kubernetes:Apps", "apps", None, opts)
        for app_id, app in APPS.items():
            Service(app, settings, postgres, checksums[app_id], pulumi.ResourceOptions(parent=self))
        self.register_outputs({"services": list(APPS)})
