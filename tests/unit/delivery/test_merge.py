"""One ordered stream per conversation, whatever the lanes do."""

from __future__ import annotations

from typing import NamedTuple

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, consumes, invariant, precondition, rule
from realchat_delivery.domain import Merge, Missing, Verdict

TALK = "talk"


class Event(NamedTuple):
    seq: int
    conversation_id: str = TALK


def test_a_conversation_without_a_cursor_starts_at_the_first_event_seen() -> None:
    merge: Merge[Event] = Merge()
    assert merge.offer(Event(7)) is Verdict.SEND
    assert merge.offer(Event(8)) is Verdict.SEND
    assert merge.offer(Event(6)) is Verdict.DROP


def test_a_duplicate_is_dropped() -> None:
    merge: Merge[Event] = Merge()
    merge.offer(Event(1))
    assert merge.offer(Event(1)) is Verdict.DROP


def test_a_gap_is_asked_for_once_and_filled_before_what_came_after_it() -> None:
    merge: Merge[Event] = Merge()
    merge.place(TALK, 4)
    gap = merge.offer(Event(7))
    assert gap == Missing(TALK, 5, 6)
    assert merge.offer(Event(8)) is Verdict.HOLD
    assert merge.offer(Event(8)) is Verdict.DROP
    assert merge.held == 2
    assert merge.fill(Missing(TALK, 5, 6), [Event(5), Event(6)]) == ([Event(5), Event(6), Event(7), Event(8)], None)
    assert merge.held == 0


def test_a_range_that_the_user_may_not_read_is_passed_over() -> None:
    merge: Merge[Event] = Merge()
    merge.place(TALK, 4)
    merge.offer(Event(9))
    assert merge.fill(Missing(TALK, 5, 8), [Event(8)]) == ([Event(8), Event(9)], None)


def test_a_second_gap_behind_the_first_is_asked_for_next() -> None:
    merge: Merge[Event] = Merge()
    merge.place(TALK, 1)
    merge.offer(Event(3))
    merge.offer(Event(6))
    assert merge.fill(Missing(TALK, 2, 2), [Event(2)]) == ([Event(2), Event(3)], Missing(TALK, 4, 5))


def test_an_answer_to_an_older_question_changes_nothing() -> None:
    merge: Merge[Event] = Merge()
    merge.place(TALK, 4)
    merge.offer(Event(7))
    merge.hold()
    merge.place(TALK, 2)  # the client says that it holds less
    assert merge.release() == ([], [Missing(TALK, 3, 6)])
    assert merge.fill(Missing(TALK, 5, 6), [Event(5), Event(6)]) == ([], None)


def test_an_answer_that_comes_when_the_stream_is_past_it_does_not_turn_it_back() -> None:
    merge: Merge[Event] = Merge()
    merge.place(TALK, 8)
    merge.offer(Event(11))
    assert merge.fill(Missing(TALK, 5, 6), [Event(5), Event(6)]) == ([], Missing(TALK, 9, 10))
    assert merge.fill(Missing(TALK, 9, 10), [Event(9), Event(10)]) == ([Event(9), Event(10), Event(11)], None)


def test_during_a_catch_up_everything_is_held_and_afterwards_goes_out_in_order() -> None:
    merge: Merge[Event] = Merge()
    merge.hold()
    assert merge.offer(Event(12)) is Verdict.HOLD
    assert merge.offer(Event(11)) is Verdict.HOLD
    assert merge.offer(Event(3, "other")) is Verdict.HOLD
    merge.place(TALK, 11)
    sent, gaps = merge.release()
    assert sorted(sent) == [Event(3, "other"), Event(12)]
    assert gaps == []
    assert merge.cursors == {TALK: 12, "other": 3}


class AnyLanes(RuleBasedStateMachine):
    """A log grows; events reach the socket in any order, twice or never; reads are answered late; clients resume."""

    missing = Bundle("missing")

    def __init__(self) -> None:
        super().__init__()
        self.merge: Merge[Event] = Merge()
        self.last_seq = 0
        self.visible: list[int] = []
        self.sent: list[int] = []
        self.start: int | None = None
        self.read_to: int | None = None
        self.claimed = 0

    def send(self, events: list[Event]) -> None:
        for event in events:
            if self.start is None:
                self.start = event.seq
            self.sent.append(event.seq)

    @rule(visible=st.booleans())
    def append(self, visible: bool) -> None:
        self.last_seq += 1
        if visible:
            self.visible.append(self.last_seq)

    @precondition(lambda self: self.visible)
    @rule(target=missing, data=st.data())
    def deliver(self, data: st.DataObject) -> Missing | None:
        event = Event(data.draw(st.sampled_from(self.visible)))
        verdict = self.merge.offer(event)
        if verdict is Verdict.SEND:
            self.send([event])
        return verdict if isinstance(verdict, Missing) else None

    @rule(target=missing, missing=consumes(missing))
    def answer(self, missing: Missing | None) -> Missing | None:
        if missing is None:
            return None
        sent, gap = self.merge.fill(missing, self.log(missing.first_seq, missing.last_seq))
        self.send(sent)
        return gap

    def log(self, first_seq: int, last_seq: int) -> list[Event]:
        return [Event(seq) for seq in self.visible if first_seq <= seq <= last_seq]

    @precondition(lambda self: self.read_to is None)
    @rule()
    def begin_catch_up(self) -> None:
        self.merge.hold()
        self.read_to = self.last_seq
        self.claimed = self.sent[-1] if self.sent else 0

    @precondition(lambda self: self.read_to is not None)
    @rule(target=missing)
    def finish_catch_up(self) -> Missing | None:
        return next(iter(self.finish()), None)

    def finish(self) -> list[Missing]:
        assert self.read_to is not None
        if self.claimed or self.start is None:
            self.send(self.log(self.claimed + 1, self.read_to))
            self.merge.place(TALK, max(self.read_to, self.claimed))
            if self.start is None:
                self.start = self.read_to + 1
        self.read_to = None
        sent, gaps = self.merge.release()
        self.send(sent)
        return gaps

    @invariant()
    def everything_once_and_in_order(self) -> None:
        if self.sent:
            first = min(self.start or 0, self.sent[0])
            assert self.sent == [seq for seq in self.visible if first <= seq <= self.sent[-1]]

    def teardown(self) -> None:
        """In the end the newest event comes by some lane, and all that is asked for is answered."""
        asked = self.finish() if self.read_to is not None else []
        if self.visible:
            verdict = self.merge.offer(Event(self.visible[-1]))
            if verdict is Verdict.SEND:
                self.send([Event(self.visible[-1])])
            # Also what was asked before is answered in the end.
            cursor = self.merge.cursors.get(TALK, 0)
            if isinstance(verdict, Missing):
                asked = [verdict]
            gap: Missing | None = asked[0] if asked else Missing(TALK, cursor + 1, self.visible[-1] - 1)
            while gap:
                sent, gap = self.merge.fill(gap, self.log(gap.first_seq, gap.last_seq))
                self.send(sent)
            assert not self.sent or self.sent[-1] == self.visible[-1]
            assert self.merge.held == 0
        self.everything_once_and_in_order()


TestAnyLanes = AnyLanes.TestCase
TestAnyLanes.settings = settings(max_examples=150, stateful_step_count=30, deadline=None)
