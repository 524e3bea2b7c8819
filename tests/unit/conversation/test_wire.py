"""Changes as events of the log, and back."""

from __future__ import annotations

import pytest
from realchat_conversation.domain import (
    Change,
    Created,
    Kind,
    Member,
    MemberLeft,
    MemberRemoved,
    MembersAdded,
    Renamed,
    RoleChanged,
    Summary,
)
from realchat_conversation.groups import Configure, Configured
from realchat_conversation.roles import Role
from realchat_conversation.wire import to_change, to_conversation, to_event

from chat.event.v1 import event_pb2 as pb
from realchat_common.ids import new_id
from realchat_common.wire import event_json

ALICE, BOB = new_id(), new_id()
MEMBERS = (Member(ALICE, Role.OWNER), Member(BOB, Role.MEMBER))


@pytest.mark.parametrize(
    ("change", "kind", "data"),
    [
        (
            Created(Kind.GROUP, "Team", MEMBERS),
            "conversation.created",
            {
                "kind": "group",
                "title": "Team",
                "members": [{"user_id": ALICE, "role": "owner"}, {"user_id": BOB, "role": "member"}],
            },
        ),
        (MembersAdded(MEMBERS[1:]), "members.added", {"members": [{"user_id": BOB, "role": "member"}]}),
        (MemberRemoved(BOB), "member.removed", {"user_id": BOB}),
        (MemberLeft(BOB), "member.left", {"new_owner_id": BOB}),
        (MemberLeft(None), "member.left", {"new_owner_id": None}),
        (RoleChanged(BOB, Role.ADMIN), "role.changed", {"user_id": BOB, "role": "admin"}),
        (Renamed("Team"), "conversation.renamed", {"title": "Team"}),
        (
            Configured(Configure(description="", avatar_id="", admins_only=False, open_history=True)),
            "group.changed",
            {"description": "", "avatar_id": None, "admins_only": False, "open_history": True},
        ),
        (Configured(Configure(admins_only=True)), "group.changed", {"admins_only": True}),
    ],
    ids=repr,
)
def test_a_change_goes_to_the_log_and_comes_back(change: Change, kind: str, data: dict[str, object]) -> None:
    conversation_id, event_id = new_id(), new_id()
    event = pb.Event.FromString(to_event(conversation_id, event_id, ALICE, change).SerializeToString())
    seen = event_json(event)
    assert (seen["conversation_id"], seen["event_id"], seen["actor_id"]) == (conversation_id, event_id, ALICE)
    assert (seen["kind"], seen["data"]) == (kind, data)
    assert to_change(event) == change


def test_a_message_is_not_a_change() -> None:
    with pytest.raises(ValueError, match="message_sent"):
        to_change(pb.Event(message_sent=pb.MessageSent(body="hi")))


def test_a_summary_as_protobuf() -> None:
    conversation = to_conversation(Summary("id", Kind.GROUP, "Team", 7, 2, Role.OWNER, MEMBERS))
    assert (conversation.kind, conversation.role) == (pb.CONVERSATION_KIND_GROUP, pb.ROLE_OWNER)
    assert (conversation.title, conversation.created_at_ms, conversation.member_count) == ("Team", 7, 2)
    assert [(member.user_id, member.role) for member in conversation.members] == [
        (ALICE, pb.ROLE_OWNER),
        (BOB, pb.ROLE_MEMBER),
    ]
