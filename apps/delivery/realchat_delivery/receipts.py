"""Receipts on their way to the message service: what sockets say, joined per member and written in batches."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from itertools import islice
from typing import NamedTuple

from prometheus_client import Counter, Gauge

from realchat_common.errors import Code, RealChatError
from realchat_common.telemetry import log

FLUSH_SECONDS = 0.1
MOST_MARKS = 500
"""Per call, as the contract says."""
MOST_WAITING = 20_000

WAITING = Gauge("realchat_receipts_waiting", "Members whose receipts are to be written.")
WRITTEN = Counter(
    "realchat_receipts_written_total", "Members whose receipts were offered to the log, by outcome.", ("outcome",)
)


class Mark(NamedTuple):
    """How far a member has come; 0 says nothing."""

    delivered_up_to: int = 0
    read_up_to: int = 0

    def joined(self, other: Mark) -> Mark:
        """The farther of both."""
        return Mark(max(self.delivered_up_to, other.delivered_up_to), max(self.read_up_to, other.read_up_to))


Who = tuple[str, str]
"""A conversation and a user."""

Move = Callable[[Mapping[Who, Mark]], Awaitable[None]]
"""Moves up to 500 receipts forward. Raises RealChatError."""


class Marks:
    """Joins what the sockets of this node say: one entry per member, however often they say it.

    Args:
        move: the way to the message service.
    """

    def __init__(self, move: Move) -> None:
        self._move = move
        self._waiting: dict[Who, Mark] = {}
        self._came = asyncio.Event()

    def add(self, who: Who, mark: Mark) -> None:
        """Takes a mark. Raises overloaded when too many wait already."""
        if len(self._waiting) >= MOST_WAITING and who not in self._waiting:
            raise RealChatError(Code.OVERLOADED, retry_after=1.0)
        self._waiting[who] = self._waiting.get(who, Mark()).joined(mark)
        WAITING.set(len(self._waiting))
        self._came.set()

    async def run(self) -> None:
        """Writes; ends only by cancellation."""
        while True:
            await self._came.wait()
            await asyncio.sleep(FLUSH_SECONDS)
            await self.flush()

    async def flush(self) -> None:
        """One batch. What the message service cannot take now waits for the next one."""
        batch = {who: self._waiting.pop(who) for who in list(islice(self._waiting, MOST_MARKS))}
        if not batch:
            self._came.clear()
            return
        try:
            await self._move(batch)
            WRITTEN.labels("written").inc(len(batch))
        except RealChatError as error:
            if not error.code.temporary:
                WRITTEN.labels("refused").inc(len(batch))
                log.error("receipts refused", error=str(error))
                return
            WRITTEN.labels("put off").inc(len(batch))
            for who, mark in batch.items():
                self._waiting[who] = mark.joined(self._waiting.get(who, Mark()))
        finally:
            WAITING.set(len(self._waiting))
