"""What an operator of `just up --observe` sees: everything is scraped, bounded, and one send is one trace."""

from __future__ import annotations

import json
import urllib.error
import urllib.request
from typing import Any

import pytest
from observability.conftest import Prometheus, Talk
from playwright.async_api import Browser, expect
from stack import Stack
from support.browsing import PICTURES
from support.chat import eventually

pytestmark = [pytest.mark.observed, pytest.mark.timeout(300)]

MOST_SERIES = 3_000
"""Of one process, whatever its users do; a metric that is labelled by user or conversation is soon beyond."""
TYPES = ("counter", "gauge", "histogram")
UNITS = {
    "seconds",
    "bytes",
    "info",
    "events",
    "messages",
    "entries",
    "conversations",
    "connections",
    "sockets",
    "users",
    "waiting",
}
BOUNDED = {"le", "instance", "job", "__name__"}


async def test_zipkin_shows_the_whole_way_of_a_message(observed: Stack, talk: Talk, browser: Browser) -> None:
    assert observed.observers
    url = f"{observed.observers.zipkin_url}/api/v2/trace/{talk.trace_id}"

    def whole() -> bool:
        found = spans(url)
        services = {span["localEndpoint"]["serviceName"] for span in found}
        names = {span["name"] for span in found}
        return (
            {"gateway", "message", "delivery"} <= services
            and "log append" in names
            and any(name.startswith("event chat.segment") for name in names)
        )

    await eventually(whole, "the trace is in Zipkin", 60)
    page = await browser.new_page(viewport={"width": 1500, "height": 1100})
    await page.goto(f"{observed.observers.zipkin_url}/zipkin/traces/{talk.trace_id}")
    await expect(page.get_by_text("log append").first).to_be_visible(timeout=60_000)
    PICTURES.mkdir(parents=True, exist_ok=True)
    await page.screenshot(path=PICTURES / "trace.png")


def spans(url: str) -> list[dict[str, Any]]:
    try:
        with urllib.request.urlopen(url, timeout=10) as answer:
            found: list[dict[str, Any]] = json.load(answer)
            return found
    except urllib.error.HTTPError:
        return []  # 404: not yet


async def test_every_application_sidecar_and_exporter_is_scraped(prometheus: Prometheus, talk: Talk) -> None:
    def down() -> list[str]:
        targets = prometheus.get("/api/v1/targets")["activeTargets"]
        return [f"{each['scrapeUrl']}: {each['lastError']}" for each in targets if each["health"] != "up"]

    await eventually(lambda: not down(), "all targets are up", 30)
    assert {row["metric"]["app"] for row in prometheus.query("realchat_app_info")} == {
        "gateway", "auth", "profile", "conversation", "message", "presence", "delivery",
    }  # fmt: skip


async def test_labels_have_few_values_and_none_of_a_person_or_a_conversation(
    prometheus: Prometheus, talk: Talk
) -> None:
    alice, bob = talk.people
    private = (alice.user_id, bob.user_id, alice.email, bob.email, alice.session_id, talk.conversation_id)
    series = prometheus.query('{__name__=~"realchat_.+|kafka_.+|dapr_.+"}')
    values = {
        (row["metric"]["__name__"], label, value)
        for row in series
        for label, value in row["metric"].items()
        if label not in BOUNDED
    }
    assert not [each for each in values if any(text in each[2] for text in private)]
    counts = prometheus.query('sum by (instance) (scrape_samples_scraped{job="apps"})')
    assert counts
    assert all(float(row["value"][1]) < MOST_SERIES for row in counts)


async def test_names_end_in_their_unit(prometheus: Prometheus, talk: Talk) -> None:
    metadata = prometheus.get("/api/v1/metadata")
    own = {
        name: entries[0] for name, entries in metadata.items() if name.startswith("realchat_") and "_probe_" not in name
    }
    assert own
    assert all(entry["help"] for entry in own.values())
    of_type = {kind: {name for name, entry in own.items() if entry["type"] == kind} for kind in TYPES}
    assert all(name.endswith("_total") for name in of_type["counter"])
    assert not [name for name in of_type["histogram"] | of_type["gauge"] if name.rpartition("_")[2] not in UNITS]
