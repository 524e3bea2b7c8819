"""What other services are owed: written in the transaction that causes it, delivered until it is taken.

So neither a crash nor an absent broker loses it. It may arrive twice, which both receivers take for once
(https://microservices.io/patterns/data/transactional-outbox.html).
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass
from uuid import UUID

from google.protobuf.message import Message
from prometheus_client import Counter
from sqlalchemy import BigInteger, cast, delete, func, update
from sqlalchemy.ext.asyncio import AsyncEngine
from sqlmodel import col, select

from realchat_auth.tables import Owed
from realchat_common.database import transaction
from realchat_common.ids import new_id
from realchat_common.telemetry import log

LEASE_MS = 5_000
"""Whoever is about to deliver something has so long, before others try."""
POLL_SECONDS = 1.0


@dataclass(frozen=True, slots=True)
class Pace:
    """How fast an outbox goes about it."""

    batch: int = 50
    """Deliveries at once."""
    lease_ms: int = LEASE_MS
    """How long they take at most; then somebody tries again."""
    most_doublings: int = 0
    """So often the wait between two attempts doubles."""


ATTEMPTS = Counter("realchat_auth_owed_attempts_total", "Attempts to deliver, by outcome.", ("kind", "outcome"))

Courier = Callable[[bytes], Awaitable[None]]
"""Delivers one payload. Raises when it was not taken."""


def owed(kind: str, message: Message, now_ms: int) -> Owed:
    """A debt to be written with its cause, which whoever writes it tries to settle first."""
    return Owed(owed_id=UUID(new_id()), kind=kind, payload=message.SerializeToString(), due_at_ms=now_ms + LEASE_MS)


class Outbox:
    """Delivers what is owed of some kinds. Kinds that take their time have an outbox of their own.

    Args:
        engine: auth's database.
        couriers: by kind.
        clock: milliseconds since the Unix epoch.
        pace: how fast.
    """

    def __init__(
        self,
        engine: AsyncEngine,
        couriers: Mapping[str, Courier],
        clock: Callable[[], int],
        pace: Pace = Pace(),
    ) -> None:
        self._engine = engine
        self._couriers = couriers
        self._clock = clock
        self._pace = pace

    async def deliver(self, debts: Iterable[Owed]) -> None:
        """Tries once. What is not taken stays owed, and `run` comes back to it."""
        async with asyncio.TaskGroup() as group:
            for debt in debts:
                group.create_task(self._deliver(debt))

    async def deliver_due(self) -> int:
        """Tries what is due, up to a batch of it; returns how much that was."""
        now_ms, pace = self._clock(), self._pace
        due = (
            select(Owed.owed_id)
            .where(col(Owed.due_at_ms) <= now_ms, col(Owed.kind).in_(self._couriers))
            .order_by(col(Owed.due_at_ms))
            .limit(pace.batch)
            .with_for_update(skip_locked=True)
        )
        doublings = func.least(col(Owed.attempts), pace.most_doublings)
        claim = (
            update(Owed)
            .where(col(Owed.owed_id).in_(due))
            .values(
                due_at_ms=now_ms + pace.lease_ms * cast(func.power(2, doublings), BigInteger),
                attempts=Owed.attempts + 1,
            )
            .returning(Owed)
        )
        async with transaction(self._engine) as session:
            debts = list((await session.exec(claim)).scalars())
        await self.deliver(debts)
        return len(debts)

    async def run(self) -> None:
        """Delivers what is due, for ever."""
        while True:
            if await self.deliver_due() < self._pace.batch:
                await asyncio.sleep(POLL_SECONDS)

    async def _deliver(self, debt: Owed) -> None:
        try:
            await self._couriers[debt.kind](debt.payload)
            async with transaction(self._engine) as session:
                await session.exec(delete(Owed).where(col(Owed.owed_id) == debt.owed_id))
        except Exception as error:  # what caused the debt is committed: whatever this is, it must not fail that
            log.warning("still owed", kind=debt.kind, owed_id=str(debt.owed_id), error=str(error))
            ATTEMPTS.labels(debt.kind, "failed").inc()
        else:
            ATTEMPTS.labels(debt.kind, "ok").inc()
