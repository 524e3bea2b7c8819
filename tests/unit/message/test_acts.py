"""The rules for messages that are in the log."""

from __future__ import annotations

import itertools
from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st
from realchat_message.acts import (
    EDITABLE_MS,
    MOST_EMOJIS,
    MOST_PINS,
    Act,
    Actor,
    Board,
    Delete,
    Edit,
    Given,
    Pin,
    React,
    Target,
    plan_acts,
    redacted,
)
from realchat_message.domain import Appended, Head, Outcome

from chat.event.v1 import event_pb2 as pb
from realchat_common.errors import Code, RealChatError

ALICE, BOB, CAROL, DAVE = "alice", "bob", "carol", "dave"
MEMBERS = {
    ALICE: Actor(pb.ROLE_MEMBER, ((1, 0),)),
    BOB: Actor(pb.ROLE_MEMBER, ((1, 0),)),
    CAROL: Actor(pb.ROLE_ADMIN, ((1, 0),)),
    DAVE: Actor(pb.ROLE_OWNER, ((1, 4), (9, 0))),
}
SENT_AT = 1_000
GROUP = Board()
FULL = {str(number): Given(1, frozenset({CAROL})) for number in range(MOST_EMOJIS)}
HERE = {
    "m": Target(5, ALICE, SENT_AT, "hello", False),
    "gone": Target(6, ALICE, SENT_AT, "", True),
    "liked": Target(7, ALICE, SENT_AT, "hello", False, reactions={"+": Given(3, frozenset({BOB}))}),
    "pinned": Target(9, ALICE, SENT_AT, "hello", False, pinned=True),
    "full": Target(8, ALICE, SENT_AT, "hello", False, reactions=FULL),
}


def decide(
    *acts: Act, now_ms: int = SENT_AT, board: Board = GROUP, apart: bool = False
) -> tuple[list[pb.Event], list[Outcome]]:
    ids = itertools.count(1)
    plan = plan_acts("talk", Head(10, 1, apart), acts, MEMBERS, HERE, board, now_ms, lambda: f"event {next(ids)}")
    return plan.events, plan.outcomes


def codes(outcomes: Sequence[Outcome]) -> list[Code | None]:
    return [outcome.code if isinstance(outcome, RealChatError) else None for outcome in outcomes]


def test_an_author_edits_and_then_deletes() -> None:
    (edited, deleted), outcomes = decide(Edit(ALICE, "m", "bye"), Delete(ALICE, "m"))
    assert (edited.seq, edited.message_edited.body, deleted.seq) == (11, "bye", 12)
    assert deleted.message_deleted.message_id == "m"
    assert outcomes == [Appended("event 1", 11, SENT_AT), Appended("event 2", 12, SENT_AT)]


@pytest.mark.parametrize(
    ("act", "code"),
    [
        (Edit(BOB, "m", "x"), Code.PERMISSION_DENIED),
        (Edit(CAROL, "m", "x"), Code.PERMISSION_DENIED),  # an administrator deletes, but puts no words into mouths
        (Edit(ALICE, "nowhere", "x"), Code.MESSAGE_NOT_FOUND),
        (Edit(ALICE, "gone", "x"), Code.MESSAGE_NOT_FOUND),
        (Edit("stranger", "m", "x"), Code.CONVERSATION_NOT_FOUND),
        (Delete("stranger", "m"), Code.CONVERSATION_NOT_FOUND),
        (Delete(BOB, "m"), Code.PERMISSION_DENIED),
        (Delete(CAROL, "m"), None),
        (Delete(DAVE, "m"), Code.MESSAGE_NOT_FOUND),  # sent while he was away
        (Delete(ALICE, "nowhere"), Code.MESSAGE_NOT_FOUND),
        (Delete(ALICE, "gone"), None),
        (React(BOB, "m", "+"), None),
        (React(DAVE, "m", "+"), Code.MESSAGE_NOT_FOUND),
        (React("stranger", "m", "+"), Code.CONVERSATION_NOT_FOUND),
        (React(BOB, "gone", "+"), Code.MESSAGE_NOT_FOUND),
        (React(BOB, "full", "+"), Code.TOO_MANY_REACTIONS),
        (React(BOB, "full", "0"), None),
        (React(BOB, "full", "+", remove=True), None),
        (React(CAROL, "full", "0", remove=True), None),
        (Pin(ALICE, "m"), Code.PERMISSION_DENIED),
        (Pin(CAROL, "m"), None),
        (Pin(CAROL, "pinned", remove=True), None),
        (Pin(ALICE, "pinned", remove=True), Code.PERMISSION_DENIED),
        (Pin(CAROL, "gone"), Code.MESSAGE_NOT_FOUND),
        (Pin(DAVE, "m"), Code.MESSAGE_NOT_FOUND),
        (Pin("stranger", "m"), Code.CONVERSATION_NOT_FOUND),
    ],
)
def test_who_may_do_what(act: Act, code: Code | None) -> None:
    _, outcomes = decide(act)
    assert codes(outcomes) == [code]


def test_between_blocked_people_messages_are_only_deleted() -> None:
    acts: list[Act] = [Edit(ALICE, "m", "x"), React(BOB, "m", "+"), Pin(BOB, "m"), Pin(BOB, "pinned", remove=True)]
    assert codes(decide(*acts, board=Board(direct=True), apart=True)[1]) == [Code.CONTACT_REFUSED] * 4
    assert codes(decide(Delete(ALICE, "m"), apart=True)[1]) == [None]


def test_a_day_after_it_was_sent_a_message_is_edited_no_more_but_still_deleted() -> None:
    assert codes(decide(Edit(ALICE, "m", "x"), now_ms=SENT_AT + EDITABLE_MS)[1]) == [None]
    late = SENT_AT + EDITABLE_MS + 1
    assert codes(decide(Edit(ALICE, "m", "x"), Delete(ALICE, "m"), now_ms=late)[1]) == [Code.EDIT_TOO_LATE, None]


@pytest.mark.parametrize(
    "act",
    [
        Edit(ALICE, "m", "hello"),
        Delete(ALICE, "gone"),
        React(BOB, "liked", "+"),
        React(ALICE, "liked", "+", remove=True),
        React(ALICE, "m", "+", remove=True),
        Pin(CAROL, "pinned"),
        Pin(CAROL, "m", remove=True),
    ],
)
def test_what_is_so_already_appends_nothing(act: Act) -> None:
    events, outcomes = decide(act)
    assert events == []
    assert isinstance(outcomes[0], Appended)
    assert outcomes[0].duplicate


def test_reactions_count_who_gave_them() -> None:
    events, outcomes = decide(
        React(ALICE, "liked", "+"),
        React(BOB, "liked", "+", remove=True),
        React(BOB, "liked", "+", remove=True),
        React(BOB, "liked", "-"),
        React(BOB, "liked", "-", remove=True),
    )
    changes = [event.reaction_added if event.HasField("reaction_added") else event.reaction_removed for event in events]
    assert [(change.emoji, change.count) for change in changes] == [("+", 4), ("+", 3), ("-", 1), ("-", 0)]
    assert [isinstance(outcome, Appended) and outcome.duplicate for outcome in outcomes] == [
        False,
        False,
        True,
        False,
        False,
    ]


def test_an_emoji_that_was_taken_back_makes_room_for_another() -> None:
    acts = [React(CAROL, "full", "0", remove=True), React(BOB, "full", "+"), React(BOB, "full", "-")]
    assert codes(decide(*acts)[1]) == [None, None, Code.TOO_MANY_REACTIONS]


def test_in_a_direct_conversation_both_pin() -> None:
    assert codes(decide(Pin(BOB, "m"), board=Board(direct=True))[1]) == [None]


def test_a_conversation_has_a_bounded_number_of_pins() -> None:
    board = Board(pins=MOST_PINS)
    assert codes(decide(Pin(CAROL, "m"), Pin(CAROL, "pinned"), board=board)[1]) == [Code.TOO_MANY_PINS, None]
    unpinned, deleted = Pin(CAROL, "pinned", remove=True), Delete(CAROL, "pinned")
    for way in (unpinned, deleted):
        acts = [way, Pin(CAROL, "m"), Pin(CAROL, "liked")]
        assert codes(decide(*acts, board=board)[1]) == [None, None, Code.TOO_MANY_PINS]


def test_an_edit_says_whom_the_message_mentions_from_now_on() -> None:
    (first, second), outcomes = decide(
        Edit(ALICE, "m", "hello", frozenset({BOB, "stranger"})),
        Edit(ALICE, "m", "hello", frozenset({BOB})),
        Edit(ALICE, "m", "hello", mention_all=True),
    )
    assert (list(first.message_edited.mentions), first.message_edited.mention_all) == ([BOB], False)
    assert (list(second.message_edited.mentions), second.message_edited.mention_all) == ([], True)
    assert [isinstance(outcome, Appended) and outcome.duplicate for outcome in outcomes] == [False, True, False]


acts = st.one_of(
    st.builds(Edit, st.sampled_from(list(MEMBERS)), st.sampled_from(["m", "gone"]), st.sampled_from("abc")),
    st.builds(Delete, st.sampled_from(list(MEMBERS)), st.sampled_from(["m", "gone"])),
    st.builds(React, st.sampled_from(list(MEMBERS)), st.just("m"), st.sampled_from("+-"), st.booleans()),
    st.builds(Pin, st.sampled_from(list(MEMBERS)), st.just("m"), st.booleans()),
)


@given(st.lists(acts, max_size=12))
def test_a_batch_has_no_gap_and_a_deleted_message_never_changes_again(batch: list[Act]) -> None:
    events, outcomes = decide(*batch)
    assert len(outcomes) == len(batch)
    assert [event.seq for event in events] == list(range(11, 11 + len(events)))
    kinds = [event.WhichOneof("payload") for event in events]
    assert kinds.count("message_deleted") <= 1
    assert "message_deleted" not in kinds[:-1]


def test_a_redacted_segment_has_none_of_the_messages_bodies_and_all_of_the_others() -> None:
    segment = pb.Segment(
        events=[
            pb.Event(
                message_sent=pb.MessageSent(
                    message_id="m", client_message_id="c", body="secret", mentions=["secret"], mention_all=True
                )
            ),
            pb.Event(message_sent=pb.MessageSent(message_id="other", body="stays")),
            pb.Event(message_edited=pb.MessageEdited(message_id="m", body="secret too")),
        ]
    )
    assert redacted(segment, "m")
    assert b"secret" not in segment.SerializeToString()
    assert [segment.events[0].message_sent.client_message_id, segment.events[1].message_sent.body] == ["c", "stays"]
    assert not redacted(segment, "m")
