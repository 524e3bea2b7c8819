"""Accounts and sessions in auth's database. Each method is one transaction."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import delete, func, or_, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncEngine
from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from chat.event.v1 import event_pb2
from realchat_auth.domain import (
    FORGET_ATTEMPTS_MS,
    KEEP_ENDED_MS,
    REFRESH_MS,
    Attempts,
    Use,
    attempt,
    judge_use,
)
from realchat_auth.events import ACCOUNT_EVENT
from realchat_auth.outbox import owed
from realchat_auth.tables import Account, Confirmation, Lockout, Owed, Session, Token
from realchat_common.database import transaction
from realchat_common.errors import Code, RealChatError
from realchat_common.identity import User
from realchat_common.telemetry import log

MOST_LISTED = 200


@dataclass(frozen=True, slots=True)
class Ended:
    """Sessions that ended."""

    session_ids: list[str]
    debts: list[Owed]
    """What is owed for them."""

    def __add__(self, other: Ended) -> Ended:
        return Ended(self.session_ids + other.session_ids, self.debts + other.debts)


class AuthStore:
    """Reads and writes accounts, lock-outs, sessions and refresh tokens (as digests).

    A session's row lock orders everything that happens to the session, so two refreshes, or a refresh and a
    revocation, cannot both act on what the other changes.
    """

    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = engine

    async def add_account(self, account: Account, debts: Iterable[Owed]) -> None:
        """Adds an account, and what is owed for it. Raises email_taken."""
        async with transaction(self._engine) as db:
            added = await db.exec(
                insert(Account)
                .values(account.model_dump())
                .on_conflict_do_nothing(index_elements=[col(Account.email_key)])
                .returning(col(Account.user_id))
            )
            if added.first() is None:
                raise RealChatError(Code.EMAIL_TAKEN, field="email")
            db.add_all(debts)

    async def find_account(self, email_key: str) -> Account | None:
        """The account of an address."""
        async with transaction(self._engine) as db:
            return (await db.exec(select(Account).where(Account.email_key == email_key))).first()

    async def replace_hash(self, account: Account, password_hash: str) -> None:
        """Stores the same password's new hash, unless the password was changed meanwhile."""
        async with transaction(self._engine) as db:
            await db.exec(
                update(Account)
                .where(col(Account.user_id) == account.user_id, col(Account.password_hash) == account.password_hash)
                .values(password_hash=password_hash)
            )

    async def count_attempts(self, free: Mapping[bytes, int], now_ms: int) -> None:
        """Counts a login that begins.

        Args:
            free: how many attempts each subject has, by its digest.
            now_ms: the time.

        Raises:
            RealChatError: locked_out, when one of them is.
        """
        async with transaction(self._engine) as db:
            for digest in sorted(free):  # in one order, so that two logins never wait for each other
                await db.exec(
                    insert(Lockout)
                    .values(subject_digest=digest, count=0, last_at_ms=now_ms, locked_until_ms=0)
                    .on_conflict_do_nothing()
                )
                row = (await db.exec(select(Lockout).where(Lockout.subject_digest == digest).with_for_update())).one()
                after = attempt(Attempts(row.count, row.last_at_ms, row.locked_until_ms), now_ms, free[digest])
                row.count, row.last_at_ms, row.locked_until_ms = after.count, after.last_at_ms, after.locked_until_ms

    async def forget_attempts(self, account_digest: bytes, client_digest: bytes | None = None) -> None:
        """Begins to count an account's logins anew after one that succeeded, and takes that one back from its client.

        A client's earlier failures stay counted: whoever guesses has an account of their own to log in to.
        """
        async with transaction(self._engine) as db:
            await db.exec(delete(Lockout).where(col(Lockout.subject_digest) == account_digest))
            if client_digest:
                await db.exec(
                    update(Lockout)
                    .where(col(Lockout.subject_digest) == client_digest)
                    .values(count=func.greatest(Lockout.count - 1, 0), locked_until_ms=0)
                )

    async def open_session(self, session: Session, token_digest: bytes, proof: str) -> None:
        """Adds a session with its first refresh token.

        Args:
            session: the session.
            token_digest: of the refresh token.
            proof: the hash that the password matched. Whoever changed the password meanwhile has ended all sessions.

        Raises:
            RealChatError: invalid_credentials, when the password is another one by now; account_suspended.
        """
        async with transaction(self._engine) as db:
            account = (
                await db.exec(select(Account).where(Account.user_id == session.user_id).with_for_update(read=True))
            ).first()
            if account is None or account.password_hash != proof:
                raise RealChatError(Code.INVALID_CREDENTIALS)
            if account.suspended_at_ms is not None:
                raise RealChatError(Code.ACCOUNT_SUSPENDED)
            db.add(session)
            db.add(_token(session, token_digest))

    async def refresh(self, presented: bytes, successor: bytes, now_ms: int) -> Session | Owed:
        """Exchanges a refresh token for its successor, both as digests.

        Returns:
            The session; or, when the token was used before and the session therefore ended, what is owed for that.

        Raises:
            RealChatError: invalid_refresh_token, session_revoked.
        """
        async with transaction(self._engine) as db:
            session = await self._locked_session_of(db, presented)
            token = await db.get(Token, presented) if session else None
            if session is None or token is None or token.expires_at_ms <= now_ms:
                raise RealChatError(Code.INVALID_REFRESH_TOKEN)
            if session.ended_at_ms is not None:
                raise RealChatError(Code.SESSION_REVOKED)
            use = judge_use(token.generation, token.used_at_ms, session.generation, now_ms)
            if use is Use.REUSE:
                log.warning("refresh token reused", session_id=str(session.session_id))
                return end(db, session, now_ms)
            if use is Use.ROTATION:
                token.used_at_ms = now_ms
                session.generation += 1
            session.last_seen_at_ms = now_ms
            session.expires_at_ms = now_ms + REFRESH_MS
            db.add(_token(session, successor))
            return session

    async def end_session(self, session_id: str, user_id: str, now_ms: int) -> list[Owed]:
        """Ends one of somebody's sessions.

        Returns:
            What is owed for it: nothing when it had ended before.

        Raises:
            RealChatError: session_not_found.
        """
        async with transaction(self._engine) as db:
            session = await self._locked_session(db, session_id, user_id)
            return [] if session.ended_at_ms is not None else [end(db, session, now_ms)]

    async def end_other_sessions(self, user: User, now_ms: int) -> Ended:
        """Ends all of somebody's sessions but the one that asks."""
        async with transaction(self._engine) as db:
            return await end_all(db, UUID(user.user_id), now_ms, keep=UUID(user.session_id))

    async def rename_session(self, session_id: str, user_id: str, name: str) -> Session:
        """Names one of somebody's sessions that go on. Raises session_not_found."""
        async with transaction(self._engine) as db:
            session = await self._locked_session(db, session_id, user_id)
            if session.ended_at_ms is not None:
                raise RealChatError(Code.SESSION_NOT_FOUND)
            session.device_name = name
            return session

    async def end_session_of(self, presented: bytes, now_ms: int) -> list[Owed]:
        """Ends the session that a refresh token belongs to, used or not; returns what is owed for it."""
        async with transaction(self._engine) as db:
            session = await self._locked_session_of(db, presented)
            if session is None or session.ended_at_ms is not None:
                return []
            return [end(db, session, now_ms)]

    async def live_sessions(self, user_id: str, now_ms: int) -> list[Session]:
        """Somebody's sessions that go on, newest first, 200 at most."""
        async with transaction(self._engine) as db:
            rows = await db.exec(
                select(Session)
                .where(
                    Session.user_id == UUID(user_id), col(Session.ended_at_ms).is_(None), Session.expires_at_ms > now_ms
                )
                .order_by(col(Session.session_id).desc())
                .limit(MOST_LISTED)
            )
            return list(rows)

    async def purge(self, now_ms: int) -> int:
        """Removes sessions and refresh tokens that have expired, and counts of logins long ago; returns how many."""
        async with transaction(self._engine) as db:
            gone = [
                await db.exec(
                    delete(Session).where(
                        or_(
                            col(Session.expires_at_ms) <= now_ms,
                            col(Session.ended_at_ms) <= now_ms - KEEP_ENDED_MS,
                        )
                    )
                ),
                await db.exec(delete(Token).where(col(Token.expires_at_ms) <= now_ms)),
                await db.exec(delete(Confirmation).where(col(Confirmation.expires_at_ms) <= now_ms)),
                await db.exec(delete(Lockout).where(col(Lockout.last_at_ms) <= now_ms - FORGET_ATTEMPTS_MS)),
            ]
            return sum(result.rowcount for result in gone)

    async def _locked_session(self, db: AsyncSession, session_id: str, user_id: str) -> Session:
        session = (
            await db.exec(
                select(Session)
                .where(Session.session_id == UUID(session_id), Session.user_id == UUID(user_id))
                .with_for_update()
            )
        ).first()
        if session is None:
            raise RealChatError(Code.SESSION_NOT_FOUND)
        return session

    async def _locked_session_of(self, db: AsyncSession, token_digest: bytes) -> Session | None:
        session_id = select(Token.session_id).where(Token.digest == token_digest).scalar_subquery()
        return (await db.exec(select(Session).where(Session.session_id == session_id).with_for_update())).first()


async def locked_account(db: AsyncSession, user_id: str) -> Account:
    """An account that nobody else changes meanwhile. Raises user_not_found."""
    account = (await db.exec(select(Account).where(Account.user_id == UUID(user_id)).with_for_update())).first()
    if account is None:
        raise RealChatError(Code.USER_NOT_FOUND)
    return account


def end(db: AsyncSession, session: Session, now_ms: int) -> Owed:
    """Ends a session, whose lock is held, and writes what is owed for it."""
    session.ended_at_ms = now_ms
    debt = revocation(session.user_id, session.session_id, now_ms)
    db.add(debt)
    return debt


def revocation(user_id: UUID, session_id: UUID, now_ms: int) -> Owed:
    """That others are to hear of the end of a session, or of a key."""
    revoked = event_pb2.SessionRevoked(session_id=str(session_id))
    return owed(ACCOUNT_EVENT, event_pb2.AccountEvent(user_id=str(user_id), session_revoked=revoked), now_ms)


async def end_all(db: AsyncSession, user_id: UUID, now_ms: int, keep: UUID | None = None) -> Ended:
    """Ends somebody's sessions, all or all but one."""
    sessions = list(
        await db.exec(
            select(Session)
            .where(
                Session.user_id == user_id,
                col(Session.ended_at_ms).is_(None),
                Session.expires_at_ms > now_ms,
                col(Session.session_id).is_distinct_from(keep),
            )
            .order_by(col(Session.session_id))
            .with_for_update()
        )
    )
    return Ended([str(session.session_id) for session in sessions], [end(db, session, now_ms) for session in sessions])


def _token(session: Session, digest: bytes) -> Token:
    return Token(
        digest=digest,
        session_id=session.session_id,
        generation=session.generation,
        expires_at_ms=session.expires_at_ms,
    )
