"""What is written and printed: figures, and the circumstances without which they mean nothing."""

from __future__ import annotations

import math
import os
import platform
import subprocess
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path

import msgspec
import psutil
from bench.measure import DRIVER, OTHERS, Result
from stack import Stack, paths

PACKAGES = ("uvicorn", "uvloop", "websockets", "msgspec", "grpcio", "asyncpg", "dapr", "fastapi", "redis", "protobuf")
STATISTICS = ("p50", "p95", "p99", "max")
LATENCIES = ("send to ack", "send to receive", "append to receive", "fast lane", "guarantee lane")


class Report(msgspec.Struct):
    """The JSON document."""

    at: str
    revision: str
    """git's; ends in `-dirty` when the tree has changes."""
    machine: dict[str, str | int | float]
    versions: dict[str, str]
    replicas: dict[str, int]
    results: list[Result]


def report(stack: Stack, results: Sequence[Result]) -> Report:
    """Results with their circumstances."""
    return Report(
        at=datetime.now(UTC).isoformat(timespec="seconds"),
        revision=_output("git", "describe", "--always", "--dirty", "--abbrev=12"),
        machine={
            "processor": _processor(),
            "cores": os.cpu_count() or 0,
            "memory_gib": round(psutil.virtual_memory().total / 2**30, 1),
            "kernel": platform.release(),
            "load_average": round(os.getloadavg()[0], 2),
        },
        versions={
            "python": platform.python_version(),
            "daprd": _output(str(stack.tools.daprd), "--version"),
            "kafka": stack.tools.kafka.name.removeprefix("kafka-"),
            "postgres": _output(str(stack.tools.postgres / "postgres"), "--version").split()[2],
            "redis": _output(str(stack.tools.redis), "--version").split()[2].removeprefix("v="),
            **{name: version(name) for name in PACKAGES},
        },
        replicas={app.app_id: stack.replicas.get(app.app_id, 1) for app in stack.apps},
        results=list(results),
    )


def _output(*command: str) -> str:
    return subprocess.run(command, cwd=paths.ROOT, capture_output=True, text=True, check=True).stdout.strip()


def _processor() -> str:
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            return line.partition(":")[2].strip()
    return platform.machine()


def written(document: Report, path: Path) -> None:
    """As JSON; a figure that could not be had is null."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(msgspec.json.format(msgspec.json.encode(document)) + b"\n")


def table(results: Sequence[Result]) -> str:
    """The figures for people."""
    lines = [line for result in results for line in ("", *_section(result))]
    lines += ["", "Processor, per cent of one core" + "".join(f"{result.name:>12}" for result in results)]
    names = [*(name for name in results[0].cpu_seconds if name not in (DRIVER, OTHERS)), DRIVER, OTHERS]
    for name in names:
        shares = [100 * result.cpu_seconds[name] / result.cpu_window_seconds for result in results]
        if name in (DRIVER, OTHERS) or max(shares) >= 1:
            lines.append(f"  {name:<29}" + "".join(f"{share:>12.0f}" for share in shares))
    return "\n".join(lines)


def _section(result: Result) -> Iterator[str]:
    appended, received = (result.figures[name]["per second"] for name in ("appended", "received"))
    per_segment = result.figures["segment"]["mean messages"]
    yield f"{result.name}: {result.text}"
    yield f"  {appended:,.0f} appended/s in segments of {per_segment:g}, {received:,.0f} received/s"
    yield (
        f"  {result.sent} sent, {result.missing} missing, {result.pointers_missing} without pointer, "
        f"errors: {result.errors or 'none'}"
    )
    yield f"  {'milliseconds':<20}" + "".join(f"{statistic:>10}" for statistic in STATISTICS)
    for name in LATENCIES:
        row = result.figures[name]
        yield f"  {name:<20}" + "".join(f"{row.get(statistic, math.nan):>10.1f}" for statistic in STATISTICS)
    for goal in result.goals:
        yield f"  {'met    ' if goal.met else 'NOT MET'} {goal.goal}: {goal.value}"
