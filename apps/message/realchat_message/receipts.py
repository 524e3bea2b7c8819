"""Receipts: how far each member has come, and the news of it.

Invariants, with the tests that break when they go (tests/service/message/test_receipts.py): a receipt never goes
back, is never beyond the end of the log, and only a member's moves. Nobody is told of the receipts of somebody whom
they have blocked, or who has blocked them (test_relations.py).
"""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

import asyncpg
from prometheus_client import Counter

from chat.event.v1 import event_pb2 as pb
from realchat_common.database import answering
from realchat_common.errors import RealChatError
from realchat_common.ids import now_ms
from realchat_common.sidecar import Sidecar
from realchat_common.topics import RECEIPTS, RECEIPTS_TYPE, publish

QUEUED = 1_000
WORKERS = 4
PUBLISH_SECONDS = 1.0

NEWS = Counter(
    "realchat_receipt_news_total", "Conversations whose moved receipts were to be told, by outcome.", ("outcome",)
)

Who = tuple[str, str]
"""A conversation and a user."""


@dataclass(frozen=True, slots=True)
class Mark:
    """How far a user says to have come in a conversation."""

    delivered_up_to: int = 0
    read_up_to: int = 0
    marked_unread: bool = False

    def joined(self, other: Mark) -> Mark:
        """Both, as if `other` came later."""
        return Mark(
            max(self.delivered_up_to, other.delivered_up_to),
            max(self.read_up_to, other.read_up_to),
            other.marked_unread or (self.marked_unread and not other.read_up_to),
        )


class Audience(Protocol):
    """Where the news of moved receipts goes."""

    def offer(self, moved: pb.ReceiptsMoved) -> None:
        """Takes news without waiting; it may be dropped."""
        ...


class ReceiptLane:
    """Publishes news of receipts. It is ephemeral: under load, or with Kafka away, it is dropped."""

    def __init__(self, sidecar: Sidecar) -> None:
        self._sidecar = sidecar
        self._queue: asyncio.Queue[pb.ReceiptsMoved] = asyncio.Queue(QUEUED)

    def offer(self, moved: pb.ReceiptsMoved) -> None:
        """Takes news, or drops them when there are more than the broker takes."""
        if self._queue.full():
            NEWS.labels("dropped").inc()
            return
        self._queue.put_nowait(moved)

    async def run(self) -> None:
        """Publishes; ends only by cancellation."""
        async with asyncio.TaskGroup() as workers:
            for _ in range(WORKERS):
                workers.create_task(self._work())

    async def _work(self) -> None:
        while True:
            moved = await self._queue.get()
            try:
                await publish(
                    self._sidecar,
                    RECEIPTS,
                    moved,
                    key=moved.conversation_id,
                    event_type=RECEIPTS_TYPE,
                    deadline=PUBLISH_SECONDS,
                )
                NEWS.labels("published").inc()
            except RealChatError:
                NEWS.labels("failed").inc()


class Receipts:
    """Moves receipts and reads them.

    Args:
        pool: the service's database.
        lane: gets the news of what moved.
    """

    def __init__(self, pool: asyncpg.Pool[asyncpg.Record], lane: Audience) -> None:
        self._pool = pool
        self._lane = lane

    async def move(self, marks: Mapping[Who, Mark]) -> dict[Who, pb.Receipt]:
        """Moves receipts forward, all in one write.

        Returns:
            The receipts as they now stand, of those who are members.
        """
        # In the order of the keys, so that two writers never wait for each other.
        asked = sorted(marks)
        whose = [[conversation for conversation, _ in asked], [user for _, user in asked]]
        with answering():
            async with self._pool.acquire() as connection:
                moved = await connection.fetch(
                    _MOVE,
                    *whose,
                    [marks[who].delivered_up_to for who in asked],
                    [marks[who].read_up_to for who in asked],
                    [marks[who].marked_unread for who in asked],
                )
                rows = await connection.fetch(_READ, *whose)
        self._tell({(str(row["conversation_id"]), str(row["user_id"])) for row in moved}, rows)
        return {(str(row["conversation_id"]), str(row["user_id"])): _receipt(row) for row in rows}

    def _tell(self, moved: set[Who], rows: Sequence[asyncpg.Record]) -> None:
        news: defaultdict[tuple[str, int], list[pb.Receipt]] = defaultdict(list)
        for row in rows:
            conversation_id = str(row["conversation_id"])
            if (conversation_id, str(row["user_id"])) in moved:
                receipt = _receipt(row)
                receipt.hidden_from.extend(map(str, row["hidden_from"]))
                news[conversation_id, row["members_seq"]].append(receipt)
        for (conversation_id, members_seq), receipts in news.items():
            self._lane.offer(
                pb.ReceiptsMoved(
                    conversation_id=conversation_id, members_seq=members_seq, at_ms=now_ms(), receipts=receipts
                )
            )


def _receipt(row: asyncpg.Record) -> pb.Receipt:
    return pb.Receipt(
        private=row["private"],
        user_id=str(row["user_id"]),
        delivered_up_to=row["delivered_up_to"],
        read_up_to=row["read_up_to"],
        marked_unread=row["marked_unread"],
    )


_MOVE = """
    INSERT INTO receipt (conversation_id, user_id, delivered_up_to, read_up_to, marked_unread)
    SELECT asked.conversation_id, asked.user_id,
           least(greatest(delivered, read), last_seq), least(read, last_seq), unread
    FROM unnest($1::uuid[], $2::uuid[], $3::bigint[], $4::bigint[], $5::boolean[])
             AS asked (conversation_id, user_id, delivered, read, unread)
    JOIN head USING (conversation_id)
    JOIN member USING (conversation_id, user_id)
    WHERE until_seq = 0
    ORDER BY asked.conversation_id, asked.user_id
    ON CONFLICT (conversation_id, user_id) DO UPDATE SET
        delivered_up_to = greatest(receipt.delivered_up_to, excluded.delivered_up_to),
        read_up_to = greatest(receipt.read_up_to, excluded.read_up_to),
        marked_unread = excluded.marked_unread OR (receipt.marked_unread AND excluded.read_up_to = 0)
    WHERE excluded.delivered_up_to > receipt.delivered_up_to
       OR excluded.read_up_to > receipt.read_up_to
       OR (excluded.marked_unread AND NOT receipt.marked_unread)
       OR (receipt.marked_unread AND NOT excluded.marked_unread AND excluded.read_up_to > 0)
    RETURNING conversation_id, user_id
"""
_READ = """
    SELECT asked.conversation_id, asked.user_id, head.members_seq,
           coalesce(delivered_up_to, 0) AS delivered_up_to, coalesce(read_up_to, 0) AS read_up_to,
           coalesce(marked_unread, false) AS marked_unread,
           coalesce(apart OR audience = 3 OR (audience = 2 AND NOT coalesce(contacts, false)), false) AS private,
           ARRAY(
               SELECT peer.user_id
               FROM (SELECT high_id FROM relation WHERE apart AND low_id = asked.user_id
                     UNION ALL SELECT low_id FROM relation WHERE apart AND high_id = asked.user_id) AS blocked (user_id)
               JOIN member peer ON (peer.conversation_id, peer.user_id) = (asked.conversation_id, blocked.user_id)
               WHERE peer.until_seq = 0
           ) AS hidden_from
    FROM unnest($1::uuid[], $2::uuid[]) AS asked (conversation_id, user_id)
    JOIN head USING (conversation_id)
    JOIN member USING (conversation_id, user_id)
    LEFT JOIN receipt USING (conversation_id, user_id)
    LEFT JOIN relation ON (low_id, high_id) = (direct_low_id, direct_high_id)
    LEFT JOIN receipt_privacy USING (user_id)
    WHERE until_seq = 0
"""
