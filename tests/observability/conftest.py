"""A stack that Zipkin and Prometheus watch, and people who use all of it."""

from __future__ import annotations

import json
import urllib.parse
import urllib.request
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from typing import Any

import httpx
import pytest
from stack import Stack, StackError
from stack.tools import install_observers
from support.chat import Device, Person, online


@pytest.fixture(scope="session")
def observed() -> Iterator[Stack]:
    """As `just up --observe` starts it, on ports of its own."""
    try:
        install_observers()
    except StackError as error:
        pytest.skip(str(error))
    stack = Stack("observed", observe=True)
    stack.stop()  # what an interrupted run left behind
    stack.start()
    yield stack
    stack.stop()


@dataclass(frozen=True)
class Prometheus:
    """Prometheus's HTTP API."""

    url: str

    def query(self, expression: str) -> list[dict[str, Any]]:
        """The instant vector or scalar of an expression; raises when it is refused."""
        arguments = urllib.parse.urlencode({"query": expression})
        with urllib.request.urlopen(f"{self.url}/api/v1/query?{arguments}", timeout=10) as answer:
            result = json.load(answer)["data"]["result"]
        return [each for each in result if isinstance(each, dict)]

    def get(self, path: str) -> Any:
        with urllib.request.urlopen(f"{self.url}{path}", timeout=10) as answer:
            return json.load(answer)["data"]


@pytest.fixture(scope="session")
def prometheus(observed: Stack) -> Prometheus:
    assert observed.observers
    return Prometheus(observed.observers.prometheus_url)


@dataclass(frozen=True)
class Talk:
    """What was said."""

    people: tuple[Person, Person]
    conversation_id: str
    trace_id: str


@pytest.fixture(scope="session")
async def talk(observed: Stack) -> AsyncIterator[Talk]:
    """A little of everything: requests, also refused ones, a direct conversation over sockets, a reconnection."""
    async with httpx.AsyncClient(base_url=observed.web_url, timeout=20) as http:
        alice, bob = await Person.registers(http, "Alice"), await Person.registers(http, "Bob")
        conversation_id = await alice.talks_to(bob)
        trace_id = "0af7651916cd43dd8448eb211c80319c"
        urls = [observed.socket_url]
        talkers = Device(alice, urls), Device(bob, urls)
        async with online(*talkers):
            for number in range(20):
                await talkers[number % 2].sends(conversation_id, f"number {number}")
            await talkers[1].drops()
            answer = await alice.asks(
                "POST",
                f"/v1/conversations/{conversation_id}/messages",
                json={"body": "traced"},
                headers={"traceparent": f"00-{trace_id}-b7ad6b7169203331-01"},
            )
            await talkers[1].reaches(conversation_id, answer["seq"])
            await http.get("/v1/nothing")
            await http.get("/v1/users/me")
            yield Talk((alice, bob), conversation_id, trace_id)
