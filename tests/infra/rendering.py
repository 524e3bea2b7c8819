"""Runs the whole Pulumi program without an engine and keeps what it registers.

The monitor here is the SDK's mock of the engine's, which resolves every Output; what it does not show are the
provider's defaults and the order in which the engine would work (that is in `dependencies`).
"""

from __future__ import annotations

import asyncio
import json
import runpy
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

import pulumi
import yaml
from google.protobuf.json_format import MessageToDict
from pulumi.runtime import mocks, rpc
from pulumi.runtime.settings import get_root_resource
from pulumi.runtime.stack import Stack, run_pulumi_func

ROOT = Path(__file__).resolve().parents[2]
PROGRAM = ROOT / "pulumi"
STACKS = ("local", "dev", "prod")
SEED = "a seed for tests, and for nothing else: 0123456789"


@dataclass(frozen=True)
class Resource:
    """One registered resource."""

    urn: str
    type: str
    name: str
    custom: bool
    inputs: Mapping[str, Any]
    """Resolved; a secret is a `Secret`."""
    parent: str
    provider: str
    protect: bool
    dependencies: frozenset[str]

    @property
    def manifest(self) -> dict[str, Any]:
        """The object as the API server gets it."""
        plain: dict[str, Any] = revealed(self.inputs)
        return plain


@dataclass(frozen=True)
class Secret:
    """A value that the engine encrypts."""

    value: Any


@dataclass
class Rendering:
    """What one stack's program registers."""

    resources: list[Resource] = field(default_factory=list)
    outputs: dict[str, dict[str, Any]] = field(default_factory=dict)
    """By URN, the stack's among them."""

    @property
    def objects(self) -> list[Resource]:
        """Kubernetes' objects; Helm releases and providers are none."""
        return [each for each in self.resources if each.type.startswith("kubernetes:") and "helm" not in each.type]

    def manifests(self, kind: str) -> dict[str, dict[str, Any]]:
        """The objects of one kind by their name."""
        found = [each.manifest for each in self.objects if each.inputs["kind"] == kind]
        return {manifest["metadata"]["name"]: manifest for manifest in found}

    @property
    def stack_outputs(self) -> dict[str, Any]:
        """What `pulumi stack output` shows."""
        return next(outputs for urn, outputs in self.outputs.items() if "pulumi:pulumi:Stack" in urn)


class _Monitor(mocks.MockMonitor):
    def __init__(self, kept: Rendering) -> None:
        super().__init__(_Echo())
        self._kept = kept

    def RegisterResource(self, request: Any) -> Any:
        answer = super().RegisterResource(request)  # type: ignore[no-untyped-call]
        self._kept.resources.append(
            Resource(
                urn=answer.urn,
                type=request.type,
                name=request.name,
                custom=request.custom,
                inputs=_values(MessageToDict(request.object)),
                parent=request.parent,
                provider=request.provider or next(iter(dict(request.providers).values()), ""),
                protect=request.protect,
                dependencies=frozenset(request.dependencies),
            )
        )
        return answer

    def RegisterResourceOutputs(self, request: Any) -> Any:
        self._kept.outputs[request.urn] = _values(MessageToDict(request.outputs))
        return super().RegisterResourceOutputs(request)  # type: ignore[no-untyped-call]


class _Echo(mocks.Mocks):
    def new_resource(self, args: mocks.MockResourceArgs) -> tuple[str, dict[str, Any]]:
        return f"{args.name}-id", args.inputs

    def call(self, args: mocks.MockCallArgs) -> tuple[dict[str, Any], None]:
        raise AssertionError(f"the program asks {args.token}, which has no answer without a cluster")


@cache
def render(stack: str) -> Rendering:
    """A stack as committed, with a seed."""
    return run(settings(stack))


def settings(stack: str) -> dict[str, Any]:
    """A stack's settings as committed, by key."""
    config: dict[str, Any] = yaml.safe_load((PROGRAM / f"Pulumi.{stack}.yaml").read_text())["config"]
    return config


def run(config: Mapping[str, Any], secrets: Mapping[str, str] | None = None) -> Rendering:
    """The program under given settings.

    Args:
        config: as in a stack's file.
        secrets: config secrets beside the seed, by key.
    """
    kept = Rendering()
    hidden = {"realchat:seed": SEED, **(secrets or {})}
    plain = {key: value if isinstance(value, str) else json.dumps(value) for key, value in config.items()}

    def program() -> None:
        asyncio.set_event_loop(asyncio.new_event_loop())
        mocks.set_mocks(_Echo(), project="realchat", stack="test", preview=False, monitor=_Monitor(kept))
        pulumi.runtime.set_all_config({**plain, **hidden}, secret_keys=list(hidden))
        asyncio.get_event_loop().run_until_complete(run_pulumi_func(_main))

    with ThreadPoolExecutor(1) as thread:
        thread.submit(program).result()
    return kept


def _main() -> None:
    runpy.run_path(str(PROGRAM))
    root = get_root_resource()
    assert isinstance(root, Stack)
    root.register_outputs(root.outputs)


def _values(value: Any) -> Any:
    """Numbers as the program wrote them, secrets as such."""
    if isinstance(value, dict):
        if value.get(rpc._special_sig_key) == rpc._special_secret_sig:
            return Secret(_values(value["value"]))
        return {name: _values(item) for name, item in value.items()}
    if isinstance(value, list):
        return [_values(item) for item in value]
    if isinstance(value, float) and value.is_integer():
        return int(value)
    return value


def revealed(value: Any) -> Any:
    """A value without its secrets' wrapping."""
    if isinstance(value, Secret):
        return revealed(value.value)
    if isinstance(value, Mapping):
        return {name: revealed(item) for name, item in value.items()}
    if isinstance(value, list):
        return [revealed(item) for item in value]
    return value


def plain_texts(value: Any) -> Iterator[str]:
    """Every text that is not inside a secret."""
    if isinstance(value, Mapping):
        for name, item in value.items():
            yield str(name)
            yield from plain_texts(item)
    elif isinstance(value, list):
        for item in value:
            yield from plain_texts(item)
    elif isinstance(value, str):
        yield value


def calls() -> dict[tuple[str, str], set[str]]:
    """caller and callee to the methods, read from the contract and not by the program's own reader."""
    graph: dict[tuple[str, str], set[str]] = {}
    for service, methods in yaml.safe_load((ROOT / "contracts" / "calls.yaml").read_text()).items():
        for method, callers in methods.items():
            for caller in callers:
                graph.setdefault((caller, service.split(".")[1]), set()).add(f"/{service}/{method}")
    return graph
