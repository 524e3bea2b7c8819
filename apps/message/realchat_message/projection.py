"""Folds events into the read model, on the connection that holds the head's row lock.

The log wins: everything here can be made again from the segments.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from chat.event.v1 import event_pb2 as pb
from realchat_message.acts import pinned_by, target_of, without_body

if TYPE_CHECKING:
    import asyncpg

    Connection = asyncpg.pool.PoolConnectionProxy[asyncpg.Record]

_FOLD = """
    WITH entries AS (
        INSERT INTO entry (conversation_id, seq, event_id, actor_id, occurred_at_ms,
                           client_message_id, body, reply_to, redacted, change, extras, mention_all, mentions)
        SELECT $1, seq, event_id, actor_id, occurred_at_ms,
               client_message_id, body, reply_to, redacted, change, extras, mention_all, mentions::uuid[]
        FROM unnest($6::bigint[], $7::uuid[], $8::uuid[], $9::bigint[], $10::text[], $11::text[], $12::uuid[],
                    $13::boolean[], $14::bytea[], $15::bytea[], $16::boolean[], $17::text[])
             AS event (seq, event_id, actor_id, occurred_at_ms,
                       client_message_id, body, reply_to, redacted, change, extras, mention_all, mentions)),
         noted AS (
        INSERT INTO unconfirmed (conversation_id, first_seq, last_seq, since_ms)
        VALUES ($1, ($6::bigint[])[1], $2, $5) ON CONFLICT DO NOTHING)
    UPDATE head SET last_seq = $2, members_seq = $3, writer_id = $4,
                    last_activity_ms = greatest(last_activity_ms, ($9::bigint[])[array_upper($9::bigint[], 1)])
    WHERE conversation_id = $1
"""
_JOIN = """
    WITH joining AS (
        SELECT user_id, role, CASE WHEN open_history THEN 1 ELSE $2::bigint END AS from_seq, open_history
        FROM head, unnest($3::uuid[], $4::smallint[]) AS asked (user_id, role)
        WHERE conversation_id = $1 AND NOT EXISTS (
            SELECT FROM member m WHERE m.conversation_id = $1 AND m.user_id = asked.user_id AND m.until_seq = 0)),
    caught_up AS (  -- what was before somebody joined does not wait to be read by them
        INSERT INTO receipt (conversation_id, user_id, delivered_up_to, read_up_to)
        SELECT $1, user_id, $2 - 1, $2 - 1 FROM joining WHERE open_history
        ON CONFLICT (conversation_id, user_id) DO UPDATE
            SET delivered_up_to = greatest(receipt.delivered_up_to, excluded.delivered_up_to),
                read_up_to = greatest(receipt.read_up_to, excluded.read_up_to))
    INSERT INTO member (conversation_id, user_id, from_seq, role)
    SELECT $1, user_id, from_seq, role FROM joining
    ON CONFLICT (conversation_id, user_id, from_seq) DO UPDATE SET until_seq = 0, role = excluded.role
"""
_OF_TWO = "UPDATE head SET direct_low_id = $2, direct_high_id = $3 WHERE conversation_id = $1"
_ADMINS_ONLY = "UPDATE head SET admins_only = $2 WHERE conversation_id = $1"
_OPEN_HISTORY = "UPDATE head SET open_history = $2 WHERE conversation_id = $1"
_LEAVE = "UPDATE member SET until_seq = $3 WHERE conversation_id = $1 AND user_id = $2 AND until_seq = 0"
_CHANGE_ROLE = "UPDATE member SET role = $3 WHERE conversation_id = $1 AND user_id = $2 AND until_seq = 0"
_AIM = "UPDATE entry SET target = $3 WHERE conversation_id = $1 AND seq = $2"
_KEEP = """
    INSERT INTO revision (conversation_id, message_id, until_seq, body, written_at_ms)
    SELECT conversation_id, event_id, $3, body, CASE edited_at_ms WHEN 0 THEN occurred_at_ms ELSE edited_at_ms END
    FROM entry WHERE conversation_id = $1 AND event_id = $2 AND NOT redacted
"""
_EDIT = """
    UPDATE entry SET body = $3, edited_at_ms = $4, mentions = $5::text::uuid[], mention_all = $6
    WHERE conversation_id = $1 AND event_id = $2 AND NOT redacted
"""
_REDACT = """
    WITH revisions AS (DELETE FROM revision WHERE conversation_id = $1 AND message_id = $2),
         reactions AS (DELETE FROM reaction WHERE message_id = $2),
         votes AS (DELETE FROM vote WHERE message_id = $2),
         files AS (UPDATE attachment SET remove_after_ms = 0 WHERE message_id = $2),
         noted AS (INSERT INTO redaction (conversation_id, message_id) VALUES ($1, $2) ON CONFLICT DO NOTHING)
    UPDATE entry SET body = '', redacted = true, extras = NULL, mentions = NULL, mention_all = false, pinned_seq = NULL
    WHERE conversation_id = $1 AND event_id = $2
"""
TIMER, RETENTION = 1, 2
"""What a conversation's messages end by."""
_SET_EXPIRY = """
    WITH noted AS (
        INSERT INTO expiry (conversation_id, kind, from_seq, seconds, set_by) VALUES ($1, $2, $3, $4, $5)
    )
    INSERT INTO expiry_work (conversation_id, kind, from_seq, done_seq, due_ms)
    SELECT $1, $2, $3, $6::bigint, 0 WHERE $4 > 0
"""
_ATTACH = """
    UPDATE attachment SET message_id = $2, remove_after_ms = NULL, scheduled_id = NULL
    WHERE conversation_id = $1 AND attachment_id = ANY($3::uuid[])
"""
_REACT = """
    INSERT INTO reaction (message_id, emoji, user_id, seq, reacted_at_ms) VALUES ($1, $2, $3, $4, $5)
    ON CONFLICT DO NOTHING
"""
_VOTE = """
    INSERT INTO vote (message_id, user_id, choices) VALUES ($1, $2, $3)
    ON CONFLICT (message_id, user_id) DO UPDATE SET choices = excluded.choices
"""
_EXTRAS = "SELECT extras FROM entry WHERE conversation_id = $1 AND event_id = $2"
_SET_EXTRAS = "UPDATE entry SET extras = $3 WHERE conversation_id = $1 AND event_id = $2"
_TAKE_BACK = "DELETE FROM reaction WHERE message_id = $1 AND emoji = $2 AND user_id = $3"


_PIN = "UPDATE entry SET pinned_seq = $3 WHERE conversation_id = $1 AND event_id = $2"


async def project(connection: Connection, segment: pb.Segment, writer_id: str | None, now_ms: int) -> None:
    """Folds a segment in and moves the head to its end.

    Args:
        connection: in a transaction that holds the head's row lock.
        segment: the next one of the log.
        writer_id: the process that wrote it, or None when that is unknown (it was adopted).
        now_ms: when it was written; the sweeper's clock.
    """
    conversation_id = segment.conversation_id
    messages = [event.message_sent for event in segment.events]
    sent = [event.HasField("message_sent") for event in segment.events]
    await connection.execute(
        _FOLD,
        conversation_id,
        segment.last_seq,
        segment.members_seq,
        writer_id,
        now_ms,
        [event.seq for event in segment.events],
        [event.event_id for event in segment.events],
        [event.actor_id for event in segment.events],
        [event.occurred_at_ms for event in segment.events],
        [message.client_message_id if is_sent else None for message, is_sent in zip(messages, sent, strict=True)],
        [message.body if is_sent else None for message, is_sent in zip(messages, sent, strict=True)],
        [message.reply_to or None for message in messages],
        [message.redacted for message in messages],
        [None if is_sent else _bare(event) for event, is_sent in zip(segment.events, sent, strict=True)],
        [_extras(message) for message in messages],
        [message.mention_all for message in messages],
        [_array(message.mentions) for message in messages],
    )
    for message in messages:
        if message.attachments:
            attached = [each.attachment_id for each in message.attachments]
            await connection.execute(_ATTACH, conversation_id, message.message_id, attached)
    for event in segment.events:
        if not event.HasField("message_sent"):
            await _project_membership(connection, event)
            await _project_act(connection, event)
            await _project_reaction(connection, event)
            await _project_expiry(connection, event)
            await _project_poll(connection, event)
            if pinned := pinned_by(event):
                message_id, stays = pinned
                await connection.execute(_PIN, conversation_id, message_id, event.seq if stays else None)


def _extras(message: pb.MessageSent) -> bytes | None:
    extras = pb.MessageSent(attachments=message.attachments)
    if message.HasField("poll"):
        extras.poll.CopyFrom(message.poll)
    if message.HasField("forwarded_from"):
        extras.forwarded_from.CopyFrom(message.forwarded_from)
    return extras.SerializeToString() or None


def _array(user_ids: Sequence[str]) -> str | None:
    """As PostgreSQL writes an array: arrays of arrays have one shape there."""
    return "{" + ",".join(user_ids) + "}" if user_ids else None


def _bare(event: pb.Event) -> bytes:
    return (without_body(event) if event.HasField("message_edited") else event).SerializeToString()


async def _project_act(connection: Connection, event: pb.Event) -> None:
    message_id = target_of(event)
    if not message_id:
        return
    conversation_id = event.conversation_id
    await connection.execute(_AIM, conversation_id, event.seq, message_id)
    if event.HasField("message_deleted"):
        await connection.execute(_REDACT, conversation_id, message_id)
    elif not event.message_edited.redacted:
        await connection.execute(_KEEP, conversation_id, message_id, event.seq)
        edited = event.message_edited
        await connection.execute(
            _EDIT,
            conversation_id,
            message_id,
            edited.body,
            event.occurred_at_ms,
            _array(edited.mentions),
            edited.mention_all,
        )


async def _project_reaction(connection: Connection, event: pb.Event) -> None:
    if event.HasField("reaction_added"):
        added = event.reaction_added
        await connection.execute(_REACT, added.message_id, added.emoji, event.actor_id, event.seq, event.occurred_at_ms)
    elif event.HasField("reaction_removed"):
        removed = event.reaction_removed
        await connection.execute(_TAKE_BACK, removed.message_id, removed.emoji, event.actor_id)


async def _project_expiry(connection: Connection, event: pb.Event) -> None:
    if event.HasField("message_timer_set"):
        await connection.execute(
            _SET_EXPIRY,
            event.conversation_id,
            TIMER,
            event.seq,
            event.message_timer_set.seconds,
            event.actor_id,
            event.seq,
        )
    elif event.HasField("retention_set"):
        seconds = event.retention_set.days * 24 * 3600
        await connection.execute(_SET_EXPIRY, event.conversation_id, RETENTION, event.seq, seconds, event.actor_id, 0)


async def _project_poll(connection: Connection, event: pb.Event) -> None:
    if event.HasField("poll_voted"):
        voted = event.poll_voted
        await connection.execute(_VOTE, voted.message_id, event.actor_id, list(voted.choices))
    elif event.HasField("poll_closed"):
        where = (event.conversation_id, event.poll_closed.message_id)
        extras = await connection.fetchval(_EXTRAS, *where)
        if extras:  # else it is deleted
            message = pb.MessageSent.FromString(extras)
            message.poll.closed = True
            await connection.execute(_SET_EXTRAS, *where, message.SerializeToString())


async def _project_membership(connection: Connection, event: pb.Event) -> None:
    conversation_id = event.conversation_id
    match event.WhichOneof("payload"):
        case "conversation_created":
            if event.conversation_created.kind == pb.CONVERSATION_KIND_DIRECT:
                pair = sorted(member.user_id for member in event.conversation_created.members)
                await connection.execute(_OF_TWO, conversation_id, *pair)
            await _join(connection, event, list(event.conversation_created.members))
        case "members_added":
            await _join(connection, event, list(event.members_added.members))
        case "member_removed":
            await connection.execute(_LEAVE, conversation_id, event.member_removed.user_id, event.seq)
        case "member_left":
            await connection.execute(_LEAVE, conversation_id, event.actor_id, event.seq)
            if event.member_left.new_owner_id:
                await connection.execute(_CHANGE_ROLE, conversation_id, event.member_left.new_owner_id, pb.ROLE_OWNER)
        case "group_changed":
            if event.group_changed.HasField("admins_only"):
                await connection.execute(_ADMINS_ONLY, conversation_id, event.group_changed.admins_only)
            if event.group_changed.HasField("open_history"):
                await connection.execute(_OPEN_HISTORY, conversation_id, event.group_changed.open_history)
        case "role_changed":
            await connection.execute(_CHANGE_ROLE, conversation_id, event.role_changed.user_id, event.role_changed.role)


async def _join(connection: Connection, event: pb.Event, members: list[pb.Member]) -> None:
    await connection.execute(
        _JOIN,
        event.conversation_id,
        event.seq,
        [member.user_id for member in members],
        [member.role for member in members],
    )
