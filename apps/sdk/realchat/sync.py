"""Keeping up: what comes over the sockets goes into the view and to whoever iterates; what is missing is read."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import suppress
from weakref import WeakSet

import msgspec

from realchat.api import PAGE, Api
from realchat.backoff import delay
from realchat.codes import Code
from realchat.company import Company
from realchat.errors import LoggedOutError, NotFoundError, PermissionDeniedError, RealChatError
from realchat.link import Link
from realchat.models import Event, Frame, Inbox, InboxEntry, Page, Presences, Receipt, Signal
from realchat.ordering import Gap
from realchat.subscription import Subscription
from realchat.tasks import yielding
from realchat.view import View

WIDEST_GAP = 1_000
"""What a view has missed beyond that it does not read: it begins anew at the log's end."""
MENDERS = 4
"""Conversations that are read at the same time to complete the view."""


class Sync:
    """One person's connection and what it keeps up to date, for as long as `run` runs.

    Args:
        api: reads what is missing.
        me: who that is.
        socket_url: to connect there instead of where the gateway says.
        queue: events that wait for an iteration.
    """

    def __init__(self, api: Api, me: str, socket_url: str | None, queue: int) -> None:
        self.view = View(me)
        self.link = Link(api, self, socket_url)
        self._company = Company(self.link.ask, self.up)
        self._api = api
        self._size = queue
        self._subscriptions: WeakSet[Subscription] = WeakSet()
        self._signals: WeakSet[asyncio.Queue[Signal]] = WeakSet()
        self._listeners: list[Callable[[str], None]] = []
        self._mending: dict[str, None] = {}
        self._to_mend = asyncio.Event()
        self._moved = asyncio.Event()
        self._ended = False
        self._failure: Exception | None = None

    async def run(self) -> None:
        """Loads the view and stays connected. What ends that for good is told to everybody who waits."""
        failure: Exception | None = None
        try:
            await self._load()
            async with asyncio.TaskGroup() as group:
                group.create_task(yielding(self.link.run()))
                group.create_task(yielding(self._company.run()))
                for _ in range(MENDERS):
                    group.create_task(yielding(self._mend()))
        except* RealChatError as failures:
            failure = _first(failures)
        except* Exception as faults:
            failure = faults
            raise
        finally:
            self._ended, self._failure = True, failure
            self._moved.set()
            self._company.end(failure or self._left())
            for subscription in list(self._subscriptions):
                subscription.end(failure)

    async def up(self) -> None:
        """Waits until a socket is connected and has caught up. Raises what has ended that for good."""
        while not self.link.is_up:
            if self._ended:
                raise self._failure or self._left()
            self._moved.clear()
            await self._moved.wait()

    def _left(self) -> LoggedOutError:
        return LoggedOutError(Code.UNAUTHENTICATED, "the client has left")

    async def _load(self) -> None:
        attempt = 0
        while not self.view.is_loaded:
            try:
                pages = [page async for page in self._api.pages("/v1/conversations", Inbox)]
            except RealChatError as error:
                if not error.temporary:
                    raise
                attempt += 1
                await asyncio.sleep(delay(attempt, error.retry_after or 0.0))
            else:
                self.view.load([entry for page in pages for entry in page.conversations], pages[-1].epoch)
                self._anchor()

    def _anchor(self) -> None:
        for subscription in self._subscriptions:
            subscription.anchor(self.view.positions())

    # What the link says

    def positions(self) -> Mapping[str, int]:
        """Conversation id to the last `seq` in the view, newest activity first."""
        return self.view.positions()

    async def greeted(self, epoch: str) -> None:
        """Begins anew when the log was restored from a backup."""
        if epoch != self.view.epoch:
            self.view.clear()
            for subscription in self._subscriptions:
                subscription.restart()
            await self._load()
            self.view.epoch = epoch

    def resumed(self, frame: Frame) -> None:
        """Reads what the resume has left to the history."""
        for conversation_id, outcome in frame.conversations.items():
            if outcome.status == "forbidden":
                self.view.forget(conversation_id)
            elif self.view.reach(conversation_id, outcome.last_seq):
                self._mend_later(conversation_id)
        for subscription in self._subscriptions:
            subscription.resumed(frame.conversations.items())
        self._company.renew()
        self._moved.set()
        self._changed("")

    def offer(self, event: Event) -> None:
        """Takes an event."""
        talk = self.view.offer(event)
        if talk.gap or talk.is_stale or not talk.kind:
            self._mend_later(event.conversation_id)
        for subscription in self._subscriptions:
            subscription.offer(event)
        self._changed(event.conversation_id)

    def hear(self, signal: Signal) -> None:
        """Takes something ephemeral."""
        if signal.type == "receipt":
            with suppress(msgspec.ValidationError):
                self.heard(str(signal.data.get("conversation_id", "")), msgspec.convert(signal.data, Receipt))
        elif signal.type == "presence":
            with suppress(msgspec.ValidationError):
                self._saw(msgspec.convert(signal.data, Presences))
            return
        self._tell(signal)

    def _saw(self, told: Presences) -> None:
        if changed := self.view.saw(told.presences, instead=bool(told.id)):
            self._tell(Signal(type="presence", data={"presences": msgspec.to_builtins(changed)}))
        self._changed("")

    def _tell(self, signal: Signal) -> None:
        for queue in self._signals:
            if not queue.full():
                queue.put_nowait(signal)

    def heard(self, conversation_id: str, receipt: Receipt) -> None:
        """Takes how far a member has come."""
        self.view.heard(conversation_id, receipt)
        if (talk := self.view.get(conversation_id)) and talk.is_stale:
            self._mend_later(conversation_id)
        self._changed(conversation_id)

    # Who listens

    def events(self, since: Mapping[str, int] | None) -> Subscription:
        """Events from now on, or since some positions."""
        subscription = Subscription(self._page_after, self._size, since)
        if self._ended:
            subscription.end(self._failure)
        elif self.view.is_loaded:
            subscription.anchor(self.view.positions())
        self._subscriptions.add(subscription)
        return subscription

    async def signals(self) -> AsyncIterator[Signal]:
        """What is ephemeral. What comes faster than it is taken is dropped."""
        queue: asyncio.Queue[Signal] = asyncio.Queue(self._size)
        self._signals.add(queue)
        while True:
            yield await queue.get()

    async def watch(self, user_ids: Sequence[str]) -> None:
        """Watches people instead of those before. Raises InvalidRequestError, and as `up` does."""
        await self.up()
        await self._company.watch(user_ids)

    def on_change(self, tell: Callable[[str], None]) -> None:
        """Lets a function know of each change of the view: the conversation's id, or nothing when it may be any."""
        self._listeners.append(tell)

    def _changed(self, conversation_id: str) -> None:
        for tell in self._listeners:
            tell(conversation_id)

    # Reading what is missing

    def _mend_later(self, conversation_id: str) -> None:
        self._mending[conversation_id] = None
        self._to_mend.set()

    async def _mend(self) -> None:
        while True:
            while not self._mending:
                self._to_mend.clear()
                await self._to_mend.wait()
            conversation_id = next(iter(self._mending))
            del self._mending[conversation_id]
            try:
                await self._complete(conversation_id)
            except (NotFoundError, PermissionDeniedError):
                self.view.forget(conversation_id)
            except RealChatError as error:
                if not error.temporary:
                    raise
                await asyncio.sleep(delay(1, error.retry_after or 1.0))
                self._mend_later(conversation_id)
            self._changed(conversation_id)

    async def _complete(self, conversation_id: str) -> None:
        """Reads what the view does not know of a conversation."""
        talk = self.view.get(conversation_id)
        if talk is None:
            return
        if not talk.kind:
            talk.snapshot(await self._entry(conversation_id))
        while gap := talk.gap:
            if gap.up_to - gap.after > WIDEST_GAP:
                talk.restart(await self._entry(conversation_id))
            else:
                talk.fill(gap, await self._page_after(conversation_id, gap))
        if talk.is_stale:
            talk.snapshot(await self._entry(conversation_id))
            if talk.gap or talk.is_stale:
                await asyncio.sleep(delay(1))
                self._mend_later(conversation_id)

    async def _entry(self, conversation_id: str) -> InboxEntry:
        async for page in self._api.pages("/v1/conversations", Inbox):
            for entry in page.conversations:
                if entry.conversation_id == conversation_id:
                    return entry
        raise NotFoundError("conversation_not_found")

    async def _page_after(self, conversation_id: str, gap: Gap) -> Page:
        query = {"after": gap.after, "limit": PAGE}
        return await self._api.ask("GET", f"/v1/conversations/{conversation_id}/events", Page, query=query)


def _first(failures: BaseExceptionGroup[RealChatError]) -> RealChatError:
    first = failures.exceptions[0]
    return _first(first) if isinstance(first, BaseExceptionGroup) else first
