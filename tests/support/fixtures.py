"""People on the whole, real system, and their browser."""

from __future__ import annotations

import os
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from pathlib import Path

import httpx
import pytest
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from playwright.async_api import Browser, async_playwright
from stack import Stack, tools
from support import contract
from support.chat import Person
from support.confidential import confide
from support.terminal import NewTerminal, Terminal

from realchat_common import telemetry

NewPerson = Callable[[str], Awaitable[Person]]
FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--disable-background-networking", "--disable-sync"]


@pytest.fixture
async def browser() -> AsyncIterator[Browser]:
    """The system's Chromium."""
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=str(tools.browser()), args=FLAGS)
        yield browser
        await browser.close()


@pytest.fixture
def spans(monkeypatch: pytest.MonkeyPatch) -> Iterator[InMemorySpanExporter]:
    """All spans that end in this process, whose traces are all sampled."""
    spans, provider = InMemorySpanExporter(), TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(spans))
    monkeypatch.setattr(telemetry, "tracer", provider.get_tracer("test"))
    yield spans
    provider.shutdown()


@pytest.fixture(scope="session")
async def http(stack: Stack) -> AsyncIterator[httpx.AsyncClient]:
    """The gateway."""
    async with httpx.AsyncClient(base_url=stack.web_url, timeout=20) as client:
        yield client


@pytest.fixture(scope="session")
def socket_urls(stack: Stack) -> list[str]:
    """Each delivery replica's socket."""
    return [url.replace("http:", "ws:") + "/v1/socket" for url in stack.urls("delivery")]


@pytest.fixture(autouse=True)
def frames_keep_the_contract() -> Iterator[None]:
    """Fails a test whose sockets have said, or heard, what contracts/asyncapi.yaml does not allow."""
    contract.broken.clear()
    yield
    assert contract.broken == []


@pytest.fixture
def person(http: httpx.AsyncClient) -> NewPerson:
    """Registers somebody."""

    async def register(name: str) -> Person:
        return await Person.registers(http, name)

    return register


@pytest.fixture
def email() -> str:
    """Of somebody who is not registered yet."""
    address = f"cli-{uuid.uuid4().hex[:12]}@example.org"
    confide(address)
    return address


@pytest.fixture
def terminal(stack: Stack, tmp_path: Path) -> Iterator[NewTerminal]:
    """Starts `realchat …` with a configuration of its own."""
    terminals: list[Terminal] = []
    env = {**os.environ, "XDG_CONFIG_HOME": str(tmp_path), "TERM": "xterm-256color", "NO_COLOR": "1"}
    env.pop("REALCHAT_URL", None)

    def start(*arguments: str) -> Terminal:
        terminals.append(Terminal(env, *arguments))
        return terminals[-1]

    yield start
    for each in terminals:
        each.close()
