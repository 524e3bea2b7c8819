"""Conversations and who is in them."""

from __future__ import annotations

from fastapi import APIRouter, Response

from chat.conversation.v1 import conversation_pb2 as pb
from realchat_common.errors import Code, RealChatError
from realchat_common.wire import ROLE_NUMBERS
from realchat_gateway import inbox
from realchat_gateway.access import Reader, Writer
from realchat_gateway.api.paging import Cursor, Limit
from realchat_gateway.edge import IdempotencyKey, RetryableRoute
from realchat_gateway.gateway import GatewayDep
from realchat_gateway.schemas.base import Id
from realchat_gateway.schemas.conversations import (
    Conversation,
    GroupChange,
    Member,
    Members,
    MemberSettings,
    NewDirect,
    NewGroup,
    NewMembers,
    NewRole,
    SettingsChange,
)
from realchat_gateway.schemas.inbox import Inbox

router = APIRouter(prefix="/v1", tags=["conversations"], route_class=RetryableRoute)


@router.post("/conversations/direct", status_code=201, responses={200: {"description": "It existed already."}})
async def open_direct(
    body: NewDirect, user: Writer, gateway: GatewayDep, response: Response, _: IdempotencyKey
) -> Conversation:
    """The direct conversation with somebody, made if there is none."""
    asked = pb.CreateDirectRequest(peer_id=body.user_id)
    answer = await gateway.conversation.call(gateway.conversation.stub.CreateDirect, asked, user)
    response.status_code = 201 if answer.created else 200
    return Conversation.of(answer.conversation)


@router.post("/conversations", status_code=201)
async def create_group(body: NewGroup, user: Writer, gateway: GatewayDep, key: IdempotencyKey) -> Conversation:
    """Makes a group."""
    asked = pb.CreateGroupRequest(title=body.title, member_ids=body.member_ids, idempotency_key=key or "")
    answer = await gateway.conversation.call(gateway.conversation.stub.CreateGroup, asked, user)
    return Conversation.of(answer.conversation)


@router.get("/conversations")
async def list_conversations(user: Reader, gateway: GatewayDep, cursor: Cursor = "", limit: Limit = 50) -> Inbox:
    """The caller's conversations, newest activity first, each with its last message."""
    return await inbox.page(gateway, user, cursor=cursor, limit=limit)


@router.get("/conversations/{conversation_id}")
async def get_conversation(conversation_id: Id, user: Reader, gateway: GatewayDep) -> Conversation:
    """A conversation that the caller is in."""
    asked = pb.BatchGetConversationsRequest(conversation_ids=[conversation_id])
    answer = await gateway.conversation.call(gateway.conversation.stub.BatchGetConversations, asked, user)
    if not answer.conversations:
        raise RealChatError(Code.CONVERSATION_NOT_FOUND)
    return Conversation.of(answer.conversations[0])


@router.patch("/conversations/{conversation_id}")
async def change_conversation(
    conversation_id: Id, body: GroupChange, user: Writer, gateway: GatewayDep
) -> Conversation:
    """Changes a group: its title, description, avatar and rules."""
    changed = body.model_dump(exclude_none=True)
    title = changed.pop("title", None)
    if title is not None:
        renamed = pb.RenameConversationRequest(conversation_id=conversation_id, title=title)
        answer = await gateway.conversation.call(gateway.conversation.stub.RenameConversation, renamed, user)
        if not changed:
            return Conversation.of(answer.conversation)
    asked = pb.UpdateGroupRequest(conversation_id=conversation_id, **changed)
    return Conversation.of(
        (await gateway.conversation.call(gateway.conversation.stub.UpdateGroup, asked, user)).conversation
    )


@router.patch("/conversations/{conversation_id}/settings")
async def change_settings(
    conversation_id: Id, body: SettingsChange, user: Writer, gateway: GatewayDep
) -> MemberSettings:
    """Mutes, pins or archives a conversation, or keeps a draft, for the caller and all of their devices."""
    changed = body.model_dump(exclude_none=True, exclude={"muted_until"})
    asked = pb.UpdateMemberSettingsRequest(conversation_id=conversation_id, **changed)
    if "muted_until" in body.model_fields_set:
        asked.muted_until_ms = int(body.muted_until.timestamp() * 1000) if body.muted_until else 0
    answer = await gateway.conversation.call(gateway.conversation.stub.UpdateMemberSettings, asked, user)
    return MemberSettings.of(answer.settings)


@router.get("/conversations/{conversation_id}/members")
async def list_members(
    conversation_id: Id, user: Reader, gateway: GatewayDep, cursor: Cursor = "", limit: Limit = 50
) -> Members:
    """Who is in a conversation, in order of joining."""
    asked = pb.ListMembersRequest(conversation_id=conversation_id, limit=limit, cursor=cursor)
    answer = await gateway.conversation.call(gateway.conversation.stub.ListMembers, asked, user)
    members = [Member.of(member) for member in answer.members]
    return Members(members=members, next_cursor=answer.next_cursor or None)


@router.post("/conversations/{conversation_id}/members")
async def add_members(
    conversation_id: Id,
    body: NewMembers,
    user: Writer,
    gateway: GatewayDep,
    _: IdempotencyKey,
) -> Conversation:
    """Adds people to a group; those who are in it stay as they are."""
    asked = pb.AddMembersRequest(conversation_id=conversation_id, user_ids=body.user_ids)
    answer = await gateway.conversation.call(gateway.conversation.stub.AddMembers, asked, user)
    return Conversation.of(answer.conversation)


@router.patch("/conversations/{conversation_id}/members/{user_id}", status_code=204)
async def change_role(conversation_id: Id, user_id: Id, body: NewRole, user: Writer, gateway: GatewayDep) -> None:
    """Changes what a member may do."""
    asked = pb.ChangeRoleRequest(conversation_id=conversation_id, user_id=user_id, role=ROLE_NUMBERS[body.role])
    await gateway.conversation.call(gateway.conversation.stub.ChangeRole, asked, user)


@router.delete("/conversations/{conversation_id}/members/{user_id}", status_code=204)
async def remove_member(conversation_id: Id, user_id: Id, user: Writer, gateway: GatewayDep) -> None:
    """Removes somebody from a group."""
    asked = pb.RemoveMemberRequest(conversation_id=conversation_id, user_id=user_id)
    await gateway.conversation.call(gateway.conversation.stub.RemoveMember, asked, user)


@router.post("/conversations/{conversation_id}/leave", status_code=204)
async def leave_conversation(conversation_id: Id, user: Writer, gateway: GatewayDep, _: IdempotencyKey) -> None:
    """Leaves a group. When the last owner leaves, somebody else becomes it."""
    asked = pb.LeaveConversationRequest(conversation_id=conversation_id)
    await gateway.conversation.call(gateway.conversation.stub.LeaveConversation, asked, user)
