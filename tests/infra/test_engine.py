"""Pulumi's own engine makes the program's plan true at a real API server, and takes it back.

Kubernetes' own controllers run there, so what Pulumi waits for, a roll-out or a deletion, is their doing. What nodes
and operators would report is played (`controllers.py`). The program runs by Pulumi's Automation API, which needs no
language host beside the engine.
"""

from __future__ import annotations

import base64
import json
import os
import runpy
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pulumi
import pulumi_kubernetes as kubernetes
import pytest
import yaml
from infra.apiserver import ApiServer
from infra.controllers import controlled
from infra.rendering import PROGRAM, SEED, settings
from pulumi import automation
from realchat_infra import charts
from realchat_infra.charts import DAPR, PINS, Platform
from realchat_infra.keyring import DATABASE_APPS
from realchat_infra.settings import PROJECT, Settings
from realchat_infra.sources import APPS
from stack import tools

PROGRAMS = tools.engine()
pytestmark = [
    pytest.mark.kubernetes,
    pytest.mark.timeout(1800),
    pytest.mark.skipif(PROGRAMS is None, reason="Pulumi's engine is not there; `just engine` builds it"),
]

NAMESPACE = "realchat-engine"
NEW = "0.2.0"
NO_SECRET = ("username",)
"""What a Secret holds beside its secrets."""


@pytest.fixture
def stack(server: ApiServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[automation.Stack]:
    """The stack `local` in the test's cluster, with charts that somebody else has installed."""
    assert PROGRAMS
    there = sorted(PINS)  # what the charts define is; their repositories are not asked
    config = {**settings("local"), f"{PROJECT}:namespace": NAMESPACE, f"{PROJECT}:already_there": there}
    kubeconfig = tmp_path / "kubeconfig"
    kubeconfig.write_text(json.dumps(server.kubeconfig(config[f"{PROJECT}:context"])))
    (tmp_path / "Pulumi.engine.yaml").write_text(yaml.safe_dump({"config": config}))
    (tmp_path / "state").mkdir()
    monkeypatch.setenv("PATH", os.pathsep.join([*map(str, PROGRAMS.folders), os.environ["PATH"]]))
    with controlled(server, PROGRAMS.controllers, tmp_path):
        stack = automation.create_stack(
            "engine",
            project_name=PROJECT,
            program=program,
            opts=automation.LocalWorkspaceOptions(
                work_dir=str(tmp_path),
                env_vars={
                    "KUBECONFIG": str(kubeconfig),
                    "PULUMI_BACKEND_URL": f"file://{tmp_path / 'state'}",
                    "PULUMI_CONFIG_PASSPHRASE": "engine",
                    "PULUMI_SKIP_UPDATE_CHECK": "true",
                },
            ),
        )
        stack.set_config("seed", automation.ConfigValue(SEED, secret=True))
        yield stack


def test_up_makes_all_that_was_planned_a_second_changes_nothing_and_destroy_leaves_nothing(
    stack: automation.Stack,
    server: ApiServer,
    tmp_path: Path,
) -> None:
    plan = stack.preview(diff=True, color="never")
    assert set(plan.change_summary) == {automation.OpType.CREATE}
    assert "[secret]" in plan.stdout
    before = server.everything()

    made = stack.up(color="never")
    assert made.summary.resource_changes == {"create": plan.change_summary[automation.OpType.CREATE]}
    assert [each["metadata"]["name"] for each in deployments(server) if not is_available(each)] == []
    kept = [path.read_text() for path in (tmp_path / "state").rglob("*.json")]
    told = "\n".join([plan.stdout, made.stdout, *kept])
    assert [secret for secret in (SEED, *secrets(server)) if secret in told] == []

    stack.up(expect_no_changes=True)
    stack.preview(expect_no_changes=True, refresh=True)

    stack.destroy(color="never")
    assert server.everything() - before == set()


def test_a_new_image_migrates_a_database_before_any_of_its_pods_starts(
    stack: automation.Stack, server: ApiServer
) -> None:
    stack.up()
    stack.set_config("image.tag", automation.ConfigValue(NEW), path=True)
    changed = stack.up()
    migrations = {
        each["metadata"]["name"]: each for each in server.items(f"/apis/batch/v1/namespaces/{NAMESPACE}/jobs")
    }
    steps = {str(step): many for step, many in (changed.summary.resource_changes or {}).items()}
    assert steps["replace"] == len(migrations) == len(DATABASE_APPS)
    started = {
        each["metadata"]["ownerReferences"][0]["name"]: each["metadata"]["creationTimestamp"]
        for each in server.items(f"/apis/apps/v1/namespaces/{NAMESPACE}/replicasets")
        if image(each) == NEW
    }
    assert set(started) == set(APPS)
    for app in DATABASE_APPS:
        migration = migrations[f"{app}-migration"]
        assert image(migration) == NEW
        assert migration["status"]["completionTime"] <= started[app]


@pytest.mark.parametrize("high_availability", [False, True])
def test_daprs_chart_does_what_it_is_asked(
    stack: automation.Stack, server: ApiServer, monkeypatch: pytest.MonkeyPatch, high_availability: bool
) -> None:
    """The chart comes with Dapr's Go module; the repository that the pin names may be out of reach."""
    folder, _ = tools.go_module("github.com/dapr/dapr", f"v{DAPR}")
    chart = replace(PINS["dapr"], repository="", chart=str(folder / "charts" / "dapr"))
    monkeypatch.setattr(charts, "PINS", {"dapr": chart})
    stack.remove_config("already_there")
    stack.set_config("high_availability", automation.ConfigValue(json.dumps(high_availability)))
    before = server.everything()

    stack.up(program=platform)
    found = deployments(server, chart.namespace)
    assert {each["metadata"]["name"] for each in found} == {"dapr-operator", "dapr-sentry", "dapr-sidecar-injector"}
    assert {each["spec"]["replicas"] for each in found} == {3 if high_availability else 1}
    assert {image(each) for each in found} == {DAPR}
    for each in found:
        pod = each["spec"]["template"]["spec"]
        assert pod["containers"][0]["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
        assert "--log-as-json" in pod["containers"][0]["args"]
    assert server.items(f"/apis/apps/v1/namespaces/{chart.namespace}/statefulsets") == []  # no actors, no workflows
    (webhook,) = next(
        each["webhooks"]
        for each in server.items("/apis/admissionregistration.k8s.io/v1/mutatingwebhookconfigurations")
        if each["metadata"]["name"] == "dapr-sidecar-injector"
    )
    assert webhook["failurePolicy"] == "Fail"
    assert webhook["namespaceSelector"] == {"matchLabels": {"kubernetes.io/metadata.name": NAMESPACE}}

    stack.preview(program=platform, expect_no_changes=True)
    stack.destroy()
    kept = {each.partition(" ")[0].rpartition("/")[2] for each in server.everything() - before}
    assert kept <= {"customresourcedefinitions"}  # Helm never takes them away, nor all that is of their kinds


def deployments(server: ApiServer, namespace: str = NAMESPACE) -> list[dict[str, Any]]:
    return server.items(f"/apis/apps/v1/namespaces/{namespace}/deployments")


def is_available(deployment: Mapping[str, Any]) -> bool:
    available: bool = deployment["status"].get("availableReplicas") == deployment["spec"]["replicas"]
    return available


def image(owner: Mapping[str, Any]) -> str:
    """The tag that an owner's pods run."""
    _, _, tag = owner["spec"]["template"]["spec"]["containers"][0]["image"].rpartition(":")
    return str(tag)


def program() -> None:
    runpy.run_path(str(PROGRAM))


def platform() -> None:
    """The charts alone."""
    given = Settings.load()
    Platform(given, pulumi.ResourceOptions(provider=kubernetes.Provider("cluster", context=given.context)))


def secrets(server: ApiServer) -> Iterator[str]:
    """All that is secret in the cluster, as it is and as Kubernetes writes it."""
    for secret in server.items(f"/api/v1/namespaces/{NAMESPACE}/secrets"):
        for name, encoded in secret["data"].items():
            if name not in NO_SECRET:
                yield encoded
                yield base64.b64decode(encoded).decode()
