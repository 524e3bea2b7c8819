"""Who may read what of the log, and see whose receipts."""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

from sqlalchemy import ColumnElement, and_, exists, func, or_
from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from chat.profile.v1 import profile_pb2
from realchat_common.errors import Code, RealChatError
from realchat_message.tables import Entry, Head, Hidden, Member, ReceiptPrivacy, Relation


def within_span_of(user_id: UUID) -> ColumnElement[bool]:
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
    return and_(within_span_of(user_id), ~hidden)


def shows_receipts_to(viewer: UUID) -> ColumnElement[bool]:
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


async def last_seqs(session: AsyncSession, conversations: Sequence[UUID], user: UUID) -> dict[str, int]:
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


async def require_member(session: AsyncSession, conversation: UUID, user: UUID) -> int:
    """The end of the log. Raises conversation_not_found for who is not a member."""
    found = await last_seqs(session, [conversation], user)
    if not found:
        raise RealChatError(Code.CONVERSATION_NOT_FOUND)
    return found[str(conversation)]


async def message_of(session: AsyncSession, conversation: UUID, message_id: UUID, user: UUID) -> Entry:
    """A message that the user, a member, may read. Raises conversation_not_found, message_not_found."""
    await require_member(session, conversation, user)
    entries = await session.exec(
        select(Entry).where(
            col(Entry.conversation_id) == conversation,
            col(Entry.event_id) == message_id,
            col(Entry.client_message_id).is_not(None),
            within_span_of(user),
        )
    )
    entry = entries.one_or_none()
    if entry is None:
        raise RealChatError(Code.MESSAGE_NOT_FOUND)
    return entry
