"""Those whose accounts were deleted: what is kept of them here goes, and nothing that comes late is kept.

An advisory lock per person orders the two, since what comes late may not have a row yet that could be locked.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import asyncpg

from realchat_common.database import answering
from realchat_message.attachments import release

if TYPE_CHECKING:
    from realchat_message.projection import Connection


class Departed:
    """Forgets people.

    Args:
        pool: the service's database.
    """

    def __init__(self, pool: asyncpg.Pool[asyncpg.Record]) -> None:
        self._pool = pool

    async def forget(self, user_id: str, at_ms: int) -> None:
        """Keeps nothing of somebody any more but what they have sent. Raises unavailable."""
        with answering():
            async with self._pool.acquire() as connection, connection.transaction():
                await connection.execute("SELECT pg_advisory_xact_lock(hashtextextended($1, 0))", user_id)
                await connection.execute("INSERT INTO departed (user_id) VALUES ($1) ON CONFLICT DO NOTHING", user_id)
                await connection.execute("DELETE FROM relation WHERE low_id = $1 OR high_id = $1", user_id)
                await connection.execute("DELETE FROM receipt_privacy WHERE user_id = $1", user_id)
                scheduled = await connection.fetch(
                    "DELETE FROM scheduled WHERE sender_id = $1 RETURNING scheduled_id", user_id
                )
                await release(connection, [row["scheduled_id"] for row in scheduled], at_ms)


async def any_departed(connection: Connection, user_ids: Sequence[str]) -> bool:
    """Whether one of some people is gone. Until the transaction ends, none of the others goes."""
    await connection.execute(
        "SELECT pg_advisory_xact_lock_shared(hashtextextended(user_id, 0)) FROM unnest($1::text[]) AS user_id", user_ids
    )
    gone = await connection.fetchval("SELECT EXISTS (SELECT FROM departed WHERE user_id = ANY($1::uuid[]))", user_ids)
    return bool(gone)
