"""Pulumi's own engine, where it is installed, makes its plan for the program against a real API server."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from pathlib import Path

import pytest
import yaml
from infra.apiserver import ApiServer
from infra.rendering import PROGRAM, SEED, settings
from infra.test_kubernetes import server  # noqa: F401 - the fixture
from realchat_infra.charts import PINS

pytestmark = [pytest.mark.kubernetes, pytest.mark.timeout(1800)]

ENGINE = ("pulumi", "pulumi-language-python", "pulumi-resource-kubernetes")


def test_the_engine_plans_every_resource_and_shows_no_secret(
    server: ApiServer,  # noqa: F811
    tmp_path: Path,
) -> None:
    if missing := [program for program in ENGINE if shutil.which(program) is None]:
        pytest.skip(f"not on PATH: {', '.join(missing)}; https://www.pulumi.com/docs/install brings them")
    stack = tmp_path / "Pulumi.engine.yaml"
    there = sorted(PINS)  # what the charts define is; their repositories are not asked
    config = {**settings("local"), "realchat:namespace": "realchat-engine", "realchat:already_there": there}
    (tmp_path / "kubeconfig").write_text(json.dumps(kubeconfig(server, config["realchat:context"])))
    env = {
        **os.environ,
        "KUBECONFIG": str(tmp_path / "kubeconfig"),
        "PULUMI_BACKEND_URL": f"file://{tmp_path}",
        "PULUMI_CONFIG_PASSPHRASE": "engine",
        "PULUMI_SKIP_UPDATE_CHECK": "true",
    }

    def pulumi(*arguments: str) -> str:
        done = subprocess.run(
            ["pulumi", *arguments, "--non-interactive"],
            cwd=PROGRAM,
            env=env,
            capture_output=True,
            text=True,
            timeout=300,
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    stack = PROGRAM / "Pulumi.engine.yaml"  # the engine looks for it there, and nowhere else
    try:
        stack.write_text(yaml.safe_dump({"config": config}))
        pulumi("stack", "init", "engine")
        pulumi("config", "set", "--secret", "seed", SEED, "--stack", "engine")
        plan = pulumi("preview", "--diff", "--stack", "engine")
    finally:
        stack.unlink()

    assert "to create" in plan
    assert "Deployment: (create)" in plan
    assert SEED not in plan
    assert "[secret]" in plan


def kubeconfig(server: ApiServer, context: str) -> dict[str, object]:  # noqa: F811
    """For the server's administrator."""
    cluster = {"server": str(server.client.base_url).rstrip("/"), "insecure-skip-tls-verify": True}
    _, _, token = server.client.headers["Authorization"].partition(" ")
    return {
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [{"name": "test", "cluster": cluster}],
        "users": [{"name": "test", "user": {"token": token}}],
        "contexts": [{"name": context, "context": {"cluster": "test", "user": "test"}}],
        "current-context": context,
    }
