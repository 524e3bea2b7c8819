"""Reads of one message's particulars, and what somebody does to a message for themselves alone."""

from __future__ import annotations

from uuid import UUID

from sqlalchemy import and_
from sqlalchemy.ext.asyncio import AsyncEngine
from sqlalchemy.orm import aliased
from sqlmodel import col, select

from chat.event.v1 import event_pb2 as pb
from chat.message.v1 import message_pb2
from realchat_common.database import transaction
from realchat_common.errors import Code, RealChatError
from realchat_message.access import message_of, readable_by, require_member
from realchat_message.domain import ADMINISTRATORS
from realchat_message.standing import as_they_stand, to_event
from realchat_message.tables import Entry, Hidden, Member, Reaction, Revision


class MessageDetails:
    """Answers readers, as MessageStore does."""

    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = engine

    async def hide(self, conversation_id: str, message_id: str, user_id: str) -> None:
        """Hides a message from somebody. Raises conversation_not_found, message_not_found."""
        conversation, user = UUID(conversation_id), UUID(user_id)
        async with transaction(self._engine) as session:
            message = await message_of(session, conversation, UUID(message_id), user)
            await session.merge(Hidden(conversation_id=conversation, user_id=user, seq=message.seq))

    async def message(self, conversation_id: str, message_id: str, user_id: str) -> message_pb2.GetMessageResponse:
        """A message as it now stands. Raises conversation_not_found, message_not_found."""
        conversation, user = UUID(conversation_id), UUID(user_id)
        async with transaction(self._engine) as session:
            message = await message_of(session, conversation, UUID(message_id), user)
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
            message = await message_of(session, conversation, UUID(message_id), user)
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
            message = await message_of(session, conversation, UUID(message_id), user)
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
            message = await message_of(session, conversation, UUID(message_id), user)
            query = select(Reaction).where(col(Reaction.message_id) == message.event_id, col(Reaction.seq) > after_seq)
            if emoji:
                query = query.where(col(Reaction.emoji) == emoji)
            rows = list(await session.exec(query.order_by(col(Reaction.seq)).limit(limit + 1)))
        reactions = [
            message_pb2.Reaction(user_id=str(row.user_id), emoji=row.emoji, reacted_at_ms=row.reacted_at_ms)
            for row in rows[:limit]
        ]
        return reactions, rows[limit - 1].seq if len(rows) > limit else 0

    async def pins(self, conversation_id: str, user_id: str) -> list[message_pb2.Pin]:
        """The pinned messages, the newest pin first. Raises conversation_not_found."""
        conversation, user = UUID(conversation_id), UUID(user_id)
        pinning = aliased(Entry)
        async with transaction(self._engine) as session:
            await require_member(session, conversation, user)
            rows = list(
                await session.exec(
                    select(Entry, pinning.actor_id, pinning.occurred_at_ms)
                    .join(
                        pinning,
                        and_(col(pinning.conversation_id) == conversation, col(pinning.seq) == Entry.pinned_seq),
                    )
                    .where(col(Entry.conversation_id) == conversation, readable_by(user))
                    .order_by(col(Entry.pinned_seq).desc())
                )
            )
            events = await as_they_stand(session, [entry for entry, _, _ in rows], user)
        return [
            message_pb2.Pin(message=event, pinned_by=str(who), pinned_at_ms=at_ms)
            for event, (_, who, at_ms) in zip(events, rows, strict=True)
        ]

    async def replies(
        self, conversation_id: str, message_id: str, user_id: str, limit: int, after_seq: int
    ) -> tuple[pb.Event, list[pb.Event], int]:
        """A message, and those that answer it in ascending seq.

        Returns:
            The message, its replies, and the seq of the last one when there are more.

        Raises:
            RealChatError: conversation_not_found, message_not_found.
        """
        conversation, user = UUID(conversation_id), UUID(user_id)
        async with transaction(self._engine) as session:
            message = await message_of(session, conversation, UUID(message_id), user)
            entries = list(
                await session.exec(
                    select(Entry)
                    .where(col(Entry.reply_to) == message.event_id, col(Entry.seq) > after_seq, readable_by(user))
                    .order_by(col(Entry.seq))
                    .limit(limit + 1)
                )
            )
            root, *replies = await as_they_stand(session, [message, *entries[:limit]], user)
        return root, replies, replies[-1].seq if len(entries) > limit else 0

    async def text(self, conversation_id: str, message_id: str, user_id: str) -> tuple[str, pb.Origin]:
        """What a message says, to be forwarded, and who wrote that first.

        Raises:
            RealChatError: conversation_not_found; message_not_found, also when it is deleted; invalid_argument when it
                has no text.
        """
        conversation, user = UUID(conversation_id), UUID(user_id)
        async with transaction(self._engine) as session:
            message = await message_of(session, conversation, UUID(message_id), user)
        if message.redacted:
            raise RealChatError(Code.MESSAGE_NOT_FOUND)
        if not message.body:
            raise RealChatError(Code.INVALID_ARGUMENT, "files are not forwarded, and there is no text")
        event = to_event(message)
        if event.message_sent.HasField("forwarded_from"):
            return message.body, event.message_sent.forwarded_from
        return message.body, pb.Origin(author_id=event.actor_id, sent_at_ms=event.occurred_at_ms)
