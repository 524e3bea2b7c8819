"""What the repository already says, read and not repeated: applications, calls, Dapr components, topics."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).resolve().parents[3]
COMPONENTS = ROOT / "components"
COLLECTOR = ROOT / "dev" / "compose" / "otel-collector.yaml"
RULES = ROOT / "dev" / "observability" / "rules.yaml"
DASHBOARDS = ROOT / "dev" / "observability" / "grafana"
"""The same files as Compose mounts."""

PORTS = {"REALCHAT_HTTP_PORT": "http", "REALCHAT_GRPC_PORT": "grpc", "REALCHAT_INTERNAL_PORT": "internal"}


@dataclass(frozen=True)
class App:
    """An application as `dapr.yaml` has it."""

    app_id: str
    protocol: str
    """How the sidecar calls it."""
    channel: int
    """The port that the sidecar calls."""
    command: tuple[str, ...]
    ports: Mapping[str, int]
    """By name: http (public), grpc, internal."""
    env: Mapping[str, str]

    @property
    def package(self) -> str:
        return self.command[-1].split(".", 1)[0]


def _apps() -> dict[str, App]:
    found = {}
    for entry in yaml.safe_load((ROOT / "dapr.yaml").read_text())["apps"]:
        command = entry["command"]
        found[entry["appID"]] = App(
            entry["appID"],
            entry["appProtocol"],
            entry["appPort"],
            tuple(command[command.index("python") :]),
            {PORTS[name]: int(value) for name, value in entry["env"].items() if name in PORTS},
            entry["env"],
        )
    return found


APPS = _apps()
"""Every application by its id."""


@dataclass(frozen=True)
class Operation:
    """One method of a service, and the applications that may call it."""

    path: str
    """As gRPC names it: /package.Service/Method."""
    callers: frozenset[str]


def _operations() -> dict[str, list[Operation]]:
    """The call graph: the application that is called, and its operations."""
    graph: dict[str, list[Operation]] = {app_id: [] for app_id in APPS}
    for service, methods in yaml.safe_load((ROOT / "contracts" / "calls.yaml").read_text()).items():
        callee = service.split(".")[1]
        graph[callee] += [Operation(f"/{service}/{method}", frozenset(callers)) for method, callers in methods.items()]
    return graph


OPERATIONS = _operations()


def callers(app_id: str) -> frozenset[str]:
    """The applications that call one."""
    return frozenset().union(*(operation.callers for operation in OPERATIONS[app_id]))


def dapr_resources() -> list[dict[str, Any]]:
    """Every resource under `components/`, of whatever kind."""
    files = sorted(COMPONENTS.glob("*.yaml"))
    return [resource for file in files for resource in yaml.safe_load_all(file.read_text()) if resource]


def dapr_configuration() -> dict[str, Any]:
    """The configuration of every sidecar."""
    configuration: dict[str, Any] = yaml.safe_load((COMPONENTS / "config" / "realchat.yaml").read_text())
    return configuration


def topics() -> dict[str, dict[str, Any]]:
    """Kafka's topics by name, each with its partitions and configuration."""
    found: dict[str, dict[str, Any]] = yaml.safe_load((ROOT / "dev" / "kafka" / "topics.yaml").read_text())["topics"]
    return found


def kafka_apps() -> frozenset[str]:
    """The applications whose sidecar talks to Kafka."""
    return frozenset(
        app_id
        for resource in dapr_resources()
        if resource["spec"].get("type") == "pubsub.kafka"
        for app_id in resource["scopes"]
    )
