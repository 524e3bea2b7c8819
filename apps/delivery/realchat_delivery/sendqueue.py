"""What a socket still has to write: bounded in bytes and in frames."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable

from opentelemetry.context import Context

from realchat_common.telemetry import traced

WRITE_BYTES = 64 * 1024
"""Frames go out together up to this size."""


class SendQueue:
    """Frames in order, for one writer.

    Args:
        most_bytes: what fits.
        most_frames: what fits.
        clock: seconds of a monotonic clock.
    """

    def __init__(self, most_bytes: int, most_frames: int, clock: Callable[[], float]) -> None:
        self._most_bytes = most_bytes
        self._most_frames = most_frames
        self._clock = clock
        self._frames: deque[bytes] = deque()
        self._bytes = 0
        self._closed = False
        self._trace: Context | None = None
        self._filled = asyncio.Event()
        self._emptied = asyncio.Event()
        self.queued = 0
        """Frames that were ever queued."""
        self.written = 0
        """Frames that were ever written."""
        self.writing_since: float | None = None
        """When the write under way began: the peer has not read since."""

    def put(self, frame: bytes) -> bool:
        """Queues a frame. False when it does not fit; one frame of any size fits into an empty queue."""
        if self._frames and (self._bytes + len(frame) > self._most_bytes or len(self._frames) >= self._most_frames):
            return False
        self._append(frame)
        return True

    def trace(self, context: Context) -> None:
        """Has the next write be a span of this context's trace, if anything waits."""
        if self._frames:
            self._trace = context

    @property
    def busy(self) -> bool:
        """Whether less than half of it is free."""
        return 2 * self._bytes > self._most_bytes or 2 * len(self._frames) > self._most_frames

    async def put_in_turn(self, frame: bytes) -> None:
        """Queues a frame once half of the queue is free, for those who have much to send.

        Raises:
            ConnectionError: the queue was closed.
        """
        while not self._closed and self.busy:
            self._emptied.clear()
            await self._emptied.wait()
        if self._closed:
            raise ConnectionError("the socket ended")
        self._append(frame)

    async def flushed(self) -> None:
        """Waits until all that was queued is written, or the queue closed."""
        while not self._closed and self.written < self.queued:
            self._emptied.clear()
            await self._emptied.wait()

    def _append(self, frame: bytes) -> None:
        self._frames.append(frame)
        self._bytes += len(frame)
        self.queued += 1
        self._filled.set()

    @property
    def size(self) -> int:
        """Bytes that wait."""
        return self._bytes

    def close(self) -> None:
        """Lets nobody wait for room any more."""
        self._closed = True
        self._emptied.set()

    def rest(self) -> bytes:
        """Takes all that was not written."""
        frames = b"".join(self._frames)
        self._frames.clear()
        return frames

    async def write(self, send: Callable[[bytes], Awaitable[None]]) -> None:
        """Writes what is queued, for ever. Raises what `send` raises."""
        frames = self._frames
        while True:
            if not frames:
                self._filled.clear()
                await self._filled.wait()
            batch: list[bytes] = []
            size = 0
            while frames and size < WRITE_BYTES:
                batch.append(frames.popleft())
                size += len(batch[-1])
            self._bytes -= size
            self.writing_since = self._clock()
            if self._trace is None:
                await send(b"".join(batch))
            else:
                context, self._trace = self._trace, None
                with traced("socket write", context):
                    await send(b"".join(batch))
            self.writing_since = None
            self.written += len(batch)
            self._emptied.set()
