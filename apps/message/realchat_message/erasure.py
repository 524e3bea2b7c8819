"""Takes the bodies of deleted messages out of the log itself.

The read model notes in `redaction` what is to be erased, in the transaction that folds the deletion in; so a crash
at any point leaves either the note or the work done. A segment is rewritten by a plain state save, which emits no
outbox event, under the head's row lock, so that nobody else rewrites or adopts it meanwhile.
"""

from __future__ import annotations

import asyncio

import asyncpg
from prometheus_client import Counter

from realchat_message.acts import redacted
from realchat_message.segments import Segments

LOOK_SECONDS = 1.0
MOST_AT_ONCE = 100
ERASE_SECONDS = 10.0

ERASED = Counter("realchat_messages_erased_total", "Deleted messages whose bodies were taken out of the log.")


class Eraser:
    """Works off `redaction`.

    Args:
        pool: the service's database.
        segments: the log.
    """

    def __init__(self, pool: asyncpg.Pool[asyncpg.Record], segments: Segments) -> None:
        self._pool = pool
        self._segments = segments

    async def run(self) -> None:
        """Looks every second; ends only by cancellation."""
        while True:
            await asyncio.sleep(LOOK_SECONDS)
            await self.erase()

    async def erase(self) -> None:
        """One round. Raises what the database and the log raise; what was not done is done in the next one."""
        rows = await self._pool.fetch("SELECT conversation_id, message_id FROM redaction LIMIT $1", MOST_AT_ONCE)
        for row in rows:
            async with asyncio.timeout(ERASE_SECONDS):
                await self._erase(str(row["conversation_id"]), str(row["message_id"]))

    async def _erase(self, conversation_id: str, message_id: str) -> None:
        async with self._pool.acquire() as connection, connection.transaction():
            await connection.fetchval(
                "SELECT last_seq FROM head WHERE conversation_id = $1 FOR UPDATE", conversation_id
            )
            seqs = await connection.fetch(
                "SELECT seq FROM entry WHERE conversation_id = $1 AND (event_id = $2 OR target = $2)",
                conversation_id,
                message_id,
            )
            for row in seqs:
                segment = await self._segments.find(conversation_id, row["seq"])
                if segment is not None and redacted(segment, message_id):
                    await self._segments.replace(segment)
            await connection.execute(
                "DELETE FROM redaction WHERE conversation_id = $1 AND message_id = $2", conversation_id, message_id
            )
        ERASED.inc()
