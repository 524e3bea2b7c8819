"""Reads `dapr.yaml`, the one source of the apps, as the Dapr CLI reads it.

The rules are those of dapr/cli (pkg/runfileconfig and pkg/standalone/run.go): `common` fills what an app leaves
out, paths in `common` are relative to the file and an app's are relative to its folder, and each field with a flag
becomes that flag of daprd. daprd is started in the app's folder and gets none of the app's `env`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any

import yaml

# An app's ports, by the name under which dapr.yaml gives each: in its `env`, or as a field of its sidecar.
APP_PORTS = ("REALCHAT_HTTP_PORT", "REALCHAT_GRPC_PORT", "REALCHAT_INTERNAL_PORT")
SIDECAR_PORTS = ("daprHTTPPort", "daprGRPCPort", "daprInternalGRPCPort", "metricsPort")

_PATHS = ("resourcesPaths", "configFilePath")
_FLAGS = {
    "appProtocol": "app-protocol",
    "appChannelAddress": "app-channel-address",
    "appMaxConcurrency": "app-max-concurrency",
    "enableAppHealthCheck": "enable-app-health-check",
    "appHealthCheckPath": "app-health-check-path",
    "appHealthProbeInterval": "app-health-probe-interval",
    "appHealthProbeTimeout": "app-health-probe-timeout",
    "appHealthThreshold": "app-health-threshold",
    "apiListenAddresses": "dapr-listen-addresses",
    "maxBodySize": "max-body-size",
    "readBufferSize": "read-buffer-size",
    "enableApiLogging": "enable-api-logging",
    "logLevel": "log-level",
    "resourcesPaths": "resources-path",
    "configFilePath": "config",
    "placementHostAddress": "placement-host-address",
    "schedulerHostAddress": "scheduler-host-address",
}


@dataclass(frozen=True)
class App:
    """One application of `dapr.yaml`, with what `common` gives it."""

    app_id: str
    directory: Path
    command: tuple[str, ...]
    env: Mapping[str, str]
    ports: Mapping[str, int]
    """By role: the names in APP_PORTS and SIDECAR_PORTS that this app has."""
    channel: str
    """The role of the port that the sidecar calls."""
    protocol: str
    sidecar_flags: tuple[str, ...]
    """daprd's flags, without its id and its ports, which differ between replicas."""


def read(path: Path) -> tuple[App, ...]:
    """The applications of a multi-app run file, in its order."""
    document = yaml.safe_load(path.read_text())
    common = _absolute(document.get("common", {}), path.parent)
    return tuple(_app(common, entry, path.parent) for entry in document["apps"])


def _app(common: Mapping[str, Any], entry: Mapping[str, Any], root: Path) -> App:
    directory = (root / entry["appDirPath"]).resolve()
    fields = {**common, **_absolute(entry, directory)}
    env = {name: str(value) for name, value in {**common.get("env", {}), **entry.get("env", {})}.items()}
    ports = {role: int(env[role]) for role in APP_PORTS if role in env}
    channel = next(role for role, port in ports.items() if port == entry["appPort"])
    return App(
        app_id=fields.get("appID", directory.name),
        directory=directory,
        command=tuple(fields["command"]),
        env=MappingProxyType(env),
        ports=MappingProxyType({**ports, **{role: int(fields[role]) for role in SIDECAR_PORTS}}),
        channel=channel,
        protocol=fields.get("appProtocol", "http"),
        sidecar_flags=tuple(_flags(fields)),
    )


def _absolute(fields: Mapping[str, Any], base: Path) -> dict[str, Any]:
    def resolve(value: str | list[str]) -> str | list[str]:
        if isinstance(value, list):
            return [str((base / each).resolve()) for each in value]
        return str((base / value).resolve())

    return {name: resolve(value) if name in _PATHS else value for name, value in fields.items()}


def _flags(fields: Mapping[str, Any]) -> list[str]:
    flags: list[str] = []
    for name, flag in _FLAGS.items():
        value = fields.get(name)
        if isinstance(value, bool):
            flags += [f"--{flag}"] if value else []
        elif isinstance(value, list):
            flags += [part for each in value for part in (f"--{flag}", each)]
        elif value is not None and str(value).strip():
            flags += [f"--{flag}", str(value)]
    return flags
