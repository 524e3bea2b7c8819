"""Reads of the read model: history, sync, inbox, audience."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal
from uuid import UUID

from sqlalchemy import ColumnElement, and_, exists, func, or_, true, tuple_
from sqlalchemy.ext.asyncio import AsyncEngine
from sqlalchemy.orm import aliased
from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from chat.event.v1 import event_pb2 as pb
from chat.message.v1 import message_pb2
from chat.profile.v1 import profile_pb2
from realchat_common.database import transaction
from realchat_common.errors import Code, RealChatError
from realchat_message.domain import ADMINISTRATORS
from realchat_message.standing import as_they_stand, to_event
from realchat_message.tables import (
    Entry,
    Epoch,
    Head,
    Hidden,
    Member,
    Reaction,
    Receipt,
    ReceiptPrivacy,
    Relation,
    Revision,
)

MOST_UNREAD = 1_000
"""Counted exactly up to here; somebody with more does not care how many."""

MOST_SYNCED_BYTES = 4 * 1024 * 1024
"""Far below what one gRPC message may hold (realchat_common.rpc.MAX_MESSAGE_BYTES)."""


@dataclass(frozen=True, slots=True)
class Page:
    """Events in ascending seq."""

    events: list[pb.Event]
    last_seq: int
    """The newest seq that the reader may read."""
    has_more: bool


@dataclass(frozen=True, slots=True)
class _Unread:
    receipt: pb.Receipt
    count: int


Direction = Literal["before", "after"]


def _to_receipt(user_id: UUID, receipt: Receipt | None) -> pb.Receipt:
    """A receipt; who has none has come nowhere."""
    if receipt is None:
        return pb.Receipt(user_id=str(user_id))
    return pb.Receipt(
        user_id=str(user_id),
        delivered_up_to=receipt.delivered_up_to,
        read_up_to=receipt.read_up_to,
        marked_unread=receipt.marked_unread,
    )


def _within_span_of(user_id: UUID) -> ColumnElement[bool]:
    """Entries within a span of the user's membership."""
    return exists(
        select(Member).where(
            col(Member.conversation_id) == Entry.conversation_id,
            col(Member.user_id) == user_id,
            col(Entry.seq) >= col(Member.from_seq),
            or_(col(Member.until_seq) == 0, col(Entry.seq) <= col(Member.until_seq)),
        )
    )


def readable_by(user_id: UUID) -> ColumnElement[bool]:
    """Those of them that the user has not hidden."""
    hidden = exists(
        select(Hidden).where(
            col(Hidden.conversation_id) == Entry.conversation_id,
            col(Hidden.user_id) == user_id,
            col(Hidden.seq) == Entry.seq,
        )
    )
    return and_(_within_span_of(user_id), ~hidden)


def _waiting_for(user_id: UUID) -> tuple[ColumnElement[bool], ...]:
    """Messages that count as unread until the user reads so far."""
    return (
        col(Entry.client_message_id).is_not(None),
        col(Entry.redacted).is_(False),
        col(Entry.actor_id) != user_id,
        readable_by(user_id),
    )


class MessageStore:
    """Answers readers. Who is not a member now learns nothing, not even that the conversation exists."""

    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = engine

    async def epoch(self) -> str:
        """The identity of this log."""
        async with transaction(self._engine) as session:
            return str((await session.exec(select(Epoch.epoch))).one())

    async def history(
        self, conversation_id: str, user_id: str, direction: Direction, from_seq: int | None, limit: int
    ) -> Page:
        """Events before or after a seq (exclusive), the nearest ones; without one, the newest or the oldest.

        Raises:
            RealChatError: conversation_not_found.
        """
        conversation, user = UUID(conversation_id), UUID(user_id)
        async with transaction(self._engine) as session:
            last_seq = await self._require_member(session, conversation, user)
            seq = col(Entry.seq)
            query = select(Entry).where(col(Entry.conversation_id) == conversation, readable_by(user))
            if direction == "before":
                query = query.order_by(seq.desc())
                if from_seq is not None:
                    query = query.where(seq < from_seq)
            else:
                query = query.order_by(seq).where(seq > (from_seq or 0))
            entries = list(await session.exec(query.limit(limit + 1)))
            events = await as_they_stand(session, entries[:limit], user)
        if direction == "before":
            events.reverse()
        return Page(events, last_seq, len(entries) > limit)

    async def seq_at(self, conversation_id: str, user_id: str, at_ms: int) -> int:
        """The first seq of a time or later; the end of the log and one where nothing is. By halves, since times rise
        with seq: an index on them would make every append slower. Raises conversation_not_found."""
        async with transaction(self._engine) as session:
            low, high = 1, await self._require_member(session, UUID(conversation_id), UUID(user_id)) + 1
            while low < high:
                middle = (low + high) // 2
                entry = await session.get(Entry, (UUID(conversation_id), middle))
                if entry is not None and entry.occurred_at_ms < at_ms:
                    low = middle + 1
                else:
                    high = middle
        return low

    async def first_unread(self, conversation_id: str, user_id: str) -> int:
        """The seq of the first message of somebody else that a member has not read; the end of the log where there is
        none. Raises conversation_not_found."""
        conversation, user = UUID(conversation_id), UUID(user_id)
        async with transaction(self._engine) as session:
            last_seq = await self._require_member(session, conversation, user)
            receipt = await session.get(Receipt, (conversation, user))
            found = await session.exec(
                select(Entry.seq)
                .where(
                    col(Entry.conversation_id) == conversation,
                    col(Entry.seq) > (receipt.read_up_to if receipt else 0),
                    *_waiting_for(user),
                )
                .order_by(col(Entry.seq))
                .limit(1)
            )
            return found.first() or last_seq

    async def _last_seqs(self, session: AsyncSession, conversations: Sequence[UUID], user: UUID) -> dict[str, int]:
        """The last seq of those conversations in which the user is a member now."""
        rows = await session.exec(
            select(Head.conversation_id, Head.last_seq)
            .join(Member, col(Member.conversation_id) == Head.conversation_id)
            .where(
                col(Head.conversation_id).in_(conversations),
                col(Member.user_id) == user,
                col(Member.until_seq) == 0,
            )
        )
        return {str(conversation): last_seq for conversation, last_seq in rows}

    async def sync(self, positions: dict[str, int], user_id: str, limit: int) -> list[message_pb2.SyncedConversation]:
        """What somebody missed in many conversations, in the order asked.

        What does not fit into `MOST_SYNCED_BYTES` any more counts as too much: the client pages through its history.
        """
        user = UUID(user_id)
        left = MOST_SYNCED_BYTES
        answers: list[message_pb2.SyncedConversation] = []
        async with transaction(self._engine) as session:
            last_seqs = await self._last_seqs(session, [UUID(text) for text in positions], user)
            for conversation_id, after_seq in positions.items():
                last_seq = last_seqs.get(conversation_id)
                answer = message_pb2.SyncedConversation(
                    conversation_id=conversation_id, last_seq=last_seq or 0, forbidden=last_seq is None
                )
                answers.append(answer)
                if last_seq is None or after_seq >= last_seq:
                    continue
                entries = await session.exec(
                    select(Entry)
                    .where(
                        col(Entry.conversation_id) == UUID(conversation_id),
                        col(Entry.seq) > after_seq,
                        readable_by(user),
                    )
                    .order_by(col(Entry.seq))
                    .limit(limit + 1)
                )
                events = await as_they_stand(session, list(entries))
                size = sum(event.ByteSize() for event in events)
                answer.truncated = len(events) > limit or size > left
                if not answer.truncated:
                    answer.events.extend(events)
                    left -= size
        return answers

    async def read_log(self, conversation_id: str, first_seq: int, limit: int) -> message_pb2.ReadLogResponse:
        """Events from a seq on, whoever asks. An unknown conversation has none."""
        conversation = UUID(conversation_id)
        async with transaction(self._engine) as session:
            head = await session.get(Head, conversation)
            if head is None:
                return message_pb2.ReadLogResponse()
            entries = await session.exec(
                select(Entry)
                .where(col(Entry.conversation_id) == conversation, col(Entry.seq) >= first_seq)
                .order_by(col(Entry.seq))
                .limit(limit)
            )
            return message_pb2.ReadLogResponse(
                events=await as_they_stand(session, list(entries)),
                last_seq=head.last_seq,
                members_seq=head.members_seq,
            )

    async def audience(self, conversation_id: str) -> message_pb2.GetAudienceResponse:
        """Who gets the events of a conversation: members, and those who left, each with their span."""
        conversation = UUID(conversation_id)
        async with transaction(self._engine) as session:
            # The version first: what joins between the two reads is then in the answer and newer than it says.
            head = await session.get(Head, conversation)
            members = await session.exec(select(Member).where(col(Member.conversation_id) == conversation))
            pair = (head.direct_low_id, head.direct_high_id) if head else (None, None)
            relation = await session.get(Relation, pair) if all(pair) else None
            return message_pb2.GetAudienceResponse(
                members_seq=head.members_seq if head else 0,
                apart=relation is not None and relation.apart,
                readers=[
                    message_pb2.Reader(
                        user_id=str(member.user_id), from_seq=member.from_seq, until_seq=member.until_seq
                    )
                    for member in members
                ],
            )

    async def inbox(
        self, user_id: str, limit: int, after: tuple[int, str] | None
    ) -> tuple[list[message_pb2.InboxEntry], tuple[int, str] | None]:
        """Somebody's conversations by newest activity.

        Args:
            user_id: whose.
            limit: entries at most.
            after: activity time and conversation of the last entry of the page before.

        Returns:
            The entries, and the position of the last one when there are more.
        """
        user = UUID(user_id)
        activity = col(Head.last_activity_ms)
        query = (
            select(Head)
            .join(Member, col(Member.conversation_id) == Head.conversation_id)
            .where(col(Member.user_id) == user, col(Member.until_seq) == 0)
            .order_by(activity.desc(), col(Head.conversation_id).desc())
            .limit(limit + 1)
        )
        if after:
            query = query.where(tuple_(activity, Head.conversation_id) < tuple_(after[0], UUID(after[1])))
        async with transaction(self._engine) as session:
            heads = list(await session.exec(query))
            shown = [head.conversation_id for head in heads[:limit]]
            newest = await self._last_messages(session, shown, user)
            unread = await self._unread(session, shown, user)
        entries = [
            message_pb2.InboxEntry(
                conversation_id=str(head.conversation_id),
                last_seq=head.last_seq,
                last_activity_at_ms=head.last_activity_ms,
                last_message=newest.get(head.conversation_id),
                receipt=unread[head.conversation_id].receipt,
                unread_count=unread[head.conversation_id].count,
            )
            for head in heads[:limit]
        ]
        if len(heads) <= limit:
            return entries, None
        last = heads[limit - 1]
        return entries, (last.last_activity_ms, str(last.conversation_id))

    async def _last_messages(
        self, session: AsyncSession, conversations: list[UUID], user: UUID
    ) -> dict[UUID, pb.Event]:
        """The newest message that the user may read of each conversation."""
        newest = aliased(
            Entry,
            select(Entry)
            .where(
                col(Entry.conversation_id) == Head.conversation_id,
                col(Entry.client_message_id).is_not(None),
                readable_by(user),
            )
            .order_by(col(Entry.seq).desc())
            .limit(1)
            .lateral(),
        )
        entries = await session.exec(
            select(newest).select_from(Head).join(newest, true()).where(col(Head.conversation_id).in_(conversations))
        )
        return {entry.conversation_id: to_event(entry) for entry in entries}

    async def _unread(self, session: AsyncSession, conversations: list[UUID], user: UUID) -> dict[UUID, _Unread]:
        """What the user has not read of each conversation."""
        waiting = (
            select(Entry.seq)
            .where(
                col(Entry.conversation_id) == Head.conversation_id,
                col(Entry.seq) > func.coalesce(col(Receipt.read_up_to), 0),
                *_waiting_for(user),
            )
            .order_by(col(Entry.seq).desc())
            .limit(MOST_UNREAD)
            .correlate(Head, Receipt)
            .lateral()
        )
        counted = select(func.count().label("count")).select_from(waiting).lateral()
        rows = await session.exec(
            select(Head.conversation_id, Receipt, counted.c.count)
            .select_from(Head)
            .join(
                Receipt,
                and_(col(Receipt.conversation_id) == Head.conversation_id, col(Receipt.user_id) == user),
                isouter=True,
            )
            .join(counted, true())
            .where(col(Head.conversation_id).in_(conversations))
        )
        return {conversation: _Unread(_to_receipt(user, receipt), count) for conversation, receipt, count in rows}

    async def receipts(
        self, conversation_id: str, user_id: str, limit: int, after_user_id: str
    ) -> tuple[list[pb.Receipt], str]:
        """How far the members have come, in order of their ids.

        Returns:
            The receipts, and the id of the last one when there are more.

        Raises:
            RealChatError: conversation_not_found.
        """
        conversation = UUID(conversation_id)
        query = (
            select(Member.user_id, Receipt)
            .join(Receipt, _of_member(), isouter=True)
            .where(col(Member.conversation_id) == conversation, col(Member.until_seq) == 0)
            .where(_shows_receipts_to(UUID(user_id)))
            .order_by(col(Member.user_id))
            .limit(limit + 1)
        )
        if after_user_id:
            query = query.where(col(Member.user_id) > UUID(after_user_id))
        async with transaction(self._engine) as session:
            await self._require_member(session, conversation, UUID(user_id))
            rows = list(await session.exec(query))
        receipts = [_to_receipt(member, receipt) for member, receipt in rows[:limit]]
        for receipt in receipts:
            receipt.marked_unread = receipt.marked_unread and receipt.user_id == user_id
        return receipts, receipts[-1].user_id if len(rows) > limit else ""

    async def message_receipts(
        self, conversation_id: str, message_id: str, user_id: str
    ) -> message_pb2.GetMessageReceiptsResponse:
        """Who of the members has got a message, and who has read it.

        Raises:
            RealChatError: conversation_not_found, message_not_found.
        """
        conversation, user = UUID(conversation_id), UUID(user_id)
        async with transaction(self._engine) as session:
            await self._require_member(session, conversation, user)
            message = await self._message(session, conversation, UUID(message_id), user)
            span = aliased(Member)
            rows = await session.exec(
                select(Member.user_id, Receipt.delivered_up_to, Receipt.read_up_to)
                .join(Receipt, _of_member())
                .where(
                    col(Member.conversation_id) == conversation,
                    col(Member.until_seq) == 0,
                    col(Member.user_id) != message.actor_id,
                    _shows_receipts_to(user),
                    exists(
                        select(span).where(
                            span.conversation_id == conversation,
                            span.user_id == Member.user_id,
                            span.from_seq <= message.seq,
                            or_(col(span.until_seq) == 0, col(span.until_seq) >= message.seq),
                        )
                    ),
                )
                .order_by(col(Member.user_id))
            )
            answer = message_pb2.GetMessageReceiptsResponse()
            for member, delivered_up_to, read_up_to in rows:
                if delivered_up_to >= message.seq:
                    answer.delivered_to.append(str(member))
                if read_up_to >= message.seq:
                    answer.read_by.append(str(member))
            return answer

    async def hide(self, conversation_id: str, message_id: str, user_id: str) -> None:
        """Hides a message from somebody. Raises conversation_not_found, message_not_found."""
        conversation, user = UUID(conversation_id), UUID(user_id)
        async with transaction(self._engine) as session:
            await self._require_member(session, conversation, user)
            message = await self._message(session, conversation, UUID(message_id), user)
            await session.merge(Hidden(conversation_id=conversation, user_id=user, seq=message.seq))

    async def message(self, conversation_id: str, message_id: str, user_id: str) -> message_pb2.GetMessageResponse:
        """A message as it now stands. Raises conversation_not_found, message_not_found."""
        conversation, user = UUID(conversation_id), UUID(user_id)
        async with transaction(self._engine) as session:
            await self._require_member(session, conversation, user)
            message = await self._message(session, conversation, UUID(message_id), user)
        if message.redacted:
            raise RealChatError(Code.MESSAGE_NOT_FOUND)
        return message_pb2.GetMessageResponse(
            sender_id=str(message.actor_id), body=message.body or "", sent_at_ms=message.occurred_at_ms
        )

    async def edits(self, conversation_id: str, message_id: str, user_id: str) -> message_pb2.ListEditsResponse:
        """What a message said, oldest first.

        Raises:
            RealChatError: conversation_not_found, message_not_found; permission_denied for who is neither the author
                nor an administrator.
        """
        conversation, user = UUID(conversation_id), UUID(user_id)
        async with transaction(self._engine) as session:
            await self._require_member(session, conversation, user)
            message = await self._message(session, conversation, UUID(message_id), user)
            role = await session.exec(
                select(Member.role).where(
                    col(Member.conversation_id) == conversation,
                    col(Member.user_id) == user,
                    col(Member.until_seq) == 0,
                )
            )
            if message.actor_id != user and role.one() not in ADMINISTRATORS:
                raise RealChatError(Code.PERMISSION_DENIED)
            if message.redacted:
                return message_pb2.ListEditsResponse()
            earlier = await session.exec(
                select(Revision)
                .where(col(Revision.conversation_id) == conversation, col(Revision.message_id) == message.event_id)
                .order_by(col(Revision.until_seq))
            )
            revisions = [message_pb2.Revision(body=each.body, written_at_ms=each.written_at_ms) for each in earlier]
            now = message_pb2.Revision(
                body=message.body or "", written_at_ms=message.edited_at_ms or message.occurred_at_ms
            )
            return message_pb2.ListEditsResponse(revisions=[*revisions, now])

    async def poll(self, conversation_id: str, message_id: str, user_id: str) -> pb.MessageSent:
        """A poll with its results. Raises conversation_not_found, message_not_found."""
        conversation, user = UUID(conversation_id), UUID(user_id)
        async with transaction(self._engine) as session:
            await self._require_member(session, conversation, user)
            message = await self._message(session, conversation, UUID(message_id), user)
            (event,) = await as_they_stand(session, [message], user)
        if not event.message_sent.HasField("poll"):
            raise RealChatError(Code.MESSAGE_NOT_FOUND)
        return event.message_sent

    async def reactions(
        self, conversation_id: str, message_id: str, user_id: str, emoji: str, limit: int, after_seq: int
    ) -> tuple[list[message_pb2.Reaction], int]:
        """Who gave a message which emoji (one, or any), in the order they did.

        Returns:
            The reactions, and the seq of the last one when there are more.

        Raises:
            RealChatError: conversation_not_found, message_not_found.
        """
        conversation, user = UUID(conversation_id), UUID(user_id)
        async with transaction(self._engine) as session:
            await self._require_member(session, conversation, user)
            message = await self._message(session, conversation, UUID(message_id), user)
            query = select(Reaction).where(col(Reaction.message_id) == message.event_id, col(Reaction.seq) > after_seq)
            if emoji:
                query = query.where(col(Reaction.emoji) == emoji)
            rows = list(await session.exec(query.order_by(col(Reaction.seq)).limit(limit + 1)))
        reactions = [
            message_pb2.Reaction(user_id=str(row.user_id), emoji=row.emoji, reacted_at_ms=row.reacted_at_ms)
            for row in rows[:limit]
        ]
        return reactions, rows[limit - 1].seq if len(rows) > limit else 0

    async def _require_member(self, session: AsyncSession, conversation: UUID, user: UUID) -> int:
        """The end of the log. Raises conversation_not_found for who is not a member."""
        last_seqs = await self._last_seqs(session, [conversation], user)
        if not last_seqs:
            raise RealChatError(Code.CONVERSATION_NOT_FOUND)
        return last_seqs[str(conversation)]

    async def _message(self, session: AsyncSession, conversation: UUID, message_id: UUID, user: UUID) -> Entry:
        """A message that the user may read. Raises message_not_found."""
        entries = await session.exec(
            select(Entry).where(
                col(Entry.conversation_id) == conversation,
                col(Entry.event_id) == message_id,
                col(Entry.client_message_id).is_not(None),
                _within_span_of(user),
            )
        )
        entry = entries.one_or_none()
        if entry is None:
            raise RealChatError(Code.MESSAGE_NOT_FOUND)
        return entry


def _shows_receipts_to(viewer: UUID) -> ColumnElement[bool]:
    """Members who let the viewer see their receipts: neither has blocked the other, and their settings allow it."""
    relation = select(Relation).where(
        col(Relation.low_id) == func.least(col(Member.user_id), viewer),
        col(Relation.high_id) == func.greatest(col(Member.user_id), viewer),
    )
    privacy = select(ReceiptPrivacy).where(col(ReceiptPrivacy.user_id) == Member.user_id)
    nobody = privacy.where(col(ReceiptPrivacy.audience) == profile_pb2.AUDIENCE_NOBODY)
    contacts = privacy.where(col(ReceiptPrivacy.audience) == profile_pb2.AUDIENCE_CONTACTS)
    hidden = or_(
        exists(relation.where(col(Relation.apart))),
        exists(nobody),
        and_(exists(contacts), ~exists(relation.where(col(Relation.contacts)))),
    )
    return or_(col(Member.user_id) == viewer, ~hidden)


def _of_member() -> ColumnElement[bool]:
    """Joins a member's receipt."""
    return and_(col(Receipt.conversation_id) == Member.conversation_id, col(Receipt.user_id) == Member.user_id)
