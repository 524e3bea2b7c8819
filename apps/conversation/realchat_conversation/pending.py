"""Changes that are decided and on their way to the log. They are written by store.py, in the deciding transactions."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import func
from sqlalchemy.ext.asyncio import AsyncEngine
from sqlmodel import col, delete, select, update

from chat.event.v1 import event_pb2
from realchat_common.database import transaction
from realchat_conversation.tables import PendingChangeRow

_waits = ~col(PendingChangeRow.appended)


class PendingChanges:
    """The table `pending_change`. Every method is a transaction, and raises unavailable without the database."""

    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = engine

    async def of(self, conversation_id: str) -> list[event_pb2.Event]:
        """The changes of a conversation that are not in the log yet, in the order of their decisions."""
        query = (
            select(PendingChangeRow.event)
            .where(PendingChangeRow.conversation_id == conversation_id, _waits)
            .order_by(col(PendingChangeRow.id))
        )
        async with transaction(self._engine) as session:
            return [event_pb2.Event.FromString(event) for event in await session.exec(query)]

    async def mark_appended(self, event_id: str) -> None:
        """Notes that a change is in the log. It is kept for the repetition of a request that was not answered."""
        async with transaction(self._engine) as session:
            await session.exec(
                update(PendingChangeRow).where(col(PendingChangeRow.event_id) == event_id).values(appended=True)
            )

    async def forget(self, event_id: str) -> None:
        """Drops a change that is in the log and whose request is answered now."""
        async with transaction(self._engine) as session:
            await session.exec(delete(PendingChangeRow).where(col(PendingChangeRow.event_id) == event_id))

    async def forget_unanswered(self, decided_before_ms: int) -> None:
        """Drops old changes that are in the log, though nobody has heard so."""
        async with transaction(self._engine) as session:
            await session.exec(
                delete(PendingChangeRow).where(
                    col(PendingChangeRow.appended), col(PendingChangeRow.decided_at_ms) < decided_before_ms
                )
            )

    async def leftovers(self, decided_before_ms: int, after: str | None, limit: int) -> Sequence[str]:
        """A page of conversations, by id, with changes that wait since before a time."""
        conversation_id = col(PendingChangeRow.conversation_id)
        query = (
            select(conversation_id)
            .where(_waits, PendingChangeRow.decided_at_ms < decided_before_ms)
            .distinct()
            .order_by(conversation_id)
            .limit(limit)
        )
        if after:
            query = query.where(conversation_id > after)
        async with transaction(self._engine) as session:
            return (await session.exec(query)).all()

    async def oldest_ms(self) -> int | None:
        """When the change was decided that waits for the longest."""
        async with transaction(self._engine) as session:
            return (await session.exec(select(func.min(PendingChangeRow.decided_at_ms)).where(_waits))).one()
