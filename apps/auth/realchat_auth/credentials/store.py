"""Credentials in auth's database. Each method is one transaction."""

from __future__ import annotations

from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncEngine
from sqlmodel import select
from sqlmodel.ext.asyncio.session import AsyncSession

from realchat_auth.store import Ended, end_all
from realchat_auth.tables import Account
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
            account = await _locked(db, user.user_id)
            if account.password_hash != proof:
                raise RealChatError(Code.WRONG_PASSWORD)
            account.password_hash = password_hash
            return await end_all(db, account.user_id, now_ms, keep=UUID(user.session_id))


async def _locked(db: AsyncSession, user_id: str) -> Account:
    account = (await db.exec(select(Account).where(Account.user_id == UUID(user_id)).with_for_update())).first()
    if account is None:
        raise RealChatError(Code.USER_NOT_FOUND)
    return account
