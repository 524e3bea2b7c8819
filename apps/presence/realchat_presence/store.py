"""Where presence is kept: heartbeats in Redis, last seen in a Dapr state store.

Each user has one sorted set in Redis: a device's connection id, scored with the time at which its heartbeat ends, in
milliseconds, and negative while the device is away. So one ZADD replaces all that is known of a device, counting
needs no transfer of the devices (ZCOUNT from now up, and from minus now down), and what is stale lies between the two
and goes with one ZREMRANGEBYSCORE, which a hash with a time in each value could not do. The key itself expires with
its last heartbeat. Nothing here needs to outlive a restart of Redis: the next heartbeats bring it back.
"""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import NamedTuple, Protocol

import grpc
from dapr.aio.clients import DaprClient
from dapr.clients.grpc._state import StateItem  # the SDK exports it nowhere
from redis.asyncio import Redis
from redis.asyncio.client import Pipeline

from realchat_common.errors import Code, RealChatError
from realchat_common.redis import answering
from realchat_presence.domain import DEVICE_MS, SAVE_EVERY_MS, Device, Status, status_of

DEADLINE_SECONDS = 1.0
"""For each round trip: presence that comes late is of no use."""
PARALLELISM = 32
"""Keys that the sidecar reads at once; its default reads one after another."""

LAST_SEEN_STORE = "last-seen"


def _devices_key(user_id: str) -> str:
    return f"presence:devices:{user_id}"


def _saved_key(user_id: str) -> str:
    return f"presence:saved:{user_id}"


def _count(pipeline: Pipeline, key: str, now_ms: int) -> None:
    """Asks for the arguments of `status_of`."""
    pipeline.zcount(key, now_ms, "+inf")
    pipeline.zcount(key, "-inf", -now_ms)


class Beat(NamedTuple):
    """What heartbeats have brought about."""

    due: list[str]
    """Users whose last seen is to be saved: no one was told so in the last `SAVE_EVERY_MS`."""
    changed: dict[str, Status]
    """Users whose state is another one now."""


class Heartbeats:
    """The living devices, in Redis. Every method is one round trip and raises unavailable when Redis is away."""

    def __init__(self, redis: Redis) -> None:
        self._redis = redis

    async def beat(self, devices: Iterable[Device], now_ms: int) -> Beat:
        """Lets devices count for `DEVICE_MS` from now.

        Of several beats and leaves of one user at once, at least the last one to look sees what they have changed.
        """
        scores: defaultdict[str, dict[str, int]] = defaultdict(dict)
        ends = now_ms + DEVICE_MS
        for device in devices:
            scores[device.user_id][device.connection_id] = -ends if device.away else ends
        async with answering(DEADLINE_SECONDS), self._redis.pipeline(transaction=False) as pipeline:
            for user_id, devices_scores in scores.items():
                key = _devices_key(user_id)
                _count(pipeline, key, now_ms)
                pipeline.zadd(key, devices_scores)
                pipeline.zremrangebyscore(key, f"({-now_ms}", f"({now_ms}")
                pipeline.pexpire(key, DEVICE_MS)
                pipeline.set(_saved_key(user_id), 1, nx=True, px=SAVE_EVERY_MS)
                _count(pipeline, key, now_ms)
            replies = await pipeline.execute()
        beat = Beat([], {})
        for place, user_id in enumerate(scores):
            active, away, _, _, _, due, active_now, away_now = replies[8 * place : 8 * place + 8]
            after = status_of(active_now, away_now)
            if after is not status_of(active, away):
                beat.changed[user_id] = after
            if due:
                beat.due.append(user_id)
        return beat

    async def leave(self, user_id: str, connection_id: str, now_ms: int) -> tuple[Status, Status]:
        """Forgets a device.

        A transaction, so that of two last devices that leave at once, one sees that it was the last.

        Returns:
            The user's state before, and after.
        """
        key = _devices_key(user_id)
        async with answering(DEADLINE_SECONDS), self._redis.pipeline(transaction=True) as pipeline:
            _count(pipeline, key, now_ms)
            pipeline.zrem(key, connection_id)
            pipeline.zremrangebyscore(key, f"({-now_ms}", f"({now_ms}")
            _count(pipeline, key, now_ms)
            replies = await pipeline.execute()
        return status_of(*replies[:2]), status_of(*replies[-2:])

    async def statuses(self, user_ids: Sequence[str], now_ms: int) -> dict[str, Status]:
        """The state of each user."""
        async with answering(DEADLINE_SECONDS), self._redis.pipeline(transaction=False) as pipeline:
            for user_id in user_ids:
                _count(pipeline, _devices_key(user_id), now_ms)
            counts = await pipeline.execute()
        return {
            user_id: status_of(active, away)
            for user_id, active, away in zip(user_ids, counts[::2], counts[1::2], strict=True)
        }

    async def ping(self) -> None:
        """Raises unavailable when Redis does not answer."""
        async with answering(DEADLINE_SECONDS):
            await self._redis.ping()


class LastSeen(Protocol):
    """When users were last connected. Raises unavailable when it cannot tell."""

    async def save(self, user_ids: Sequence[str], at_ms: int) -> None:
        """Notes a time for users, at least one."""

    async def load(self, user_ids: Sequence[str]) -> Mapping[str, int]:
        """The times of those that were ever seen, in milliseconds."""


@asynccontextmanager
async def _stored() -> AsyncIterator[None]:
    """Bounds the time of a block and turns the failures of the store into unavailable."""
    try:
        async with asyncio.timeout(DEADLINE_SECONDS):
            yield
    except (grpc.RpcError, OSError) as error:  # OSError: among them TimeoutError
        raise RealChatError(Code.UNAVAILABLE, f"{LAST_SEEN_STORE} does not answer") from error


class DaprLastSeen:
    """`LastSeen` in the Dapr state store `last-seen`, which outlives the heartbeats."""

    def __init__(self, client: DaprClient) -> None:
        self._client = client

    async def save(self, user_ids: Sequence[str], at_ms: int) -> None:
        states = [StateItem(key=user_id, value=str(at_ms)) for user_id in user_ids]
        async with _stored():
            await self._client.save_bulk_state(LAST_SEEN_STORE, states)

    async def load(self, user_ids: Sequence[str]) -> Mapping[str, int]:
        async with _stored():
            answer = await self._client.get_bulk_state(LAST_SEEN_STORE, user_ids, parallelism=PARALLELISM)
        if any(item.error for item in answer.items):
            raise RealChatError(Code.UNAVAILABLE, f"{LAST_SEEN_STORE} does not answer")
        return {item.key: int(item.data) for item in answer.items if item.data}
