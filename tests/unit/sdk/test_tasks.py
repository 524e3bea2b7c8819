"""How tasks are ended."""

from __future__ import annotations

import asyncio

import pytest
from realchat import tasks


class Stubborn:
    """Swallows a cancellation, as a library may."""

    def __init__(self) -> None:
        self.has_swallowed = False

    async def run(self) -> None:
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            self.has_swallowed = True
        await asyncio.Event().wait()


@pytest.fixture(autouse=True)
def _hasty(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tasks, "AGAIN_SECONDS", 0.01)


async def test_a_task_that_swallows_a_cancellation_ends_by_the_next() -> None:
    stubborn = Stubborn()
    task = asyncio.create_task(stubborn.run())
    await asyncio.sleep(0)
    async with asyncio.timeout(5):
        await tasks.ended(task)
    assert stubborn.has_swallowed
    assert task.cancelled()


async def test_so_does_one_of_a_group() -> None:
    stubborn = Stubborn()

    async def group() -> None:
        async with asyncio.TaskGroup() as running:
            running.create_task(tasks.yielding(stubborn.run()))

    task = asyncio.create_task(group())
    for _ in range(3):  # until the innermost waits
        await asyncio.sleep(0)
    async with asyncio.timeout(5):
        await tasks.ended(task)
    assert stubborn.has_swallowed
    assert task.cancelled()


async def test_what_such_a_task_returns_or_raises_is_passed_on() -> None:
    async def fails() -> None:
        raise LookupError

    assert await tasks.yielding(asyncio.sleep(0, "result")) == "result"
    with pytest.raises(LookupError):
        await tasks.yielding(fails())
