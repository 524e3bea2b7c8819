"""A copy of what people are to each other, and of who sees their receipts, kept by the profile service.

It is here so that an append to a direct conversation is decided by the row that the head's lock reads anyway: no call
to another service and no cache that could be old. Once profile's call has returned, no later append gets through.
Nothing is kept of somebody whose account was deleted (departed.py).
"""

from __future__ import annotations

from collections.abc import Sequence

import asyncpg

from realchat_common.database import answering
from realchat_message.departed import any_departed


class Relations:
    """The tables `relation` and `receipt_privacy`."""

    def __init__(self, pool: asyncpg.Pool[asyncpg.Record]) -> None:
        self._pool = pool

    async def set(self, user_id: str, peer_id: str, *, contacts: bool, apart: bool, version: int) -> None:
        """Keeps what two people are to each other, unless something newer is known. Raises unavailable."""
        pair = sorted((user_id, peer_id))
        await self._keep(pair, _SET_RELATION, *pair, contacts, apart, version)

    async def set_receipt_privacy(self, user_id: str, audience: int, version: int) -> None:
        """Keeps who sees somebody's receipts (chat.profile.v1.Audience), likewise. Raises unavailable."""
        await self._keep([user_id], _SET_PRIVACY, user_id, audience, version)

    async def _keep(self, of: Sequence[str], statement: str, *values: object) -> None:
        with answering():
            async with self._pool.acquire() as connection, connection.transaction():
                if not await any_departed(connection, of):
                    await connection.execute(statement, *values)


_SET_RELATION = """
    INSERT INTO relation (low_id, high_id, contacts, apart, version) VALUES ($1, $2, $3, $4, $5)
    ON CONFLICT (low_id, high_id) DO UPDATE
        SET contacts = excluded.contacts, apart = excluded.apart, version = excluded.version
        WHERE relation.version < excluded.version
"""
_SET_PRIVACY = """
    INSERT INTO receipt_privacy (user_id, audience, version) VALUES ($1, $2, $3)
    ON CONFLICT (user_id) DO UPDATE SET audience = excluded.audience, version = excluded.version
        WHERE receipt_privacy.version < excluded.version
"""
