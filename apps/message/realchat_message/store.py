"""Reads of the read model: history, sync, inbox, audience."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal
from uuid import UUID

from sqlalchemy import ColumnElement, and_, any_, exists, func, literal, or_, true, tuple_
from sqlalchemy.ext.asyncio import AsyncEngine
from sqlalchemy.orm import aliased
from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from chat.event.v1 import event_pb2 as pb
from chat.message.v1 import message_pb2
from realchat_common.database import transaction
from realchat_message.access import last_seqs, message_of, readable_by, require_member, shows_receipts_to
from realchat_message.standing import as_they_stand, to_event
from realchat_message.tables import Entry, Epoch, Head, Member, Receipt, Relation

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
    mentions: int


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
            last_seq = await require_member(session, conversation, user)
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
            low, high = 1, await require_member(session, UUID(conversation_id), UUID(user_id)) + 1
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
            last_seq = await require_member(session, conversation, user)
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

    async def sync(self, positions: dict[str, int], user_id: str, limit: int) -> list[message_pb2.SyncedConversation]:
        """What somebody missed in many conversations, in the order asked.

        What does not fit into `MOST_SYNCED_BYTES` any more counts as too much: the client pages through its history.
        """
        user = UUID(user_id)
        left = MOST_SYNCED_BYTES
        answers: list[message_pb2.SyncedConversation] = []
        async with transaction(self._engine) as session:
            found = await last_seqs(session, [UUID(text) for text in positions], user)
            for conversation_id, after_seq in positions.items():
                last_seq = found.get(conversation_id)
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
                mention_count=unread[head.conversation_id].mentions,
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
            select(
                Entry.seq, or_(col(Entry.mention_all), literal(user) == any_(col(Entry.mentions))).label("mentioned")
            )
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
        counted = (
            select(func.count().label("count"), func.count().filter(waiting.c.mentioned).label("mentions"))
            .select_from(waiting)
            .lateral()
        )
        rows = await session.exec(
            select(Head.conversation_id, Receipt, counted.c.count, counted.c.mentions)
            .select_from(Head)
            .join(
                Receipt,
                and_(col(Receipt.conversation_id) == Head.conversation_id, col(Receipt.user_id) == user),
                isouter=True,
            )
            .join(counted, true())
            .where(col(Head.conversation_id).in_(conversations))
        )
        return {
            conversation: _Unread(_to_receipt(user, receipt), count, mentions)
            for conversation, receipt, count, mentions in rows
        }

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
            .where(shows_receipts_to(UUID(user_id)))
            .order_by(col(Member.user_id))
            .limit(limit + 1)
        )
        if after_user_id:
            query = query.where(col(Member.user_id) > UUID(after_user_id))
        async with transaction(self._engine) as session:
            await require_member(session, conversation, UUID(user_id))
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
            message = await message_of(session, conversation, UUID(message_id), user)
            span = aliased(Member)
            rows = await session.exec(
                select(Member.user_id, Receipt.delivered_up_to, Receipt.read_up_to)
                .join(Receipt, _of_member())
                .where(
                    col(Member.conversation_id) == conversation,
                    col(Member.until_seq) == 0,
                    col(Member.user_id) != message.actor_id,
                    shows_receipts_to(user),
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


def _of_member() -> ColumnElement[bool]:
    """Joins a member's receipt."""
    return and_(col(Receipt.conversation_id) == Member.conversation_id, col(Receipt.user_id) == Member.user_id)
