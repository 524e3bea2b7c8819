"""Sessions that have ended while their access tokens have not."""

from __future__ import annotations

import asyncio
import time
from collections import OrderedDict
from collections.abc import Callable, Iterable

from redis.asyncio import Redis
from redis.exceptions import RedisError

from realchat_common.telemetry import log

KEEP_SECONDS = 17 * 60
"""An access token's 15 minutes, the leeway of its check, and a minute for clocks that differ."""
MOST = 100_000
ANSWER_SECONDS = 2.0
RELOAD_SECONDS = 15.0
KEY = "revoked-sessions"
"""A sorted set: session id by the time of its end, in seconds."""


class RevokedSessions:
    """Knows in memory which sessions have ended; Redis hands the knowledge to replicas that were not there.

    Events reach the replicas that run. One that starts takes the rest from Redis, and again every 15 s, for what
    happened between its first look and its joining of the topic. What nobody saw, because no replica ran, is not known:
    such a token works until it expires, 15 minutes at most.

    Args:
        redis: where the replicas share what they know.
        clock: seconds since the epoch.
    """

    def __init__(self, redis: Redis, clock: Callable[[], float] = time.time) -> None:
        self._redis = redis
        self._clock = clock
        self._ended: OrderedDict[str, float] = OrderedDict()

    def __contains__(self, session_id: str) -> bool:
        ended_at = self._ended.get(session_id)
        return ended_at is not None and ended_at > self._clock() - KEEP_SECONDS

    async def add(self, session_id: str) -> None:
        """Refuses a session from now on. What Redis does not take is still known here."""
        await self.add_all([session_id])

    async def add_all(self, session_ids: Iterable[str]) -> None:
        """Refuses sessions from now on."""
        now = self._clock()
        ended = dict.fromkeys(session_ids, now)
        if not ended:
            return
        for session_id in ended:
            self._remember(session_id, now)
        try:
            async with asyncio.timeout(ANSWER_SECONDS), self._redis.pipeline(transaction=False) as pipe:
                pipe.zadd(KEY, ended, nx=True)
                pipe.zremrangebyscore(KEY, "-inf", now - KEEP_SECONDS)
                pipe.expire(KEY, KEEP_SECONDS)
                await pipe.execute()
        except (RedisError, OSError) as error:
            log.warning("revoked session not shared", error=str(error))

    async def load(self) -> None:
        """Takes over what other replicas know. Raises RedisError or OSError when Redis is away."""
        async with asyncio.timeout(ANSWER_SECONDS):
            recent: list[tuple[bytes, float]] = await self._redis.zrange(  # type: ignore[assignment]
                KEY, "inf", self._clock() - KEEP_SECONDS, byscore=True, desc=True, withscores=True, offset=0, num=MOST
            )
        for session_id, ended_at in reversed(recent):
            self._remember(session_id.decode(), ended_at)

    async def follow(self) -> None:
        """Loads again and again."""
        while True:
            await self.load()
            await asyncio.sleep(RELOAD_SECONDS)

    def _remember(self, session_id: str, ended_at: float) -> None:
        self._ended.setdefault(session_id, ended_at)
        horizon = self._clock() - KEEP_SECONDS
        while self._ended and (len(self._ended) > MOST or next(iter(self._ended.values())) < horizon):
            self._ended.popitem(last=False)
