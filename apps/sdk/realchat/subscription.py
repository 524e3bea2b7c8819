"""Events on their way to whoever iterates over them."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Iterable, Mapping
from types import TracebackType

from realchat.backoff import delay
from realchat.errors import NotFoundError, PermissionDeniedError, RealChatError
from realchat.models import Event, Page, Position
from realchat.ordering import Cursor, Gap

ReadPage = Callable[[str, Gap], Awaitable[Page]]


class Subscription:
    """An asynchronous iterator over events: of each conversation all, in order, once, whatever happens to sockets.

    At most `size` events wait. When more come, the newer ones are read from the log once their turn comes: whoever
    iterates slowly holds nobody up.

    Args:
        read: reads the page of a conversation's log for a gap.
        size: how many events wait.
        since: conversation id to the last `seq` that was seen; of others, everything. None: begin with what is new.
    """

    def __init__(self, read: ReadPage, size: int, since: Mapping[str, int] | None) -> None:
        self._read = read
        self._size = size
        self._cursors = {name: Cursor(seq, 0) for name, seq in (since or {}).items()}
        self._is_anchored = since is not None
        self._behind: dict[str, None] = {}
        """Conversations with a gap, first come first served."""
        self._queue: deque[Event] = deque()
        self._news = asyncio.Event()
        self._ended = False
        self._failure: Exception | None = None
        self.positions: dict[str, int] = dict(since or {})
        """Where this is in each conversation: after the last event that came out; what `since` takes the next time."""

    def __aiter__(self) -> Subscription:
        return self

    async def __anext__(self) -> Event:
        """The next event. Raises what has ended the connection for good."""
        attempt = 0
        while True:
            if self._queue:
                event = self._queue.popleft()
                self.positions[event.conversation_id] = event.seq
                return event
            if self._ended:
                if self._failure:
                    raise self._failure
                raise StopAsyncIteration
            if self._behind:
                try:
                    await self._catch_up(next(iter(self._behind)))
                    attempt = 0
                except RealChatError as error:
                    if not error.temporary:
                        raise
                    attempt += 1
                    await asyncio.sleep(delay(attempt, error.retry_after or 0.0))
                continue
            self._news.clear()
            await self._news.wait()

    async def __aenter__(self) -> Subscription:
        return self

    async def __aexit__(self, *_: type[BaseException] | BaseException | TracebackType | None) -> None:
        self.end()

    async def _catch_up(self, conversation_id: str) -> None:
        cursor = self._cursors.get(conversation_id)
        gap = cursor.gap if cursor else None
        if cursor and gap:
            try:
                page = await self._read(conversation_id, gap)
            except (NotFoundError, PermissionDeniedError):
                cursor.skip_to(gap.up_to)
            else:
                self._queue.extend(cursor.fill(gap, page))
        if not (cursor and cursor.gap):
            self._behind.pop(conversation_id, None)

    # What the client says

    def anchor(self, positions: Mapping[str, int]) -> None:
        """What there is when the client begins: new is what comes after it, unless `since` says otherwise."""
        if not self._is_anchored:
            self._is_anchored = True
            for conversation_id, seq in positions.items():
                self._cursors.setdefault(conversation_id, Cursor(seq, 0))
                self.positions.setdefault(conversation_id, seq)
        self.reach(positions)

    def offer(self, event: Event) -> None:
        """Takes an event that arrived."""
        cursor = self._cursor(event.conversation_id)
        if len(self._queue) >= self._size:
            cursor.miss(event.seq)
        else:
            self._queue.extend(cursor.offer(event))
        self._noted(event.conversation_id, cursor)

    def reach(self, ends: Mapping[str, int]) -> None:
        """Takes where logs end: what was not seen until there will be read."""
        for conversation_id, seq in ends.items():
            cursor = self._cursor(conversation_id)
            cursor.miss(seq)
            self._noted(conversation_id, cursor)

    def resumed(self, outcomes: Iterable[tuple[str, Position]]) -> None:
        """Takes what became of a resume."""
        self.reach({name: outcome.last_seq for name, outcome in outcomes if outcome.status != "forbidden"})

    def restart(self) -> None:
        """The log was restored: what was seen of it counts no more."""
        self._queue.clear()
        self._behind.clear()
        self._cursors.clear()
        self.positions.clear()
        self._is_anchored = False

    def end(self, failure: Exception | None = None) -> None:
        """Nothing will come any more."""
        self._ended, self._failure = True, failure
        self._news.set()

    def _cursor(self, conversation_id: str) -> Cursor:
        cursor = self._cursors.get(conversation_id)
        if cursor is None:
            cursor = self._cursors[conversation_id] = Cursor(0, 0)
        return cursor

    def _noted(self, conversation_id: str, cursor: Cursor) -> None:
        if cursor.gap:
            self._behind[conversation_id] = None
        self._news.set()
