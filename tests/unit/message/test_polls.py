"""The rules of polls."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st
from realchat_message.acts import Act, Actor, Board, Delete, Edit, Target, plan_acts
from realchat_message.domain import Appended, Head
from realchat_message.polls import ClosePoll, PollState, Vote, check_choices, check_options, results

from chat.event.v1 import event_pb2 as pb
from realchat_common.errors import Code, RealChatError

ALICE, BOB, CAROL = "alice", "bob", "carol"
MEMBERS = {
    ALICE: Actor(pb.ROLE_MEMBER, ((1, 0),)),
    BOB: Actor(pb.ROLE_MEMBER, ((1, 0),)),
    CAROL: Actor(pb.ROLE_ADMIN, ((1, 0),)),
}


def outcomes(*acts: Act, multiple: bool = False, closed: bool = False) -> list[str]:
    """What becomes of acts on a poll of Alice's with three options: "ok", "same", or a code."""
    ids = itertools.count()
    here = {
        "poll": Target(5, ALICE, 0, "Tea?", False, poll=PollState(3, multiple, closed)),
        "text": Target(6, ALICE, 0, "No poll", False),
    }
    plan = plan_acts("talk", Head(9, 1), acts, MEMBERS, here, Board(), 1, lambda: f"event {next(ids)}")
    return [
        ("same" if outcome.duplicate else "ok") if isinstance(outcome, Appended) else outcome.code.value
        for outcome in plan.outcomes
    ]


def test_a_member_has_one_vote_and_may_change_it() -> None:
    votes = [Vote(BOB, "poll", choices) for choices in ((0,), (0,), (2,), (), ())]
    assert outcomes(*votes) == ["ok", "same", "ok", "ok", "same"]


@pytest.mark.parametrize("choices", [(0, 1), (3,), (-1,)])
def test_one_option_of_the_poll_is_chosen(choices: tuple[int, ...]) -> None:
    assert outcomes(Vote(BOB, "poll", choices)) == ["invalid_argument"]


def test_several_options_where_the_poll_allows_it() -> None:
    assert outcomes(Vote(BOB, "poll", (0, 1)), Vote(BOB, "poll", (0, 3)), multiple=True) == ["ok", "invalid_argument"]


def test_a_closed_poll_takes_no_vote() -> None:
    assert outcomes(ClosePoll(ALICE, "poll"), Vote(BOB, "poll", (0,)), ClosePoll(CAROL, "poll")) == [
        "ok",
        "poll_closed",
        "same",
    ]


def test_its_author_and_administrators_close_a_poll() -> None:
    assert outcomes(ClosePoll(BOB, "poll"), ClosePoll(CAROL, "poll")) == ["permission_denied", "ok"]


def test_votes_are_for_polls_that_are_there() -> None:
    assert (
        outcomes(Vote(BOB, "text", (0,)), Vote(BOB, "none", (0,)), ClosePoll(ALICE, "text"))
        == ["message_not_found"] * 3
    )
    assert outcomes(Delete(ALICE, "poll"), Vote(BOB, "poll", (0,))) == ["ok", "message_not_found"]
    assert outcomes(Vote("eve", "poll", (0,))) == ["conversation_not_found"]


def test_a_question_that_was_asked_stays() -> None:
    assert outcomes(Edit(ALICE, "poll", "Coffee?")) == ["permission_denied"]


@pytest.mark.parametrize("options", [[], ["a"], ["a", " a "], ["a", ""], ["a", "x" * 201], [str(n) for n in range(13)]])
def test_a_poll_has_two_to_twelve_different_options(options: list[str]) -> None:
    with pytest.raises(RealChatError) as refused:
        check_options(options)
    assert (refused.value.code, refused.value.field) == (Code.INVALID_ARGUMENT, "options")
    assert check_options([" Cafe\u0301 ", "Tea"]) == ["Café", "Tea"]


@given(st.dictionaries(st.sampled_from([ALICE, BOB, CAROL]), st.lists(st.integers(0, 2)).map(check_choices)))
def test_results_count_each_vote_once(votes: dict[str, tuple[int, ...]]) -> None:
    poll = pb.Poll(options=["a", "b", "c"], counts=[9, 9, 9], voters=9, mine=[1])
    results(poll, votes, ALICE)
    assert list(poll.counts) == [sum(option in choices for choices in votes.values()) for option in range(3)]
    assert poll.voters == sum(bool(choices) for choices in votes.values())
    assert tuple(poll.mine) == votes.get(ALICE, ())
