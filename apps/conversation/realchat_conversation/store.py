"""Conversations in PostgreSQL."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from itertools import groupby

from sqlalchemy import func, true
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncEngine
from sqlalchemy.orm import aliased
from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from chat.event.v1 import event_pb2
from realchat_common.database import transaction
from realchat_common.errors import Code, RealChatError
from realchat_conversation.domain import FIRST_MEMBERS, Conversation, Kind, Member, Summary
from realchat_conversation.groups import Details
from realchat_conversation.preferences import MemberSettings, SettingsChange
from realchat_conversation.roles import Role
from realchat_conversation.tables import ConversationRow, MemberRow, PendingChangeRow

MOST_PENDING = 100
"""Changes of one conversation that may wait for the log; more are refused as unavailable."""


@dataclass(frozen=True, slots=True)
class Origin:
    """What makes a creation the same as an earlier one: the pair, or the creator's key, or nothing."""

    creator_id: str
    direct_pair: tuple[str, str] | None = None
    idempotency_key: str | None = None
    content_digest: bytes | None = None
    """Of what is asked for; goes with the key."""


@dataclass(frozen=True, slots=True)
class Existing:
    """A conversation that has the same origin."""

    conversation_id: str
    content_digest: bytes | None


class Held:
    """A conversation whose lock is held until the end of a transaction."""

    def __init__(self, session: AsyncSession, row: ConversationRow, members: Sequence[MemberRow]) -> None:
        self.session = session
        self._row = row
        self._members = members
        self.conversation = _conversation(row, members)

    async def record(self, after: Conversation, event: event_pb2.Event, now_ms: int) -> None:
        """Writes what a change has made of the conversation, and the change itself as pending.

        Raises:
            RealChatError: unavailable, when too many of its changes wait for the log.
        """
        if await self._waiting() >= MOST_PENDING:
            raise RealChatError(Code.UNAVAILABLE, "too many changes of the conversation wait for the log")
        self._row.title = after.title
        self._row.description = after.details.description
        self._row.avatar_id = after.details.avatar_id or None
        self._row.admins_only = after.details.admins_only
        self._row.open_history = after.details.open_history
        self._row.member_count = len(after.members)
        for member in self._members:
            if member.user_id not in after.members:
                await self.session.delete(member)
            else:
                member.role = after.members[member.user_id]
        joining = {user: role for user, role in after.members.items() if user not in self.conversation.members}
        self.session.add_all(_member_rows(after.conversation_id, joining))
        self.session.add(_pending_row(event, now_ms))

    async def _waiting(self) -> int:
        query = select(func.count()).where(
            PendingChangeRow.conversation_id == self._row.conversation_id, ~col(PendingChangeRow.appended)
        )
        return (await self.session.exec(query)).one()

    async def unanswered(self, actor_id: str) -> list[event_pb2.Event]:
        """The actor's changes, oldest first, whose requests have not been answered."""
        query = (
            select(PendingChangeRow.event)
            .where(PendingChangeRow.conversation_id == self._row.conversation_id, PendingChangeRow.actor_id == actor_id)
            .order_by(col(PendingChangeRow.id))
        )
        return [event_pb2.Event.FromString(event) for event in await self.session.exec(query)]


class Store:
    """Every method is a transaction, and raises unavailable without the database."""

    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = engine

    def reading(self) -> AbstractAsyncContextManager[AsyncSession]:
        """A transaction that decides nothing."""
        return transaction(self._engine)

    async def find(self, origin: Origin) -> Existing | None:
        """The conversation that an earlier creation of the same origin has made."""
        async with transaction(self._engine) as session:
            return await _existing(session, origin)

    async def create(self, conversation: Conversation, origin: Origin, event: event_pb2.Event) -> Existing | None:
        """Writes a new conversation, and its creation as pending, unless one of the same origin exists.

        Of several at once one wins; the others wait until it has committed.

        Returns:
            The one that exists, or None when this one was written.
        """
        low, high = origin.direct_pair or (None, None)
        statement = (
            insert(ConversationRow)
            .values(
                conversation_id=conversation.conversation_id,
                kind=conversation.kind,
                title=conversation.title,
                created_at_ms=conversation.created_at_ms,
                member_count=len(conversation.members),
                creator_id=origin.creator_id,
                idempotency_key=origin.idempotency_key,
                content_digest=origin.content_digest,
                direct_low_id=low,
                direct_high_id=high,
            )
            .on_conflict_do_nothing()
            .returning(col(ConversationRow.conversation_id))
        )
        async with transaction(self._engine) as session:
            if (await session.exec(statement)).one_or_none() is None:
                return await _existing(session, origin)
            session.add_all(_member_rows(conversation.conversation_id, conversation.members))
            session.add(_pending_row(event, conversation.created_at_ms))
        return None

    async def load(self, conversation_id: str) -> Conversation:
        """A conversation as it now stands. Raises conversation_not_found."""
        async with transaction(self._engine) as session:
            row = await session.get(ConversationRow, conversation_id)
            if row is None:
                raise RealChatError(Code.CONVERSATION_NOT_FOUND)
            return _conversation(row, await _members(session, conversation_id))

    @asynccontextmanager
    async def locked(self, conversation_id: str) -> AsyncIterator[Held]:
        """A conversation on which nobody else decides meanwhile. Raises conversation_not_found."""
        async with transaction(self._engine) as session:
            row = await session.get(ConversationRow, conversation_id, with_for_update=True)
            if row is None:
                raise RealChatError(Code.CONVERSATION_NOT_FOUND)
            yield Held(session, row, await _members(session, conversation_id))

    async def conversations_of(self, user_id: str, limit: int) -> Sequence[str]:
        """Some of the conversations in which a user is, by id."""
        query = (
            select(MemberRow.conversation_id)
            .where(MemberRow.user_id == user_id)
            .order_by(col(MemberRow.conversation_id))
            .limit(limit)
        )
        async with transaction(self._engine) as session:
            return (await session.exec(query)).all()

    async def summaries(self, conversation_ids: Iterable[str], user_id: str) -> dict[str, Summary]:
        """Those of the conversations in which the user is."""
        own = aliased(MemberRow)
        first = aliased(
            MemberRow,
            select(MemberRow)
            .where(MemberRow.conversation_id == ConversationRow.conversation_id)
            .order_by(col(MemberRow.joined))
            .limit(FIRST_MEMBERS)
            .lateral(),
        )
        query = (
            select(ConversationRow, own, first)
            .join(own, col(own.conversation_id) == ConversationRow.conversation_id)
            .join(first, true())
            .where(col(ConversationRow.conversation_id).in_(conversation_ids), own.user_id == user_id)
            .order_by(col(ConversationRow.conversation_id), col(first.joined))
        )
        async with transaction(self._engine) as session:
            rows = (await session.exec(query)).all()
        return {
            conversation.conversation_id: Summary(
                conversation.conversation_id,
                Kind(conversation.kind),
                conversation.title,
                conversation.created_at_ms,
                conversation.member_count,
                Role(mine.role),
                tuple(_member(member) for _, _, member in group),
                _details(conversation),
                mine.settings,
            )
            for (conversation, mine), group in groupby(rows, key=lambda row: (row[0], row[1]))
        }

    async def change_settings(
        self, conversation_id: str, user_id: str, change: SettingsChange, now_ms: int
    ) -> MemberSettings:
        """Changes a member's own settings. Raises conversation_not_found."""
        async with transaction(self._engine) as session:
            row = await session.get(MemberRow, (conversation_id, user_id), with_for_update=True)
            if row is None:
                raise RealChatError(Code.CONVERSATION_NOT_FOUND)
            after = change.applied_to(row.settings, now_ms)
            row.muted_until_ms, row.pinned, row.archived = after.muted_until_ms, after.pinned, after.archived
            row.draft, row.draft_at_ms = after.draft, after.draft_at_ms
            return after

    async def members(
        self, conversation_id: str, user_id: str, after: int, limit: int
    ) -> tuple[list[Member], int | None]:
        """A page of members in order of joining, for a member.

        Args:
            conversation_id: whose members.
            user_id: who asks.
            after: the position after which the page begins; 0 for the first.
            limit: members at most.

        Returns:
            The page, and the position after which the next begins, or None when there is none.

        Raises:
            RealChatError: conversation_not_found.
        """
        query = (
            select(MemberRow)
            .where(MemberRow.conversation_id == conversation_id, MemberRow.joined > after)
            .order_by(col(MemberRow.joined))
            .limit(limit + 1)
        )
        async with transaction(self._engine) as session:
            if await session.get(MemberRow, (conversation_id, user_id)) is None:
                raise RealChatError(Code.CONVERSATION_NOT_FOUND)
            rows = (await session.exec(query)).all()
        page = rows[:limit]
        return [_member(row) for row in page], page[-1].joined if len(rows) > limit else None

    async def peers(self, user_id: str, peer_ids: Iterable[str]) -> list[str]:
        """Those of the people who are in a conversation with a user."""
        own = aliased(MemberRow)
        query = (
            select(col(MemberRow.user_id))
            .join(own, col(own.conversation_id) == MemberRow.conversation_id)
            .where(own.user_id == user_id, col(MemberRow.user_id).in_(peer_ids))
            .distinct()
        )
        async with transaction(self._engine) as session:
            return list(await session.exec(query))

    async def heard(self, user_id: str, conversation_ids: Iterable[str], now_ms: int) -> dict[str, str]:
        """The titles of those conversations that a user is in and has neither muted nor archived."""
        query = (
            select(ConversationRow.conversation_id, ConversationRow.title)
            .join(MemberRow, col(MemberRow.conversation_id) == ConversationRow.conversation_id)
            .where(
                MemberRow.user_id == user_id,
                col(MemberRow.conversation_id).in_(conversation_ids),
                MemberRow.muted_until_ms <= now_ms,
                col(MemberRow.archived).is_(False),
            )
        )
        async with transaction(self._engine) as session:
            return dict((await session.exec(query)).all())


async def _existing(session: AsyncSession, origin: Origin) -> Existing | None:
    query = select(ConversationRow.conversation_id, ConversationRow.content_digest)
    if origin.direct_pair:
        low, high = origin.direct_pair
        query = query.where(ConversationRow.direct_low_id == low, ConversationRow.direct_high_id == high)
    else:
        # Without a key nothing is found: NULL equals nothing.
        query = query.where(
            ConversationRow.creator_id == origin.creator_id,
            col(ConversationRow.idempotency_key).in_([origin.idempotency_key]),
        )
    row = (await session.exec(query)).one_or_none()
    return Existing(*row) if row else None


async def _members(session: AsyncSession, conversation_id: str) -> Sequence[MemberRow]:
    query = select(MemberRow).where(MemberRow.conversation_id == conversation_id).order_by(col(MemberRow.joined))
    return (await session.exec(query)).all()


def _conversation(row: ConversationRow, members: Sequence[MemberRow]) -> Conversation:
    return Conversation(
        row.conversation_id,
        Kind(row.kind),
        row.title,
        row.created_at_ms,
        {member.user_id: Role(member.role) for member in members},
        _details(row),
        {member.user_id: member.settings for member in members},
    )


def _details(row: ConversationRow) -> Details:
    return Details(row.description, row.avatar_id or "", row.admins_only, row.open_history)


def _member(row: MemberRow) -> Member:
    return Member(row.user_id, Role(row.role))


def _member_rows(conversation_id: str, members: Mapping[str, Role]) -> list[MemberRow]:
    """In order of joining, which is the order in which the session inserts them."""
    return [MemberRow(conversation_id=conversation_id, user_id=user_id, role=role) for user_id, role in members.items()]


def _pending_row(event: event_pb2.Event, now_ms: int) -> PendingChangeRow:
    return PendingChangeRow(
        conversation_id=event.conversation_id,
        event_id=event.event_id,
        actor_id=event.actor_id,
        event=event.SerializeToString(),
        decided_at_ms=now_ms,
    )
