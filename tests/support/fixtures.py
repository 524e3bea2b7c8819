"""People on the whole, real system, and their browser."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Iterator

import httpx
import pytest
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from playwright.async_api import Browser, async_playwright
from stack import Stack, tools
from support import contract
from support.chat import Person

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
