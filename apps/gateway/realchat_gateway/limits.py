"""Rate limits, counted in Redis in sliding windows that all replicas share."""

from __future__ import annotations

import asyncio
import ipaddress
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from limits import RateLimitItem
from limits.aio.storage import RedisStorage
from limits.aio.strategies import SlidingWindowCounterRateLimiter
from prometheus_client import Counter
from redis.asyncio import Redis
from redis.exceptions import RedisError

from realchat_common.telemetry import log

ANSWER_SECONDS = 1.0
"""How long a request waits for its count."""
PAUSE_SECONDS = 1.0
"""How long Redis is left alone after it failed, so that requests do not queue up in front of it."""

REFUSED = Counter("realchat_rate_limited_total", "Requests refused by a rate limit.", ("policy",))
UNCOUNTED = Counter("realchat_rate_limit_unavailable_total", "Requests let through because Redis was away.")


@dataclass(frozen=True, slots=True)
class Quota:
    """Where somebody stands with a policy."""

    policy: str
    limit: int
    window: int
    """Seconds."""
    remaining: int
    reset: int
    """Seconds until there is more."""
    granted: bool

    def headers(self) -> dict[str, str]:
        """As draft-ietf-httpapi-ratelimit-headers-10 writes it."""
        return {
            "RateLimit-Policy": f'"{self.policy}";q={self.limit};w={self.window}',
            "RateLimit": f'"{self.policy}";r={self.remaining};t={self.reset}',
        }


def address_group(host: str) -> str:
    """What counts as one address: an IPv4 address, or an IPv6 /64, which is what one customer gets (RFC 6177)."""
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return host
    if isinstance(address, ipaddress.IPv6Address):
        mapped = address.ipv4_mapped
        return str(mapped or ipaddress.ip_network((int(address), 64), strict=False))
    return str(address)


class Limits:
    """Counts requests against policies.

    When Redis is away every request is let through and counted in a metric: a chat that goes on without limits
    is better than none, and whoever can take Redis away gains only what the services' own limits leave.

    Args:
        redis: shared with the rest of the application.
        rates: the policies by name.
        clock: seconds since the epoch.
    """

    def __init__(
        self, redis: Redis, rates: Mapping[str, RateLimitItem], clock: Callable[[], float] = time.time
    ) -> None:
        storage = RedisStorage(
            "async+redis://",
            implementation="redispy",
            key_prefix="limits",
            connection_pool=redis.connection_pool,  # type: ignore[arg-type]  # the hint leaves out what the text allows
        )
        self._windows = SlidingWindowCounterRateLimiter(storage)
        self._rates = rates
        self._clock = clock
        self._paused_until = 0.0

    async def spend(self, *charges: tuple[str, str]) -> Quota | None:
        """Takes one request from each of several policies.

        Args:
            charges: a policy and whom it counts, most particular first.

        Returns:
            The first that has nothing left, else the most particular one; None when nothing could be counted.
        """
        if self._clock() < self._paused_until:
            UNCOUNTED.inc()
            return None
        try:
            async with asyncio.timeout(ANSWER_SECONDS):
                granted = await asyncio.gather(
                    *(self._windows.hit(self._rates[name], name, who) for name, who in charges)
                )
                shown = granted.index(False) if False in granted else 0
                return await self._quota(*charges[shown], granted=granted[shown])
        except (RedisError, OSError, TimeoutError) as error:
            self._paused_until = self._clock() + PAUSE_SECONDS
            UNCOUNTED.inc()
            log.warning("rate limits are off", error=str(error))
            return None

    async def _quota(self, policy: str, who: str, *, granted: bool) -> Quota:
        rate = self._rates[policy]
        stats = await self._windows.get_window_stats(rate, policy, who)
        if not granted:
            REFUSED.labels(policy).inc()
        return Quota(
            policy=policy,
            limit=rate.amount,
            window=rate.get_expiry(),
            remaining=stats.remaining if granted else 0,
            reset=max(1, round(stats.reset_time - self._clock())),
            granted=granted,
        )
