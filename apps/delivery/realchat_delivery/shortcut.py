"""The short way to the sockets: what this node had appended is fanned out from the log's answer.

The fast lane does not carry it, so senders see each other's messages even while Kafka is away. The outbox's lane does,
a second later; so it may be left out here at any time.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from prometheus_client import Counter

from chat.event.v1 import event_pb2 as pb
from realchat_common.errors import RealChatError
from realchat_common.in_order import InOrder

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
        self._segments = InOrder(self._handle, WORKERS, QUEUED)

    def offer(self, written: pb.Segment) -> None:
        """Takes a segment, or drops it when Redis does not keep up."""
        if not self._segments.offer(written.conversation_id, written):
            SHORTCUTS.labels("dropped").inc()

    async def run(self) -> None:
        """Fans out; ends only by cancellation."""
        await self._segments.run()

    async def _handle(self, written: pb.Segment) -> None:
        try:
            await self._fan_out(written)
            SHORTCUTS.labels("done").inc()
        except RealChatError:
            SHORTCUTS.labels("failed").inc()
