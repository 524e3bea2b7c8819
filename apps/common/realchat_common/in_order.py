"""Work that is done soon, in order where order matters, or else left out: somebody else does it, too."""

from __future__ import annotations

import asyncio
import zlib
from collections.abc import Awaitable, Callable
from typing import Generic, TypeVar

from opentelemetry.context import Context, attach, detach, get_current

T = TypeVar("T")


class InOrder(Generic[T]):
    """Hands items on, those of one key in the order in which they came, each in the trace that it came in.

    Args:
        handle: gets each item. It raises nothing.
        workers: how many are handled at the same time at most.
        queued: how many wait per worker at most.
    """

    def __init__(self, handle: Callable[[T], Awaitable[None]], workers: int, queued: int) -> None:
        self._handle = handle
        self._queues: list[asyncio.Queue[tuple[T, Context]]] = [asyncio.Queue(queued) for _ in range(workers)]

    def offer(self, key: str, item: T) -> bool:
        """Takes an item without waiting. False when too many wait already."""
        queue = self._queues[zlib.crc32(key.encode()) % len(self._queues)]
        if queue.full():
            return False
        queue.put_nowait((item, get_current()))
        return True

    async def run(self) -> None:
        """Handles; ends only by cancellation."""
        async with asyncio.TaskGroup() as workers:
            for queue in self._queues:
                workers.create_task(self._work(queue))

    async def _work(self, queue: asyncio.Queue[tuple[T, Context]]) -> None:
        while True:
            item, trace = await queue.get()
            token = attach(trace)
            try:
                await self._handle(item)
            finally:
                detach(token)
