"""What a stack may say, and what somebody else's services change."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from infra.rendering import PROGRAM, STACKS, run, settings
from pydantic import ValidationError
from realchat_infra.settings import Settings

ROOT = PROGRAM.parent
CERTIFICATE = "-----BEGIN CERTIFICATE-----\nof an authority\n-----END CERTIFICATE-----\n"
MANAGED: dict[str, Any] = {
    "realchat:kafka": {
        "external": {"brokers": "b1:9096,b2:9096", "cidr": "10.1.0.0/16", "port": 9096, "username": "u"}
    },
    "realchat:postgres": {"external": {"host": "db.internal", "cidr": "10.2.0.0/16", "authority": CERTIFICATE}},
    "realchat:redis": {"external": {"host": "cache.internal", "cidr": "10.3.0.0/16"}},
    "realchat:already_there": ["strimzi", "cloudnative-pg"],
}


def valid(**changes: Any) -> dict[str, Any]:
    values: dict[str, Any] = {
        "environment": "dev",
        "context": "kind-realchat",
        "image": {"repository": "registry.example/realchat", "tag": "1.0.0"},
        "ingress": {"host": "chat.example"},
        "quota": {"cpu": "8", "memory": "16Gi", "storage": "50Gi", "pods": 60},
    }
    return {**values, **changes}


@pytest.mark.parametrize(
    "change",
    [
        {"image": {"repository": "registry.example/realchat", "tag": "latest"}},
        {"kafka": {"brokerz": 3}},
        {"apps": {"billing": {}}},
        {"apps": {"message": {"replicas": 4, "most": 2}}},
        {"postgres": {"storage": "ten gigabytes"}},
        {"postgres": {"external": {"host": "db", "cidr": "10.0.0.0/8", "authority": ""}}},
        {"trace_ratio": 2},
        {"already_there": ["istio"]},
    ],
)
def test_a_mistake_is_refused_before_anything_is_created(change: dict[str, Any]) -> None:
    Settings.model_validate(valid())
    with pytest.raises(ValidationError):
        Settings.model_validate(valid(**change))


def test_somebody_elses_services_take_the_place_of_ours() -> None:
    secrets = {"realchat:kafkaPassword": "kafka pass", "realchat:redisPassword": "redis/pass"}
    rendering = run({**settings("dev"), **MANAGED}, secrets)
    for kind in ("Kafka", "KafkaNodePool", "KafkaTopic", "Cluster", "Database", "StatefulSet"):
        assert not rendering.manifests(kind), kind
    assert not {each.name for each in rendering.resources if "helm" in each.type} & {"strimzi", "cloudnative-pg"}

    events = rendering.manifests("Component")["events"]
    metadata = {item["name"]: item for item in events["spec"]["metadata"]}
    assert metadata["brokers"]["value"] == "b1:9096,b2:9096"
    assert metadata["authType"]["value"] == "password"
    assert metadata["saslPassword"]["secretKeyRef"]["name"] == "kafka-password"
    assert events["auth"] == {"secretStore": "secretstore"}
    redis = {item["name"]: item for item in rendering.manifests("Component")["last-seen"]["spec"]["metadata"]}
    assert (redis["redisHost"]["value"], redis["enableTLS"]["value"]) == ("cache.internal:6379", "true")

    store = json.loads(rendering.manifests("Secret")["realchat-message"]["stringData"]["secrets.json"])
    assert store["redis-url"] == "rediss://:redis%2Fpass@cache.internal:6379/0"
    assert store["kafka-password"] == "kafka pass"
    assert "@db.internal:5432/" in store["database-url"]
    egress = str(rendering.manifests("NetworkPolicy")["message"]["spec"]["egress"])
    assert all(cidr in egress for cidr in ("10.1.0.0/16", "10.2.0.0/16", "10.3.0.0/16"))


@pytest.mark.parametrize("stack", STACKS)
def test_a_stacks_file_holds_no_secret(stack: str) -> None:
    assert not [name for name in settings(stack) if "seed" in name.lower() or "password" in name.lower()]


# The folder is called like a package


def test_the_folder_is_not_a_package() -> None:
    assert not list(PROGRAM.glob("**/__init__.py*")) or list(PROGRAM.glob("**/__init__.py")) == [
        PROGRAM / "src" / "realchat_infra" / "__init__.py"
    ]
    assert not list(PROGRAM.glob("**/*test*.py"))


@pytest.mark.parametrize("folder", [ROOT, PROGRAM, ROOT / "apps", Path("/")], ids=str)
def test_import_pulumi_finds_the_sdk_from_anywhere(folder: Path) -> None:
    command = "import pulumi; print(pulumi.ComponentResource.__module__, pulumi.__file__)"
    environment = {**os.environ, "PYTHONPATH": ""}
    result = subprocess.run(
        [sys.executable, "-c", command], cwd=folder, env=environment, capture_output=True, text=True, check=True
    )
    module, file = result.stdout.split()
    assert module == "pulumi.resource"
    assert PROGRAM not in Path(file).parents
