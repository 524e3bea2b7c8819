"""Conversations over HTTP."""

from __future__ import annotations

from typing import Any

import pytest
from service.gateway.backends import Backends
from service.gateway.door import Client

from chat.conversation.v1 import conversation_pb2 as pb
from chat.event.v1 import event_pb2
from chat.message.v1 import message_pb2
from chat.presence.v1 import presence_pb2
from chat.profile.v1 import profile_pb2
from realchat_common.errors import Code, RealChatError
from realchat_common.ids import new_id
from realchat_common.wire import event_json

AT_MS = 1_767_323_045_678
AT = "2026-01-02T03:04:05.678Z"
BOB = new_id()
EVERYONE = profile_pb2.AUDIENCE_EVERYONE


def group(title: str = "Tea", *members: str) -> pb.Conversation:
    return pb.Conversation(
        conversation_id=new_id(),
        kind=event_pb2.CONVERSATION_KIND_GROUP,
        title=title,
        created_at_ms=AT_MS,
        member_count=len(members),
        role=event_pb2.ROLE_OWNER,
        members=[event_pb2.Member(user_id=member, role=event_pb2.ROLE_MEMBER) for member in members],
    )


def said(conversation_id: str, seq: int, body: str) -> event_pb2.Event:
    return event_pb2.Event(
        conversation_id=conversation_id,
        seq=seq,
        event_id=new_id(),
        actor_id=BOB,
        occurred_at_ms=AT_MS,
        message_sent=event_pb2.MessageSent(message_id=new_id(), client_message_id="c", body=body),
    )


@pytest.mark.parametrize(("created", "status"), [(True, 201), (False, 200)])
async def test_a_direct_conversation_is_made_or_found(
    alice: Client, backends: Backends, created: bool, status: int
) -> None:
    direct = pb.Conversation(
        conversation_id=new_id(), kind=event_pb2.CONVERSATION_KIND_DIRECT, role=event_pb2.ROLE_MEMBER, member_count=2
    )
    backends.answer("CreateDirect", pb.CreateDirectResponse(conversation=direct, created=created))
    answer = await alice.ask("POST", "/v1/conversations/direct", json={"user_id": BOB})
    assert (answer.status_code, answer.json()["kind"], answer.json()["title"]) == (status, "direct", "")
    assert backends.asked("CreateDirect").peer_id == BOB


async def test_a_group_is_made_with_the_clients_key(alice: Client, backends: Backends) -> None:
    tea = group("Tea", BOB)
    backends.answer("CreateGroup", pb.CreateGroupResponse(conversation=tea))
    answer = await alice.ask(
        "POST",
        "/v1/conversations",
        json={"title": "Tea", "member_ids": [BOB]},
        headers={"Idempotency-Key": '"k1"'},
    )
    assert answer.status_code == 201
    assert answer.json() == {
        "conversation_id": tea.conversation_id,
        "kind": "group",
        "title": "Tea",
        "description": "",
        "avatar_id": None,
        "admins_only": False,
        "open_history": False,
        "created_at": AT,
        "member_count": 1,
        "role": "owner",
        "members": [{"user_id": BOB, "role": "member"}],
        "settings": {"muted_until": None, "pinned": False, "archived": False, "draft": "", "draft_at": None},
    }
    assert backends.asked("CreateGroup") == pb.CreateGroupRequest(title="Tea", member_ids=[BOB], idempotency_key="k1")


async def test_a_conversation_that_one_is_not_in_is_not_found(alice: Client, backends: Backends) -> None:
    tea = group()
    answer = await alice.ask("GET", f"/v1/conversations/{tea.conversation_id}")
    assert (answer.status_code, answer.json()["code"]) == (404, "conversation_not_found")
    backends.answer("BatchGetConversations", pb.BatchGetConversationsResponse(conversations=[tea]))
    assert (await alice.ask("GET", f"/v1/conversations/{tea.conversation_id}")).json()["title"] == "Tea"


async def test_changes_of_a_group_are_passed_on(alice: Client, backends: Backends) -> None:
    tea = group("Mad tea", BOB)
    path = f"/v1/conversations/{tea.conversation_id}"
    backends.answer("RenameConversation", pb.RenameConversationResponse(conversation=tea))
    backends.answer("AddMembers", pb.AddMembersResponse(conversation=tea))

    renamed = await alice.ask("PATCH", path, json={"title": "Mad tea"})
    added = await alice.ask("POST", f"{path}/members", json={"user_ids": [BOB]})
    promoted = await alice.ask("PATCH", f"{path}/members/{BOB}", json={"role": "admin"})
    removed = await alice.ask("DELETE", f"{path}/members/{BOB}")
    left = await alice.ask("POST", f"{path}/leave")

    assert [answer.status_code for answer in (renamed, added, promoted, removed, left)] == [200, 200, 204, 204, 204]
    assert renamed.json()["title"] == "Mad tea"
    assert backends.asked("ChangeRole").role == event_pb2.ROLE_ADMIN
    for method in ("RenameConversation", "AddMembers", "ChangeRole", "RemoveMember", "LeaveConversation"):
        assert backends.asked(method).conversation_id == tea.conversation_id
        caller = backends.caller(method)
        assert caller.user
        assert caller.user.user_id == alice.user_id


async def test_members_come_page_by_page(alice: Client, backends: Backends) -> None:
    backends.answer(
        "ListMembers",
        pb.ListMembersResponse(members=[event_pb2.Member(user_id=BOB, role=event_pb2.ROLE_ADMIN)], next_cursor="n"),
    )
    answer = await alice.ask("GET", f"/v1/conversations/{new_id()}/members", params={"limit": 1})
    assert answer.json() == {"members": [{"user_id": BOB, "role": "admin"}], "next_cursor": "n"}


@pytest.mark.parametrize("code", [Code.PERMISSION_DENIED, Code.LAST_OWNER, Code.MEMBER_NOT_FOUND, Code.NOT_A_GROUP])
async def test_a_refusal_keeps_its_code(alice: Client, backends: Backends, code: Code) -> None:
    backends.answer("RemoveMember", RealChatError(code))
    answer = await alice.ask("DELETE", f"/v1/conversations/{new_id()}/members/{BOB}")
    assert (answer.status_code, answer.json()["code"]) == (code.http, code.value)


def inbox_of(backends: Backends, *conversations: pb.Conversation) -> list[event_pb2.Event]:
    """Lets the log and the conversations be known; returns the last messages."""
    last = [said(each.conversation_id, 7, f"in {each.title}") for each in conversations]
    entries = [
        message_pb2.InboxEntry(
            conversation_id=event.conversation_id,
            last_seq=8,
            last_activity_at_ms=AT_MS,
            last_message=event,
            receipt=event_pb2.Receipt(user_id=BOB, delivered_up_to=7, read_up_to=6),
            unread_count=1,
            mention_count=1,
        )
        for event in last
    ]
    backends.answer("ListInbox", message_pb2.ListInboxResponse(entries=entries, next_cursor="n", epoch="e1"))
    # in another order, as a batch may come
    backends.answer("BatchGetConversations", pb.BatchGetConversationsResponse(conversations=conversations[::-1]))
    return last


async def test_the_inbox_keeps_the_order_of_activity(alice: Client, backends: Backends) -> None:
    tea, croquet = group("Tea"), group("Croquet")
    last = inbox_of(backends, tea, croquet)
    inbox = (await alice.ask("GET", "/v1/conversations", params={"limit": 2, "cursor": "c"})).json()
    assert [entry["title"] for entry in inbox["conversations"]] == ["Tea", "Croquet"]
    assert inbox["conversations"][0]["last_message"] == event_json(last[0])
    assert (inbox["conversations"][0]["last_seq"], inbox["conversations"][0]["last_activity_at"]) == (8, AT)
    assert (inbox["conversations"][0]["receipt"]["read_up_to"], inbox["conversations"][0]["unread_count"]) == (6, 1)
    assert inbox["conversations"][0]["mention_count"] == 1
    assert (inbox["next_cursor"], inbox["epoch"]) == ("n", "e1")
    assert backends.asked("ListInbox") == message_pb2.ListInboxRequest(limit=2, cursor="c")


async def test_a_conversation_just_left_is_left_out(alice: Client, backends: Backends) -> None:
    tea, croquet = group("Tea"), group("Croquet")
    inbox_of(backends, tea, croquet)
    backends.answer("BatchGetConversations", pb.BatchGetConversationsResponse(conversations=[croquet]))
    inbox = (await alice.ask("GET", "/v1/conversations")).json()
    assert [entry["title"] for entry in inbox["conversations"]] == ["Croquet"]


async def test_an_empty_inbox_asks_nobody_else(alice: Client, backends: Backends) -> None:
    inbox = (await alice.ask("GET", "/v1/conversations")).json()
    assert inbox == {"conversations": [], "next_cursor": None, "epoch": ""}
    assert backends.times("BatchGetConversations") == 0


async def test_bootstrap_has_me_conversations_people_and_presence(alice: Client, backends: Backends) -> None:
    inbox_of(backends, group("Tea", alice.user_id, BOB), group("Croquet", BOB))
    me = profile_pb2.Profile(user_id=alice.user_id, handle="alice", display_name="Alice")
    backends.answer("BatchGetProfiles", profile_pb2.BatchGetProfilesResponse(profiles=[me]))
    online = presence_pb2.UserPresence(user_id=BOB, status=presence_pb2.STATUS_ONLINE)
    backends.answer("GetPresence", presence_pb2.GetPresenceResponse(presences=[online]))
    privacy = profile_pb2.Privacy(last_seen=EVERYONE, receipts=EVERYONE, direct=EVERYONE, groups=EVERYONE)
    backends.answer("GetPrivacy", profile_pb2.GetPrivacyResponse(privacy=privacy))
    seen = profile_pb2.GetVisibilityResponse(visibilities=[profile_pb2.Visibility(user_id=BOB, present=True)])
    backends.answer("GetVisibility", seen)
    first = (await alice.ask("GET", "/v1/bootstrap")).json()
    assert first["me"]["handle"] == "alice"
    assert first["privacy"]["read_receipts"] == "everyone"
    assert [entry["title"] for entry in first["conversations"]] == ["Tea", "Croquet"]
    assert (first["next_cursor"], first["epoch"]) == ("n", "e1")
    assert [person["handle"] for person in first["people"]] == ["alice"]
    assert first["presence"] == [{"user_id": BOB, "status": "online", "last_seen_at": None}]
    assert list(backends.asked("GetPresence").user_ids) == [alice.user_id, BOB]


@pytest.mark.parametrize(
    ("method", "failed"),
    [
        ("ListInbox", {"conversations", "people", "presence"}),
        ("BatchGetConversations", {"conversations", "people", "presence"}),
        ("BatchGetProfiles", {"me", "people"}),
        ("GetPresence", {"presence"}),
        ("GetVisibility", {"presence"}),
        ("GetPrivacy", {"privacy"}),
    ],
)
async def test_a_part_of_bootstrap_that_fails_is_marked(
    alice: Client, backends: Backends, method: str, failed: set[str]
) -> None:
    inbox_of(backends, group("Tea", BOB))
    me = profile_pb2.Profile(user_id=alice.user_id, handle="alice", display_name="Alice")
    backends.answer("BatchGetProfiles", profile_pb2.BatchGetProfilesResponse(profiles=[me]))
    privacy = profile_pb2.Privacy(last_seen=EVERYONE, receipts=EVERYONE, direct=EVERYONE, groups=EVERYONE)
    backends.answer("GetPrivacy", profile_pb2.GetPrivacyResponse(privacy=privacy))
    backends.answer(method, RealChatError(Code.UNAVAILABLE))
    answer = await alice.ask("GET", "/v1/bootstrap")
    parts: dict[str, Any] = answer.json()
    assert answer.status_code == 200
    assert {name for name, part in parts.items() if part == {"error": "unavailable"}} == failed


async def test_a_group_is_described_and_given_rules(alice: Client, backends: Backends) -> None:
    tea, avatar = group("Tea", BOB), new_id()
    tea.description, tea.avatar_id, tea.admins_only, tea.open_history = "At six", avatar, True, True
    backends.answer("UpdateGroup", pb.UpdateGroupResponse(conversation=tea))
    path = f"/v1/conversations/{tea.conversation_id}"
    wanted: dict[str, Any] = {"description": "At six", "avatar_id": avatar, "admins_only": True, "open_history": True}
    answer = (await alice.ask("PATCH", path, json=wanted)).json()
    assert {name: answer[name] for name in wanted} == wanted
    assert backends.asked("UpdateGroup") == pb.UpdateGroupRequest(conversation_id=tea.conversation_id, **wanted)
    assert backends.times("RenameConversation") == 0
    assert (await alice.ask("PATCH", path, json={"title": "Tea", "avatar_id": ""})).json()["title"] == "Tea"
    assert backends.asked("RenameConversation").title == "Tea"
    assert backends.asked("UpdateGroup").HasField("avatar_id")
    assert not backends.asked("UpdateGroup").HasField("admins_only")


async def test_invitations_are_made_shown_ended_and_used(alice: Client, backends: Backends) -> None:
    tea = group("Tea", BOB)
    path = f"/v1/conversations/{tea.conversation_id}/invites"
    invite = pb.Invite(invite_id=new_id(), creator_id=BOB, created_at_ms=AT_MS, max_uses=3, uses=1)
    backends.answer("CreateInvite", pb.CreateInviteResponse(invite=invite, token="secret"))
    made = await alice.ask("POST", path, json={"max_uses": 3})
    shown = {
        "invite_id": invite.invite_id,
        "creator_id": BOB,
        "created_at": AT,
        "expires_at": None,
        "max_uses": 3,
        "uses": 1,
    }
    assert (made.status_code, made.json()) == (201, {"invite": shown, "token": "secret"})
    asked = pb.CreateInviteRequest(conversation_id=tea.conversation_id, max_uses=3)
    assert backends.asked("CreateInvite") == asked
    backends.answer("ListInvites", pb.ListInvitesResponse(invites=[invite]))
    assert (await alice.ask("GET", path)).json() == {"invites": [shown]}
    assert (await alice.ask("DELETE", f"{path}/{invite.invite_id}")).status_code == 204
    assert backends.asked("RevokeInvite").invite_id == invite.invite_id
    preview = pb.PreviewInviteResponse(conversation_id=tea.conversation_id, title="Tea", member_count=1)
    backends.answer("PreviewInvite", preview)
    answer = await alice.ask("POST", "/v1/invites/preview", json={"token": "secret"})
    assert (answer.json()["title"], answer.json()["avatar_id"]) == ("Tea", None)
    backends.answer("JoinByInvite", pb.JoinByInviteResponse(conversation=tea))
    joined = await alice.ask("POST", "/v1/invites/join", json={"token": "secret"})
    assert joined.json()["conversation_id"] == tea.conversation_id
    assert backends.asked("JoinByInvite").token == "secret"


async def test_own_settings_are_changed_and_a_muting_is_ended_by_null(alice: Client, backends: Backends) -> None:
    talk = new_id()
    settings = pb.MemberSettings(muted_until_ms=AT_MS, pinned=True, draft="Dear", draft_at_ms=AT_MS)
    backends.answer("UpdateMemberSettings", pb.UpdateMemberSettingsResponse(settings=settings))
    path = f"/v1/conversations/{talk}/settings"
    answer = await alice.ask("PATCH", path, json={"muted_until": AT, "draft": "Dear"})
    shown = {"muted_until": AT, "pinned": True, "archived": False, "draft": "Dear", "draft_at": AT}
    assert answer.json() == shown
    asked = pb.UpdateMemberSettingsRequest(conversation_id=talk, muted_until_ms=AT_MS, draft="Dear")
    assert backends.asked("UpdateMemberSettings") == asked
    await alice.ask("PATCH", path, json={"muted_until": None, "archived": False})
    asked = pb.UpdateMemberSettingsRequest(conversation_id=talk, muted_until_ms=0, archived=False)
    assert backends.asked("UpdateMemberSettings") == asked
