"""Conversations over gRPC, as the gateway calls them."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import pytest
from google.protobuf.message import Message
from service.conversation.town import Town, people

from chat.conversation.v1 import conversation_pb2 as pb
from chat.event.v1 import event_pb2
from realchat_common.errors import Code, RealChatError
from realchat_common.identity import User
from realchat_common.ids import encode_cursor, new_id
from realchat_common.rpc import Peer

if TYPE_CHECKING:
    from chat.conversation.v1.conversation_pb2_grpc import ConversationServiceAsyncStub

    Gateway = Peer[ConversationServiceAsyncStub]


def user(user_id: str) -> User:
    return User(user_id, new_id())


async def test_the_life_of_a_group(gateway: Gateway) -> None:
    alice, bob, carol = people(3)
    stub = gateway.stub
    created = await gateway.call(
        stub.CreateGroup,
        pb.CreateGroupRequest(title="Team", member_ids=[bob.upper()], idempotency_key="k"),
        user(alice),
    )
    group = created.conversation
    assert (group.kind, group.title, group.member_count, group.role) == (
        event_pb2.CONVERSATION_KIND_GROUP,
        "Team",
        2,
        event_pb2.ROLE_OWNER,
    )
    assert [member.user_id for member in group.members] == [alice, bob]

    added = await gateway.call(
        stub.AddMembers, pb.AddMembersRequest(conversation_id=group.conversation_id, user_ids=[carol]), user(alice)
    )
    assert added.conversation.member_count == 3
    await gateway.call(
        stub.ChangeRole,
        pb.ChangeRoleRequest(conversation_id=group.conversation_id, user_id=bob, role=event_pb2.ROLE_ADMIN),
        user(alice),
    )
    renamed = await gateway.call(
        stub.RenameConversation,
        pb.RenameConversationRequest(conversation_id=group.conversation_id, title="Renamed"),
        user(bob),
    )
    assert (renamed.conversation.title, renamed.conversation.role) == ("Renamed", event_pb2.ROLE_ADMIN)
    await gateway.call(
        stub.RemoveMember, pb.RemoveMemberRequest(conversation_id=group.conversation_id, user_id=carol), user(bob)
    )
    await gateway.call(
        stub.LeaveConversation, pb.LeaveConversationRequest(conversation_id=group.conversation_id), user(alice)
    )
    batch = await gateway.call(
        stub.BatchGetConversations,
        pb.BatchGetConversationsRequest(conversation_ids=[group.conversation_id]),
        user(bob),
    )
    (left,) = batch.conversations
    assert (left.title, left.member_count, left.role) == ("Renamed", 1, event_pb2.ROLE_OWNER)


async def test_a_direct_conversation_is_made_once(gateway: Gateway) -> None:
    alice, bob = people(2)
    first = await gateway.call(gateway.stub.CreateDirect, pb.CreateDirectRequest(peer_id=bob), user(alice))
    again = await gateway.call(gateway.stub.CreateDirect, pb.CreateDirectRequest(peer_id=alice), user(bob))
    assert (first.created, again.created) == (True, False)
    assert first.conversation.conversation_id == again.conversation.conversation_id


async def test_members_page_by_page(gateway: Gateway, town: Town) -> None:
    everybody = people(7)
    group = await town.group(*everybody)
    listed: list[str] = []
    cursor = ""
    while True:
        page = await gateway.call(
            gateway.stub.ListMembers,
            pb.ListMembersRequest(conversation_id=group, limit=3, cursor=cursor),
            user(everybody[3]),
        )
        listed += [member.user_id for member in page.members]
        cursor = page.next_cursor
        if not cursor:
            break
    assert listed == everybody


MALFORMED: dict[str, tuple[str, Callable[[str, str], Message], Code]] = {
    "peer is not an id": ("CreateDirect", lambda _, __: pb.CreateDirectRequest(peer_id="bob"), Code.INVALID_ARGUMENT),
    "peer is oneself": ("CreateDirect", lambda _, me: pb.CreateDirectRequest(peer_id=me), Code.INVALID_ARGUMENT),
    "no title": ("CreateGroup", lambda _, __: pb.CreateGroupRequest(), Code.INVALID_ARGUMENT),
    "title with NUL": ("CreateGroup", lambda _, __: pb.CreateGroupRequest(title="a\0b"), Code.INVALID_ARGUMENT),
    "member is not an id": (
        "CreateGroup",
        lambda _, __: pb.CreateGroupRequest(title="Team", member_ids=["bob"]),
        Code.INVALID_ARGUMENT,
    ),
    "far too many members": (
        "CreateGroup",
        lambda _, __: pb.CreateGroupRequest(title="Team", member_ids=["x"] * 1_001),
        Code.TOO_MANY_MEMBERS,
    ),
    "too many members": (
        "CreateGroup",
        lambda _, __: pb.CreateGroupRequest(title="Team", member_ids=people(1_000)),
        Code.TOO_MANY_MEMBERS,
    ),
    "long key": (
        "CreateGroup",
        lambda _, __: pb.CreateGroupRequest(title="Team", idempotency_key="k" * 256),
        Code.INVALID_ARGUMENT,
    ),
    "key with NUL": (
        "CreateGroup",
        lambda _, __: pb.CreateGroupRequest(title="Team", idempotency_key="\0"),
        Code.INVALID_ARGUMENT,
    ),
    "too many conversations": (
        "BatchGetConversations",
        lambda _, __: pb.BatchGetConversationsRequest(conversation_ids=people(201)),
        Code.INVALID_ARGUMENT,
    ),
    "not a conversation's id": (
        "BatchGetConversations",
        lambda _, __: pb.BatchGetConversationsRequest(conversation_ids=["x"]),
        Code.INVALID_ARGUMENT,
    ),
    "limit": (
        "ListMembers",
        lambda group, _: pb.ListMembersRequest(conversation_id=group, limit=201),
        Code.INVALID_ARGUMENT,
    ),
    "cursor": (
        "ListMembers",
        lambda group, _: pb.ListMembersRequest(conversation_id=group, cursor="?"),
        Code.INVALID_ARGUMENT,
    ),
    "huge cursor": (
        "ListMembers",
        lambda group, _: pb.ListMembersRequest(conversation_id=group, cursor=encode_cursor(2**64)),
        Code.INVALID_ARGUMENT,
    ),
    "another list's cursor": (
        "ListMembers",
        lambda group, _: pb.ListMembersRequest(conversation_id=group, cursor=encode_cursor("name")),
        Code.INVALID_ARGUMENT,
    ),
    "nobody to add": (
        "AddMembers",
        lambda group, _: pb.AddMembersRequest(conversation_id=group),
        Code.INVALID_ARGUMENT,
    ),
    "no role": (
        "ChangeRole",
        lambda group, me: pb.ChangeRoleRequest(conversation_id=group, user_id=me),
        Code.INVALID_ARGUMENT,
    ),
    "unknown role": (
        "ChangeRole",
        lambda group, me: pb.ChangeRoleRequest(conversation_id=group, user_id=me, role=event_pb2.Role.ValueType(9)),
        Code.INVALID_ARGUMENT,
    ),
    "conversation is not an id": (
        "LeaveConversation",
        lambda _, __: pb.LeaveConversationRequest(conversation_id=""),
        Code.INVALID_ARGUMENT,
    ),
    "last owner": (
        "RemoveMember",
        lambda group, me: pb.RemoveMemberRequest(conversation_id=group, user_id=me),
        Code.LAST_OWNER,
    ),
    "nobody's membership": (
        "RemoveMember",
        lambda group, _: pb.RemoveMemberRequest(conversation_id=group, user_id=new_id()),
        Code.MEMBER_NOT_FOUND,
    ),
}


@pytest.mark.parametrize("case", MALFORMED)
async def test_bad_requests_are_refused_with_a_code(gateway: Gateway, town: Town, case: str) -> None:
    method, request, code = MALFORMED[case]
    (alice,) = people(1)
    group = await town.group(alice)
    with pytest.raises(RealChatError) as caught:
        await gateway.call(getattr(gateway.stub, method), request(group, alice), user(alice))
    assert caught.value.code is code


async def test_nothing_without_a_user(gateway: Gateway) -> None:
    with pytest.raises(RealChatError, match="unauthenticated"):
        await gateway.call(gateway.stub.CreateDirect, pb.CreateDirectRequest(peer_id=new_id()))


async def test_invitations_and_details_over_grpc(gateway: Gateway) -> None:
    alice, bob = User(new_id(), new_id()), User(new_id(), new_id())
    created = await gateway.call(gateway.stub.CreateGroup, pb.CreateGroupRequest(title="Team"), alice)
    group = created.conversation.conversation_id
    update = pb.UpdateGroupRequest(conversation_id=group, description=" About\r\nus ", admins_only=True)
    updated = (await gateway.call(gateway.stub.UpdateGroup, update, alice)).conversation
    assert (updated.description, updated.avatar_id, updated.admins_only) == ("About\nus", "", True)
    invite = pb.CreateInviteRequest(conversation_id=group, expires_in_seconds=60, max_uses=2)
    made = await gateway.call(gateway.stub.CreateInvite, invite, alice)
    assert (made.invite.max_uses, made.invite.expires_at_ms - made.invite.created_at_ms) == (2, 60_000)
    shown = await gateway.call(gateway.stub.PreviewInvite, pb.PreviewInviteRequest(token=made.token), bob)
    assert (shown.title, shown.description, shown.member_count) == ("Team", "About\nus", 1)
    joined = await gateway.call(gateway.stub.JoinByInvite, pb.JoinByInviteRequest(token=made.token), bob)
    assert joined.conversation.role == event_pb2.ROLE_MEMBER
    listed = await gateway.call(gateway.stub.ListInvites, pb.ListInvitesRequest(conversation_id=group), alice)
    assert [(entry.invite_id, entry.uses) for entry in listed.invites] == [(made.invite.invite_id, 1)]
    revoke = pb.RevokeInviteRequest(conversation_id=group, invite_id=made.invite.invite_id)
    await gateway.call(gateway.stub.RevokeInvite, revoke, alice)
    for request, field in (
        (pb.UpdateGroupRequest(conversation_id=group, description="x" * 1001), "description"),
        (pb.UpdateGroupRequest(conversation_id=group, avatar_id="x"), "avatar_id"),
    ):
        with pytest.raises(RealChatError) as refused:
            await gateway.call(gateway.stub.UpdateGroup, request, alice)
        assert (refused.value.code, refused.value.field) == (Code.INVALID_ARGUMENT, field)
    for seconds, uses, field in ((59, 0, "expires_in_seconds"), (2**40, 0, "expires_in_seconds"), (0, -1, "max_uses")):
        bad = pb.CreateInviteRequest(conversation_id=group, expires_in_seconds=seconds, max_uses=uses)
        with pytest.raises(RealChatError) as refused:
            await gateway.call(gateway.stub.CreateInvite, bad, alice)
        assert (refused.value.code, refused.value.field) == (Code.INVALID_ARGUMENT, field)


async def test_own_settings_over_grpc(gateway: Gateway) -> None:
    alice, stranger = User(new_id(), new_id()), User(new_id(), new_id())
    created = await gateway.call(gateway.stub.CreateGroup, pb.CreateGroupRequest(title="Team"), alice)
    group = created.conversation.conversation_id
    change = pb.UpdateMemberSettingsRequest(conversation_id=group, muted_until_ms=7, draft="Dear")
    changed = (await gateway.call(gateway.stub.UpdateMemberSettings, change, alice)).settings
    assert (changed.muted_until_ms, changed.pinned, changed.draft) == (7, False, "Dear")
    get = pb.BatchGetConversationsRequest(conversation_ids=[group])
    found = await gateway.call(gateway.stub.BatchGetConversations, get, alice)
    assert found.conversations[0].settings == changed
    end = pb.UpdateMemberSettingsRequest(conversation_id=group, muted_until_ms=0, draft="")
    assert (await gateway.call(gateway.stub.UpdateMemberSettings, end, alice)).settings.muted_until_ms == 0
    with pytest.raises(RealChatError, match="conversation_not_found"):
        await gateway.call(gateway.stub.UpdateMemberSettings, change, stranger)
