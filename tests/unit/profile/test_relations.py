"""What two people are to each other, after any acts in any order."""

from __future__ import annotations

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st
from realchat_profile.relations import Act, Contact, Relation, decide, ordered

from realchat_common.errors import RealChatError

ADA, BOB = "ada", "bob"
acts = st.lists(st.tuples(st.sampled_from((ADA, BOB)), st.sampled_from(Act)), max_size=20)


def after(history: list[tuple[str, Act]]) -> Relation:
    relation = Relation()
    for actor, act in history:
        with suppress(RealChatError):
            relation = decide(relation, actor, act)
    return relation


@given(acts)
def test_between_the_blocked_there_is_neither_contact_nor_request(history: list[tuple[str, Act]]) -> None:
    relation = after(history)
    assert not (relation.blocked_by and (relation.contacts or relation.requested_by))
    assert not (relation.contacts and relation.requested_by)


@given(acts)
def test_only_who_has_blocked_unblocks(history: list[tuple[str, Act]]) -> None:
    for actor, other in ((ADA, BOB), (BOB, ADA)):
        blocked = decide(after(history), actor, Act.BLOCK)
        assert actor in decide(blocked, other, Act.UNBLOCK).blocked_by
        assert actor not in decide(blocked, actor, Act.UNBLOCK).blocked_by


@given(acts, st.sampled_from((ADA, BOB)), st.sampled_from(Act))
def test_an_act_in_effect_changes_nothing_more(history: list[tuple[str, Act]], actor: str, act: Act) -> None:
    with suppress(RealChatError):
        once = decide(after(history), actor, act)
        if act is not Act.REQUEST:
            with suppress(RealChatError):  # a request that was declined is gone
                assert decide(once, actor, act) == once


def test_both_see_their_side_of_a_request() -> None:
    asked = decide(Relation(), ADA, Act.REQUEST)
    assert (asked.state(ADA), asked.state(BOB)) == (Contact.OUTGOING, Contact.INCOMING)
    assert decide(asked, BOB, Act.REQUEST).state(ADA) is Contact.CONTACT
    assert decide(asked, BOB, Act.REMOVE) == asked  # not his to take back


def test_nobody_is_anything_to_themselves() -> None:
    assert ordered(BOB, ADA) == (ADA, BOB)
    with pytest.raises(RealChatError):
        ordered(ADA, ADA)
