"""contracts/features.yaml says what is there, and nothing that is not."""

from __future__ import annotations

import ast
from collections.abc import Iterator

import pytest
import yaml
from stack import paths
from support.routes import routes

from chat.calls import CALLERS

CONTRACTS = paths.ROOT / "contracts"
FEATURES = {
    f"{section}: {line['feature']}": line
    for section, lines in yaml.safe_load((CONTRACTS / "features.yaml").read_text()).items()
    for line in lines
}


def rpcs() -> Iterator[str]:
    for method in CALLERS:
        package, _, name = method.removeprefix("/chat.").partition("/")
        yield f"{package.partition('.')[0]}.{name}"


def names_of_tests() -> Iterator[str]:
    for path in (paths.ROOT / "tests").rglob("test_*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.name.startswith("test_"):
                yield node.name


KNOWN = {
    "routes": routes(),
    "rpcs": set(rpcs()),
    "frames": set(yaml.safe_load((CONTRACTS / "asyncapi.yaml").read_text())["channels"]["socket"]["messages"]),
    "tests": set(names_of_tests()),
}


@pytest.mark.parametrize("name", FEATURES)
def test_what_a_feature_names_exists(name: str) -> None:
    line = FEATURES[name]
    assert set(line) <= {"feature", "open", *KNOWN}
    assert {kind: set(line.get(kind, [])) - known for kind, known in KNOWN.items()} == {kind: set() for kind in KNOWN}
    assert line.get("tests") or line.get("open"), "a feature is shown by a test, or open"


@pytest.mark.parametrize("kind", ["routes", "rpcs", "frames"])
def test_everything_that_is_offered_belongs_to_a_feature(kind: str) -> None:
    named = {entry for line in FEATURES.values() for entry in line.get(kind, [])}
    assert KNOWN[kind] - named == set()
