"""What appends are decided by, read on the connection that holds the head's row lock."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from chat.event.v1 import event_pb2 as pb
from realchat_common.errors import Code, RealChatError
from realchat_message.acts import Act, Actor, Board, Edit, Given, Pin, React, Target
from realchat_message.domain import Appended, Head, Intent, Key, NewChange, NewMessage
from realchat_message.polls import Choices, PollState, Vote

if TYPE_CHECKING:
    import asyncpg

    from realchat_message.projection import Connection


_LOCKED = """
    SELECT last_seq, members_seq, writer_id, coalesce(apart, false) AS apart, admins_only, known.*
    FROM head
    LEFT JOIN relation ON (low_id, high_id) = (direct_low_id, direct_high_id)
    LEFT JOIN LATERAL (
        SELECT found.* FROM unnest($2::uuid[], $3::text[]) AS wanted (actor_id, client_message_id)
        CROSS JOIN LATERAL (
            SELECT actor_id, client_message_id, event_id, seq, occurred_at_ms FROM entry
            WHERE conversation_id = head.conversation_id AND actor_id = wanted.actor_id
              AND client_message_id = wanted.client_message_id
            OFFSET 0  -- one index look-up for each: as a plain join it may read the whole conversation
        ) AS found
    ) AS known ON true
    WHERE head.conversation_id = $1 FOR UPDATE OF head
"""


async def locked(
    connection: Connection, conversation_id: str, batch: Sequence[Intent | Act]
) -> tuple[Head, str | None, dict[Key, Appended]]:
    """Locks the head's row, and in the same round trip looks for messages of the batch that the log has already.

    Returns:
        The head; who wrote last; and the messages. These are as of before the lock was waited for, so they are
        complete only where the caller wrote last.

    Raises:
        RealChatError: conversation_not_found.
    """
    messages = [intent for intent in batch if isinstance(intent, NewMessage)]
    rows = await connection.fetch(
        _LOCKED,
        conversation_id,
        [message.sender_id for message in messages],
        [message.client_message_id for message in messages],
    )
    if not rows:
        raise RealChatError(Code.CONVERSATION_NOT_FOUND)
    first = rows[0]
    head = Head(first["last_seq"], first["members_seq"], first["apart"], first["admins_only"])
    known = {(str(row["actor_id"]), row["client_message_id"]): _appended(row) for row in rows if row["event_id"]}
    return head, str(first["writer_id"]) if first["writer_id"] else None, known


async def known_changes(connection: Connection, conversation_id: str, intents: list[Intent]) -> dict[Key, Appended]:
    """Those of the changes that the log has already."""
    changes = [intent.event.event_id for intent in intents if isinstance(intent, NewChange)]
    if not changes:
        return {}
    rows = await connection.fetch(
        "SELECT event_id, seq, occurred_at_ms FROM entry"
        " WHERE conversation_id = $1 AND event_id = ANY($2::uuid[]) AND change IS NOT NULL",
        conversation_id,
        changes,
    )
    return {("", str(row["event_id"])): _appended(row) for row in rows}


def _appended(row: asyncpg.Record) -> Appended:
    return Appended(str(row["event_id"]), row["seq"], row["occurred_at_ms"])


async def answerable(connection: Connection, conversation_id: str, intents: list[Intent]) -> frozenset[str]:
    """Those of the messages that the intents reply to which exist in this conversation."""
    wanted = [intent.reply_to for intent in intents if isinstance(intent, NewMessage) and intent.reply_to]
    if not wanted:
        return frozenset()
    rows = await connection.fetch(
        "SELECT event_id FROM entry"
        " WHERE conversation_id = $1 AND event_id = ANY($2::uuid[]) AND client_message_id IS NOT NULL",
        conversation_id,
        wanted,
    )
    return frozenset(str(row["event_id"]) for row in rows)


async def actors(connection: Connection, conversation_id: str, acts: Sequence[Act]) -> dict[str, Actor]:
    """Those of the actors and of the mentioned who are members."""
    rows = await connection.fetch(
        """
        SELECT user_id, max(role) FILTER (WHERE until_seq = 0) AS role, array_agg(from_seq) AS froms,
               array_agg(until_seq) AS untils
        FROM member WHERE conversation_id = $1 AND user_id = ANY($2::uuid[])
        GROUP BY user_id HAVING bool_or(until_seq = 0)
        """,
        conversation_id,
        [user_id for act in acts for user_id in (act.actor_id, *(act.mentions if isinstance(act, Edit) else ()))],
    )
    return {
        str(row["user_id"]): Actor(row["role"], tuple(zip(row["froms"], row["untils"], strict=True))) for row in rows
    }


async def targets(connection: Connection, conversation_id: str, acts: Sequence[Act]) -> dict[str, Target]:
    """Those of the messages that are here."""
    rows = await connection.fetch(
        "SELECT event_id, seq, actor_id, occurred_at_ms, body, redacted, mentions, mention_all, pinned_seq, extras"
        " FROM entry"
        " WHERE conversation_id = $1 AND event_id = ANY($2::uuid[]) AND client_message_id IS NOT NULL",
        conversation_id,
        [act.message_id for act in acts],
    )
    given = await reactions(connection, acts)
    voted = await votes(connection, acts)
    return {
        (message_id := str(row["event_id"])): Target(
            row["seq"],
            str(row["actor_id"]),
            row["occurred_at_ms"],
            row["body"] or "",
            row["redacted"],
            frozenset(str(user_id) for user_id in row["mentions"] or ()),
            row["mention_all"],
            given.get(message_id, {}),
            _poll(row["extras"], voted.get(message_id, {})),
            row["pinned_seq"] is not None,
        )
        for row in rows
    }


def _poll(extras: bytes | None, votes: dict[str, Choices]) -> PollState | None:
    message = pb.MessageSent.FromString(extras) if extras else None
    if message is None or not message.HasField("poll"):
        return None
    return PollState(len(message.poll.options), message.poll.multiple, message.poll.closed, votes)


async def votes(connection: Connection, acts: Sequence[Act]) -> dict[str, dict[str, Choices]]:
    """What those who vote had voted for, by message and voter."""
    voting = [act for act in acts if isinstance(act, Vote)]
    if not voting:
        return {}
    rows = await connection.fetch(
        "SELECT * FROM vote WHERE message_id = ANY($1::uuid[]) AND user_id = ANY($2::uuid[])",
        [act.message_id for act in voting],
        [act.actor_id for act in voting],
    )
    found: dict[str, dict[str, Choices]] = {}
    for row in rows:
        found.setdefault(str(row["message_id"]), {})[str(row["user_id"])] = tuple(row["choices"])
    return found


async def reactions(connection: Connection, acts: Sequence[Act]) -> dict[str, dict[str, Given]]:
    """What was given to those messages that somebody reacts to."""
    reacting = [act for act in acts if isinstance(act, React)]
    if not reacting:
        return {}
    rows = await connection.fetch(
        """
        SELECT message_id, emoji, count(*) AS count,
               coalesce(array_agg(user_id) FILTER (WHERE user_id = ANY($2::uuid[])), '{}') AS actors
        FROM reaction WHERE message_id = ANY($1::uuid[]) GROUP BY message_id, emoji
        """,
        [act.message_id for act in reacting],
        [act.actor_id for act in reacting],
    )
    found: dict[str, dict[str, Given]] = {}
    for row in rows:
        given = Given(row["count"], frozenset(str(actor) for actor in row["actors"]))
        found.setdefault(str(row["message_id"]), {})[row["emoji"]] = given
    return found


async def board(connection: Connection, conversation_id: str, acts: Sequence[Act]) -> Board:
    """What decides pins, when somebody pins."""
    if not any(isinstance(act, Pin) for act in acts):
        return Board()
    row = await connection.fetchrow(
        """
        SELECT direct_low_id IS NOT NULL AS direct,
               (SELECT count(*) FROM entry WHERE conversation_id = $1 AND pinned_seq IS NOT NULL) AS pins
        FROM head WHERE conversation_id = $1
        """,
        conversation_id,
    )
    assert row is not None  # its lock is held
    return Board(row["direct"], row["pins"])
