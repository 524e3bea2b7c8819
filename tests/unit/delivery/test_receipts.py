"""Receipts are joined on their way to the message service."""

from __future__ import annotations

from collections.abc import Mapping

import pytest
from hypothesis import given
from hypothesis import strategies as st
from realchat_delivery.receipts import MOST_MARKS, Mark, Marks, Who

from realchat_common.errors import Code, RealChatError

PEOPLE = st.tuples(st.just("talk"), st.sampled_from(("alice", "bob")))
MARKS = st.builds(Mark, st.integers(0, 9), st.integers(0, 9))


class Ledger:
    """What the message service was told; the first `failures` times it is not there."""

    def __init__(self, failures: int = 0, code: Code = Code.UNAVAILABLE) -> None:
        self.moves: list[dict[Who, Mark]] = []
        self.failures = failures
        self.code = code

    async def move(self, marks: Mapping[Who, Mark]) -> None:
        if self.failures:
            self.failures -= 1
            raise RealChatError(self.code)
        self.moves.append(dict(marks))


@given(st.lists(st.tuples(PEOPLE, MARKS), min_size=1))
async def test_one_entry_per_member_with_the_farthest_of_what_was_said(said: list[tuple[Who, Mark]]) -> None:
    ledger = Ledger()
    marks = Marks(ledger.move)
    for who, mark in said:
        marks.add(who, mark)
    await marks.flush()
    farthest = {
        who: Mark(max(m.delivered_up_to for w, m in said if w == who), max(m.read_up_to for w, m in said if w == who))
        for who, _ in said
    }
    assert ledger.moves == [farthest]


async def test_what_was_put_off_is_joined_with_what_came_meanwhile() -> None:
    ledger = Ledger(failures=1)
    marks = Marks(ledger.move)
    marks.add(("talk", "alice"), Mark(3, 1))
    await marks.flush()
    marks.add(("talk", "alice"), Mark(2, 2))
    await marks.flush()
    assert ledger.moves == [{("talk", "alice"): Mark(3, 2)}]


async def test_what_is_refused_is_not_said_again() -> None:
    ledger = Ledger(failures=1, code=Code.INVALID_ARGUMENT)
    marks = Marks(ledger.move)
    marks.add(("talk", "alice"), Mark(3, 1))
    await marks.flush()
    await marks.flush()
    assert ledger.moves == []


async def test_a_batch_is_bounded() -> None:
    ledger = Ledger()
    marks = Marks(ledger.move)
    for number in range(MOST_MARKS + 1):
        marks.add(("talk", str(number)), Mark(1))
    await marks.flush()
    await marks.flush()
    assert [len(move) for move in ledger.moves] == [MOST_MARKS, 1]


async def test_too_many_that_wait_are_refused_as_overloaded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("realchat_delivery.receipts.MOST_WAITING", 1)
    marks = Marks(Ledger().move)
    marks.add(("talk", "alice"), Mark(1))
    marks.add(("talk", "alice"), Mark(2))
    with pytest.raises(RealChatError) as refusal:
        marks.add(("talk", "bob"), Mark(1))
    assert refusal.value.code is Code.OVERLOADED
