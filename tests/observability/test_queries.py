"""Dashboards and rules ask for what there is: every query, on a real Prometheus, of a real stack that was used."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
import yaml
from observability.conftest import Prometheus, Talk
from observe.dashboards import APPS, DASHBOARDS, FOLDER, render
from stack import paths
from support.chat import eventually

pytestmark = [pytest.mark.observed, pytest.mark.timeout(300)]

RULES = FOLDER.parent / "rules.yaml"
RUNBOOK = (FOLDER.parent / "RUNBOOK.md").read_text()
WINDOW = "5m"
TABLES = paths.ROOT / ".artifacts" / "dashboards"
"""What each dashboard shows, for people to look at."""


def dashboards() -> list[Path]:
    return sorted(FOLDER.glob("*.json"))


def queries(dashboard: Path) -> list[str]:
    document = json.loads(dashboard.read_text())
    return [target["expr"] for panel in document["panels"] for target in panel["targets"]]


def rules() -> list[dict[str, Any]]:
    return [rule for group in yaml.safe_load(RULES.read_text())["groups"] for rule in group["rules"]]


def operands(expression: str) -> list[str]:
    """What an alert compares, without the comparison, which is not to hold."""
    parts = re.split(r"\s+and\s+", expression)
    return [re.split(r"\s(?:>|==)\s", part, maxsplit=1)[0] for part in parts]


@pytest.mark.parametrize("dashboard", dashboards(), ids=lambda path: path.stem)
async def test_every_query_of_a_dashboard_has_data(dashboard: Path, prometheus: Prometheus, talk: Talk) -> None:
    asked = queries(dashboard)

    assert asked
    table = []
    for query in asked:
        await eventually(lambda: all(answers(prometheus, query)), f"{query} has data", 60)  # noqa: B023
        values = [row["value"][1] for answer in answers(prometheus, query) for row in answer]
        table.append(f"{query}\n    {' '.join(values)}\n")
    TABLES.mkdir(parents=True, exist_ok=True)
    (TABLES / f"{dashboard.stem}.txt").write_text("".join(table))


def answers(prometheus: Prometheus, query: str) -> list[list[dict[str, Any]]]:
    """What there is; where the query depends on the choice of an application, for each of them."""
    concrete = query.replace("$__rate_interval", WINDOW)
    choices = APPS if "$app" in concrete else ("",)
    return [prometheus.query(concrete.replace("$app", app)) for app in choices]


@pytest.mark.parametrize("rule", rules(), ids=lambda rule: rule.get("alert") or rule["record"])
async def test_what_a_rule_looks_at_is_there(rule: dict[str, Any], prometheus: Prometheus, talk: Talk) -> None:
    for operand in operands(rule["expr"]):
        await eventually(lambda: bool(prometheus.query(operand)), f"{operand} has data", 60)  # noqa: B023


def test_the_dashboards_are_as_they_are_written() -> None:
    assert {path.name: path.read_text() for path in dashboards()} == {
        f"{dashboard.uid.removeprefix('realchat-')}.json": render(dashboard) for dashboard in DASHBOARDS
    }


@pytest.mark.parametrize("rule", [rule for rule in rules() if "alert" in rule], ids=lambda rule: rule["alert"])
def test_an_alert_says_what_to_do_and_has_a_test(rule: dict[str, Any]) -> None:
    page, _, anchor = rule["annotations"]["runbook_url"].partition("#")
    headings = re.findall(r"^## (\w+)$", RUNBOOK, re.MULTILINE)
    assert page == "RUNBOOK.md"
    assert rule["alert"] in headings
    assert anchor == rule["alert"].lower()
    assert f'alertname="{rule["alert"]}"' in (FOLDER.parent / "rules_test.yaml").read_text()
