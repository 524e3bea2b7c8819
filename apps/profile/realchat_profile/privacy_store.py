"""Privacy settings in the service's database."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from uuid import UUID

from sqlalchemy import BigInteger, SmallInteger, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncEngine
from sqlmodel import Field, col, select

from realchat_common.database import transaction
from realchat_common.errors import Code, RealChatError
from realchat_profile.privacy import Audience, Privacy
from realchat_profile.store import Profile, Table


class PrivacyRow(Table, table=True):
    """Somebody's settings, and how much of them others know. Who never changed any has no row."""

    __tablename__ = "privacy"

    user_id: UUID = Field(primary_key=True)
    last_seen: int = Field(default=Audience.EVERYONE, sa_type=SmallInteger)
    receipts: int = Field(default=Audience.EVERYONE, sa_type=SmallInteger)
    direct: int = Field(default=Audience.EVERYONE, sa_type=SmallInteger)
    groups: int = Field(default=Audience.EVERYONE, sa_type=SmallInteger)
    changed_at_ms: int = Field(default=0, sa_type=BigInteger)
    version: int = Field(default=0, sa_type=BigInteger)
    told_version: int = Field(default=0, sa_type=BigInteger)

    @property
    def privacy(self) -> Privacy:
        """As the rules have it."""
        return Privacy(*map(Audience, (self.last_seen, self.receipts, self.direct, self.groups)))


class PrivacyStore:
    """Each method is one transaction."""

    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = engine

    async def of(self, user_ids: Sequence[str]) -> dict[str, Privacy]:
        """The settings of those of some people who have changed any."""
        wanted = [UUID(user_id) for user_id in user_ids]
        async with transaction(self._engine) as db:
            rows = await db.exec(select(PrivacyRow).where(col(PrivacyRow.user_id).in_(wanted)))
            return {str(row.user_id): row.privacy for row in rows}

    async def change(self, user_id: str, changed: Mapping[str, Audience], now_ms: int) -> PrivacyRow:
        """Changes settings, by the names that they have in Privacy.

        Raises:
            RealChatError: unavailable while auth has not made the profile yet.
        """
        async with transaction(self._engine) as db:
            owner = select(Profile).where(Profile.user_id == UUID(user_id)).with_for_update(read=True, key_share=True)
            if (await db.exec(owner)).one_or_none() is None:
                raise RealChatError(Code.UNAVAILABLE, "the profile is being made", retry_after=1)
            new = PrivacyRow(user_id=UUID(user_id))
            await db.exec(insert(PrivacyRow).values(new.model_dump()).on_conflict_do_nothing())
            row = await db.get_one(PrivacyRow, UUID(user_id), with_for_update=True)
            for name, audience in changed.items():
                setattr(row, name, audience)
            if db.is_modified(row):
                row.changed_at_ms = now_ms
                row.version += 1
            return row

    async def untold(self, changed_before_ms: int, limit: int) -> Sequence[PrivacyRow]:
        """Settings that others do not know as they are, since before a time."""
        query = (
            select(PrivacyRow)
            .where(col(PrivacyRow.told_version) < col(PrivacyRow.version))
            .where(PrivacyRow.changed_at_ms < changed_before_ms)
            .order_by(col(PrivacyRow.changed_at_ms))
            .limit(limit)
        )
        async with transaction(self._engine) as db:
            return (await db.exec(query)).all()

    async def told(self, row: PrivacyRow) -> None:
        """Notes that others know a version of somebody's settings."""
        query = update(PrivacyRow).where(
            col(PrivacyRow.user_id) == row.user_id, col(PrivacyRow.told_version) < row.version
        )
        async with transaction(self._engine) as db:
            await db.exec(query.values(told_version=row.version))
