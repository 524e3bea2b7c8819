"""What waits unread for people that they are reminded of: direct messages, and mentions in groups."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby

import asyncpg

from chat.message.v1 import message_pb2 as pb
from realchat_common.database import answering

MOST_CONVERSATIONS = 100
"""So many of one person's that have anything unread are looked at: direct ones first, then those active last. With
`NEWEST` it bounds what somebody in very many busy groups costs: some 60 ms."""
NEWEST = 1_000
"""So many events of a conversation are looked at, however long its member was away."""


class WaitingMessages:
    """Reads the read model, on nobody's behalf.

    Args:
        pool: the service's database.
    """

    def __init__(self, pool: asyncpg.Pool[asyncpg.Record]) -> None:
        self._pool = pool

    async def of(self, user_ids: Sequence[str], since_ms: int) -> list[pb.Waiting]:
        """What waits for each of some people, where it does.

        Args:
            user_ids: whose.
            since_ms: conversations are left out in which nothing waits since before then.

        Raises:
            RealChatError: unavailable.
        """
        with answering():
            rows = await self._pool.fetch(_WAITING, user_ids, since_ms, NEWEST, MOST_CONVERSATIONS)
        return [
            pb.Waiting(
                user_id=str(user_id),
                read_mark=read_mark,
                conversations=[
                    pb.WaitingConversation(
                        conversation_id=str(row["conversation_id"]),
                        peer_id=str(row["peer_id"] or ""),
                        count=row["messages"],
                    )
                    for row in theirs
                ],
            )
            for (user_id, read_mark), theirs in groupby(rows, key=lambda row: (row["user_id"], row["read_mark"]))
        ]


_WAITING = """
    SELECT asked.user_id, read_mark, place.*
    FROM unnest($1::uuid[]) AS asked (user_id)
    CROSS JOIN LATERAL (
        SELECT coalesce(sum(read_up_to), 0)::bigint AS read_mark
        FROM member JOIN receipt USING (conversation_id, user_id)
        WHERE member.user_id = asked.user_id AND until_seq = 0
    ) AS had_read
    CROSS JOIN LATERAL (
        SELECT conversation_id, last_activity_ms, messages,
               CASE asked.user_id WHEN direct_low_id THEN direct_high_id ELSE direct_low_id END AS peer_id
        FROM (
            SELECT head.*, coalesce(read_up_to, 0) AS read_up_to
            FROM member JOIN head USING (conversation_id) LEFT JOIN receipt USING (conversation_id, user_id)
            WHERE member.user_id = asked.user_id AND until_seq = 0 AND last_seq > coalesce(read_up_to, 0)
            ORDER BY direct_low_id IS NULL, last_activity_ms DESC LIMIT $4
        ) AS head
        CROSS JOIN LATERAL (
            SELECT count(*) AS messages, min(occurred_at_ms) AS oldest_ms FROM entry
            WHERE entry.conversation_id = head.conversation_id
              AND seq > greatest(read_up_to, last_seq - $3)
              AND client_message_id IS NOT NULL AND NOT redacted AND actor_id <> asked.user_id
              AND (direct_low_id IS NOT NULL OR mention_all OR asked.user_id = ANY(mentions))
              AND EXISTS (
                  SELECT FROM member span
                  WHERE span.conversation_id = entry.conversation_id AND span.user_id = asked.user_id
                    AND seq >= span.from_seq AND (span.until_seq = 0 OR seq <= span.until_seq))
              AND NOT EXISTS (
                  SELECT FROM hidden
                  WHERE hidden.conversation_id = entry.conversation_id AND hidden.user_id = asked.user_id
                    AND hidden.seq = entry.seq)
              AND NOT EXISTS (
                  SELECT FROM relation
                  WHERE apart AND low_id = least(actor_id, asked.user_id)
                    AND high_id = greatest(actor_id, asked.user_id))
        ) AS unread
        WHERE oldest_ms < $2
    ) AS place
    ORDER BY asked.user_id, last_activity_ms DESC
"""
