"""Generates `contracts/python/chat` from `contracts/proto`, `errors.yaml` and `calls.yaml`; the SDK's codes, too.

Stubs are made in a temporary folder and take the old ones' place in one move, so that no stale file stays.
Run by `just gen`; CI runs it again and fails when the result differs from what is committed.
"""

from __future__ import annotations

import shutil
import sys
import tempfile
from pathlib import Path

import grpc_tools
import yaml
from grpc_tools import protoc

CONTRACTS = Path(__file__).resolve().parent
PROTO = CONTRACTS / "proto"
TARGET = CONTRACTS / "python" / "chat"
SDK_CODES = CONTRACTS.parent / "apps" / "sdk" / "realchat" / "codes.py"
WELL_KNOWN = Path(grpc_tools.__file__).parent / "_proto"


def generate_stubs(out: Path) -> None:
    """Writes the messages, the services and their types to `out`. Raises SystemExit when protoc fails."""
    sources = sorted(str(path.relative_to(PROTO)) for path in PROTO.rglob("*.proto"))
    status = protoc.main(
        [
            "protoc",
            f"--proto_path={PROTO}",
            f"--proto_path={WELL_KNOWN}",
            f"--python_out={out}",
            f"--grpc_python_out={out}",
            f"--mypy_out={out}",
            f"--mypy_grpc_out={out}",
            *sources,
        ]
    )
    if status:
        raise SystemExit(status)


def generate_errors(out: Path) -> None:
    """Writes the catalogue as an enumeration whose members know their statuses."""
    catalogue = yaml.safe_load((CONTRACTS / "errors.yaml").read_text())
    lines = [
        '"""The catalogue of errors. Generated from contracts/errors.yaml by `just gen`: do not edit."""',
        "",
        "from __future__ import annotations",
        "",
        "from enum import Enum",
        "",
        "import grpc",
        "",
        "",
        "class Code(Enum):",
        '    """A stable error code with its HTTP status, gRPC status, whether it is temporary, and its title."""',
        "",
        "    http: int",
        "    grpc: grpc.StatusCode",
        "    temporary: bool",
        "    title: str",
        "",
        "    def __new__(cls, code: str, http: int, status: grpc.StatusCode, temporary: bool, title: str) -> Code:",
        "        member = object.__new__(cls)",
        "        member._value_ = code",
        "        member.http, member.grpc, member.temporary, member.title = http, status, temporary, title",
        "        return member",
        "",
    ]
    for code, entry in catalogue.items():
        arguments = (
            f'"{code}", {entry["http"]}, grpc.StatusCode.{entry["grpc"]}, {entry["temporary"]}, "{entry["title"]}"'
        )
        lines.append(f"    {code.upper()} = ({arguments})")
    (out / "errors.py").write_text("\n".join(lines) + "\n")


def generate_sdk_codes(out: Path) -> None:
    """Writes the catalogue as clients need it: without gRPC."""
    catalogue = yaml.safe_load((CONTRACTS / "errors.yaml").read_text())
    lines = [
        '"""The catalogue of errors. Generated from contracts/errors.yaml by `just gen`: do not edit."""',
        "",
        "from __future__ import annotations",
        "",
        "from enum import StrEnum",
        "",
        "",
        "class Code(StrEnum):",
        '    """A stable error code with its HTTP status."""',
        "",
        "    http: int",
        "",
        "    def __new__(cls, code: str, http: int) -> Code:",
        "        member = str.__new__(cls, code)",
        "        member._value_ = code",
        "        member.http = http",
        "        return member",
        "",
    ]
    lines += [f'    {code.upper()} = ("{code}", {entry["http"]})' for code, entry in catalogue.items()]
    out.write_text("\n".join(lines) + "\n")


def generate_calls(out: Path) -> None:
    """Writes the call graph as a mapping from full method name to the applications that may call it."""
    graph = yaml.safe_load((CONTRACTS / "calls.yaml").read_text())
    lines = [
        '"""The call graph. Generated from contracts/calls.yaml by `just gen`: do not edit."""',
        "",
        "from __future__ import annotations",
        "",
        "CALLERS: dict[str, frozenset[str]] = {",
    ]
    for service, methods in graph.items():
        for method, callers in methods.items():
            names = ", ".join(f'"{caller}"' for caller in callers)
            lines.append(f'    "/{service}/{method}": frozenset({{{names}}}),')
    (out / "calls.py").write_text("\n".join([*lines, "}"]) + "\n")


def main() -> None:
    """Generates everything and swaps it in."""
    with tempfile.TemporaryDirectory(dir=CONTRACTS) as scratch:
        generate_stubs(Path(scratch))
        package = Path(scratch) / "chat"
        generate_errors(package)
        generate_calls(package)
        generate_sdk_codes(SDK_CODES)
        for folder in [package, *(path for path in package.rglob("*") if path.is_dir())]:
            (folder / "__init__.py").touch()
        (package / "py.typed").touch()
        shutil.rmtree(TARGET, ignore_errors=True)
        TARGET.parent.mkdir(exist_ok=True)
        shutil.move(package, TARGET)
    sys.stdout.write(f"generated {TARGET.relative_to(CONTRACTS.parent)}\n")


if __name__ == "__main__":
    main()
