"""Relations in the service's database: one row per pair, whose lock decides what crosses."""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

from sqlalchemy import BigInteger, ColumnElement, SQLColumnExpression, and_, case, or_, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncEngine
from sqlmodel import Field, col, select

from realchat_common.database import transaction
from realchat_common.errors import Code, RealChatError
from realchat_profile.relations import Act, Contact, Relation, decide, ordered
from realchat_profile.store import Profile, Table


class RelationRow(Table, table=True):
    """What two people are to each other, and how much of that others know."""

    __tablename__ = "relation"

    low_id: UUID = Field(primary_key=True)
    high_id: UUID = Field(primary_key=True)
    requested_by: UUID | None = None
    contacts: bool = False
    blocked_by_low: bool = False
    blocked_by_high: bool = False
    changed_at_ms: int = Field(default=0, sa_type=BigInteger)
    version: int = Field(default=0, sa_type=BigInteger)
    """Grows with each change."""
    told_version: int = Field(default=0, sa_type=BigInteger)
    """What other services know (teller.py)."""

    @property
    def relation(self) -> Relation:
        """As the rules have it."""
        blocked_by = {self.low_id: self.blocked_by_low, self.high_id: self.blocked_by_high}
        return Relation(
            str(self.requested_by) if self.requested_by else None,
            self.contacts,
            frozenset(str(user_id) for user_id, blocks in blocked_by.items() if blocks),
        )

    def peer_of(self, user_id: str) -> str:
        """The other one."""
        return str(self.high_id if str(self.low_id) == user_id else self.low_id)


class RelationStore:
    """Each method is one transaction."""

    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = engine

    async def act(self, actor_id: str, peer_id: str, act: Act, now_ms: int) -> RelationRow:
        """Does something to a relation; of acts that cross, one is decided after the other.

        Raises:
            RealChatError: user_not_found, and what `decide` raises; unavailable while auth has not made the actor's
                profile yet.
        """
        low_id, high_id = (UUID(user_id) for user_id in ordered(actor_id, peer_id))
        async with transaction(self._engine) as db:
            # Held until the end: accounts are deleted, and what there is of them goes with them.
            pair = select(Profile.user_id).where(col(Profile.user_id).in_((low_id, high_id)))
            known = set(await db.exec(pair.with_for_update(read=True, key_share=True)))
            if UUID(peer_id) not in known:
                raise RealChatError(Code.USER_NOT_FOUND)
            if len(known) < 2:
                raise RealChatError(Code.UNAVAILABLE, "the profile is being made", retry_after=1)
            await db.exec(insert(RelationRow).values(low_id=low_id, high_id=high_id).on_conflict_do_nothing())
            row = await db.get_one(RelationRow, (low_id, high_id), with_for_update=True)
            before = row.relation
            after = decide(before, actor_id, act)
            if after != before:
                row.requested_by = UUID(after.requested_by) if after.requested_by else None
                row.contacts = after.contacts
                row.blocked_by_low, row.blocked_by_high = (str(i) in after.blocked_by for i in (low_id, high_id))
                row.changed_at_ms = now_ms
                row.version += 1
            return row

    async def contacts(self, user_id: str, state: Contact, after: str, limit: int) -> Sequence[RelationRow]:
        """Somebody's contacts or requests, in order of the others' ids.

        Args:
            user_id: whose.
            state: which of them.
            after: the id of the last one of the page before, or empty.
            limit: relations at most.
        """
        open_requests = {
            Contact.CONTACT: col(RelationRow.contacts),
            Contact.OUTGOING: col(RelationRow.requested_by) == UUID(user_id),
            Contact.INCOMING: col(RelationRow.requested_by) != UUID(user_id),
        }
        return await self._page(user_id, open_requests[state], after, limit)

    async def blocks(self, user_id: str, after: str, limit: int) -> Sequence[RelationRow]:
        """The relations with those whom somebody has blocked, in order of their ids."""
        user = UUID(user_id)
        own = or_(
            and_(col(RelationRow.low_id) == user, col(RelationRow.blocked_by_low)),
            and_(col(RelationRow.high_id) == user, col(RelationRow.blocked_by_high)),
        )
        return await self._page(user_id, own, after, limit)

    async def _page(
        self, user_id: str, which: SQLColumnExpression[bool], after: str, limit: int
    ) -> Sequence[RelationRow]:
        user = UUID(user_id)
        peer = case((col(RelationRow.low_id) == user, col(RelationRow.high_id)), else_=col(RelationRow.low_id))
        query = select(RelationRow).where(_of(user), which).order_by(peer).limit(limit)
        if after:
            query = query.where(peer > UUID(after))
        async with transaction(self._engine) as db:
            return (await db.exec(query)).all()

    async def with_each(self, user_id: str, peer_ids: Sequence[str]) -> dict[str, Relation]:
        """What somebody and each of some people are to each other, of those who are something."""
        user, peers = UUID(user_id), [UUID(peer_id) for peer_id in peer_ids]
        query = select(RelationRow).where(
            or_(
                and_(col(RelationRow.low_id) == user, col(RelationRow.high_id).in_(peers)),
                and_(col(RelationRow.high_id) == user, col(RelationRow.low_id).in_(peers)),
            )
        )
        async with transaction(self._engine) as db:
            return {row.peer_of(user_id): row.relation for row in await db.exec(query)}

    async def untold(self, changed_before_ms: int, limit: int) -> Sequence[RelationRow]:
        """Relations that others do not know as they are, since before a time."""
        query = (
            select(RelationRow)
            .where(col(RelationRow.told_version) < col(RelationRow.version))
            .where(RelationRow.changed_at_ms < changed_before_ms)
            .order_by(col(RelationRow.changed_at_ms))
            .limit(limit)
        )
        async with transaction(self._engine) as db:
            return (await db.exec(query)).all()

    async def told(self, row: RelationRow) -> None:
        """Notes that others know a version of a relation."""
        query = update(RelationRow).where(
            col(RelationRow.low_id) == row.low_id,
            col(RelationRow.high_id) == row.high_id,
            col(RelationRow.told_version) < row.version,
        )
        async with transaction(self._engine) as db:
            await db.exec(query.values(told_version=row.version))


def _of(user: UUID) -> ColumnElement[bool]:
    return or_(col(RelationRow.low_id) == user, col(RelationRow.high_id) == user)
