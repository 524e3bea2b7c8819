"""Entries of the read model as events, as they now stand: with what later events made of them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from uuid import UUID

from sqlalchemy import func
from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from chat.event.v1 import event_pb2 as pb
from realchat_message.access import readable_by
from realchat_message.acts import reaction_of
from realchat_message.polls import results
from realchat_message.tables import Entry, Reaction, Vote

Reactions = dict[str, dict[str, pb.ReactionCount]]
"""By message and emoji, in the order in which the emojis came."""


def to_event(entry: Entry) -> pb.Event:
    """An entry as an event; one that changes a message is as it was appended, without a body."""
    if entry.change is not None:
        return pb.Event.FromString(entry.change)
    event = pb.Event(
        conversation_id=str(entry.conversation_id),
        seq=entry.seq,
        event_id=str(entry.event_id),
        actor_id=str(entry.actor_id),
        occurred_at_ms=entry.occurred_at_ms,
        message_sent=pb.MessageSent(
            message_id=str(entry.event_id),
            client_message_id=entry.client_message_id or "",
            body=entry.body or "",
            reply_to=str(entry.reply_to) if entry.reply_to else "",
            redacted=entry.redacted,
            edited_at_ms=0 if entry.redacted else entry.edited_at_ms,
            mentions=_texts(entry.mentions),
            mention_all=entry.mention_all,
            pinned=entry.pinned_seq is not None,
        ),
    )
    if entry.extras:
        event.message_sent.MergeFromString(entry.extras)
    return event


async def as_they_stand(session: AsyncSession, entries: Sequence[Entry], reader: UUID | None = None) -> list[pb.Event]:
    """Entries of one conversation as events.

    Args:
        session: in which the entries were read.
        entries: in any order.
        reader: who pages through history: messages then say what was made of them by events that may be on no
            page, such as reactions. Whoever reads events one after the other gets those anyway.
    """
    events = [to_event(entry) for entry in entries]
    await _fill_edits(session, entries, events)
    reactions = [reaction for event in events if (reaction := reaction_of(event))]
    messages = [event.message_sent for event in events if reader and event.HasField("message_sent")]
    found = await _reactions(session, {each.message_id for each in (*reactions, *messages)}, reader)
    for reaction in reactions:
        reaction.count = found[reaction.message_id].get(reaction.emoji, pb.ReactionCount()).count
    threads = await _threads(session, [message.message_id for message in messages], reader) if reader else {}
    for message in messages:
        message.reactions.extend(found[message.message_id].values())
        message.reply_count, message.last_reply_seq = threads.get(message.message_id, (0, 0))
    if reader:
        await _fill_polls(session, [message for message in messages if message.HasField("poll")], str(reader))
    return events


async def _fill_polls(session: AsyncSession, messages: Sequence[pb.MessageSent], reader_id: str) -> None:
    """Polls say what was voted."""
    if not messages:
        return
    votes: dict[str, dict[str, list[int]]] = defaultdict(dict)
    ids = [UUID(message.message_id) for message in messages]
    for vote in await session.exec(select(Vote).where(col(Vote.message_id).in_(ids))):
        votes[str(vote.message_id)][str(vote.user_id)] = vote.choices
    for message in messages:
        results(message.poll, votes[message.message_id], reader_id)


async def _fill_edits(session: AsyncSession, entries: Sequence[Entry], events: Sequence[pb.Event]) -> None:
    """Edits say what their messages say now."""
    edits = [event.message_edited for event in events if event.HasField("message_edited")]
    if not edits:
        return
    rows = await session.exec(
        select(Entry).where(
            col(Entry.conversation_id) == entries[0].conversation_id,
            col(Entry.event_id).in_({UUID(edit.message_id) for edit in edits}),
        )
    )
    found = {str(entry.event_id): entry for entry in rows}
    for edit in edits:
        entry = found[edit.message_id]
        edit.body, edit.redacted, edit.mention_all = entry.body or "", entry.redacted, entry.mention_all
        edit.mentions.extend(_texts(entry.mentions))


def _texts(ids: Iterable[UUID] | None) -> list[str]:
    return [str(each) for each in ids or ()]


async def _threads(session: AsyncSession, message_ids: Sequence[str], reader: UUID) -> dict[str, tuple[int, int]]:
    """How many messages that the reader may read answer each of these, and the seq of the last one."""
    if not message_ids:
        return {}
    rows = await session.exec(
        select(Entry.reply_to, func.count(), func.max(Entry.seq))
        .where(col(Entry.reply_to).in_([UUID(message_id) for message_id in message_ids]), readable_by(reader))
        .group_by(col(Entry.reply_to))
    )
    return {str(message_id): (count, last) for message_id, count, last in rows}


async def _reactions(session: AsyncSession, message_ids: Iterable[str], reader: UUID | None) -> Reactions:
    found: Reactions = defaultdict(dict)
    ids = [UUID(message_id) for message_id in message_ids]
    if ids:
        rows = await session.exec(
            select(Reaction.message_id, Reaction.emoji, func.count(), func.bool_or(col(Reaction.user_id) == reader))
            .where(col(Reaction.message_id).in_(ids))
            .group_by(col(Reaction.message_id), col(Reaction.emoji))
            .order_by(func.min(Reaction.seq))
        )
        for message_id, emoji, count, mine in rows:
            found[str(message_id)][emoji] = pb.ReactionCount(emoji=emoji, count=count, mine=mine or False)
    return found
