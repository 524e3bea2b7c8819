"""The real parts that tests stand on: one stack of its own, started as far as the chosen tests need it."""

from __future__ import annotations

import uuid
from collections.abc import AsyncIterator, Iterator

import asyncpg
import pytest
from redis.asyncio import Redis
from stack import Stack

pytest_plugins = ["support.fixtures"]

RELAXED = {
    # The limits have tests of their own; everybody here comes from one address.
    f"REALCHAT_RATE_{name}": "1000000/minute"
    for name in ("LOGIN", "ANONYMOUS", "READ", "WRITE", "ADDRESS")
}


HASTY = {"REALCHAT_JANITOR_AFTER_SECONDS": "8"}
"""So that the tests of faults need not wait as long as one would in production."""


@pytest.fixture(scope="session")
def _own_stack() -> Iterator[Stack]:
    stack = Stack("test", replicas={"message": 2, "delivery": 2}, env={**RELAXED, **HASTY})
    stack.stop()  # what an interrupted run left behind
    yield stack
    stack.stop()


@pytest.fixture(scope="session")
def backing(_own_stack: Stack) -> Stack:
    """PostgreSQL, Redis and Kafka run."""
    _own_stack.start(infra_only=True)
    return _own_stack


@pytest.fixture(scope="session")
def stack(backing: Stack) -> Stack:
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
