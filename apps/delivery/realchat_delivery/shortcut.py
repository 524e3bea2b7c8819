"""The short way to the sockets: what this node had appended is fanned out from the log's answer.

The topic brings it some milliseconds later, and the outbox's lane after that; so it may be left out here at any time,
and senders see each other's messages even while Kafka is away.
"""

from __future__ import annotations

import asyncio
import zlib
from collections.abc import Awaitable, Callable

from opentelemetry.context import Context, attach, detach, get_current
from prometheus_client import Counter

from chat.event.v1 import event_pb2 as pb
from realchat_common.errors import RealChatError

WORKERS = 8
QUEUED = 200
"""Segments that wait per worker at most, each of up to 256 KiB."""

SHORTCUTS = Counter("realchat_shortcuts_total", "Segments fanned out from the log's answer, by outcome.", ("outcome",))


class Shortcut:
    """Fans segments out, those of one conversation in order.

    Args:
        fan_out: reaches all recipients. Raises RealChatError.
    """

    def __init__(self, fan_out: Callable[[pb.Segment], Awaitable[None]]) -> None:
        self._fan_out = fan_out
        self._queues: list[asyncio.Queue[tuple[pb.Segment, Context]]] = [asyncio.Queue(QUEUED) for _ in range(WORKERS)]

    def offer(self, written: pb.Segment) -> None:
        """Takes a segment, or drops it when Redis does not keep up."""
        queue = self._queues[zlib.crc32(written.conversation_id.encode()) % WORKERS]
        if queue.full():
            SHORTCUTS.labels("dropped").inc()
            return
        queue.put_nowait((written, get_current()))

    async def run(self) -> None:
        """Fans out; ends only by cancellation."""
        async with asyncio.TaskGroup() as workers:
            for queue in self._queues:
                workers.create_task(self._work(queue))

    async def _work(self, queue: asyncio.Queue[tuple[pb.Segment, Context]]) -> None:
        while True:
            written, trace = await queue.get()
            token = attach(trace)
            try:
                await self._fan_out(written)
                SHORTCUTS.labels("done").inc()
            except RealChatError:
                SHORTCUTS.labels("failed").inc()
            finally:
                detach(token)
