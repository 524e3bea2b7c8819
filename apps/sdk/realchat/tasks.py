"""How a task is ended."""

from __future__ import annotations

import asyncio
from typing import Any

AGAIN_SECONDS = 1.0


async def ended(task: asyncio.Task[Any]) -> None:
    """Cancels a task until it has worked: a library that waits with a time-out can swallow one (python/cpython#86296).

    What it ended with is left in it.
    """
    while not task.done():
        task.cancel()
        await asyncio.wait([task], timeout=AGAIN_SECONDS)
