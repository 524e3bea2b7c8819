"""The real daprd loads every resource that the program makes for the cluster.

In a cluster the operator hands daprd the same documents; here they are files. What differs are the addresses, which
are those of the running stores by way of the program's own setting for somebody else's services, and the place of
the file with the secrets.
"""

from __future__ import annotations

import json
import subprocess
import time
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any

import pytest
import yaml
from infra.apiserver import free_port
from infra.rendering import Rendering, run, settings
from realchat_infra.dapr import configuration_name
from realchat_infra.sources import APPS
from stack import Stack

SECONDS = 60.0


@pytest.fixture(scope="module")
def rendering(backing: Stack) -> Rendering:
    port = int(backing.redis_url.rpartition(":")[2].split("/")[0])
    outside = {
        "realchat:kafka": {"external": {"brokers": backing.kafka_brokers, "cidr": "127.0.0.0/8"}},
        "realchat:redis": {"external": {"host": "127.0.0.1", "port": port, "cidr": "127.0.0.0/8", "tls": False}},
    }
    return run({**settings("local"), **outside})


@pytest.mark.parametrize("app_id", APPS)
def test_daprd_loads_what_is_scoped_to_its_application(
    app_id: str, backing: Stack, rendering: Rendering, tmp_path: Path
) -> None:
    resources = tmp_path / "resources"
    resources.mkdir()
    for kind in ("Component", "Resiliency", "Subscription", "HTTPEndpoint"):
        for name, manifest in rendering.manifests(kind).items():
            if name == "secretstore":
                manifest["spec"]["metadata"][0]["value"] = str(backing.vault.folder / f"{app_id}.json")
            (resources / f"{kind}-{name}.yaml").write_text(yaml.safe_dump(manifest))
    configuration = tmp_path / "configuration.yaml"
    configuration.write_text(yaml.safe_dump(rendering.manifests("Configuration")[configuration_name(app_id)]))

    http = free_port()
    command: list[str | Path] = [
        backing.tools.daprd,
        f"--app-id={app_id}",
        f"--resources-path={resources}",
        f"--config={configuration}",
    ]
    command += [
        f"--dapr-http-port={http}",
        f"--dapr-grpc-port={free_port()}",
        f"--dapr-internal-grpc-port={free_port()}",
    ]
    command += [
        f"--metrics-port={free_port()}",
        "--dapr-listen-addresses=127.0.0.1",
        "--dapr-graceful-shutdown-seconds=1",
    ]
    log = tmp_path / "daprd.log"
    with log.open("wb") as output:
        daprd = subprocess.Popen(command, stdout=output, stderr=subprocess.STDOUT, cwd=tmp_path)
    try:
        loaded = {each["name"] for each in metadata(http, daprd, log)["components"]}
    finally:
        daprd.terminate()
        daprd.wait(20)
    expected = {name for name, each in rendering.manifests("Component").items() if app_id in each["scopes"]}
    assert loaded == expected
    assert "level=error" not in log.read_text()


def metadata(port: int, daprd: subprocess.Popen[bytes], log: Path) -> dict[str, Any]:
    """What the sidecar says of itself, once it is healthy."""
    deadline = time.monotonic() + SECONDS
    while daprd.poll() is None and time.monotonic() < deadline:
        try:
            urllib.request.urlopen(f"http://127.0.0.1:{port}/v1.0/healthz", timeout=2)
            with urllib.request.urlopen(f"http://127.0.0.1:{port}/v1.0/metadata", timeout=5) as answer:
                found: dict[str, Any] = json.load(answer)
                return found
        except (urllib.error.URLError, TimeoutError):
            time.sleep(0.1)
    raise AssertionError(log.read_text())
