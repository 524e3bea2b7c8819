"""`dapr.yaml` is valid for the Dapr CLI, and `dev/` derives from it what the CLI would."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml
from stack import manifest
from stack.manifest import App
from stack.ports import BLOCKS, Instance, plan
from stack.sidecars import app_program, sidecar_program

ROOT = Path(__file__).resolve().parents[3]
RUN_FILE = ROOT / "dapr.yaml"
APP_IDS = ["gateway", "auth", "profile", "conversation", "message", "presence", "delivery"]

PORT = {"type": "integer", "minimum": 1024, "maximum": 65535}
TEXT = {"type": "string"}
TEXTS = {"type": "array", "items": TEXT, "minItems": 1}
LOG = {"enum": ["console", "file", "fileAndConsole"]}

# The fields of SharedRunConfig and RunConfig in dapr/cli (pkg/standalone/run.go) and of App in
# pkg/runfileconfig/run_file_config.go. The CLI ignores a name that it does not know, so a typing error would be silent.
SHARED: dict[str, Any] = {
    "configFilePath": TEXT,
    "appProtocol": {"enum": ["http", "https", "grpc", "grpcs", "h2c"]},
    "apiListenAddresses": TEXT,
    "enableProfiling": {"type": "boolean"},
    "logLevel": {"enum": ["debug", "info", "warn", "error", "fatal", "panic"]},
    "appMaxConcurrency": {"type": "integer"},
    "placementHostAddress": TEXT,
    "schedulerHostAddress": TEXT,
    "resourcesPaths": TEXTS,
    "maxBodySize": TEXT,
    "readBufferSize": TEXT,
    "enableAppHealthCheck": {"type": "boolean"},
    "appHealthCheckPath": TEXT,
    "appHealthProbeInterval": {"type": "integer"},
    "appHealthProbeTimeout": {"type": "integer"},
    "appHealthThreshold": {"type": "integer"},
    "enableApiLogging": {"type": "boolean"},
    "runtimePath": TEXT,
    "env": {"type": "object", "additionalProperties": TEXT},
    "daprdLogDestination": LOG,
    "appLogDestination": LOG,
}
APP: dict[str, Any] = {
    **SHARED,
    "appID": {"type": "string", "pattern": "^[a-z][a-z-]*$"},
    "appChannelAddress": TEXT,
    "appPort": PORT,
    "daprHTTPPort": PORT,
    "daprGRPCPort": PORT,
    "daprInternalGRPCPort": PORT,
    "metricsPort": PORT,
    "profilePort": PORT,
    "unixDomainSocket": TEXT,
    "command": TEXTS,
    "appDirPath": TEXT,
    "containerImage": TEXT,
    "containerImagePullPolicy": {"enum": ["Always", "Never", "IfNotPresent"]},
    "createService": {"type": "boolean"},
}
SCHEMA = {
    "type": "object",
    "required": ["version", "apps"],
    "additionalProperties": False,
    "properties": {
        "version": {"const": 1},
        "name": TEXT,
        "common": {"type": "object", "properties": SHARED, "additionalProperties": False},
        "apps": {
            "type": "array",
            "items": {
                "type": "object",
                # The CLI writes into `env`, and fails on an app that has none.
                "required": ["appID", "appDirPath", "env"],
                "properties": APP,
                "additionalProperties": False,
            },
        },
    },
}


@pytest.fixture(scope="module")
def document() -> dict[str, Any]:
    loaded: dict[str, Any] = yaml.safe_load(RUN_FILE.read_text())
    return loaded


@pytest.fixture(scope="module")
def apps() -> Sequence[App]:
    return manifest.read(RUN_FILE)


def first_replicas(apps: Sequence[App]) -> tuple[Instance, ...]:
    return plan(apps, {}, block=None).instances


def flag(command: Sequence[str], name: str) -> str:
    """The value of a flag, written as one word or as two."""
    for word, following in zip(command, [*command[1:], ""], strict=True):
        if word.startswith(f"--{name}="):
            return word.partition("=")[2]
        if word == f"--{name}":
            return following
    raise AssertionError(f"--{name} is missing in {command}")


def test_fields_are_those_of_the_multi_app_schema(document: dict[str, Any]) -> None:
    jsonschema.validate(document, SCHEMA)


def test_names_every_app_once(document: dict[str, Any]) -> None:
    assert [app["appID"] for app in document["apps"]] == APP_IDS


def test_folders_and_files_exist(document: dict[str, Any]) -> None:
    common = document["common"]
    for path in (*common["resourcesPaths"], common["configFilePath"], *(app["appDirPath"] for app in document["apps"])):
        assert (ROOT / path).exists(), path


def test_no_port_is_given_twice(apps: Sequence[App]) -> None:
    layout = plan(apps, {}, block=None)
    ports = [port for instance in layout.instances for port in instance.ports.values()] + [*layout.backing.values()]
    assert len(ports) == len(set(ports))


def test_apps_get_the_ports_commands_and_environment_of_the_file(document: dict[str, Any], apps: Sequence[App]) -> None:
    for entry, instance in zip(document["apps"], first_replicas(apps), strict=True):
        program = app_program(instance)
        assert program.name == f"{entry['appID']}-1"
        assert program.directory == ROOT / entry["appDirPath"]
        assert program.command[1:] == ("-m", f"realchat_{entry['appID']}.main")
        assert program.env == {
            **document["common"]["env"],
            **entry["env"],
            "APP_ID": entry["appID"],
            "APP_PORT": str(entry["appPort"]),
            "APP_PROTOCOL": entry["appProtocol"],
            "DAPR_HTTP_PORT": str(entry["daprHTTPPort"]),
            "DAPR_GRPC_PORT": str(entry["daprGRPCPort"]),
            "DAPR_METRICS_PORT": str(entry["metricsPort"]),
        }


def test_sidecars_get_the_flags_of_the_file(document: dict[str, Any], apps: Sequence[App]) -> None:
    for entry, instance in zip(document["apps"], first_replicas(apps), strict=True):
        program = sidecar_program(instance, Path("/bin/daprd"))
        assert program.directory == ROOT / entry["appDirPath"]
        expected = {
            "app-id": entry["appID"],
            "app-port": entry["appPort"],
            "app-protocol": entry["appProtocol"],
            "dapr-http-port": entry["daprHTTPPort"],
            "dapr-grpc-port": entry["daprGRPCPort"],
            "dapr-internal-grpc-port": entry["daprInternalGRPCPort"],
            "metrics-port": entry["metricsPort"],
            "resources-path": ROOT / "components",
            "config": ROOT / "components/config/realchat.yaml",
            "dapr-listen-addresses": "127.0.0.1",
            "dapr-internal-grpc-listen-address": "127.0.0.1",
            "metrics-listen-address": "127.0.0.1",
            "app-channel-address": "127.0.0.1",
            "max-body-size": "16Mi",
            "log-level": "warn",
            "dapr-graceful-shutdown-seconds": "5",
        }
        assert {name: flag(program.command, name) for name in expected} == {
            name: str(value) for name, value in expected.items()
        }
        assert not [word for word in program.command if "placement" in word or "scheduler" in word]


def test_further_replicas_and_other_stacks_get_ports_of_their_own(apps: Sequence[App]) -> None:
    replicas = {"message": 2, "delivery": 2}
    here, beside = plan(apps, replicas, block=None), plan(apps, replicas, block=BLOCKS[1])
    assert [instance.name for instance in here.of("message")] == ["message-1", "message-2"]

    ports = [
        port
        for layout in (here, beside)
        for each in (*(instance.ports for instance in layout.instances), layout.backing)
        for port in each.values()
    ]
    assert len(ports) == len(set(ports))
    assert all(set(instance.ports) == set(instance.app.ports) for instance in beside.instances)
    assert max(port for instance in beside.instances for port in instance.ports.values()) < BLOCKS[2]
