"""Sends on their way to the log: group commit at the edge.

For each conversation at most one append is under way; sends that come meanwhile, of any local users, go with the
next one, in the order they came. So a busy conversation costs one call per round trip, not one per message.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from time import monotonic
from typing import NamedTuple

from opentelemetry import context as tracing
from prometheus_client import Gauge, Histogram

from chat.event.v1 import event_pb2 as pb
from realchat_common.errors import Code, RealChatError
from realchat_common.telemetry import log

BATCH_MESSAGES = 100
BATCH_BYTES = 256 * 1024
LEAST_SECONDS = 1.0
"""What a batch gets even when its oldest message has waited for nearly all of its time."""

BATCHES = Histogram("realchat_append_batch_messages", "Messages per append.", buckets=(1, 2, 5, 10, 20, 50, 100))
WAITING = Gauge("realchat_appends_waiting", "Sends that are not answered yet.")


@dataclass(frozen=True, slots=True)
class Appended:
    """Where in the log a message is."""

    message_id: str
    seq: int
    sent_at_ms: int
    duplicate: bool


Outcome = Appended | RealChatError


@dataclass(slots=True)
class Pending:
    """A message that waits for the log; `answer` is called once, even when its socket has closed meanwhile."""

    sender_id: str
    client_message_id: str
    body: str
    reply_to: str
    answer: Callable[[Outcome], None]
    mentions: tuple[str, ...] = ()
    mention_all: bool = False
    attachment_ids: tuple[str, ...] = ()
    size: int = field(init=False)
    since: float = field(init=False, default=0.0)
    trace: tracing.Context = field(init=False, default_factory=tracing.get_current)

    def __post_init__(self) -> None:
        self.size = len(self.body.encode())


class Answer(NamedTuple):
    """What the log says to a batch."""

    outcomes: Sequence[Outcome]
    """One for each message, in order."""
    written: Sequence[pb.Segment] = ()
    """What holds the new ones, in order."""


Append = Callable[[str, Sequence[Pending], float], Awaitable[Answer]]
"""Appends messages to a conversation within so many seconds."""

Written = Callable[[pb.Segment], None]
"""Gets what was written, in the trace of one of the senders."""


class Appender:
    """Batches the sends of this node.

    Args:
        append: the way to the log.
        written: gets what the log has written, once the senders have their answers.
        group: owns the tasks; whoever leaves it waits for the appends that are under way.
        most_waiting: sends that may wait at the same time.
        seconds: how long a send may take.
        clock: seconds of a monotonic clock.
    """

    def __init__(
        self,
        append: Append,
        written: Written,
        group: asyncio.TaskGroup,
        most_waiting: int,
        seconds: float,
        clock: Callable[[], float] = monotonic,
    ) -> None:
        self._append = append
        self._written = written
        self._group = group
        self._most_waiting = most_waiting
        self._seconds = seconds
        self._clock = clock
        self._queues: dict[str, deque[Pending]] = {}
        self._waiting = 0

    def submit(self, conversation_id: str, pending: Pending) -> None:
        """Takes a message. Raises overloaded when too many wait already."""
        if self._waiting >= self._most_waiting:
            raise RealChatError(Code.OVERLOADED, retry_after=1.0)
        self._waiting += 1
        WAITING.set(self._waiting)
        pending.since = self._clock()
        queue = self._queues.get(conversation_id)
        if queue is not None:
            queue.append(pending)
            return
        self._queues[conversation_id] = deque([pending])
        self._group.create_task(self._drive(conversation_id))

    async def _drive(self, conversation_id: str) -> None:
        queue = self._queues[conversation_id]
        try:
            while queue:
                batch = self._batch(queue)
                if batch:
                    await self._settle(conversation_id, batch)
        finally:
            del self._queues[conversation_id]

    def _batch(self, queue: deque[Pending]) -> list[Pending]:
        batch: list[Pending] = []
        size = 0
        while queue and len(batch) < BATCH_MESSAGES and size + queue[0].size <= BATCH_BYTES:
            pending = queue.popleft()
            if self._clock() - pending.since > self._seconds:
                self._answer(pending, RealChatError(Code.DEADLINE_EXCEEDED))
                continue
            batch.append(pending)
            size += pending.size
        return batch

    async def _settle(self, conversation_id: str, batch: list[Pending]) -> None:
        BATCHES.observe(len(batch))
        token = tracing.attach(batch[0].trace)
        try:
            outcomes, written = await self._ask(conversation_id, batch)
            for pending, outcome in zip(batch, outcomes, strict=True):
                self._answer(pending, outcome)
            for segment in written:
                self._written(segment)
        finally:
            tracing.detach(token)

    async def _ask(self, conversation_id: str, batch: list[Pending]) -> Answer:
        left = max(LEAST_SECONDS, batch[0].since + self._seconds - self._clock())
        try:
            answer = await self._append(conversation_id, batch, left)
        except RealChatError as error:
            return Answer([error] * len(batch))
        except Exception:
            log.exception("append failed")
            return Answer([RealChatError(Code.INTERNAL)] * len(batch))
        if len(answer.outcomes) == len(batch):
            return answer
        log.error("outcomes do not match the batch", asked=len(batch), answered=len(answer.outcomes))
        return Answer([RealChatError(Code.INTERNAL)] * len(batch), answer.written)

    def _answer(self, pending: Pending, outcome: Outcome) -> None:
        self._waiting -= 1
        WAITING.set(self._waiting)
        pending.answer(outcome)
