"""Messages that are sent at a time.

The database's row locks share the work among replicas (`FOR UPDATE SKIP LOCKED`), not a cron binding or Dapr's jobs: a
message waits in the same database that its sender may cancel it in, so there are no two places to disagree; a lock ends
with its transaction whatever becomes of its holder; and nothing more has to run. Should a replica crash after it
appended and before it forgot, the next one appends again under the same key, which is the same message.

Invariants, with the tests that break when they go (tests/service/message/test_schedule.py): a message is sent once and
not before its time; one that was cancelled never; one that cannot be sent says why and is not tried again;
its files are there for it at its time, and for nothing else before.
"""

from __future__ import annotations

import asyncio
from itertools import groupby

import asyncpg
from prometheus_client import Counter

from chat.message.v1 import schedule_pb2 as pb
from realchat_common.database import answering
from realchat_common.errors import Code, RealChatError
from realchat_common.ids import now_ms
from realchat_message.attachments import hold, release
from realchat_message.domain import NewMessage, Outcome
from realchat_message.log import ConversationLog

MOST_AHEAD_MS = 366 * 24 * 3600 * 1000
MOST_SCHEDULED = 100
"""Of one person, at once."""
LOOK_SECONDS = 1.0
MOST_AT_ONCE = 50

_START = (0, "00000000-0000-0000-0000-000000000000")

SENT = Counter("realchat_scheduled_messages_total", "Scheduled messages whose time came, by outcome.", ("outcome",))


class Schedule:
    """Keeps messages until their time comes.

    Args:
        pool: the service's database.
        log: where they go then.
    """

    def __init__(self, pool: asyncpg.Pool[asyncpg.Record], log: ConversationLog) -> None:
        self._pool = pool
        self._log = log

    async def add(self, asked: pb.Scheduled, user_id: str, at_ms: int) -> None:
        """Keeps a message.

        Args:
            asked: the message, normalised.
            user_id: whose.
            at_ms: now.

        Raises:
            RealChatError: invalid_argument for a time that is not ahead, conversation_not_found, too_many_scheduled,
                attachment_not_found.
        """
        if not at_ms < asked.send_at_ms <= at_ms + MOST_AHEAD_MS:
            raise RealChatError(Code.INVALID_ARGUMENT, "a time ahead, within a year", field="send_at")
        with answering():
            async with self._pool.acquire() as connection, connection.transaction():
                row = await connection.fetchrow(
                    _ADD,
                    asked.scheduled_id,
                    asked.conversation_id,
                    user_id,
                    asked.body,
                    asked.reply_to or None,
                    asked.send_at_ms,
                    MOST_SCHEDULED,
                    list(asked.attachment_ids),
                )
                assert row is not None
                if not row["member"]:
                    raise RealChatError(Code.CONVERSATION_NOT_FOUND)
                if not row["made"]:
                    raise RealChatError(Code.TOO_MANY_SCHEDULED, f"{MOST_SCHEDULED} messages wait already")
                await hold(connection, asked, user_id)

    async def list(
        self, user_id: str, conversation_id: str, limit: int, after: tuple[int, str] | None
    ) -> tuple[list[pb.Scheduled], tuple[int, str] | None]:
        """Somebody's messages that wait, the next one first.

        Returns:
            The messages, and the position of the last one when there are more.
        """
        with answering():
            rows = await self._pool.fetch(
                _LIST,
                user_id,
                conversation_id or None,
                *(after or _START),
                limit + 1,
            )
        scheduled = [_scheduled(row) for row in rows[:limit]]
        return scheduled, (scheduled[-1].send_at_ms, scheduled[-1].scheduled_id) if len(rows) > limit else None

    async def cancel(self, scheduled_id: str, user_id: str, at_ms: int) -> None:
        """Forgets a message; what is just being sent, is. Its files are free again. Raises scheduled_not_found."""
        with answering():
            async with self._pool.acquire() as connection, connection.transaction():
                gone = await connection.fetchval(
                    "DELETE FROM scheduled WHERE scheduled_id = $1 AND sender_id = $2 RETURNING scheduled_id",
                    scheduled_id,
                    user_id,
                )
                if gone is None:
                    raise RealChatError(Code.SCHEDULED_NOT_FOUND)
                await release(connection, [gone], at_ms)

    async def run(self) -> None:
        """Sends what is due; ends only by cancellation."""
        while True:
            await asyncio.sleep(LOOK_SECONDS)
            while await self.send_due(now_ms()) == MOST_AT_ONCE:
                pass

    async def send_due(self, at_ms: int) -> int:
        """One round: sends some of what is due, and returns how many it was done with."""
        done: list[tuple[asyncpg.Record, str]] = []
        async with self._pool.acquire() as connection, connection.transaction():
            rows = await connection.fetch(_DUE, at_ms, MOST_AT_ONCE)
            for conversation_id, together in groupby(rows, key=lambda row: str(row["conversation_id"])):
                mine = list(together)
                outcomes = await self._log.append(conversation_id, [_message(row) for row in mine])
                done += [
                    (row, failure)
                    for row, outcome in zip(mine, outcomes, strict=True)
                    if (failure := _failure(outcome)) is not None
                ]
            sent = [row["scheduled_id"] for row, failure in done if not failure]
            failed = [(row["scheduled_id"], failure) for row, failure in done if failure]
            await connection.execute("DELETE FROM scheduled WHERE scheduled_id = ANY($1::uuid[])", sent)
            await connection.executemany("UPDATE scheduled SET failure = $2 WHERE scheduled_id = $1", failed)
            if failed:
                await connection.execute(_FORGET_DEPARTED, [scheduled_id for scheduled_id, _ in failed])
                await release(connection, [scheduled_id for scheduled_id, _ in failed], at_ms)
        SENT.labels("sent").inc(len(sent))
        SENT.labels("failed").inc(len(failed))
        return len(done)


def _failure(outcome: Outcome) -> str | None:
    """Empty for a message that was sent, the code of one that cannot be; None for one to try again."""
    if not isinstance(outcome, RealChatError):
        return ""
    return None if outcome.code.temporary else outcome.code.value


def _message(row: asyncpg.Record) -> NewMessage:
    return NewMessage(
        sender_id=str(row["sender_id"]),
        client_message_id=str(row["scheduled_id"]),
        body=row["body"],
        reply_to=str(row["reply_to"]) if row["reply_to"] else "",
        attachment_ids=tuple(map(str, row["attachment_ids"])),
    )


def _scheduled(row: asyncpg.Record) -> pb.Scheduled:
    return pb.Scheduled(
        scheduled_id=str(row["scheduled_id"]),
        conversation_id=str(row["conversation_id"]),
        body=row["body"],
        reply_to=str(row["reply_to"]) if row["reply_to"] else "",
        send_at_ms=row["send_at_ms"],
        failure=row["failure"],
        attachment_ids=map(str, row["attachment_ids"]),
    )


_ADD = """
    WITH member AS (
        SELECT FROM member WHERE conversation_id = $2 AND user_id = $3 AND until_seq = 0
    ), waiting AS (
        SELECT count(*) AS messages FROM scheduled WHERE sender_id = $3
    ), made AS (
        INSERT INTO scheduled (scheduled_id, conversation_id, sender_id, body, reply_to, send_at_ms, attachment_ids)
        SELECT $1, $2, $3, $4, $5, $6, $8 FROM member, waiting WHERE messages < $7
        RETURNING scheduled_id
    )
    SELECT EXISTS (SELECT FROM member) AS member, EXISTS (SELECT FROM made) AS made
"""
_LIST = """
    SELECT * FROM scheduled
    WHERE sender_id = $1 AND ($2::uuid IS NULL OR conversation_id = $2) AND (send_at_ms, scheduled_id) > ($3, $4::uuid)
    ORDER BY send_at_ms, scheduled_id LIMIT $5
"""
_DUE = """
    SELECT * FROM scheduled WHERE failure = '' AND send_at_ms <= $1
    ORDER BY send_at_ms, scheduled_id LIMIT $2 FOR UPDATE SKIP LOCKED
"""
_FORGET_DEPARTED = """
    DELETE FROM scheduled USING departed WHERE scheduled_id = ANY($1::uuid[]) AND sender_id = departed.user_id
"""
