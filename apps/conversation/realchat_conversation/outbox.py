"""The way of decided changes into the log.

A change waits in `pending_change`, written in the transaction that decided it, until it is in the log. Invariants, with
the tests that break when they go (tests/service/conversation/test_outbox.py):
- every decided change gets into the log, once, whoever crashes when: what its own request leaves behind, the relay of
  any replica takes up;
- a conversation's changes get there in the order of their decisions. Decisions hold the conversation's row lock, so who
  sees a change pending sees its predecessors pending, or they are in the log. Each flush goes from the oldest and stops
  at the first failure, so nothing is sent before its predecessors are acknowledged. That holds for any number of
  flushes at once, in any number of replicas, since sending twice changes nothing. Therefore no database lock is held
  while waiting for the log, and the lock in this process only saves work.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from weakref import WeakValueDictionary

from prometheus_client import Gauge

from chat.event.v1 import event_pb2
from realchat_common.errors import Code, RealChatError
from realchat_common.telemetry import log
from realchat_conversation.peers import ConversationLog
from realchat_conversation.pending import PendingChanges

RELAY_SECONDS = 1.0
AT_ONCE = 8
"""Conversations that the relay flushes at the same time."""
REPEATABLE_MS = 24 * 3600 * 1000
"""For so long a request that was not answered may be repeated, as with the gateway's idempotency keys."""

OLDEST = Gauge("realchat_conversation_oldest_pending_seconds", "Age of the oldest change that is not in the log yet.")


class Outbox:
    """Brings pending changes into the log.

    Args:
        pending: where they wait.
        log: where they go.
        clock: milliseconds since the Unix epoch.
    """

    def __init__(self, pending: PendingChanges, log: ConversationLog, clock: Callable[[], int]) -> None:
        self._pending = pending
        self._log = log
        self._clock = clock
        self._flushing: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()

    async def flush(self, conversation_id: str, answered: str | None = None) -> None:
        """Brings all pending changes of a conversation into the log.

        Args:
            conversation_id: whose changes.
            answered: the event_id of the change whose request is answered when this returns.

        Raises:
            RealChatError: unavailable. What was decided stays decided and gets into the log later.
        """
        lock = self._flushing.setdefault(conversation_id, asyncio.Lock())
        async with lock:
            for event in await self._pending.of(conversation_id):
                await self._append(event)
                if event.event_id != answered:
                    await self._pending.mark_appended(event.event_id)
        if answered:
            await self._pending.forget(answered)

    async def _append(self, event: event_pb2.Event) -> None:
        try:
            await self._log.append(event)
        except RealChatError as error:
            if not error.code.temporary:
                log.error(
                    "the log refuses a change",
                    conversation_id=event.conversation_id,
                    event_id=event.event_id,
                    code=error.code.value,
                )
            raise RealChatError(Code.UNAVAILABLE, "the change is not in the log yet; repeat the request") from error

    async def relay(self) -> None:
        """Takes up every second what requests have left behind. Never returns."""
        while True:
            await self.sweep()
            await asyncio.sleep(RELAY_SECONDS)

    async def sweep(self) -> None:
        """One round of `relay`. A conversation that cannot be flushed does not hold up the others."""
        now_ms = self._clock()
        oldest_ms = await self._pending.oldest_ms()
        OLDEST.set((now_ms - oldest_ms) / 1000 if oldest_ms else 0)
        after = None
        while page := await self._pending.leftovers(now_ms - int(RELAY_SECONDS * 1000), after, AT_ONCE):
            async with asyncio.TaskGroup() as group:
                for conversation_id in page:
                    group.create_task(self._relay(conversation_id))
            after = page[-1]
        await self._pending.forget_unanswered(now_ms - REPEATABLE_MS)

    async def _relay(self, conversation_id: str) -> None:
        try:
            await self.flush(conversation_id)
        except RealChatError as error:
            log.warning("changes stay pending", conversation_id=conversation_id, reason=error.detail)
