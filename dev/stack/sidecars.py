"""From a replica of an app to the two processes that it consists of."""

from __future__ import annotations

import os
import sys
from pathlib import Path

from stack.manifest import APP_PORTS
from stack.ports import HOST, Instance
from stack.program import Group, Program

# What the run file has no field for, or, as the first, not for all apps at once.
_LOOPBACK_FLAGS = (
    f"--app-channel-address={HOST}",
    f"--dapr-internal-grpc-listen-address={HOST}",
    f"--metrics-listen-address={HOST}",
    "--dapr-graceful-shutdown-seconds=5",
)
# Seven share the machine with all else: with every processor each, they spend a sixth more on waking each other.
_GO_ENV = {"GOMAXPROCS": str(max(1, (os.cpu_count() or 1) // 4))}
_UV_PYTHON = ("uv", "run", "--no-sync", "python")


def app_program(instance: Instance) -> Program:
    """The app itself, with what the Dapr CLI would inject and this replica's ports."""
    app, ports = instance.app, instance.ports
    own = {role: str(ports[role]) for role in APP_PORTS if role in ports}
    injected = {
        "APP_ID": app.app_id,
        "APP_PORT": str(ports[app.channel]),
        "APP_PROTOCOL": app.protocol,
        "DAPR_HTTP_PORT": str(ports["daprHTTPPort"]),
        "DAPR_GRPC_PORT": str(ports["daprGRPCPort"]),
        "DAPR_METRICS_PORT": str(ports["metricsPort"]),
    }
    return Program(
        name=instance.name,
        group=Group.APPS,
        command=_command(app.command),
        directory=app.directory,
        ports={role.removeprefix("REALCHAT_").lower(): int(port) for role, port in own.items()},
        env={**app.env, **own, **injected},
    )


def sidecar_program(instance: Instance, daprd: Path) -> Program:
    """daprd as `dapr run -f` would start it, but on loopback throughout."""
    app, ports = instance.app, instance.ports
    return Program(
        name=instance.sidecar,
        group=Group.SIDECARS,
        command=(
            str(daprd),
            f"--app-id={app.app_id}",
            f"--app-port={ports[app.channel]}",
            f"--dapr-http-port={ports['daprHTTPPort']}",
            f"--dapr-grpc-port={ports['daprGRPCPort']}",
            f"--dapr-internal-grpc-port={ports['daprInternalGRPCPort']}",
            f"--metrics-port={ports['metricsPort']}",
            *app.sidecar_flags,
            *_LOOPBACK_FLAGS,
        ),
        directory=app.directory,
        ports={
            "dapr http": ports["daprHTTPPort"],
            "dapr grpc": ports["daprGRPCPort"],
            "dapr internal": ports["daprInternalGRPCPort"],
            "dapr metrics": ports["metricsPort"],
        },
        env=_GO_ENV,
    )


def _command(command: tuple[str, ...]) -> tuple[str, ...]:
    """`uv run` would stay as a process between the supervisor and the app; this is the same Python without it."""
    if command[: len(_UV_PYTHON)] == _UV_PYTHON:
        return (sys.executable, *command[len(_UV_PYTHON) :])
    return command
