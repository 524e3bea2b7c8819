"""How a task is ended."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import Any, TypeVar

T = TypeVar("T")

AGAIN_SECONDS = 3.0
"""Longer than a good end takes: another cancellation would cut it short."""


async def ended(task: asyncio.Task[Any]) -> None:
    """Cancels a task until it has worked: a library that waits with a time-out can swallow one (python/cpython#86296).

    What it ended with is left in it.
    """
    while not task.done():
        task.cancel()
        await asyncio.wait([task], timeout=AGAIN_SECONDS)


async def yielding(work: Coroutine[Any, Any, T]) -> T:
    """Runs something that one cancellation ends, even if it swallows some: a TaskGroup cancels only once."""
    task = asyncio.create_task(work)
    try:
        await asyncio.wait([task])
    finally:
        await ended(task)
    return task.result()
