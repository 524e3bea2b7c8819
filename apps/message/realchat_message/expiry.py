"""Messages that end at a time: by the conversation's timer, or by its retention.

A timer counts for what is sent after it was set, a retention for everything. Both are events in the log, and so is the
end of each message: a deletion, whose bytes the eraser takes out of the log as those of any other. Replicas share the
work by row locks, as in schedule.py and for the same reasons.

Invariants, with the tests that break when they go (tests/service/message/test_expiry.py): no message ends before its
time; each ends once; one that was sent under a timer keeps that timer.
"""

from __future__ import annotations

import asyncio
from itertools import takewhile
from typing import TYPE_CHECKING

import asyncpg
from prometheus_client import Counter

from chat.event.v1 import event_pb2
from chat.message.v1 import schedule_pb2 as pb
from realchat_common.database import answering
from realchat_common.errors import Code, RealChatError
from realchat_common.ids import new_id, now_ms
from realchat_message.acts import Expire
from realchat_message.domain import ADMINISTRATORS, NewChange
from realchat_message.log import ConversationLog
from realchat_message.projection import RETENTION, TIMER

if TYPE_CHECKING:
    from realchat_message.projection import Connection

MOST_TIMER_SECONDS = 366 * 24 * 3600
MOST_RETENTION_DAYS = 3_650
DAY_SECONDS = 24 * 3600
LOOK_SECONDS = 1.0
MOST_AT_ONCE = 10
"""Conversations."""
PUT_OFF_MS = 1_000
"""How long a conversation waits whose log takes nothing now."""
STEP = 100
"""Events of one of them."""

EXPIRED = Counter("realchat_messages_expired_total", "Messages whose time had come.")


class Expiry:
    """Sets when messages end, and ends them.

    Args:
        pool: the service's database.
        log: the conversations' logs.
    """

    def __init__(self, pool: asyncpg.Pool[asyncpg.Record], log: ConversationLog) -> None:
        self._pool = pool
        self._log = log

    async def get(self, conversation_id: str, user_id: str) -> pb.GetExpiryResponse:
        """What is set, for members. Raises conversation_not_found."""
        return (await self._standing(conversation_id, user_id))[0]

    async def set_timer(self, conversation_id: str, user_id: str, seconds: int) -> int:
        """Sets the timer.

        Returns:
            Where in the log it is; 0 when it was so already.

        Raises:
            RealChatError: invalid_argument, conversation_not_found, permission_denied.
        """
        if not 0 <= seconds <= MOST_TIMER_SECONDS:
            raise RealChatError(Code.INVALID_ARGUMENT, f"seconds are 0 to {MOST_TIMER_SECONDS}", field="seconds")
        now = await self._may_set(conversation_id, user_id)
        if now.timer_seconds == seconds:
            return 0
        change = event_pb2.Event(message_timer_set=event_pb2.MessageTimerSet(seconds=seconds))
        return await self._append(conversation_id, user_id, change)

    async def set_retention(self, conversation_id: str, user_id: str, days: int) -> int:
        """Sets the retention; the rest as `set_timer`."""
        if not 0 <= days <= MOST_RETENTION_DAYS:
            raise RealChatError(Code.INVALID_ARGUMENT, f"days are 0 to {MOST_RETENTION_DAYS}", field="days")
        now = await self._may_set(conversation_id, user_id)
        if now.retention_days == days:
            return 0
        return await self._append(
            conversation_id, user_id, event_pb2.Event(retention_set=event_pb2.RetentionSet(days=days))
        )

    async def _append(self, conversation_id: str, user_id: str, change: event_pb2.Event) -> int:
        change.event_id, change.actor_id = new_id(), user_id
        return (await self._log.append_one(conversation_id, NewChange(change))).seq

    async def _may_set(self, conversation_id: str, user_id: str) -> pb.GetExpiryResponse:
        now, may = await self._standing(conversation_id, user_id)
        if not may:
            raise RealChatError(Code.PERMISSION_DENIED)
        return now

    async def _standing(self, conversation_id: str, user_id: str) -> tuple[pb.GetExpiryResponse, bool]:
        """What is set, and whether somebody may set it."""
        with answering():
            row = await self._pool.fetchrow(_STANDING, conversation_id, user_id, TIMER, RETENTION)
        if row is None:
            raise RealChatError(Code.CONVERSATION_NOT_FOUND)
        now = pb.GetExpiryResponse(timer_seconds=row["timer"], retention_days=row["retention"] // DAY_SECONDS)
        return now, row["direct"] or row["role"] in ADMINISTRATORS

    async def run(self) -> None:
        """Ends what is due; ends itself only by cancellation."""
        while True:
            await asyncio.sleep(LOOK_SECONDS)
            while await self.expire_due(now_ms()):
                pass

    async def expire_due(self, at_ms: int) -> bool:
        """One round. True when there may be more that is due now."""
        async with self._pool.acquire() as connection, connection.transaction():
            rows = await connection.fetch(_DUE, at_ms, MOST_AT_ONCE)
            steps = [await self._step(connection, row, at_ms) for row in rows]
        return len(rows) == MOST_AT_ONCE or any(steps)

    async def _step(self, connection: Connection, work: asyncpg.Record, at_ms: int) -> bool:
        """Ends some messages of a conversation, and notes when there is more to do. True when that is now."""
        place = (work["conversation_id"], work["kind"], work["from_seq"])
        if work["kind"] == RETENTION and work["until_seq"]:
            await connection.execute(_FORGET, *place)  # another one counts
            return False
        lasts_ms = work["seconds"] * 1000
        entries = await connection.fetch(_NEXT, work["conversation_id"], work["done_seq"], work["until_seq"], STEP)
        due = list(takewhile(lambda entry: entry["occurred_at_ms"] + lasts_ms <= at_ms, entries))
        acts = [Expire(str(work["set_by"]), str(entry["event_id"])) for entry in due if entry["stands"]]
        outcomes = await self._log.append(str(work["conversation_id"]), acts)
        if any(isinstance(outcome, RealChatError) and outcome.code.temporary for outcome in outcomes):
            await connection.execute(_NOTE, *place, work["done_seq"], at_ms + PUT_OFF_MS)
            return False
        EXPIRED.inc(len(acts))
        if len(due) == len(entries) and len(entries) < STEP and work["until_seq"]:
            await connection.execute(_FORGET, *place)
            return False
        left = entries[len(due) :]
        next_ms = left[0]["occurred_at_ms"] + lasts_ms if left else at_ms + (0 if len(entries) == STEP else lasts_ms)
        await connection.execute(_NOTE, *place, due[-1]["seq"] if due else work["done_seq"], next_ms)
        return next_ms <= at_ms


_STANDING = """
    SELECT role, direct_low_id IS NOT NULL AS direct,
           coalesce((SELECT seconds FROM expiry e WHERE e.conversation_id = $1 AND kind = $3
                     ORDER BY from_seq DESC LIMIT 1), 0) AS timer,
           coalesce((SELECT seconds FROM expiry e WHERE e.conversation_id = $1 AND kind = $4
                     ORDER BY from_seq DESC LIMIT 1), 0) AS retention
    FROM member JOIN head USING (conversation_id)
    WHERE conversation_id = $1 AND user_id = $2 AND until_seq = 0
"""
_DUE = """
    SELECT work.*, expiry.seconds, expiry.set_by,
           coalesce((SELECT min(later.from_seq) FROM expiry later
                     WHERE later.conversation_id = work.conversation_id AND later.kind = work.kind
                       AND later.from_seq > work.from_seq), 0) AS until_seq
    FROM expiry_work AS work JOIN expiry USING (conversation_id, kind, from_seq)
    WHERE due_ms <= $1 ORDER BY due_ms LIMIT $2 FOR UPDATE OF work SKIP LOCKED
"""
_NEXT = """
    SELECT seq, event_id, occurred_at_ms, client_message_id IS NOT NULL AND NOT redacted AS stands FROM entry
    WHERE conversation_id = $1 AND seq > $2 AND ($3 = 0 OR seq < $3) ORDER BY seq LIMIT $4
"""
_FORGET = "DELETE FROM expiry_work WHERE conversation_id = $1 AND kind = $2 AND from_seq = $3"
_NOTE = """
    UPDATE expiry_work SET done_seq = $4, due_ms = $5 WHERE conversation_id = $1 AND kind = $2 AND from_seq = $3
"""
