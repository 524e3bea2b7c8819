"""Profiles in the service's database."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Annotated
from uuid import UUID

from sqlalchemy import ARRAY, BigInteger, Column, ColumnElement, and_, delete, func, union
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncEngine
from sqlalchemy.orm import Mapped, registry
from sqlmodel import Field, SQLModel, col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from realchat_common.database import transaction
from realchat_common.errors import Code, RealChatError
from realchat_profile.domain import Change, Status, admit_handle_change, search_key

_LAST = "\U0010ffff"


class Table(SQLModel, registry=registry()):
    """The tables of this service, made by the migrations."""


class Profile(Table, table=True):
    """What a person shows of themselves."""

    user_id: UUID = Field(primary_key=True)
    handle: str
    """Unique."""
    display_name: str
    name_key: str
    """The display name as it is searched."""
    bio: str = ""
    updated_at_ms: Annotated[int, Field(sa_type=BigInteger)]
    avatar_id: UUID | None = None
    status_text: str = ""
    status_until_ms: int = Field(default=0, sa_type=BigInteger)
    handle_changed_ms: list[int] = Field(default_factory=list, sa_column=Column(ARRAY(BigInteger), nullable=False))
    """When the handle was changed, as far as it still counts."""
    bot: bool = False

    @property
    def status(self) -> Status:
        """The status, also one that has expired."""
        return Status(self.status_text, self.status_until_ms)


class Departed(Table, table=True):
    """Somebody whose account was deleted."""

    user_id: UUID = Field(primary_key=True)


class ProfileStore:
    """Reads and writes profiles. Each method is one transaction."""

    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = engine

    async def create(
        self, user_id: str, display_name: str, handles: Iterable[str], now_ms: int, *, bot: bool = False
    ) -> Profile:
        """Makes a profile with the first handle that is free; one that exists stays as it is, but for being a bot's.

        Raises:
            RealChatError: user_not_found, when the account was deleted meanwhile; unavailable without a free handle.

        Args:
            user_id: whose.
            display_name: in its one form.
            handles: candidates, best first.
            now_ms: the time.
            bot: it is nobody's own.
        """
        async with transaction(self._engine) as db:
            await _alone(db, user_id)
            if await db.get(Departed, UUID(user_id)):
                raise RealChatError(Code.USER_NOT_FOUND)
            for handle in handles:
                profile = Profile(
                    user_id=UUID(user_id),
                    handle=handle,
                    display_name=display_name,
                    name_key=search_key(display_name),
                    updated_at_ms=now_ms,
                    bot=bot,
                )
                await db.exec(insert(Profile).values(profile.model_dump()).on_conflict_do_nothing())
                existing = await db.get(Profile, profile.user_id)
                if existing:
                    existing.bot |= bot
                    return existing
        raise RealChatError(Code.UNAVAILABLE, "no handle is free")

    async def erase(self, user_id: str) -> None:
        """Removes a profile for good."""
        async with transaction(self._engine) as db:
            await _alone(db, user_id)
            await db.exec(insert(Departed).values(user_id=UUID(user_id)).on_conflict_do_nothing())
            await db.exec(delete(Profile).where(col(Profile.user_id) == UUID(user_id)))

    async def batch(self, user_ids: Sequence[str]) -> list[Profile]:
        """Profiles in the order asked, each once; unknown ids are left out."""
        wanted = list(dict.fromkeys(UUID(user_id) for user_id in user_ids))
        async with transaction(self._engine) as db:
            rows = await db.exec(select(Profile).where(col(Profile.user_id).in_(wanted)))
            found = {profile.user_id: profile for profile in rows}
        return [found[user_id] for user_id in wanted if user_id in found]

    async def known(self, user_ids: Sequence[str]) -> set[str]:
        """Those of some people who exist."""
        wanted = [UUID(user_id) for user_id in user_ids]
        async with transaction(self._engine) as db:
            found = await db.exec(select(Profile.user_id).where(col(Profile.user_id).in_(wanted)))
            return {str(user_id) for user_id in found}

    async def update(self, user_id: str, change: Change, now_ms: int) -> Profile:
        """Changes a profile.

        Raises:
            RealChatError: handle_taken, rate_limited; unavailable while auth has not made the profile yet.
        """
        try:
            async with transaction(self._engine) as db:
                profile = await db.get(Profile, UUID(user_id), with_for_update=True)
                if profile is None:
                    raise RealChatError(Code.UNAVAILABLE, "the profile is being made", retry_after=1)
                _apply(profile, change, now_ms)
                if db.is_modified(profile):
                    profile.updated_at_ms = now_ms
        except IntegrityError as error:  # the handle is all that is unique
            raise RealChatError(Code.HANDLE_TAKEN, field="handle") from error
        return profile

    async def search(self, prefix: str, after: str, limit: int) -> list[Profile]:
        """Profiles whose handle or name begins with a search key, by handle.

        Each half is a range of an index, so no character of the prefix means more than itself.

        Args:
            prefix: a search key.
            after: the handle of the last profile of the page before, or empty.
            limit: profiles at most.
        """
        halves = (
            select(Profile.user_id)
            .where(_begins_with(column, prefix), col(Profile.handle) > after)
            .order_by(col(Profile.handle))
            .limit(limit)
            for column in (col(Profile.handle), col(Profile.name_key))
        )
        query = select(Profile).where(col(Profile.user_id).in_(union(*halves))).order_by(col(Profile.handle))
        async with transaction(self._engine) as db:
            return list(await db.exec(query.limit(limit)))


async def _alone(db: AsyncSession, user_id: str) -> None:
    """Until the transaction ends, nobody else makes or erases this profile, which need not exist."""
    await db.exec(select(func.pg_advisory_xact_lock(func.hashtextextended(user_id, 0))))


def _apply(profile: Profile, change: Change, now_ms: int) -> None:
    if change.handle not in (None, profile.handle):
        profile.handle_changed_ms = admit_handle_change(profile.handle_changed_ms, now_ms)
        profile.handle = change.handle
    if change.display_name is not None:
        profile.display_name = change.display_name
        profile.name_key = search_key(change.display_name)
    if change.bio is not None:
        profile.bio = change.bio
    if change.avatar_id is not None:
        profile.avatar_id = UUID(change.avatar_id) if change.avatar_id else None
    if change.status is not None:
        profile.status_text, profile.status_until_ms = change.status.text, change.status.until_ms


def _begins_with(column: Mapped[str], prefix: str) -> ColumnElement[bool]:
    """As a range, in the columns' collation "C", which orders by code point."""
    return and_(column >= prefix, column <= prefix + _LAST)
