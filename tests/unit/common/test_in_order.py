"""Work that is handed on in order."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

from opentelemetry.context import attach, detach, get_value, set_value

from realchat_common.in_order import InOrder


@asynccontextmanager
async def running(
    handle: Callable[[str], Awaitable[None]], workers: int = 4, queued: int = 100
) -> AsyncIterator[InOrder[str]]:
    in_order = InOrder(handle, workers, queued)
    task = asyncio.create_task(in_order.run())
    yield in_order
    task.cancel()


async def test_what_has_one_key_is_handled_in_the_order_it_came() -> None:
    handled: asyncio.Queue[str] = asyncio.Queue()

    async def handle(item: str) -> None:
        await asyncio.sleep(0.001 if item == "0" else 0)
        await handled.put(item)

    async with running(handle) as in_order:
        assert all(in_order.offer("talk", str(number)) for number in range(20))
        assert [await handled.get() for _ in range(20)] == [str(number) for number in range(20)]


async def test_what_is_too_much_is_not_taken() -> None:
    async def handle(item: str) -> None:
        await asyncio.Event().wait()

    in_order = InOrder(handle, 1, 2)
    assert [in_order.offer("talk", item) for item in "abc"] == [True, True, False]


async def test_each_is_handled_in_the_trace_it_came_in() -> None:
    handled: asyncio.Queue[tuple[str, object]] = asyncio.Queue()

    async def handle(item: str) -> None:
        await handled.put((item, get_value("trace")))

    async with running(handle, workers=1) as in_order:
        for item in "ab":
            token = attach(set_value("trace", f"of {item}"))
            in_order.offer("talk", item)
            detach(token)
        assert [await handled.get() for _ in range(2)] == [("a", "of a"), ("b", "of b")]
