"""Redis: registry, tickets, presence and the outbox's internal stream, or somebody else's address."""

from __future__ import annotations

import pulumi

from realchat_infra.keyring import Keyring, redis_configuration
from realchat_infra.manifest import Part
from realchat_infra.pods import RESTRICTED, RESTRICTED_CONTAINER, resources
from realchat_infra.settings import Settings
from realchat_infra.vault import digest

NAME = "realchat-redis"
IMAGE = "docker.io/library/redis:7.4.5-alpine"
USER = 999
LABELS = {"app.kubernetes.io/name": NAME}


class Redis(Part):
    """One Redis with an append-only file on a volume.

    Outputs:
        address: host:port.
        scheme: `redis`, or `rediss` where it speaks TLS.
    """

    def __init__(self, settings: Settings, keyring: pulumi.Output[Keyring], opts: pulumi.ResourceOptions) -> None:
        super().__init__("Redis", "redis", settings.namespace, opts)
        external = settings.redis.external
        if external:
            self.address, self.scheme = f"{external.host}:{external.port}", "rediss" if external.tls else "redis"
        else:
            self.address, self.scheme = f"{NAME}.{settings.namespace}.svc:6379", "redis"
            self._server(settings, keyring.apply(lambda ring: ring.token("redis")))
        self.register_outputs({"address": self.address, "scheme": self.scheme})

    def _server(self, settings: Settings, password: pulumi.Output[str]) -> None:
        redis = settings.redis
        files = password.apply(lambda word: {"redis.conf": redis_configuration(word), "password": word})
        secret = self.add("v1", "Secret", NAME, type="Opaque", stringData=files)
        service = self.add(
            "v1",
            "Service",
            NAME,
            spec={"clusterIP": "None", "selector": LABELS, "ports": [{"name": "redis", "port": 6379}]},
        )
        probe = {"exec": {"command": ["sh", "-c", "redis-cli ping | grep -q PONG"]}, "timeoutSeconds": 3}
        container = {
            "name": "redis",
            "image": IMAGE,
            "command": ["redis-server"],
            "args": ["/etc/redis/redis.conf"],
            "env": [{"name": "REDISCLI_AUTH", "valueFrom": {"secretKeyRef": {"name": NAME, "key": "password"}}}],
            "ports": [{"name": "redis", "containerPort": 6379}],
            "resources": resources(redis.cpu, "1", redis.memory),
            "securityContext": RESTRICTED_CONTAINER,
            "startupProbe": {**probe, "failureThreshold": 60, "periodSeconds": 5},
            "livenessProbe": {**probe, "periodSeconds": 10},
            "readinessProbe": {**probe, "periodSeconds": 5},
            "volumeMounts": [
                {"name": "data", "mountPath": "/data"},
                {"name": "configuration", "mountPath": "/etc/redis"},
            ],
        }
        claim = {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": redis.storage}}}
        if settings.storage_class:
            claim["storageClassName"] = settings.storage_class
        self.add(
            "apps/v1",
            "StatefulSet",
            NAME,
            after=[secret, service],
            protect=settings.high_availability,
            spec={
                "serviceName": NAME,
                "replicas": 1,
                "selector": {"matchLabels": LABELS},
                "template": {
                    "metadata": {
                        "labels": {**LABELS, "app.kubernetes.io/part-of": "realchat"},
                        "annotations": {"realchat/secrets": digest(files)},
                    },
                    "spec": {
                        "automountServiceAccountToken": False,
                        "securityContext": {**RESTRICTED, "runAsUser": USER, "runAsGroup": USER, "fsGroup": USER},
                        "containers": [container],
                        "volumes": [{"name": "configuration", "secret": {"secretName": NAME}}],
                    },
                },
                "volumeClaimTemplates": [{"metadata": {"name": "data"}, "spec": claim}],
            },
        )
