"""What the outbox leaves behind: pending entries, markers, and sidecars that spin."""

from __future__ import annotations

import asyncio

import asyncpg
import psutil
from redis.asyncio import Redis
from redis.exceptions import ResponseError
from stack import Stack

STREAM = "defaultmessageconversation-pointersoutbox"
IDLE_PERCENT = 40.0


async def pending_entries(stack: Stack) -> int:
    """Entries of the internal stream that nobody has acknowledged."""
    async with Redis.from_url(stack.redis_url) as redis:
        try:
            return int((await redis.xpending(STREAM, "message"))["pending"])
        except ResponseError:
            return 0


async def markers(stack: Stack) -> int:
    """Outbox markers in the log's table that are still valid."""
    connection = await asyncpg.connect(stack.database_url("message"))
    try:
        return int(
            await connection.fetchval(
                "SELECT count(*) FROM log_state WHERE key LIKE 'outbox-%'"
                " AND (expires_at IS NULL OR expires_at > now())"
            )
        )
    finally:
        await connection.close()


async def unconfirmed(stack: Stack) -> int:
    """Segments that were not seen on Kafka."""
    connection = await asyncpg.connect(stack.database_url("message"))
    try:
        return int(await connection.fetchval("SELECT count(*) FROM unconfirmed"))
    finally:
        await connection.close()


async def spinning_sidecars(stack: Stack) -> list[str]:
    """Sidecars that use more of a core than an idle one does, over two seconds."""
    processes = {name: psutil.Process(stack.pid(name)) for name in stack.programs if name.endswith("-sidecar")}
    for process in processes.values():
        process.cpu_percent()
    await asyncio.sleep(2)
    return [name for name, process in processes.items() if process.cpu_percent() > IDLE_PERCENT]


async def at_rest(stack: Stack) -> bool:
    """Whether everything that was committed went its way and nothing is left of it."""
    return (
        await pending_entries(stack) == 0
        and await markers(stack) == 0
        and await unconfirmed(stack) == 0
        and not await spinning_sidecars(stack)
    )
