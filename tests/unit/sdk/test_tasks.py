"""How tasks are ended."""

from __future__ import annotations

import asyncio

import pytest
from realchat import tasks


async def test_a_task_that_swallows_a_cancellation_ends_by_the_next(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tasks, "AGAIN_SECONDS", 0.01)
    swallowed = asyncio.Event()

    async def stubborn() -> None:
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            swallowed.set()
        await asyncio.Event().wait()

    task = asyncio.create_task(stubborn())
    await asyncio.sleep(0)
    async with asyncio.timeout(5):
        await tasks.ended(task)
    assert swallowed.is_set()
    assert task.cancelled()
