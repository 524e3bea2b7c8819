"""Catching up: a client that came back, and this node's sockets after the node's channel was lost.

Both read the log by positions, many conversations in one call, while the socket holds its live events back: what
is read ends where those begin, in whatever order they arrive.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Iterable, Mapping
from time import monotonic

from prometheus_client import Counter

from realchat_common.errors import RealChatError
from realchat_common.identity import User
from realchat_common.ids import now_ms, parse_id
from realchat_common.telemetry import log
from realchat_delivery.connection import Connection
from realchat_delivery.frames import Close, Position, Resume, Resumed
from realchat_delivery.hub import MOST_MISSING, Hub
from realchat_delivery.log import Log, SingleFlight
from realchat_delivery.messages import InboxEntry, Messages, Synced

SYNC_CONVERSATIONS = 200
"""Per call, as the contract says."""
EPOCH_SECONDS = 60.0
SLACK_MS = 30_000
"""How much earlier than it was noticed a loss may have been; activity before that was not lost."""

RESUMED = Counter("realchat_resumed_conversations_total", "Conversations in resumes, by outcome.", ("status",))
RESYNCS = Counter("realchat_resyncs_total", "Sockets that caught up after a loss, by outcome.", ("outcome",))


class CatchUp:
    """Brings sockets up to the end of the log.

    Args:
        messages: the message service.
        messages_log: what others read of it too.
        clock: seconds of a monotonic clock.
    """

    def __init__(self, messages: Messages, messages_log: Log, clock: Callable[[], float] = monotonic) -> None:
        self._messages = messages
        self._log = messages_log
        self._clock = clock
        self._epoch = ""
        self._epoch_at = float("-inf")
        self._asking: SingleFlight[None, None] = SingleFlight()

    async def epoch(self, user: User) -> str:
        """The log's epoch, at most a minute old while the message service answers. Raises RealChatError."""
        if self._clock() - self._epoch_at > EPOCH_SECONDS:
            try:
                await self._asking.get(None, lambda: self._ask_epoch(user))
            except RealChatError as error:
                if not self._epoch:
                    raise
                log.warning("epoch not refreshed", error=str(error))
        return self._epoch

    async def _ask_epoch(self, user: User) -> None:
        _, epoch = await self._messages.sync(user, {})
        self._saw_epoch(epoch)

    def _saw_epoch(self, epoch: str) -> None:
        self._epoch, self._epoch_at = epoch, self._clock()

    async def resume(self, socket: Connection, frame: Resume) -> Resumed:
        """Sends what a client missed; the socket holds live events meanwhile.

        Raises:
            RealChatError: what was sent until then was in order, and the client may ask again from there.
            ConnectionError: the socket ended.
        """
        held = {parse_id(text, "conversations"): seq for text, seq in frame.conversations.items()}
        outcomes: dict[str, Position] = {}
        async for synced in self._sync(socket.user, held):
            outcomes[synced.conversation_id] = await self._recover(socket, synced, held[synced.conversation_id])
        async for entry in self._inbox(socket.user):
            if entry.conversation_id not in outcomes:
                socket.merge.place(entry.conversation_id, entry.last_seq)
                outcomes[entry.conversation_id] = Position("history", entry.last_seq)
        for outcome in outcomes.values():
            RESUMED.labels(outcome.status).inc()
        return Resumed(id=frame.id, epoch=self._epoch, conversations=outcomes)

    async def _sync(self, user: User, positions: Mapping[str, int]) -> AsyncIterator[Synced]:
        everything = list(positions.items())
        for start in range(0, len(everything), SYNC_CONVERSATIONS):
            chunk = dict(everything[start : start + SYNC_CONVERSATIONS])
            conversations, epoch = await self._messages.sync(user, chunk)
            self._saw_epoch(epoch)
            for synced in conversations:
                yield synced

    async def _inbox(self, user: User, since_ms: int = 0) -> AsyncIterator[InboxEntry]:
        """The user's conversations that were active since then, newest first."""
        cursor = ""
        while True:
            page = await self._messages.inbox(user, cursor)
            self._saw_epoch(page.epoch)
            for entry in page.entries:
                if entry.last_activity_ms < since_ms:
                    return
                yield entry
            cursor = page.next_cursor
            if not cursor:
                return

    async def _recover(self, socket: Connection, synced: Synced, held_seq: int) -> Position:
        conversation_id = synced.conversation_id
        if synced.forbidden:
            socket.merge.forget(conversation_id)
            return Position("forbidden", 0)
        # The read of the events came after that of last_seq, so it may have seen more.
        last_seq = max(synced.last_seq, synced.events[-1].seq if synced.events else 0)
        if synced.truncated or held_seq > last_seq:  # the latter holds events of another epoch
            socket.merge.place(conversation_id, last_seq)
            return Position("history", last_seq)
        for event in synced.events:
            await socket.put_in_turn(event)
        socket.merge.place(conversation_id, last_seq)
        return Position("recovered", last_seq)

    async def run(self, hub: Hub, parallel: int) -> None:
        """Lets all sockets catch up whenever events may have been lost on their way to this node.

        Ends by raising when something does not answer; begun again, it begins with all sockets.
        """
        while True:
            await hub.stale.wait()
            hub.stale.clear()
            since_ms = now_ms() - int(1000 * (self._clock() - hub.proved_online_at)) - SLACK_MS
            try:
                await hub.register_all()
                await self._all([socket for socket in hub.sockets if socket.following], since_ms, parallel)
            except BaseException:
                hub.stale.set()
                raise

    async def _all(self, sockets: Iterable[Connection], since_ms: int, parallel: int) -> None:
        waiting = iter(sockets)

        async def work() -> None:
            for socket in waiting:
                try:
                    await self.resync(socket, since_ms)
                    RESYNCS.labels("ok").inc()
                except ConnectionError:
                    RESYNCS.labels("gone").inc()

        async with asyncio.TaskGroup() as workers:
            for _ in range(parallel):
                workers.create_task(work())

    async def resync(self, socket: Connection, since_ms: int) -> None:
        """Sends a socket what it missed since its cursors; of conversations new to it, the newest event.

        Raises:
            RealChatError: nothing was sent out of order.
            ConnectionError: the socket ended.
        """
        async with socket.catching_up():
            held = dict(socket.merge.cursors)
            async for entry in self._inbox(socket.user, since_ms):
                held.setdefault(entry.conversation_id, entry.last_seq - 1)
            async for synced in self._sync(socket.user, held):
                if synced.forbidden:
                    await self._farewell(socket, synced.conversation_id, held[synced.conversation_id])
                elif (await self._recover(socket, synced, held[synced.conversation_id])).status == "history":
                    socket.close(Close.SLOW_CONSUMER)  # its client resumes, and learns what to page through

    async def _farewell(self, socket: Connection, conversation_id: str, held_seq: int) -> None:
        """Whoever was removed gets what led up to that."""
        page = await self._log.page(conversation_id, held_seq + 1, MOST_MISSING)
        audience = await self._log.audience(conversation_id, page.members_seq)
        for event in page.events:
            if audience.may_read(socket.user.user_id, event.seq):
                await socket.put_in_turn(event)
        socket.merge.forget(conversation_id)
