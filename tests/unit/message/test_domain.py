"""The rules of the log: gapless, once each, members only."""

from __future__ import annotations

import itertools
import uuid

import pytest
from hypothesis import given
from hypothesis import strategies as st
from realchat_message.domain import (
    Appended,
    Head,
    Intent,
    Key,
    Members,
    NewChange,
    NewMessage,
    checked_mentions,
    head_after,
    members_after,
    normalise_body,
    plan,
    segment,
)

from chat.event.v1 import event_pb2 as pb
from realchat_common.errors import Code, RealChatError

CONVERSATION = "0190a0a0-0000-7000-8000-000000000001"
ALICE, BOB, CAROL = (f"0190a0a0-0000-7000-8000-00000000000{digit}" for digit in "abc")


def change(event_id: str, **payload: object) -> NewChange:
    return NewChange(pb.Event(event_id=event_id, actor_id=ALICE, **payload))  # type: ignore[arg-type]


def creation(*members: str) -> NewChange:
    return change(
        "created", conversation_created=pb.ConversationCreated(members=[pb.Member(user_id=user) for user in members])
    )


def removal(user: str) -> NewChange:
    return change(f"removed {user}", member_removed=pb.MemberRemoved(user_id=user))


class Log:
    """The log as a model: what `plan` decides is applied, as the writer would."""

    def __init__(self) -> None:
        self.events: list[pb.Event] = []
        self.known: dict[Key, Appended] = {}
        self.members: Members = {}
        self.members_seq = 0
        self.admins_only = False
        self._ids = itertools.count(1)

    def append(self, *intents: Intent) -> list[Appended | RealChatError]:
        head = Head(len(self.events), self.members_seq, admins_only=self.admins_only)
        decided = plan(
            CONVERSATION, head, intents, self.known, self.members, frozenset(), 1, lambda: f"message {next(self._ids)}"
        )
        if decided.events:
            written = segment(head, decided.events)
            self.members_seq = written.members_seq
            self.admins_only = head_after(head, written).admins_only
        self.events += decided.events
        for event in decided.events:
            self.members = members_after(self.members, event)
        for intent, outcome in zip(intents, decided.outcomes, strict=True):
            if isinstance(outcome, Appended):
                self.known.setdefault(intent.key, outcome)
        return decided.outcomes


messages = st.builds(
    NewMessage,
    sender_id=st.sampled_from([ALICE, BOB, CAROL]),
    client_message_id=st.sampled_from(list("123456")),
    body=st.just("hi"),
)
membership = st.sampled_from(
    [
        removal(BOB),
        removal(CAROL),
        change("added", members_added=pb.MembersAdded(members=[pb.Member(user_id=CAROL)])),
    ]
)


@given(st.lists(st.lists(messages | membership, max_size=8), max_size=8))
def test_whatever_is_asked_the_log_has_no_gap_and_nothing_twice(batches: list[list[Intent]]) -> None:
    log = Log()
    log.append(creation(ALICE, BOB))
    for batch in batches:
        log.append(*batch)
    assert [event.seq for event in log.events] == list(range(1, len(log.events) + 1))
    sent = [
        (event.actor_id, event.message_sent.client_message_id) for event in log.events if event.HasField("message_sent")
    ]
    assert len(sent) == len(set(sent))
    ids = [event.event_id for event in log.events]
    assert len(ids) == len(set(ids))


@given(st.lists(st.lists(messages | membership, max_size=8), max_size=8))
def test_only_members_at_that_point_of_the_log_append(batches: list[list[Intent]]) -> None:
    log = Log()
    log.append(creation(ALICE, BOB))
    for batch in batches:
        log.append(*batch)
    members: Members = {}
    for event in log.events:
        if event.HasField("message_sent"):
            assert event.actor_id in members
        members = members_after(members, event)


def test_a_repeated_message_gets_the_first_answer_within_a_batch_and_later() -> None:
    log = Log()
    log.append(creation(ALICE))
    hello = NewMessage(ALICE, "1", "hello")
    first, again = log.append(hello, hello)
    (later,) = log.append(NewMessage(ALICE, "1", "other text"))
    assert isinstance(first, Appended)
    assert again == later == Appended(first.event_id, first.seq, first.occurred_at_ms, duplicate=True)


def test_a_removed_member_does_not_write_even_in_the_same_batch() -> None:
    log = Log()
    log.append(creation(ALICE, BOB))
    before, removed, after = log.append(NewMessage(BOB, "1", "hi"), removal(BOB), NewMessage(BOB, "2", "hi"))
    assert isinstance(before, Appended)
    assert isinstance(removed, Appended)
    assert isinstance(after, RealChatError)
    assert after.code is Code.CONVERSATION_NOT_FOUND


def test_a_log_begins_with_its_creation_and_has_no_second_one() -> None:
    log = Log()
    (early,) = log.append(removal(BOB))
    assert isinstance(early, RealChatError)
    log.append(creation(ALICE))
    (second,) = log.append(change("another", conversation_created=pb.ConversationCreated()))
    assert isinstance(second, RealChatError)


def test_an_answer_to_a_message_that_is_not_here_is_refused() -> None:
    log = Log()
    log.append(creation(ALICE))
    (outcome,) = log.append(NewMessage(ALICE, "1", "yes", reply_to="elsewhere"))
    assert isinstance(outcome, RealChatError)
    assert outcome.code is Code.MESSAGE_NOT_FOUND


def test_a_segment_that_does_not_continue_the_log_is_refused() -> None:
    with pytest.raises(ValueError, match="without gaps"):
        segment(Head(4, 1), [pb.Event(seq=6)])


@pytest.mark.parametrize("body", ["", "  \n ", "x" * 8001, "bell\x07", "\x00", "lone \ud800"])
def test_bodies_that_are_refused(body: str) -> None:
    with pytest.raises(RealChatError) as refused:
        normalise_body(body)
    assert refused.value.code is Code.INVALID_ARGUMENT
    assert refused.value.field == "body"


@pytest.mark.parametrize(
    ("body", "normal"),
    [(" hi ", "hi"), ("a\r\nb\rc", "a\nb\nc"), ("e\u0301", "é"), ("tab\tstays", "tab\tstays"), ("👩‍👩‍👧", "👩‍👩‍👧")],
)
def test_bodies_are_normalised(body: str, normal: str) -> None:
    assert normalise_body(body) == normal


def administration(admins_only: bool) -> NewChange:
    event = pb.Event(event_id=f"rule {uuid.uuid4()}", actor_id=ALICE)
    event.group_changed.admins_only = admins_only
    return NewChange(event)


def role(user_id: str, number: pb.Role.ValueType) -> NewChange:
    event = pb.Event(event_id=f"role {uuid.uuid4()}", actor_id=ALICE)
    event.role_changed.user_id, event.role_changed.role = user_id, number
    return NewChange(event)


def test_in_announcement_mode_only_administrators_write_whatever_is_in_the_batch() -> None:
    log = Log()
    log.append(creation(ALICE, BOB), role(ALICE, pb.ROLE_OWNER))

    def says(who: str) -> NewMessage:
        return NewMessage(who, uuid.uuid4().hex, "hi")

    outcomes = log.append(says(BOB), administration(True), says(BOB), says(ALICE), role(BOB, pb.ROLE_ADMIN), says(BOB))
    refused = [isinstance(outcome, RealChatError) and outcome.code for outcome in outcomes]
    assert refused == [False, False, Code.PERMISSION_DENIED, False, False, False]
    outcomes = log.append(role(BOB, pb.ROLE_MEMBER), says(BOB), administration(False), says(BOB))
    assert [isinstance(outcome, RealChatError) for outcome in outcomes] == [False, True, False, False]


def test_a_message_mentions_those_who_are_members_at_that_point_of_the_log() -> None:
    log = Log()
    log.append(creation(ALICE, BOB, CAROL))
    mentions = frozenset({BOB, CAROL})
    log.append(removal(CAROL), NewMessage(ALICE, "1", "hello", mentions=mentions, mention_all=True))
    sent = log.events[-1].message_sent
    assert (list(sent.mentions), sent.mention_all) == ([BOB], True)


@pytest.mark.parametrize("user_ids", [["bob"], [""], [str(uuid.uuid4()) for _ in range(51)]])
def test_mentions_are_ids_of_50_users_at_most(user_ids: list[str]) -> None:
    with pytest.raises(RealChatError) as refused:
        checked_mentions(user_ids)
    assert (refused.value.code, refused.value.field) == (Code.INVALID_ARGUMENT, "mentions")


def test_who_is_mentioned_twice_is_mentioned() -> None:
    assert checked_mentions([BOB.upper(), BOB]) == {BOB}
