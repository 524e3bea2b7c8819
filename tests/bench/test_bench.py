"""The bench itself works: a tiny load on the tests' stack comes to a complete report. Nothing here is timed."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest
from bench.measure import measure
from bench.report import LATENCIES, STATISTICS, Report, report, table, written
from bench.scenarios import Goal, Scenario
from stack import Stack

TINY = (
    Scenario(
        "open", "an open loop", conversations=2, members=2, rate=20, goals=(Goal("send to ack", "p50", most=1e6),)
    ),
    Scenario("closed", "a closed loop", conversations=1, members=3, window=4),
)

pytestmark = pytest.mark.bench


async def test_a_tiny_load_comes_to_a_complete_report(stack: Stack, tmp_path: Path) -> None:
    results = await measure(stack, TINY, people=3, seconds=1, warm_up=0.2)
    path = tmp_path / "bench.json"
    written(report(stack, results), path)
    document = msgspec.json.decode(path.read_bytes(), type=Report)
    assert [result.name for result in document.results] == ["open", "closed"]
    for scenario, result in zip(TINY, document.results, strict=True):
        assert result.acknowledged == result.sent > 0
        assert result.received == result.sent * scenario.members
        assert (result.missing, result.pointers_missing, result.errors) == (0, 0, {})
        assert all(set(result.figures[name]) == set(STATISTICS) for name in LATENCIES)
        assert {"message-1", "message-1-sidecar", "kafka", "postgres"} <= result.cpu_seconds.keys()
        assert scenario.text in table(document.results)
    assert [goal.met for goal in document.results[0].goals] == [True]
