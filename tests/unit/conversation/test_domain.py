"""The rules of conversations: the matrix, the owner who is always there, titles, what a repetition is."""

from __future__ import annotations

from contextlib import nullcontext
from dataclasses import dataclass
from functools import reduce

import pytest
from hypothesis import given
from hypothesis import strategies as st
from realchat_conversation.domain import (
    FIRST_MEMBERS,
    MOST_MEMBERS,
    Action,
    AddMembers,
    Change,
    ChangeRole,
    Conversation,
    Kind,
    Leave,
    Member,
    MemberLeft,
    MemberRemoved,
    MembersAdded,
    RemoveMember,
    Rename,
    Renamed,
    RoleChanged,
    created,
    decide,
    evolve,
    new_direct,
    new_group,
    ordered_pair,
    permit_inviting,
    repeats,
    summary,
)
from realchat_conversation.groups import Configure, Configured, Details, normalise_title
from realchat_conversation.roles import MATRIX, Permission, Role

from realchat_common.errors import Code, RealChatError

OWNER, ADMIN, MEMBER, STRANGER = "owner", "admin", "member", "stranger"
SECOND = {Role.OWNER: "other owner", Role.ADMIN: "other admin", Role.MEMBER: "other member"}
ACTORS = {Role.OWNER: OWNER, Role.ADMIN: ADMIN, Role.MEMBER: MEMBER}


def group(**members: Role) -> Conversation:
    return Conversation("group", Kind.GROUP, "Title", 0, members)


def everyone() -> Conversation:
    """A group with two of each role."""
    return Conversation(
        "group",
        Kind.GROUP,
        "Title",
        0,
        {**{user: role for role, user in ACTORS.items()}, **{user: role for role, user in SECOND.items()}},
    )


def refusal(conversation: Conversation, actor: str, action: Action) -> Code | None:
    try:
        decide(conversation, actor, action)
    except RealChatError as error:
        return error.code
    return None


# What each permission is for: actions that need it and nothing else.
ACTIONS: dict[Permission, list[Action]] = {
    Permission.ADD: [AddMembers(("newcomer",))],
    Permission.REMOVE_MEMBER: [RemoveMember(SECOND[Role.MEMBER])],
    Permission.REMOVE_ADMIN: [RemoveMember(SECOND[Role.ADMIN])],
    Permission.REMOVE_OWNER: [RemoveMember(SECOND[Role.OWNER])],
    Permission.CHANGE_ROLE: [ChangeRole(SECOND[of], to) for of in Role for to in Role],
    Permission.RENAME: [Rename("Another")],
    Permission.DESCRIBE: [Configure(description="About"), Configure(avatar_id="avatar")],
    Permission.ANNOUNCE: [Configure(admins_only=True)],
    Permission.OPEN_HISTORY: [Configure(open_history=True)],
    Permission.LEAVE: [Leave()],
}

# The matrix once more, in the words of the specification, so that a slip in the data shows.
EXPECTED = {
    Permission.ADD: {Role.OWNER, Role.ADMIN},
    Permission.REMOVE_MEMBER: {Role.OWNER, Role.ADMIN},
    Permission.REMOVE_ADMIN: {Role.OWNER},
    Permission.REMOVE_OWNER: {Role.OWNER},
    Permission.CHANGE_ROLE: {Role.OWNER},
    Permission.RENAME: {Role.OWNER, Role.ADMIN},
    Permission.DESCRIBE: {Role.OWNER, Role.ADMIN},
    Permission.ANNOUNCE: {Role.OWNER, Role.ADMIN},
    Permission.OPEN_HISTORY: {Role.OWNER},
    Permission.INVITE: {Role.OWNER, Role.ADMIN},
    Permission.LEAVE: {Role.OWNER, Role.ADMIN, Role.MEMBER},
}


@pytest.mark.parametrize("role", Role)
@pytest.mark.parametrize("permission", Permission)
def test_a_role_may_do_what_the_matrix_says(role: Role, permission: Permission) -> None:
    allowed = role in EXPECTED[permission]
    assert (permission in MATRIX[role]) is allowed
    for action in ACTIONS.get(permission, []):
        assert refusal(everyone(), ACTORS[role], action) == (None if allowed else Code.PERMISSION_DENIED)


@pytest.mark.parametrize("role", Role)
def test_who_may_invite_is_in_the_matrix_too(role: Role) -> None:
    with nullcontext() if role in EXPECTED[Permission.INVITE] else pytest.raises(RealChatError):
        permit_inviting(everyone(), ACTORS[role])
    for conversation, code in ((everyone(), Code.CONVERSATION_NOT_FOUND), (new_direct("d", "a", "b", 0), None)):
        with pytest.raises(RealChatError) as refused:
            permit_inviting(conversation, STRANGER if code else "a")
        assert refused.value.code is (code or Code.NOT_A_GROUP)


def test_details_change_together_or_not_at_all() -> None:
    change = decide(everyone(), OWNER, Configure(description="About", admins_only=False, open_history=True))
    assert change == Configured(Configure(description="About", open_history=True))
    assert evolve(everyone(), OWNER, change).details == Details(description="About", open_history=True)
    assert refusal(everyone(), ADMIN, Configure(description="About", open_history=True)) is Code.PERMISSION_DENIED


ALL_ACTIONS = [action for actions in ACTIONS.values() for action in actions]


@pytest.mark.parametrize("action", ALL_ACTIONS, ids=repr)
def test_a_stranger_learns_nothing(action: Action) -> None:
    assert refusal(everyone(), STRANGER, action) is Code.CONVERSATION_NOT_FOUND


@pytest.mark.parametrize("action", ALL_ACTIONS, ids=repr)
def test_a_direct_conversation_cannot_be_changed(action: Action) -> None:
    direct = new_direct("direct", "alice", "bob", 0)
    assert refusal(direct, "alice", action) is Code.NOT_A_GROUP
    assert refusal(direct, STRANGER, action) is Code.CONVERSATION_NOT_FOUND


@pytest.mark.parametrize("action", [RemoveMember("nobody"), ChangeRole("nobody", Role.ADMIN)])
def test_who_is_not_there_cannot_be_changed(action: Action) -> None:
    assert refusal(everyone(), OWNER, action) is Code.MEMBER_NOT_FOUND


@pytest.mark.parametrize("action", [RemoveMember("alice"), ChangeRole("alice", Role.ADMIN)])
def test_the_last_owner_stays_one(action: Action) -> None:
    assert refusal(group(alice=Role.OWNER, bob=Role.ADMIN), "alice", action) is Code.LAST_OWNER
    assert refusal(group(alice=Role.OWNER, bob=Role.OWNER), "alice", action) is None


@pytest.mark.parametrize(
    ("members", "heir"),
    [
        ({"alice": Role.OWNER, "bob": Role.MEMBER, "carol": Role.ADMIN, "dave": Role.ADMIN}, "carol"),
        ({"alice": Role.OWNER, "bob": Role.MEMBER, "carol": Role.MEMBER}, "bob"),
        ({"bob": Role.MEMBER, "alice": Role.OWNER, "carol": Role.OWNER}, None),
        ({"alice": Role.OWNER}, None),
    ],
    ids=["longest-standing admin", "longest-standing member", "another owner", "nobody"],
)
def test_who_inherits_a_group(members: dict[str, Role], heir: str | None) -> None:
    before = group(**members)
    change = decide(before, "alice", Leave())
    assert change == MemberLeft(heir)
    after = evolve(before, "alice", change)
    assert "alice" not in after.members
    assert heir is None or after.members[heir] is Role.OWNER


@pytest.mark.parametrize(
    "action",
    [
        AddMembers((ADMIN, MEMBER)),
        Rename("Title"),
        Configure(),
        Configure("", "", False, False),
        ChangeRole(ADMIN, Role.ADMIN),
        ChangeRole(OWNER, Role.OWNER),
    ],
    ids=repr,
)
def test_what_is_in_effect_already_changes_nothing(action: Action) -> None:
    assert decide(everyone(), OWNER, action) is None


def test_only_newcomers_are_added_once_and_last() -> None:
    before = everyone()
    change = decide(before, ADMIN, AddMembers(("zoe", MEMBER, "adam", "zoe")))
    assert change == MembersAdded((Member("zoe", Role.MEMBER), Member("adam", Role.MEMBER)))
    assert list(evolve(before, ADMIN, change).members)[-2:] == ["zoe", "adam"]


def test_a_group_has_at_most_a_thousand_members() -> None:
    people = [f"user-{number}" for number in range(MOST_MEMBERS)]
    full = new_group("group", "creator", "Title", people[:-1], 0)
    assert len(full.members) == MOST_MEMBERS
    with pytest.raises(RealChatError, match="too_many_members"):
        new_group("group", "creator", "Title", people, 0)
    assert refusal(full, "creator", AddMembers((people[-1],))) is Code.TOO_MANY_MEMBERS
    assert decide(full, "creator", AddMembers((people[0],))) is None


def test_a_group_begins_with_its_owner_and_each_other_once() -> None:
    made = new_group("group", "creator", "Title", ["bob", "creator", "alice", "bob"], 7)
    assert list(made.members.items()) == [("creator", Role.OWNER), ("bob", Role.MEMBER), ("alice", Role.MEMBER)]
    assert created(made).members[0] == Member("creator", Role.OWNER)


def test_a_pair_is_the_same_from_both_sides() -> None:
    assert ordered_pair("bob", "alice") == ordered_pair("alice", "bob") == ("alice", "bob")
    with pytest.raises(RealChatError, match="invalid_argument"):
        ordered_pair("alice", "alice")


def test_a_summary_is_for_members_and_shows_the_first_ten() -> None:
    made = new_group("group", "creator", "Title", [f"user-{number}" for number in range(20)], 7)
    seen = summary(made, "user-3")
    assert (seen.member_count, seen.role) == (21, Role.MEMBER)
    assert [member.user_id for member in seen.first_members] == list(made.members)[:FIRST_MEMBERS]
    with pytest.raises(RealChatError, match="conversation_not_found"):
        summary(made, STRANGER)


PEOPLE = ["alice", "bob", "carol", "dave", "erin"]
people = st.sampled_from(PEOPLE)
actions = st.one_of(
    st.builds(AddMembers, st.lists(people, min_size=1, max_size=3).map(tuple)),
    st.builds(RemoveMember, people),
    st.just(Leave()),
    st.builds(ChangeRole, people, st.sampled_from(Role)),
    st.builds(Rename, st.sampled_from(["Title", "Another"])),
    st.builds(Configure, description=st.sampled_from([None, "", "About"]), admins_only=st.none() | st.booleans()),
)
histories = st.lists(st.tuples(people, actions), max_size=40)


@dataclass(frozen=True)
class Step:
    before: Conversation
    actor: str
    action: Action
    change: Change | None
    after: Conversation


def steps(history: list[tuple[str, Action]]) -> list[Step]:
    """What becomes of a group of alice's when everybody tries things; what is refused is left out."""
    now = new_group("group", "alice", "Title", ["bob", "carol"], 0)
    taken = []
    for actor, action in history:
        try:
            change = decide(now, actor, action)
        except RealChatError:
            continue
        after = evolve(now, actor, change) if change else now
        taken.append(Step(now, actor, action, change, after))
        now = after
    return taken


@given(histories)
def test_whatever_people_do_a_group_with_members_has_an_owner(history: list[tuple[str, Action]]) -> None:
    for step in steps(history):
        assert not step.after.members or Role.OWNER in step.after.members.values()


@given(histories)
def test_what_was_done_is_in_effect_or_known_as_a_repetition(history: list[tuple[str, Action]]) -> None:
    for step in steps(history):
        if step.change is None:
            continue
        try:
            again = decide(step.after, step.actor, step.action)
        except RealChatError:
            assert repeats(step.action, step.change)
        else:
            assert again is None


@given(histories)
def test_changes_alone_rebuild_the_group(history: list[tuple[str, Action]]) -> None:
    taken = [step for step in steps(history) if step.change]
    start = new_group("group", "alice", "Title", ["bob", "carol"], 0)
    replayed = reduce(lambda now, step: evolve(now, step.actor, step.change) if step.change else now, taken, start)
    if taken:
        assert replayed == taken[-1].after
        assert list(replayed.members) == list(taken[-1].after.members)


@given(histories)
def test_nobody_but_the_named_is_touched(history: list[tuple[str, Action]]) -> None:
    for step in steps(history):
        touched = {user for user, _ in step.before.members.items() ^ step.after.members.items()}
        match step.change:
            case None | Renamed():
                assert not touched
            case MembersAdded(members):
                assert touched == {member.user_id for member in members}
            case MemberRemoved(user_id) | RoleChanged(user_id):
                assert touched == {user_id}
            case MemberLeft(new_owner_id):
                assert touched == {step.actor, new_owner_id} - {None}


@pytest.mark.parametrize(
    ("action", "change", "same"),
    [
        (RemoveMember("bob"), MemberRemoved("bob"), True),
        (RemoveMember("bob"), MemberRemoved("carol"), False),
        (Leave(), MemberLeft("carol"), True),
        (Leave(), MemberRemoved("bob"), False),
        (ChangeRole("alice", Role.ADMIN), RoleChanged("alice", Role.ADMIN), True),
        (ChangeRole("alice", Role.ADMIN), RoleChanged("alice", Role.MEMBER), False),
        (Rename("Title"), Renamed("Title"), False),
    ],
    ids=repr,
)
def test_what_is_a_repetition(action: Action, change: Change, same: bool) -> None:
    assert repeats(action, change) is same


@pytest.mark.parametrize(
    ("title", "normal"),
    [
        ("Team", "Team"),
        ("  Team \n", "Team"),
        ("Cafe\u0301", "Caf\u00e9"),
        ("👩\u200d🚀 crew", "👩\u200d🚀 crew"),
        ("x" * 128, "x" * 128),
        ("e\u0301" * 128, "\u00e9" * 128),
    ],
)
def test_titles_are_normalised(title: str, normal: str) -> None:
    assert normalise_title(title) == normal


@pytest.mark.parametrize(
    "title",
    ["", "   ", "\u200b", "a\x00b", "a\nb", "a\u2028b", "\x07bell", "x" * 129, "e\u0301" * 129, "x" * 1_000_000],
    ids=lambda title: repr(title[:10]),
)
def test_bad_titles_are_refused(title: str) -> None:
    with pytest.raises(RealChatError) as caught:
        normalise_title(title)
    assert (caught.value.code, caught.value.field) == (Code.INVALID_ARGUMENT, "title")


@given(st.text())
def test_a_title_once_normalised_stays_as_it_is(title: str) -> None:
    try:
        normal = normalise_title(title)
    except RealChatError:
        return
    assert normalise_title(normal) == normal
