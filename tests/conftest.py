"""The real parts that tests stand on: one stack of its own, started as far as the chosen tests need it."""

from __future__ import annotations

import uuid
from collections.abc import AsyncIterator, Iterator

import asyncpg
import pytest
from redis.asyncio import Redis
from stack import Stack
from support.confidential import repeated, said
from support.traces import Traces, exporting, free_port, received

pytest_plugins = ["support.fixtures"]

RELAXED = {
    # The limits have tests of their own; everybody here comes from one address.
    f"REALCHAT_RATE_{name}": "1000000/minute"
    for name in ("LOGIN", "ANONYMOUS", "READ", "WRITE", "ADDRESS")
}


CHEAP = {
    "REALCHAT_ARGON2_MEMORY_KIB": "19456",
    "REALCHAT_ARGON2_TIME_COST": "2",
    "REALCHAT_ARGON2_PARALLELISM": "1",
}
"""The least that OWASP allows: the tests register hundreds of people."""

LOCAL = {"REALCHAT_WEBHOOKS_PRIVATE": "true"}
"""Whom the tests' webhooks call is on this machine."""

HASTY = {"REALCHAT_JANITOR_AFTER_SECONDS": "8", "REALCHAT_REMIND_AFTER_SECONDS": "2"}
"""So that tests need not wait as long as one would in production."""


@pytest.fixture(scope="session")
def otlp_port() -> int:
    """Where the stack sends its traces; a test that wants them receives there."""
    return free_port()


TRACED = 0.0001
"""Only what a client asks to be traced is: the ratio for everything else is next to nothing."""


@pytest.fixture(scope="session")
def _own_stack(otlp_port: int) -> Iterator[Stack]:
    env = {**RELAXED, **CHEAP, **HASTY, **LOCAL, **exporting(otlp_port, TRACED)}
    stack = Stack("test", replicas={"message": 2, "delivery": 2}, env=env)
    stack.forget()  # an interrupted run's processes, and what this machine's earlier logins would be counted with
    yield stack
    stack.stop()
    assert repeated(stack.log("").parent, said()) == [], "logs repeat what was said in confidence"


@pytest.fixture(scope="session")
def backing(_own_stack: Stack) -> Stack:
    """PostgreSQL, Redis and Kafka run."""
    _own_stack.start(infra_only=True)
    return _own_stack


@pytest.fixture(scope="session")
async def traces(otlp_port: int) -> AsyncIterator[Traces]:
    """What the stack's traces are; received from the start, for exporters that find nobody wait ever longer."""
    async with received(otlp_port) as traces:
        yield traces


@pytest.fixture(scope="session")
def stack(backing: Stack, traces: Traces) -> Stack:
    """All seven apps run, two replicas each of message and delivery."""
    backing.start()
    return backing


@pytest.fixture
async def postgres_url(backing: Stack) -> AsyncIterator[str]:
    """A fresh, empty database; its role owns it."""
    name = f"test_{uuid.uuid4().hex}"
    administrator = await asyncpg.connect(backing.postgres_url)
    await administrator.execute(f"CREATE DATABASE {name}")
    yield backing.postgres_url.rpartition("/")[0] + f"/{name}"
    await administrator.execute(f"DROP DATABASE {name} WITH (FORCE)")
    await administrator.close()


@pytest.fixture
async def redis_url(backing: Stack) -> AsyncIterator[str]:
    """An empty Redis database that no application uses."""
    url = backing.redis_url.rpartition("/")[0] + "/1"
    async with Redis.from_url(url) as redis:
        await redis.flushdb()
        yield url
