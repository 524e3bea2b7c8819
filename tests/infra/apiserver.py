"""A real Kubernetes API server with an empty etcd, as a process; nothing schedules what it accepts."""

from __future__ import annotations

import json
import secrets
import socket
import subprocess
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from stack.tools import KubernetesTools

STARTUP_SECONDS = 120.0
MANAGER = "realchat-tests"
TRANSIENT = ("events", "leases", "componentstatuses")


@dataclass(frozen=True)
class ApiServer:
    """The server's own API, as an administrator."""

    client: httpx.Client

    def apply(self, manifest: Mapping[str, Any]) -> httpx.Response:
        """Server-side apply, in which a field that the server does not know is an error."""
        return self.client.patch(
            self.path(manifest),
            params={"fieldManager": MANAGER, "fieldValidation": "Strict", "force": "true"},
            headers={"Content-Type": "application/apply-patch+yaml"},
            content=json.dumps(manifest),
        )

    def path(self, manifest: Mapping[str, Any]) -> str:
        """Where an object is."""
        group, _, version = manifest["apiVersion"].rpartition("/")
        root = f"/apis/{group}/{version}" if group else f"/api/{version}"
        resource = self._resources(root)[manifest["kind"]]
        metadata = manifest["metadata"]
        namespace = f"/namespaces/{metadata['namespace']}" if resource["namespaced"] else ""
        return f"{root}{namespace}/{resource['name']}/{metadata['name']}"

    def _resources(self, root: str) -> dict[str, dict[str, Any]]:
        found = self.client.get(root).raise_for_status().json()["resources"]
        return {each["kind"]: each for each in found if "/" not in each["name"]}

    def define(self, definition: Mapping[str, Any]) -> None:
        """A custom resource definition, until it is served."""
        applied = self.apply(definition)
        assert applied.is_success, applied.text
        spec = definition["spec"]
        for version in spec["versions"]:
            if version["served"]:
                root = f"/apis/{spec['group']}/{version['name']}"
                _wait(lambda root=root: self._serves(root, spec["names"]["kind"]), root)

    def items(self, path: str) -> list[dict[str, Any]]:
        """All objects of one kind."""
        found: list[dict[str, Any]] = self.client.get(path).raise_for_status().json()["items"]
        return found

    def everything(self) -> set[str]:
        """The paths of all objects of every kind that the server keeps, but of those that are only about others."""
        groups = self.client.get("/apis").raise_for_status().json()["groups"]
        roots = ["/api/v1", *(f"/apis/{each['preferredVersion']['groupVersion']}" for each in groups)]
        return {
            f"{root}/{resource['name']} {each['metadata'].get('namespace', '')}/{each['metadata']['name']}"
            for root in roots
            for resource in self.client.get(root).raise_for_status().json()["resources"]
            if "list" in resource["verbs"] and resource["name"] not in TRANSIENT
            for each in self.items(f"{root}/{resource['name']}")
        }

    def report(self, of: Mapping[str, Any], root: str, plural: str, status: Mapping[str, Any]) -> None:
        """Writes an object's status, if the object is still there."""
        metadata = of["metadata"]
        answer = self.client.patch(
            f"{root}/namespaces/{metadata['namespace']}/{plural}/{metadata['name']}/status",
            headers={"Content-Type": "application/merge-patch+json"},
            content=json.dumps({"status": status}),
        )
        assert answer.is_success or answer.status_code == httpx.codes.NOT_FOUND, answer.text

    def kubeconfig(self, context: str) -> dict[str, object]:
        """For the server's administrator."""
        cluster = {"server": str(self.client.base_url).rstrip("/"), "insecure-skip-tls-verify": True}
        _, _, token = self.client.headers["Authorization"].partition(" ")
        return {
            "apiVersion": "v1",
            "kind": "Config",
            "clusters": [{"name": "test", "cluster": cluster}],
            "users": [{"name": "test", "user": {"token": token}}],
            "contexts": [{"name": context, "context": {"cluster": "test", "user": "test"}}],
            "current-context": context,
        }

    def _serves(self, root: str, kind: str) -> bool:
        answer = self.client.get(root)
        return answer.is_success and kind in {each["kind"] for each in answer.json()["resources"]}


@contextmanager
def running(tools: KubernetesTools, folder: Path) -> Iterator[ApiServer]:
    """A server with all that it needs, in a folder of its own; it is stopped at the end."""
    store, port, token = free_port(), free_port(), secrets.token_urlsafe()
    (folder / "tokens.csv").write_text(f"{token},tests,tests,system:masters\n")
    (folder / "tokens.csv").chmod(0o600)
    key = rsa.generate_private_key(65537, 2048)
    (folder / "accounts.pem").write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.TraditionalOpenSSL, serialization.NoEncryption()
        )
    )
    database: list[str | Path] = [
        tools.etcd,
        f"--data-dir={folder / 'etcd'}",
        f"--listen-client-urls=http://127.0.0.1:{store}",
    ]
    database += [
        f"--advertise-client-urls=http://127.0.0.1:{store}",
        f"--listen-peer-urls=http://127.0.0.1:{free_port()}",
    ]
    server: list[str | Path] = [
        tools.apiserver,
        f"--etcd-servers=http://127.0.0.1:{store}",
        f"--secure-port={port}",
        "--bind-address=127.0.0.1",
        f"--cert-dir={folder / 'certificates'}",
        f"--token-auth-file={folder / 'tokens.csv'}",
        "--authorization-mode=RBAC",
        "--service-cluster-ip-range=10.0.0.0/24",
        "--service-account-issuer=https://kubernetes.default.svc",
        f"--service-account-key-file={folder / 'accounts.pem'}",
        f"--service-account-signing-key-file={folder / 'accounts.pem'}",
        # Made by a controller that does not run here; ours are declared by the program.
        "--disable-admission-plugins=ServiceAccount",
    ]
    with process(database, folder / "etcd.log"), process(server, folder / "apiserver.log"):
        client = httpx.Client(
            base_url=f"https://127.0.0.1:{port}",
            headers={"Authorization": f"Bearer {token}"},
            verify=False,  # its own certificate, on loopback
            timeout=60,
        )
        with client:
            _wait(lambda: _ready(client), "the API server", folder / "apiserver.log")
            yield ApiServer(client)


@contextmanager
def process(command: list[str | Path], log: Path) -> Iterator[None]:
    """Runs until the block ends."""
    with log.open("wb") as output:
        process = subprocess.Popen(command, stdout=output, stderr=subprocess.STDOUT)
    try:
        yield
    finally:
        process.terminate()
        try:
            process.wait(20)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _ready(client: httpx.Client) -> bool:
    try:
        return client.get("/readyz").is_success
    except httpx.TransportError:
        return False


def _wait(condition: Any, what: str, log: Path | None = None) -> None:
    deadline = time.monotonic() + STARTUP_SECONDS
    while not condition():
        if time.monotonic() > deadline:
            tail = log.read_text()[-3000:] if log else ""
            raise TimeoutError(f"{what} is not there after {STARTUP_SECONDS:.0f} s\n{tail}")
        time.sleep(0.1)


def free_port() -> int:
    """A port that nobody listens on."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        return int(free.getsockname()[1])
