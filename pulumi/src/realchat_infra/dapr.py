"""Dapr's resources in the cluster: those of `components/`, with what a cluster decides put in.

Nothing is written down twice. An `envRef`, which the injector would not let a sidecar read, becomes the value; the
name resolution is Kubernetes' own; and each application's configuration gets the access policies that
`contracts/calls.yaml` stands for, and no secret store but its own.
"""

from __future__ import annotations

import copy
from collections.abc import Mapping
from typing import Any

import pulumi

from realchat_infra.manifest import Manifest, Part
from realchat_infra.settings import Settings
from realchat_infra.sources import APPS, OPERATIONS, dapr_configuration, dapr_resources
from realchat_infra.vault import secret_name

API = "dapr.io/v1alpha1"
TRUST_DOMAIN = "realchat"
SECRETS_FOLDER = "/run/secrets/realchat"
MAIL_FOLDER = "/tmp/mail"  # noqa: S108 - the sidecar's own
ATTACHMENTS_FOLDER = "/tmp/attachments"  # noqa: S108 - the sidecar's own
COLLECTOR = "otel-collector:4317"


def configuration_name(app_id: str) -> str:
    """The Configuration of one application's sidecar."""
    return f"realchat-{app_id}"


class Dapr(Part):
    """Components, resiliency, subscriptions and one configuration for each application.

    Outputs:
        components: their names.
    """

    def __init__(
        self,
        settings: Settings,
        kafka: str,
        redis: str,
        after: list[pulumi.Resource],
        opts: pulumi.ResourceOptions,
    ) -> None:
        super().__init__("Dapr", "dapr", settings.namespace, opts)
        environment = {
            "REALCHAT_KAFKA_BROKERS": kafka,
            "REALCHAT_REDIS_HOST": redis,
            "REALCHAT_SECRETS_FILE": f"{SECRETS_FOLDER}/secrets.json",
            "REALCHAT_MAIL_FOLDER": MAIL_FOLDER,
            "REALCHAT_ATTACHMENTS_FOLDER": ATTACHMENTS_FOLDER,
        }
        extra = _managed(settings)
        found = [resolved(_outside(resource, settings), environment, extra) for resource in dapr_resources()]
        for resource in found:
            self._put(resource, after)
        for app_id in APPS:
            self._put(configuration(app_id, settings), after)
        self.register_outputs({"components": [each["metadata"]["name"] for each in found]})

    def _put(self, resource: Mapping[str, Any], after: list[pulumi.Resource]) -> Manifest:
        fields = {name: value for name, value in resource.items() if name not in ("apiVersion", "kind", "metadata")}
        return self.add(resource["apiVersion"], resource["kind"], resource["metadata"]["name"], after=after, **fields)


def resolved(
    resource: Mapping[str, Any], environment: Mapping[str, str], extra: Mapping[str, list[dict[str, Any]]]
) -> dict[str, Any]:
    """A resource of `components/` as the cluster needs it.

    Args:
        resource: as the file has it.
        environment: the values of every variable that a resource may refer to.
        extra: metadata to add or replace, by component type.

    Raises:
        KeyError: for a variable that has no value.
    """
    document: dict[str, Any] = copy.deepcopy(dict(resource))
    if document["kind"] != "Component":
        return document
    spec = document["spec"]
    replaced = extra.get(spec["type"], [])
    names = {item["name"] for item in replaced}
    spec["metadata"] = [
        {"name": item["name"], "value": environment[item["envRef"]]} if "envRef" in item else item
        for item in spec["metadata"]
        if item["name"] not in names
    ] + replaced
    if any("secretKeyRef" in item for item in replaced):
        document["auth"] = {"secretStore": "secretstore"}
    return document


def _outside(resource: Mapping[str, Any], settings: Settings) -> Mapping[str, Any]:
    """What is a folder locally, where the cluster has a server or store for it; everything else as it is."""
    match resource["metadata"]["name"]:
        case "mail" if smtp := settings.smtp:
            values = {"host": smtp.host, "port": str(smtp.port), "emailFrom": smtp.sender}
            account = {"user": smtp.username} if smtp.username else {}
            return _binding(
                resource, "bindings.smtp", values | account, {"password": "smtp-password"} if account else {}
            )
        case "attachments" if store := settings.attachments:
            values = {"bucket": store.bucket, "region": store.region}
            if store.endpoint:
                values |= {"endpoint": store.endpoint, "forcePathStyle": "true"}
            account = {"accessKey": store.access_key} if store.access_key else {}
            return _binding(
                resource, "bindings.aws.s3", values | account, {"secretKey": "attachments-key"} if account else {}
            )
        case _:
            return resource


def _binding(
    resource: Mapping[str, Any], kind: str, values: Mapping[str, str], secrets: Mapping[str, str]
) -> Mapping[str, Any]:
    """A component as another output binding; `secrets` has the secret's name for each field that is one."""
    metadata: list[dict[str, Any]] = [
        {"name": name, "value": value} for name, value in {**values, "direction": "output"}.items()
    ]
    metadata += [{"name": name, "secretKeyRef": {"name": key, "key": key}} for name, key in secrets.items()]
    document = {**resource, "spec": {"type": kind, "version": "v1", "metadata": metadata}}
    if secrets:
        document["auth"] = {"secretStore": "secretstore"}
    return document


def _managed(settings: Settings) -> dict[str, list[dict[str, Any]]]:
    """What a Kafka or Redis of somebody else's needs beyond its address."""
    extra: dict[str, list[dict[str, Any]]] = {}
    redis, kafka = settings.redis.external, settings.kafka.external
    if redis and redis.tls:
        for kind in ("state.redis", "pubsub.redis"):
            extra[kind] = [{"name": "enableTLS", "value": "true"}]
    if kafka and kafka.username:
        extra["pubsub.kafka"] = [
            {"name": "authType", "value": "password"},
            {"name": "saslUsername", "value": kafka.username},
            {"name": "saslPassword", "secretKeyRef": {"name": "kafka-password", "key": "kafka-password"}},
            {"name": "saslMechanism", "value": kafka.mechanism},
        ]
    return extra


def configuration(app_id: str, settings: Settings) -> dict[str, Any]:
    """The configuration of one application's sidecar."""
    document = dapr_configuration()
    spec = document["spec"]
    del spec["nameResolution"]
    spec["tracing"] = {
        "samplingRate": str(settings.trace_ratio),
        "otel": {"endpointAddress": COLLECTOR, "protocol": "grpc", "isSecure": False},
    }
    spec["accessControl"] = {
        "defaultAction": "deny",
        "trustDomain": TRUST_DOMAIN,
        "policies": _policies(app_id, settings.namespace),
    }
    spec["secrets"] = {
        "scopes": [
            {"storeName": "secretstore", "defaultAccess": "allow"},
            {"storeName": "kubernetes", "defaultAccess": "deny"},
        ]
    }
    document["metadata"]["name"] = configuration_name(app_id)
    return document


def _policies(app_id: str, namespace: str) -> list[dict[str, Any]]:
    """Who may call which of this application's methods."""
    by_caller: dict[str, list[str]] = {}
    for operation in OPERATIONS[app_id]:
        for caller in operation.callers:
            by_caller.setdefault(caller, []).append(operation.path)
    return [
        {
            "appId": caller,
            "defaultAction": "deny",
            "trustDomain": TRUST_DOMAIN,
            "namespace": namespace,
            "operations": [{"name": path, "action": "allow"} for path in sorted(paths)],
        }
        for caller, paths in sorted(by_caller.items())
    ]


def sidecar_annotations(app_id: str, channel: int, protocol: str, *, grace_seconds: int) -> dict[str, str]:
    """What tells Dapr's injector how to make an application's sidecar.

    The sidecar is a native one (KEP-753), so it starts before the application and stops after it.
    """
    secret = secret_name(app_id)
    values = {
        "enabled": "true",
        "app-id": app_id,
        "app-port": str(channel),
        "app-protocol": protocol,
        "config": configuration_name(app_id),
        "enable-native-sidecar": "true",
        "env-from-secret": f"DAPR_API_TOKEN={secret}:dapr-api-token,APP_API_TOKEN={secret}:app-api-token",
        "volume-mounts": f"secrets:{SECRETS_FOLDER}",
        "disable-builtin-k8s-secret-store": "true",
        "max-body-size": "16Mi",
        "log-level": "warn",
        "log-as-json": "true",
        "graceful-shutdown-seconds": str(grace_seconds),
        "sidecar-seccomp-profile-type": "RuntimeDefault",
        "sidecar-cpu-request": "100m",
        "sidecar-cpu-limit": "1",
        "sidecar-memory-request": "128Mi",
        "sidecar-memory-limit": "256Mi",
    }
    return {f"dapr.io/{name}": value for name, value in values.items()}
