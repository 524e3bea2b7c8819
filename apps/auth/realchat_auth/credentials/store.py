"""Credentials in auth's database. Each method is one transaction."""

from __future__ import annotations

from uuid import UUID

from sqlalchemy import delete
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncEngine
from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from realchat_auth.bots.store import remove_bots
from realchat_auth.credentials.domain import Purpose
from realchat_auth.credentials.letters import letter
from realchat_auth.domain import digest as sha256
from realchat_auth.events import erasure
from realchat_auth.store import Ended, end_all, locked_account
from realchat_auth.tables import Account, Bot, Confirmation, Lockout, Owed
from realchat_common.database import transaction
from realchat_common.errors import Code, RealChatError
from realchat_common.identity import User


class CredentialStore:
    """Reads and writes what an account is opened with."""

    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = engine

    async def account(self, user_id: str) -> Account:
        """Somebody's account. Raises user_not_found."""
        async with transaction(self._engine) as db:
            account = await db.get(Account, UUID(user_id))
        if account is None:
            raise RealChatError(Code.USER_NOT_FOUND)
        return account

    async def set_reminders(self, user_id: str, wanted: bool) -> Account:
        """Whether somebody is reminded. Raises user_not_found."""
        async with transaction(self._engine) as db:
            account = await locked_account(db, user_id)
            account.reminders = wanted
            return account

    async def change_password(self, user: User, proof: str, password_hash: str, now_ms: int) -> Ended:
        """Gives an account another password and ends all its sessions but the one that asks.

        Args:
            user: who asks, in which session.
            proof: the hash that the old password matched.
            password_hash: of the new one.
            now_ms: the time.

        Raises:
            RealChatError: wrong_password, when the password is another one by now.
        """
        async with transaction(self._engine) as db:
            account = await _proven(db, user, proof)
            account.password_hash = password_hash
            return await end_all(db, account.user_id, now_ms, keep=UUID(user.session_id))

    async def delete_account(self, user: User, proof: str, now_ms: int) -> Ended:
        """Removes an account with all that belongs to it here, and writes that other services are to do likewise.

        Args:
            user: who asks.
            proof: the hash that the password matched.
            now_ms: the time.

        Raises:
            RealChatError: wrong_password, when the password is another one by now.
        """
        async with transaction(self._engine) as db:
            account = await _proven(db, user, proof)
            ended = await end_all(db, account.user_id, now_ms)
            db.add(erasure(account.user_id, now_ms))
            bots = (await db.exec(select(Bot).where(Bot.owner_id == account.user_id))).all()
            keys = await remove_bots(db, bots, now_ms)
            await db.exec(delete(Lockout).where(col(Lockout.subject_digest) == sha256(account.email_key)))
            await db.exec(delete(Account).where(col(Account.user_id) == account.user_id))
            return ended + keys

    async def find(self, user_id: str, email_key: str) -> Account | None:
        """The account of a user, or where none is named, of an address."""
        named = Account.user_id == UUID(user_id) if user_id else Account.email_key == email_key
        async with transaction(self._engine) as db:
            return (await db.exec(select(Account).where(named))).first()

    async def owe(self, debt: Owed) -> None:
        """Writes a debt that nothing else causes."""
        async with transaction(self._engine) as db:
            db.add(debt)

    async def add_confirmation(self, confirmation: Confirmation, since_ms: int) -> bool:
        """Keeps what a mail is about to bring, in the place of what an earlier one of its purpose has brought.

        Returns:
            False when an earlier mail was written since a time, and nothing is kept.
        """
        same = (
            col(Confirmation.user_id) == confirmation.user_id,
            col(Confirmation.purpose) == confirmation.purpose,
        )
        recent = (Confirmation.created_at_ms > since_ms, Confirmation.created_at_ms < confirmation.created_at_ms)
        async with transaction(self._engine) as db:
            if (await db.exec(select(Confirmation.digest).where(*same, *recent))).first():
                return False
            await db.exec(delete(Confirmation).where(*same))
            db.add(confirmation)
            return True

    async def confirmed_account(self, digest: bytes, purpose: Purpose, now_ms: int) -> Account:
        """Whose account a confirmation opens. Raises invalid_confirmation."""
        async with transaction(self._engine) as db:
            confirmation = await db.get(Confirmation, digest)
            account = await db.get(Account, confirmation.user_id) if confirmation else None
        if not confirmation or not account or confirmation.purpose != purpose or confirmation.expires_at_ms <= now_ms:
            raise RealChatError(Code.INVALID_CONFIRMATION)
        return account

    async def reset_password(self, digest: bytes, password_hash: str, now_ms: int) -> Ended:
        """Uses a confirmation up for another password, and ends all sessions. Raises invalid_confirmation."""
        async with transaction(self._engine) as db:
            used, account = await _use(db, digest, (Purpose.RESET,), now_ms)
            account.password_hash = password_hash
            if used.email_key == account.email_key:
                account.email_verified_at_ms = account.email_verified_at_ms or now_ms
            await db.exec(delete(Lockout).where(col(Lockout.subject_digest) == sha256(account.email_key)))
            return await end_all(db, account.user_id, now_ms)

    async def confirm_email(self, digest: bytes, now_ms: int) -> str:
        """Uses a confirmation up to verify an account's address, or to give it the one that the mail went to.

        Returns:
            The address.

        Raises:
            RealChatError: invalid_confirmation, email_taken.
        """
        try:
            async with transaction(self._engine) as db:
                used, account = await _use(db, digest, (Purpose.VERIFY, Purpose.CHANGE), now_ms)
                before = account.email
                if used.purpose == Purpose.VERIFY and used.email_key != account.email_key:
                    raise RealChatError(Code.INVALID_CONFIRMATION)
                account.email, account.email_key = used.email, used.email_key
                account.email_verified_at_ms = now_ms
                if used.email != before:  # what went to the old address is void
                    await db.exec(delete(Confirmation).where(col(Confirmation.user_id) == account.user_id))
                    db.add(letter(Purpose.CHANGED, before, now_ms))
                return used.email
        except IntegrityError as error:  # the address is all that is unique
            raise RealChatError(Code.EMAIL_TAKEN) from error


async def _proven(db: AsyncSession, user: User, proof: str) -> Account:
    account = await locked_account(db, user.user_id)
    if account.password_hash != proof:
        raise RealChatError(Code.WRONG_PASSWORD)
    return account


async def _use(
    db: AsyncSession, digest: bytes, purposes: tuple[Purpose, ...], now_ms: int
) -> tuple[Confirmation, Account]:
    confirmation = (
        await db.exec(
            delete(Confirmation)
            .where(col(Confirmation.digest) == digest, col(Confirmation.purpose).in_(purposes))
            .returning(Confirmation)
        )
    ).scalar_one_or_none()
    if confirmation is None or confirmation.expires_at_ms <= now_ms:
        raise RealChatError(Code.INVALID_CONFIRMATION)
    return confirmation, await locked_account(db, str(confirmation.user_id))
