"""Group commit at the edge."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

import pytest
from realchat_delivery.append import BATCH_BYTES, BATCH_MESSAGES, Answer, Appended, Appender, Outcome, Pending

from chat.event.v1 import event_pb2 as pb
from realchat_common.errors import Code, RealChatError


class Log:
    """Appends when the test lets it: `turn` gives each call its answer."""

    def __init__(self) -> None:
        self.calls: list[tuple[str, list[str], float]] = []
        self.turns: asyncio.Queue[Exception | None] = asyncio.Queue()
        self.answered: list[tuple[str, Outcome]] = []
        self.segments: list[tuple[int, int]] = []
        """The last seq of each, and how many sends were answered when it came."""
        self.seq = 0
        self.now = 0.0

    async def append(self, conversation_id: str, batch: Sequence[Pending], seconds: float) -> Answer:
        self.calls.append((conversation_id, [pending.client_message_id for pending in batch], seconds))
        if failure := await self.turns.get():
            raise failure
        outcomes = [self._next() for _ in batch]
        return Answer(outcomes, [pb.Segment(conversation_id=conversation_id, last_seq=self.seq)])

    def written(self, segment: pb.Segment) -> None:
        self.segments.append((segment.last_seq, len(self.answered)))

    def _next(self) -> Appended:
        self.seq += 1
        return Appended(f"m{self.seq}", self.seq, 0, False)

    def pending(self, name: str, body: str = "b") -> Pending:
        return Pending("alice", name, body, "", lambda outcome: self.answered.append((name, outcome)))

    async def turn(self, failure: Exception | None = None) -> None:
        self.turns.put_nowait(failure)
        for _ in range(10):
            await asyncio.sleep(0)

    @property
    def batches(self) -> list[list[str]]:
        return [names for _, names, _ in self.calls]

    def seqs(self) -> list[tuple[str, int]]:
        return [(name, outcome.seq) for name, outcome in self.answered if isinstance(outcome, Appended)]

    def codes(self) -> list[tuple[str, Code]]:
        return [(name, outcome.code) for name, outcome in self.answered if isinstance(outcome, RealChatError)]


@asynccontextmanager
async def appending(log: Log, most_waiting: int = 1_000) -> AsyncIterator[Appender]:
    async with asyncio.TaskGroup() as group:
        yield Appender(log.append, log.written, group, most_waiting, 10.0, lambda: log.now)


async def test_sends_that_come_meanwhile_go_together_in_their_order() -> None:
    log = Log()
    async with appending(log) as appender:
        for name in "abcd":
            appender.submit("talk", log.pending(name))
            await asyncio.sleep(0)
        await log.turn()
        await log.turn()
    assert log.batches == [["a"], ["b", "c", "d"]]
    assert log.seqs() == [("a", 1), ("b", 2), ("c", 3), ("d", 4)]


async def test_what_was_written_is_passed_on_once_its_senders_have_their_answers() -> None:
    log = Log()
    async with appending(log) as appender:
        for name in "abc":
            appender.submit("talk", log.pending(name))
            await asyncio.sleep(0)
        await log.turn()
        await log.turn()
    assert log.segments == [(1, 1), (3, 3)]


async def test_conversations_do_not_wait_for_each_other() -> None:
    log = Log()
    async with appending(log) as appender:
        appender.submit("talk", log.pending("a"))
        appender.submit("other", log.pending("b"))
        await log.turn()
        await log.turn()
    assert [conversation for conversation, _, _ in log.calls] == ["talk", "other"]


async def test_a_batch_is_bounded_in_messages_and_in_bytes() -> None:
    log = Log()
    async with appending(log) as appender:
        appender.submit("talk", log.pending("first"))
        await asyncio.sleep(0)
        for number in range(BATCH_MESSAGES + 1):
            appender.submit("talk", log.pending(f"small{number}"))
        for number in range(5):
            appender.submit("talk", log.pending(f"large{number}", "é" * (BATCH_BYTES // 8)))
        for _ in range(4):
            await log.turn()
    assert [len(batch) for batch in log.batches] == [1, BATCH_MESSAGES, 4, 2]


async def test_a_failure_answers_its_batch_only() -> None:
    log = Log()
    async with appending(log) as appender:
        appender.submit("talk", log.pending("a"))
        await asyncio.sleep(0)
        appender.submit("talk", log.pending("b"))
        await log.turn(RealChatError(Code.UNAVAILABLE))
        await log.turn()
        appender.submit("talk", log.pending("c"))
        await log.turn(ValueError("a bug"))
    assert log.codes() == [("a", Code.UNAVAILABLE), ("c", Code.INTERNAL)]
    assert log.seqs() == [("b", 1)]


async def test_too_many_waiting_sends_are_refused_and_none_is_lost() -> None:
    log = Log()
    async with appending(log, most_waiting=2) as appender:
        appender.submit("talk", log.pending("a"))
        appender.submit("other", log.pending("b"))
        with pytest.raises(RealChatError) as refusal:
            appender.submit("third", log.pending("c"))
        assert refusal.value.code is Code.OVERLOADED
        assert refusal.value.retry_after
        await log.turn()
        await log.turn()
        appender.submit("third", log.pending("c"))
        await log.turn()
    assert [name for name, _ in log.seqs()] == ["a", "b", "c"]


async def test_what_has_waited_for_all_of_its_time_is_not_sent_any_more() -> None:
    log = Log()
    async with appending(log) as appender:
        appender.submit("talk", log.pending("a"))
        await asyncio.sleep(0)
        appender.submit("talk", log.pending("old"))
        log.now = 9.5
        appender.submit("talk", log.pending("young"))
        log.now = 11.0
        await log.turn()
        await log.turn()
    assert log.batches == [["a"], ["young"]]
    assert log.codes() == [("old", Code.DEADLINE_EXCEEDED)]
    assert [seconds for _, _, seconds in log.calls] == [10.0, 8.5]


async def test_leaving_waits_for_the_append_under_way() -> None:
    log = Log()
    async with asyncio.TaskGroup() as test:
        async with appending(log) as appender:
            appender.submit("talk", log.pending("a"))
            test.create_task(log.turn())
        assert log.seqs() == [("a", 1)]
