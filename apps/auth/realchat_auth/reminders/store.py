"""Reminders in auth's database. Each method is one transaction."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from uuid import UUID

from sqlalchemy import func, update
from sqlalchemy.ext.asyncio import AsyncEngine
from sqlmodel import col, select

from realchat_auth.credentials.domain import Purpose
from realchat_auth.credentials.letters import MAIL, letter
from realchat_auth.reminders.domain import Person
from realchat_auth.tables import Account, Owed, Session
from realchat_common.database import transaction

CLAIM_MS = 60_000
"""Whoever looks after somebody has so long, before others do."""


class ReminderStore:
    """Reads and writes who is reminded."""

    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = engine

    async def claim(self, now_ms: int, limit: int) -> list[Person]:
        """Some of those whose time has come, whom nobody else gets meanwhile. Nobody while mails wait to be sent."""
        waiting = select(Owed.owed_id).where(col(Owed.due_at_ms) <= now_ms, Owed.kind == MAIL).limit(1)
        due = (
            select(Account.user_id)
            .where(
                col(Account.reminders),
                col(Account.email_verified_at_ms).is_not(None),
                col(Account.suspended_at_ms).is_(None),
                Account.remind_at_ms <= now_ms,
            )
            .order_by(col(Account.remind_at_ms))
            .limit(limit)
            .with_for_update(skip_locked=True)
        )
        seen = select(func.max(Session.last_seen_at_ms)).where(Session.user_id == Account.user_id).scalar_subquery()
        claimed = (
            update(Account)
            .where(col(Account.user_id).in_(due))
            .values(remind_at_ms=now_ms + CLAIM_MS)
            .returning(
                col(Account.user_id),
                func.coalesce(seen, Account.created_at_ms),
                col(Account.reminded_at_ms),
                col(Account.reminded_read_mark),
            )
        )
        async with transaction(self._engine) as db:
            if (await db.exec(waiting)).first():
                return []
            return [Person(str(user_id), *rest) for user_id, *rest in await db.exec(claimed)]

    async def remind(self, person: Person, read_mark: int, lines: Sequence[str], now_ms: int) -> bool:
        """Writes a mail, unless somebody else has, or it is not wanted any more. Returns whether it did."""
        reminded = (
            update(Account)
            .where(
                col(Account.user_id) == UUID(person.user_id),
                col(Account.reminders),
                col(Account.reminded_at_ms).is_not_distinct_from(person.reminded_at_ms),
            )
            .values(reminded_at_ms=now_ms, reminded_read_mark=read_mark)
        )
        async with transaction(self._engine) as db:
            if not (await db.exec(reminded)).rowcount:
                return False
            db.add(letter(Purpose.REMIND, "", now_ms, person.user_id, lines))
            return True

    async def look_again(self, at_ms: Mapping[str, int]) -> None:
        """Lets people be claimed again from a time on, each from their own."""
        async with transaction(self._engine) as db:
            for user_id in sorted(at_ms):  # in one order, so that two never wait for each other
                await db.exec(
                    update(Account).where(col(Account.user_id) == UUID(user_id)).values(remind_at_ms=at_ms[user_id])
                )
