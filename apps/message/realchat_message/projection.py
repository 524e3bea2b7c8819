"""Folds events into the read model, on the connection that holds the head's row lock.

The log wins: everything here can be made again from the segments.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from chat.event.v1 import event_pb2 as pb

if TYPE_CHECKING:
    import asyncpg

    Connection = asyncpg.pool.PoolConnectionProxy[asyncpg.Record]

_FOLD = """
    WITH entries AS (
        INSERT INTO entry (conversation_id, seq, event_id, actor_id, occurred_at_ms,
                           client_message_id, body, reply_to, redacted, change)
        SELECT $1, * FROM unnest($6::bigint[], $7::uuid[], $8::uuid[], $9::bigint[],
                                 $10::text[], $11::text[], $12::uuid[], $13::boolean[], $14::bytea[]))
    UPDATE head SET last_seq = $2, members_seq = $3, writer_id = $4,
                    unconfirmed_since_ms = CASE WHEN confirmed_seq < last_seq THEN unconfirmed_since_ms ELSE $5 END,
                    last_activity_ms = greatest(last_activity_ms, ($9::bigint[])[array_upper($9::bigint[], 1)])
    WHERE conversation_id = $1
"""
_JOIN = """
    INSERT INTO member (conversation_id, user_id, from_seq, role)
    SELECT $1, user_id, $2, role FROM unnest($3::uuid[], $4::smallint[]) AS joined (user_id, role)
    WHERE NOT EXISTS (SELECT FROM member m
                      WHERE m.conversation_id = $1 AND m.user_id = joined.user_id AND m.until_seq = 0)
"""
_LEAVE = "UPDATE member SET until_seq = $3 WHERE conversation_id = $1 AND user_id = $2 AND until_seq = 0"
_CHANGE_ROLE = "UPDATE member SET role = $3 WHERE conversation_id = $1 AND user_id = $2 AND until_seq = 0"


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
        [None if is_sent else event.SerializeToString() for event, is_sent in zip(segment.events, sent, strict=True)],
    )
    for event in segment.events:
        if not event.HasField("message_sent"):
            await _project_membership(connection, event)


async def _project_membership(connection: Connection, event: pb.Event) -> None:
    conversation_id = event.conversation_id
    match event.WhichOneof("payload"):
        case "conversation_created":
            await _join(connection, event, list(event.conversation_created.members))
        case "members_added":
            await _join(connection, event, list(event.members_added.members))
        case "member_removed":
            await connection.execute(_LEAVE, conversation_id, event.member_removed.user_id, event.seq)
        case "member_left":
            await connection.execute(_LEAVE, conversation_id, event.actor_id, event.seq)
            if event.member_left.new_owner_id:
                await connection.execute(_CHANGE_ROLE, conversation_id, event.member_left.new_owner_id, pb.ROLE_OWNER)
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
