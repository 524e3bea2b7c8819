"""Roles, suspensions, reports, dead letters and the audit log in auth's database. Each method is one transaction.

Invariants, with the tests that break when they go (tests/service/auth/test_administration.py): what an administrator
does is written down in the transaction that does it; whoever keeps another one out, or takes their role, is an
administrator at that moment, so one is left.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TypeVar
from uuid import UUID

from sqlalchemy import delete
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncEngine
from sqlalchemy.orm import Mapped, defer
from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession
from sqlmodel.sql.expression import SelectOfScalar

from realchat_auth.bots.store import end_keys
from realchat_auth.outbox import LEASE_MS
from realchat_auth.store import Ended, end_all, locked_account
from realchat_auth.tables import Account, Audit, Bot, DeadLetter, Owed, Report
from realchat_common.database import transaction
from realchat_common.errors import Code, RealChatError
from realchat_common.ids import new_id

ADMIN, MEMBER = "admin", "member"
ONLY_ADMINISTRATORS = "only administrators may do this"

KEPT_MS = 25 * 3_600_000
"""For how long after their publication events are kept here: as in their topics (dev/kafka/topics.yaml), since messages
that were deleted for everyone are in them."""
REPLAY = "dead-letter"
"""What is owed: a letter that is put back."""

Row = TypeVar("Row", Account, Report, Audit, DeadLetter)


class AdministrationStore:
    """Reads and writes what administrators see and do."""

    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = engine

    async def is_admin(self, user_id: str) -> bool:
        """Whether somebody is an administrator now."""
        async with transaction(self._engine) as db:
            return _administers(await db.get(Account, UUID(user_id)))

    async def users(self, email_prefix: str, suspended_only: bool, before: UUID | None, limit: int) -> list[Account]:
        """Accounts, newest first.

        Args:
            email_prefix: how their emails' keys begin.
            suspended_only: leaves the others out.
            before: the last of the page before.
            limit: at most.
        """
        query = select(Account).where(col(Account.email_key).startswith(email_prefix, autoescape=True))
        if suspended_only:
            query = query.where(col(Account.suspended_at_ms).is_not(None))
        return await self._page(query, col(Account.user_id), before, limit)

    async def suspend(self, user_id: str, actor_id: str, reason: str, now_ms: int) -> Ended:
        """Suspends an account and ends its sessions and its bots' keys. Raises permission_denied, user_not_found."""
        async with transaction(self._engine) as db:
            account = await _acted_upon(db, user_id, actor_id)
            if account.suspended_at_ms is not None:
                return Ended([], [])
            account.suspended_at_ms, account.suspension_reason = now_ms, reason
            _note(db, actor_id, "user.suspend", account.user_id, reason, now_ms)
            sessions = await end_all(db, account.user_id, now_ms)
            bots = (await db.exec(select(Bot.bot_id).where(Bot.owner_id == account.user_id))).all()
            keys = await end_keys(db, bots, now_ms)
            return sessions + keys

    async def unsuspend(self, user_id: str, actor_id: str, now_ms: int) -> None:
        """Lets an account in again. Raises user_not_found."""
        async with transaction(self._engine) as db:
            account = await locked_account(db, user_id)
            if account.suspended_at_ms is not None:
                account.suspended_at_ms, account.suspension_reason = None, ""
                _note(db, actor_id, "user.unsuspend", account.user_id, "", now_ms)

    async def set_role(self, user_id: str, actor_id: str, role: str, now_ms: int) -> None:
        """Gives an account another role. Raises permission_denied, user_not_found."""
        async with transaction(self._engine) as db:
            _give(db, await _acted_upon(db, user_id, actor_id), role, actor_id, now_ms)

    async def appoint(self, user_id: str, actor: str, now_ms: int) -> None:
        """Makes an account an administrator for whom no administrator says so. Raises user_not_found."""
        async with transaction(self._engine) as db:
            _give(db, await locked_account(db, user_id), ADMIN, actor, now_ms)

    async def add_report(self, report: Report) -> UUID:
        """Adds a report; returns its id, or that of the same person's earlier one about the same message."""
        async with transaction(self._engine) as db:
            await db.exec(insert(Report).values(report.model_dump()).on_conflict_do_nothing())
            return (
                await db.exec(
                    select(Report.report_id).where(
                        Report.reporter_id == report.reporter_id, Report.message_id == report.message_id
                    )
                )
            ).one()

    async def reports(self, open_only: bool, before: UUID | None, limit: int) -> list[Report]:
        """Reports, newest first."""
        query = select(Report)
        if open_only:
            query = query.where(col(Report.resolved_at_ms).is_(None))
        return await self._page(query, col(Report.report_id), before, limit)

    async def resolve(self, report_id: str, actor_id: str, resolution: str, now_ms: int) -> None:
        """Closes a report; one that is closed stays as it is. Raises report_not_found."""
        async with transaction(self._engine) as db:
            report = (
                await db.exec(select(Report).where(Report.report_id == UUID(report_id)).with_for_update())
            ).first()
            if report is None:
                raise RealChatError(Code.REPORT_NOT_FOUND)
            if report.resolved_at_ms is None:
                report.resolved_at_ms, report.resolved_by, report.resolution = now_ms, UUID(actor_id), resolution
                _note(db, actor_id, "report.resolve", report.report_id, resolution, now_ms)

    async def audit(self, before: UUID | None, limit: int) -> list[Audit]:
        """What administrators did, newest first."""
        return await self._page(select(Audit), col(Audit.entry_id), before, limit)

    async def add_dead_letters(self, letters: Iterable[DeadLetter]) -> None:
        """Keeps letters, each once."""
        async with transaction(self._engine) as db:
            for letter in letters:
                await db.exec(insert(DeadLetter).values(letter.model_dump()).on_conflict_do_nothing())

    async def dead_letters(self, before: UUID | None, limit: int) -> list[DeadLetter]:
        """Letters without their content, newest first."""
        query = select(DeadLetter).options(defer(DeadLetter.content, raiseload=True))  # type: ignore[arg-type]
        return await self._page(query, col(DeadLetter.letter_id), before, limit)

    async def dead_letter(self, letter_id: UUID) -> DeadLetter | None:
        """A letter, if it is still there."""
        async with transaction(self._engine) as db:
            return await db.get(DeadLetter, letter_id)

    async def read_dead_letter(self, letter_id: str, actor_id: str, now_ms: int) -> DeadLetter:
        """A letter, for an administrator. Raises dead_letter_not_found."""
        async with transaction(self._engine) as db:
            letter = await _letter(db, letter_id)
            _note(db, actor_id, "dead_letter.read", letter.letter_id, letter.topic, now_ms)
            return letter

    async def replay_dead_letter(self, letter_id: str, actor_id: str, now_ms: int) -> Owed:
        """Has a letter put back. Raises dead_letter_not_found."""
        async with transaction(self._engine) as db:
            letter = await _letter(db, letter_id)
            letter.replayed_at_ms = now_ms
            _note(db, actor_id, "dead_letter.replay", letter.letter_id, letter.topic, now_ms)
            debt = Owed(
                owed_id=UUID(new_id()), kind=REPLAY, payload=letter.letter_id.bytes, due_at_ms=now_ms + LEASE_MS
            )
            db.add(debt)
            return debt

    async def purge_dead_letters(self, now_ms: int) -> None:
        """Forgets those that their topic has forgotten, too."""
        async with transaction(self._engine) as db:
            await db.exec(delete(DeadLetter).where(col(DeadLetter.at_ms) < now_ms - KEPT_MS))

    async def _page(self, query: SelectOfScalar[Row], key: Mapped[UUID], before: UUID | None, limit: int) -> list[Row]:
        if before:
            query = query.where(key < before)
        async with transaction(self._engine) as db:
            return list(await db.exec(query.order_by(key.desc()).limit(limit)))


def _administers(account: Account | None) -> bool:
    return account is not None and account.role == ADMIN and account.suspended_at_ms is None


async def _acted_upon(db: AsyncSession, user_id: str, actor_id: str) -> Account:
    """An account, locked with that of the administrator who changes it: of two who turn on each other one succeeds."""
    ids = (UUID(user_id), UUID(actor_id))
    query = select(Account).where(col(Account.user_id).in_(ids)).order_by(col(Account.user_id)).with_for_update()
    accounts = {account.user_id: account for account in await db.exec(query)}
    if not _administers(accounts.get(ids[1])):
        raise RealChatError(Code.PERMISSION_DENIED, ONLY_ADMINISTRATORS)
    if ids[0] not in accounts:
        raise RealChatError(Code.USER_NOT_FOUND)
    return accounts[ids[0]]


async def _letter(db: AsyncSession, letter_id: str) -> DeadLetter:
    letter = await db.get(DeadLetter, UUID(letter_id), with_for_update=True)
    if letter is None:
        raise RealChatError(Code.DEAD_LETTER_NOT_FOUND)
    return letter


def _give(db: AsyncSession, account: Account, role: str, actor: str, now_ms: int) -> None:
    if account.role != role:
        account.role = role
        _note(db, actor, "user.role", account.user_id, role, now_ms)


def _note(db: AsyncSession, actor: str, action: str, subject_id: UUID, detail: str, now_ms: int) -> None:
    db.add(
        Audit(entry_id=UUID(new_id()), at_ms=now_ms, actor=actor, action=action, subject_id=subject_id, detail=detail)
    )
