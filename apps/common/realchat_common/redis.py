"""Redis, for those who would rather fail soon than wait."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import AbstractContextManager, asynccontextmanager
from typing import Any

from redis.asyncio import BlockingConnectionPool, Redis
from redis.asyncio.client import Pipeline
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import RedisError

from realchat_common.errors import Code, RealChatError
from realchat_common.telemetry import client_span

CONNECTIONS = 32
CONNECT_SECONDS = 2.0


def _command_span(name: str) -> AbstractContextManager[object]:
    return client_span(f"redis {name}", {"db.system.name": "redis"})


class _TracedPipeline(Pipeline):
    """A pipeline that is one span, as it is one round trip."""

    async def execute(self, raise_on_error: bool = True) -> list[Any]:
        with _command_span("PIPELINE"):
            return await super().execute(raise_on_error)


class _TracedRedis(Redis):
    """A client whose commands are spans where the trace is sampled."""

    async def execute_command(self, *args: Any, **options: Any) -> Any:
        with _command_span(args[0]):
            return await super().execute_command(*args, **options)  # type: ignore[no-untyped-call]

    def pipeline(self, transaction: bool = True, shard_hint: str | None = None) -> Pipeline:
        return _TracedPipeline(self.connection_pool, self.response_callbacks, transaction, shard_hint)


def open_redis(url: str) -> Redis:
    """A client that fails soon. The one retry is for a pooled connection that a restarted Redis has forgotten.

    Commands need a deadline around them, as `answering` has it. With a `socket_timeout` redis-py sends by
    `asyncio.wait_for`, which in Python 3.11 loses a cancellation that meets the end of the write
    (python/cpython#86296), and costs a task.
    """
    return _TracedRedis.from_pool(
        BlockingConnectionPool.from_url(
            url,
            max_connections=CONNECTIONS,
            timeout=CONNECT_SECONDS,
            socket_timeout=None,
            socket_connect_timeout=CONNECT_SECONDS,
            retry=Retry(NoBackoff(), 1),
        )
    )


@asynccontextmanager
async def answering(seconds: float) -> AsyncIterator[None]:
    """Bounds the time of a block. Raises RealChatError unavailable when Redis does not answer in it."""
    try:
        async with asyncio.timeout(seconds):
            yield
    except (RedisError, OSError) as error:  # OSError: among them TimeoutError
        raise RealChatError(Code.UNAVAILABLE, "Redis does not answer") from error
