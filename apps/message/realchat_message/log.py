"""Appends to the log: one writer per conversation at a time, group commit, probe and adopt.

Invariants, each with the test that breaks when it goes:
- Gapless and insert-only: a segment's key is (conversation, first_seq), written first-write-wins under the head's
  row lock, and the next one begins at last_seq + 1 (tests/service/message/test_log.py).
- One upsert per transaction: the outbox emits one event per upsert (test_segments.py).
- Nothing in that transaction fails by design: whoever did not write the last segment, or does not know how its
  own last write ended, first probes the next key and adopts what it finds (the same).
"""

from __future__ import annotations

import asyncio
from collections import OrderedDict, deque
from collections.abc import Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Protocol

import asyncpg
from opentelemetry.context import Context, get_current
from opentelemetry.trace import Link, Span, get_current_span
from prometheus_client import Counter, Histogram

from chat.event.v1 import event_pb2 as pb
from realchat_common.errors import Code, RealChatError
from realchat_common.ids import new_id, now_ms
from realchat_common.telemetry import log, tracer
from realchat_message import evidence
from realchat_message.acts import Act, plan_acts
from realchat_message.attachments import attachable
from realchat_message.domain import (
    Appended,
    Head,
    Intent,
    Key,
    Members,
    NewChange,
    Outcome,
    Plan,
    head_after,
    members_after,
    plan,
    segment,
)
from realchat_message.projection import project
from realchat_message.segments import MOST_EVENTS, SegmentExistsError, Segments

if TYPE_CHECKING:
    from realchat_message.projection import Connection

MOST_BYTES = 256 * 1024
MOST_QUEUED = 2_000
"""Intents that may wait for one conversation; more are refused as overloaded."""
COMMIT_SECONDS = 8.0
TRIES = 3
MEMBERS_CACHED = 10_000

BATCH = Histogram("realchat_append_batch_events", "Events per segment.", buckets=(1, 2, 5, 10, 20, 50, 100))
COMMIT = Histogram(
    "realchat_append_commit_seconds",
    "Time to write a segment and the read model.",
    buckets=(0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1, 5),
)
ADOPTED = Counter("realchat_segments_adopted_total", "Segments found in the log ahead of the read model.")
CONFLICTS = Counter("realchat_segment_conflicts_total", "Segments that another writer had written first.")


class Lane(Protocol):
    """Where committed segments go at once."""

    def offer(self, written: pb.Segment, *, fanned_out: bool) -> None:
        """Takes a segment without waiting; it may be dropped, since the outbox has it too.

        Args:
            written: the segment.
            fanned_out: by one of those who had it appended, so it need not go any further.
        """
        ...


@dataclass(slots=True)
class _Waiting:
    intent: Intent | Act
    outcome: asyncio.Future[Outcome]
    trace: Context
    fans_out: bool


class ConversationLog:
    """Appends intents to conversations' logs.

    Args:
        pool: the service's database.
        segments: the log.
        lane: gets each segment right after its commit.
        writer_id: a UUID of this process.
    """

    def __init__(self, pool: asyncpg.Pool[asyncpg.Record], segments: Segments, lane: Lane, writer_id: str) -> None:
        self._pool = pool
        self._segments = segments
        self._lane = lane
        self._writer_id = writer_id
        self._queues: dict[str, deque[_Waiting]] = {}
        self._ready: asyncio.Queue[str] = asyncio.Queue()  # bounded by the conversations in `_queues`
        self._doubtful: set[str] = set()
        """Conversations whose last write ended in a way that we do not know."""
        self._members: OrderedDict[str, tuple[int, Members]] = OrderedDict()

    async def run(self) -> None:
        """Owns the writers; ends only by cancellation."""
        async with asyncio.TaskGroup() as writers:
            while True:
                conversation_id = await self._ready.get()
                writers.create_task(self._drain(conversation_id), name=f"writer {conversation_id}")

    async def append(
        self, conversation_id: str, intents: Sequence[Intent | Act], *, fans_out: bool = False
    ) -> list[Outcome]:
        """Appends intents, together with what others append to the same conversation meanwhile.

        Args:
            conversation_id: the conversation.
            intents: what to append.
            fans_out: whether the caller fans out the segments of the outcomes.

        Returns:
            One outcome per intent, in order. An intent whose outcome is a temporary error may be repeated as it
            is: it is appended once whatever happened.
        """
        if not intents:
            return []
        queue = self._queues.get(conversation_id)
        if queue is None:
            queue = self._queues[conversation_id] = deque()
            self._ready.put_nowait(conversation_id)
        if len(queue) + len(intents) > MOST_QUEUED:
            overloaded = RealChatError(Code.OVERLOADED, "this conversation has too many writers", retry_after=1)
            return [overloaded for _ in intents]
        loop = asyncio.get_running_loop()
        trace = get_current()
        waiting = [_Waiting(intent, loop.create_future(), trace, fans_out) for intent in intents]
        queue.extend(waiting)
        # Shielded: a caller that goes away leaves its intents to the writer.
        return list(await asyncio.gather(*(asyncio.shield(entry.outcome) for entry in waiting)))

    async def append_one(self, conversation_id: str, intent: Intent | Act) -> Appended:
        """Appends a single intent, as `append` does. Raises its outcome if that is an error."""
        (outcome,) = await self.append(conversation_id, [intent])
        if isinstance(outcome, RealChatError):
            raise outcome
        return outcome

    async def repair(self, conversation_id: str) -> int:
        """Adopts what the log has beyond the read model. Returns the last seq, 0 for an unknown conversation."""
        async with asyncio.timeout(COMMIT_SECONDS), self._pool.acquire() as connection, connection.transaction():
            try:
                head, _, _ = await evidence.locked(connection, conversation_id, [])
            except RealChatError:
                return 0
            return (await self._adopt(connection, conversation_id, head)).last_seq

    async def _drain(self, conversation_id: str) -> None:
        """Writes one batch after another until nothing waits."""
        queue = self._queues[conversation_id]
        while queue:
            batch = _next_batch(queue)
            with _batch_span(batch):
                outcomes = await self._write(batch, conversation_id)
            for entry, outcome in zip(batch, outcomes, strict=True):
                if not entry.outcome.done():
                    entry.outcome.set_result(outcome)
        del self._queues[conversation_id]

    async def _write(self, batch: list[_Waiting], conversation_id: str) -> list[Outcome]:
        failure = RealChatError(Code.UNAVAILABLE, "the log cannot be written now", retry_after=0.5)
        for _ in range(TRIES):
            try:
                with COMMIT.time():
                    async with asyncio.timeout(COMMIT_SECONDS):
                        return await self._commit(conversation_id, batch)
            except SegmentExistsError:
                CONFLICTS.inc()
                self._doubtful.add(conversation_id)
            except RealChatError as error:
                self._doubtful.add(conversation_id)
                failure = error
                break
            except (TimeoutError, OSError, asyncpg.PostgresError, asyncpg.InterfaceError) as error:
                self._doubtful.add(conversation_id)
                log.warning("append failed", conversation_id=conversation_id, error=repr(error))
                break
            except Exception:
                self._doubtful.add(conversation_id)
                log.exception("append failed", conversation_id=conversation_id)
                failure = RealChatError(Code.INTERNAL)
                break
        return [failure for _ in batch]

    async def _commit(self, conversation_id: str, batch: list[_Waiting]) -> list[Outcome]:
        intents = [entry.intent for entry in batch]
        written: pb.Segment | None = None
        async with self._pool.acquire() as connection:
            if any(isinstance(i, NewChange) and i.event.HasField("conversation_created") for i in intents):
                await connection.execute(
                    "INSERT INTO head (conversation_id) VALUES ($1) ON CONFLICT DO NOTHING", conversation_id
                )
            async with connection.transaction():
                head, writer_id, known = await evidence.locked(connection, conversation_id, intents)
                if writer_id != self._writer_id or conversation_id in self._doubtful:
                    head = await self._adopt(connection, conversation_id, head)
                    # Others wrote meanwhile: what was read while the lock was waited for may be older than the head.
                    _, _, known = await evidence.locked(connection, conversation_id, intents)
                decided = await self._decide(connection, conversation_id, head, known, intents)
                if decided.events:
                    written = segment(head, decided.events)
                    await self._insert(connection, written)
        self._doubtful.discard(conversation_id)
        if written is None:
            return decided.outcomes
        BATCH.observe(len(written.events))
        self._remember_members(conversation_id, head, written)
        outcomes = [
            outcome if isinstance(outcome, RealChatError) or outcome.duplicate else replace(outcome, segment=written)
            for outcome in decided.outcomes
        ]
        answered = zip(batch, outcomes, strict=True)
        fanned_out = any(
            entry.fans_out and isinstance(outcome, Appended) and outcome.segment for entry, outcome in answered
        )
        self._lane.offer(written, fanned_out=fanned_out)
        return outcomes

    async def _insert(self, connection: Connection, written: pb.Segment) -> None:
        """Writes a segment and, at the same time, the read model, which is committed only if the segment is."""
        try:
            async with asyncio.TaskGroup() as both:
                both.create_task(self._segments.insert(written))
                both.create_task(project(connection, written, self._writer_id, now_ms()))
        except ExceptionGroup as group:
            raise group.exceptions[0] from group

    async def _adopt(self, connection: Connection, conversation_id: str, head: Head) -> Head:
        """Walks the chain from the head and folds in what it finds."""
        while found := await self._segments.read(conversation_id, head.last_seq + 1):
            ADOPTED.inc()
            # Written just now as far as the sweeper is concerned: the pointer may still be on its way.
            await project(connection, found, None, now_ms())
            head = head_after(head, found)
        return head

    async def _decide(
        self,
        connection: Connection,
        conversation_id: str,
        head: Head,
        known: dict[Key, Appended],
        batch: list[Intent | Act],
    ) -> Plan:
        acts = [entry for entry in batch if isinstance(entry, Act)]
        if acts:  # then all are
            return plan_acts(
                conversation_id,
                head,
                acts,
                await evidence.actors(connection, conversation_id, acts),
                await evidence.targets(connection, conversation_id, acts),
                await evidence.board(connection, conversation_id, acts),
                now_ms(),
                new_id,
            )
        intents = [entry for entry in batch if not isinstance(entry, Act)]
        return plan(
            conversation_id,
            head,
            intents,
            known | await evidence.known_changes(connection, conversation_id, intents),
            await self._members_at(connection, conversation_id, head),
            await evidence.answerable(connection, conversation_id, intents),
            now_ms(),
            new_id,
            await attachable(connection, conversation_id, intents),
        )

    async def _members_at(self, connection: Connection, conversation_id: str, head: Head) -> Members:
        """Who is a member, and as what, cached by the seq of the newest change of it, which the lock holds still."""
        cached = self._members.get(conversation_id)
        if cached and cached[0] == head.members_seq:
            self._members.move_to_end(conversation_id)
            return cached[1]
        rows = await connection.fetch(
            "SELECT user_id, role FROM member WHERE conversation_id = $1 AND until_seq = 0", conversation_id
        )
        members = {str(row["user_id"]): row["role"] for row in rows}
        self._cache_members(conversation_id, head.members_seq, members)
        return members

    def _remember_members(self, conversation_id: str, head: Head, written: pb.Segment) -> None:
        cached = self._members.get(conversation_id)
        if cached and written.members_seq != head.members_seq:
            members = cached[1]
            for event in written.events:
                members = members_after(members, event)
            self._cache_members(conversation_id, written.members_seq, members)

    def _cache_members(self, conversation_id: str, members_seq: int, members: Members) -> None:
        self._members[conversation_id] = (members_seq, members)
        self._members.move_to_end(conversation_id)
        if len(self._members) > MEMBERS_CACHED:
            self._members.popitem(last=False)


def _batch_span(batch: list[_Waiting]) -> AbstractContextManager[Span]:
    """A span in the trace of one of those who wait (a traced one, if any), linked to the others'."""
    contexts = [(get_current_span(entry.trace).get_span_context(), entry.trace) for entry in batch]
    traced = {context.span_id: (context, trace) for context, trace in contexts if context.trace_flags.sampled}
    parent = next((trace for _, trace in traced.values()), batch[0].trace)
    return tracer.start_as_current_span("log append", parent, links=[Link(context) for context, _ in traced.values()])


def _next_batch(queue: deque[_Waiting]) -> list[_Waiting]:
    """Takes what fits into one segment from the front of a queue: acts, or what is not, so that the roles and messages
    that acts are decided by are those at the head."""
    batch = [queue.popleft()]
    size = batch[0].intent.size
    acts = isinstance(batch[0].intent, Act)
    while (
        queue
        and isinstance(queue[0].intent, Act) == acts
        and len(batch) < MOST_EVENTS
        and size + queue[0].intent.size <= MOST_BYTES
    ):
        size += queue[0].intent.size
        batch.append(queue.popleft())
    return batch
