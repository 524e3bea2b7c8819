"""Second factors in auth's database. Each method is one transaction."""

from __future__ import annotations

from collections.abc import Iterable
from uuid import UUID

from sqlalchemy import delete, func, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncEngine
from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from realchat_auth.tables import RecoveryCode, SecondFactor
from realchat_common.database import transaction
from realchat_common.errors import Code, RealChatError


class FactorStore:
    """Reads and writes second factors and recovery codes (as digests)."""

    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = engine

    async def find(self, user_id: UUID) -> SecondFactor | None:
        """Somebody's second factor, which may not be confirmed yet."""
        async with transaction(self._engine) as db:
            return await db.get(SecondFactor, user_id)

    async def begin(self, user_id: UUID, sealed_secret: bytes) -> None:
        """Keeps a secret, in the place of one that was not confirmed. Raises second_factor_on."""
        async with transaction(self._engine) as db:
            kept = await db.exec(
                insert(SecondFactor)
                .values(user_id=user_id, sealed_secret=sealed_secret, last_step=0)
                .on_conflict_do_update(
                    index_elements=[col(SecondFactor.user_id)],
                    set_={"sealed_secret": sealed_secret, "last_step": 0},
                    where=col(SecondFactor.confirmed_at_ms).is_(None),
                )
                .returning(col(SecondFactor.user_id))
            )
            if kept.first() is None:
                raise RealChatError(Code.SECOND_FACTOR_ON)

    async def use_step(self, factor: SecondFactor, step: int) -> bool:
        """Uses a code of an authenticator up; False when it, or a newer one, was used meanwhile."""
        async with transaction(self._engine) as db:
            used = await db.exec(
                update(SecondFactor)
                .where(
                    col(SecondFactor.user_id) == factor.user_id,
                    col(SecondFactor.sealed_secret) == factor.sealed_secret,
                    col(SecondFactor.last_step) < step,
                )
                .values(last_step=step)
            )
            return used.rowcount == 1

    async def use_recovery_code(self, user_id: UUID, digest: bytes) -> bool:
        """Uses a recovery code up; False when there is no such one."""
        async with transaction(self._engine) as db:
            used = await db.exec(
                delete(RecoveryCode).where(col(RecoveryCode.user_id) == user_id, col(RecoveryCode.digest) == digest)
            )
            return used.rowcount == 1

    async def confirm(self, user_id: UUID, codes: Iterable[bytes], now_ms: int) -> None:
        """Turns a second factor on, with its recovery codes."""
        async with transaction(self._engine) as db:
            await db.exec(
                update(SecondFactor).where(col(SecondFactor.user_id) == user_id).values(confirmed_at_ms=now_ms)
            )
            await _replace_codes(db, user_id, codes)

    async def replace_codes(self, user_id: UUID, codes: Iterable[bytes]) -> None:
        """Gives somebody other recovery codes."""
        async with transaction(self._engine) as db:
            await _replace_codes(db, user_id, codes)

    async def remove(self, user_id: UUID) -> None:
        """Turns a second factor off."""
        async with transaction(self._engine) as db:
            await db.exec(delete(SecondFactor).where(col(SecondFactor.user_id) == user_id))
            await db.exec(delete(RecoveryCode).where(col(RecoveryCode.user_id) == user_id))

    async def codes_left(self, user_id: UUID) -> int:
        """How many recovery codes were not used."""
        async with transaction(self._engine) as db:
            return (
                await db.exec(select(func.count()).select_from(RecoveryCode).where(RecoveryCode.user_id == user_id))
            ).one()


async def _replace_codes(db: AsyncSession, user_id: UUID, codes: Iterable[bytes]) -> None:
    await db.exec(delete(RecoveryCode).where(col(RecoveryCode.user_id) == user_id))
    db.add_all(RecoveryCode(user_id=user_id, digest=code) for code in codes)
