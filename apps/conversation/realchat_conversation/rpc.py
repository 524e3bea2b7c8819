"""Conversations over gRPC: checks shapes, translates, calls."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any

import grpc
import msgspec

from chat.conversation.v1 import conversation_pb2 as pb
from chat.conversation.v1.conversation_pb2_grpc import ConversationServiceServicer
from realchat_common.errors import Code, RealChatError
from realchat_common.ids import decode_cursor, encode_cursor, page_limit, parse_id
from realchat_common.rpc import current_user
from realchat_common.text import clean_text
from realchat_conversation.domain import MOST_MEMBERS
from realchat_conversation.groups import Configure
from realchat_conversation.invites import InviteRow, Invites
from realchat_conversation.preferences import SettingsChange
from realchat_conversation.roles import Role
from realchat_conversation.service import Conversations
from realchat_conversation.wire import to_conversation, to_members, to_settings

MOST_CONVERSATIONS = 200
MOST_PEERS = 200
MOST_KEY_CHARACTERS = 255
MOST_DESCRIPTION_CHARACTERS = 1_000
MOST_TOKEN_CHARACTERS = 128
EXPIRES_SECONDS = range(60, 365 * 24 * 3600 + 1)
USES = range(1, 10_001)

Context = grpc.aio.ServicerContext[Any, Any]


class _Position(msgspec.Struct, array_like=True, frozen=True):
    """What a cursor of members holds: where in the order of joining the page before ended."""

    joined: Annotated[int, msgspec.Meta(ge=0, le=2**63 - 1)] = 0


def _member_ids(texts: Sequence[str], field: str) -> list[str]:
    if len(texts) > MOST_MEMBERS:
        raise RealChatError(Code.TOO_MANY_MEMBERS, f"at most {MOST_MEMBERS:,} at once", field=field)
    return [parse_id(text, field) for text in texts]


def _conversation_ids(texts: Sequence[str]) -> list[str]:
    if len(texts) > MOST_CONVERSATIONS:
        raise RealChatError(
            Code.INVALID_ARGUMENT, f"at most {MOST_CONVERSATIONS} conversations", field="conversation_ids"
        )
    return [parse_id(text, "conversation_ids") for text in texts]


def _role(number: int) -> Role:
    try:
        return Role(number)
    except ValueError as error:
        raise RealChatError(Code.INVALID_ARGUMENT, "there is no such role", field="role") from error


def _idempotency_key(text: str) -> str | None:
    if len(text) > MOST_KEY_CHARACTERS or not text.isprintable():
        raise RealChatError(
            Code.INVALID_ARGUMENT,
            f"an idempotency key has at most {MOST_KEY_CHARACTERS} printable characters",
            field="idempotency_key",
        )
    return text or None


def _configure(request: pb.UpdateGroupRequest) -> Configure:
    description, avatar_id = request.description, request.avatar_id
    return Configure(
        clean_text(description, "description", least=0, most=MOST_DESCRIPTION_CHARACTERS, lines=True)
        if request.HasField("description")
        else None,
        (parse_id(avatar_id, "avatar_id") if avatar_id else "") if request.HasField("avatar_id") else None,
        request.admins_only if request.HasField("admins_only") else None,
        request.open_history if request.HasField("open_history") else None,
    )


def _to_invite(invite: InviteRow) -> pb.Invite:
    """An invitation as protobuf."""
    return pb.Invite(
        invite_id=invite.invite_id,
        creator_id=invite.creator_id,
        created_at_ms=invite.created_at_ms,
        expires_at_ms=invite.expires_at_ms,
        max_uses=invite.max_uses,
        uses=invite.uses,
    )


class ConversationServicer(ConversationServiceServicer):
    """Who may call what is in contracts/calls.yaml; who may change what is in domain.py."""

    def __init__(self, conversations: Conversations, invites: Invites) -> None:
        self._conversations = conversations
        self._invites = invites

    async def CreateDirect(self, request: pb.CreateDirectRequest, context: Context) -> pb.CreateDirectResponse:
        summary, created = await self._conversations.create_direct(
            current_user().user_id, parse_id(request.peer_id, "peer_id")
        )
        return pb.CreateDirectResponse(conversation=to_conversation(summary), created=created)

    async def CreateGroup(self, request: pb.CreateGroupRequest, context: Context) -> pb.CreateGroupResponse:
        summary = await self._conversations.create_group(
            current_user().user_id,
            request.title,
            _member_ids(request.member_ids, "member_ids"),
            _idempotency_key(request.idempotency_key),
        )
        return pb.CreateGroupResponse(conversation=to_conversation(summary))

    async def BatchGetConversations(
        self, request: pb.BatchGetConversationsRequest, context: Context
    ) -> pb.BatchGetConversationsResponse:
        summaries = await self._conversations.summaries(
            _conversation_ids(request.conversation_ids), current_user().user_id
        )
        return pb.BatchGetConversationsResponse(conversations=[to_conversation(summary) for summary in summaries])

    async def ListMembers(self, request: pb.ListMembersRequest, context: Context) -> pb.ListMembersResponse:
        position = decode_cursor(request.cursor, _Position) if request.cursor else _Position()
        members, next_position = await self._conversations.members(
            parse_id(request.conversation_id, "conversation_id"),
            current_user().user_id,
            position.joined,
            page_limit(request.limit),
        )
        return pb.ListMembersResponse(
            members=to_members(members), next_cursor=encode_cursor(next_position) if next_position else ""
        )

    async def FilterPeers(self, request: pb.FilterPeersRequest, context: Context) -> pb.FilterPeersResponse:
        if len(request.peer_ids) > MOST_PEERS:
            raise RealChatError(Code.INVALID_ARGUMENT, f"at most {MOST_PEERS} people", field="peer_ids")
        peer_ids = [parse_id(peer_id, "peer_ids") for peer_id in request.peer_ids]
        return pb.FilterPeersResponse(
            peer_ids=await self._conversations.peers(parse_id(request.user_id, "user_id"), peer_ids)
        )

    async def FilterHeard(self, request: pb.FilterHeardRequest, context: Context) -> pb.FilterHeardResponse:
        titles = await self._conversations.heard(
            parse_id(request.user_id, "user_id"), _conversation_ids(request.conversation_ids)
        )
        return pb.FilterHeardResponse(
            conversations=[
                pb.HeardConversation(conversation_id=conversation_id, title=title)
                for conversation_id, title in titles.items()
            ]
        )

    async def AddMembers(self, request: pb.AddMembersRequest, context: Context) -> pb.AddMembersResponse:
        if not request.user_ids:
            raise RealChatError(Code.INVALID_ARGUMENT, "nobody to add", field="user_ids")
        summary = await self._conversations.add_members(
            parse_id(request.conversation_id, "conversation_id"),
            current_user().user_id,
            _member_ids(request.user_ids, "user_ids"),
        )
        return pb.AddMembersResponse(conversation=to_conversation(summary))

    async def RemoveMember(self, request: pb.RemoveMemberRequest, context: Context) -> pb.RemoveMemberResponse:
        await self._conversations.remove_member(
            parse_id(request.conversation_id, "conversation_id"),
            current_user().user_id,
            parse_id(request.user_id, "user_id"),
        )
        return pb.RemoveMemberResponse()

    async def LeaveConversation(
        self, request: pb.LeaveConversationRequest, context: Context
    ) -> pb.LeaveConversationResponse:
        await self._conversations.leave(parse_id(request.conversation_id, "conversation_id"), current_user().user_id)
        return pb.LeaveConversationResponse()

    async def ChangeRole(self, request: pb.ChangeRoleRequest, context: Context) -> pb.ChangeRoleResponse:
        await self._conversations.change_role(
            parse_id(request.conversation_id, "conversation_id"),
            current_user().user_id,
            parse_id(request.user_id, "user_id"),
            _role(request.role),
        )
        return pb.ChangeRoleResponse()

    async def RenameConversation(
        self, request: pb.RenameConversationRequest, context: Context
    ) -> pb.RenameConversationResponse:
        summary = await self._conversations.rename(
            parse_id(request.conversation_id, "conversation_id"), current_user().user_id, request.title
        )
        return pb.RenameConversationResponse(conversation=to_conversation(summary))

    async def RemoveUser(self, request: pb.RemoveUserRequest, context: Context) -> pb.RemoveUserResponse:
        return pb.RemoveUserResponse(done=await self._conversations.remove_user(parse_id(request.user_id, "user_id")))

    async def UpdateGroup(self, request: pb.UpdateGroupRequest, context: Context) -> pb.UpdateGroupResponse:
        summary = await self._conversations.configure(
            parse_id(request.conversation_id, "conversation_id"), current_user().user_id, _configure(request)
        )
        return pb.UpdateGroupResponse(conversation=to_conversation(summary))

    async def UpdateMemberSettings(
        self, request: pb.UpdateMemberSettingsRequest, context: Context
    ) -> pb.UpdateMemberSettingsResponse:
        change = SettingsChange(
            request.muted_until_ms if request.HasField("muted_until_ms") else None,
            request.pinned if request.HasField("pinned") else None,
            request.archived if request.HasField("archived") else None,
            request.draft if request.HasField("draft") else None,
        )
        settings = await self._conversations.change_settings(
            parse_id(request.conversation_id, "conversation_id"), current_user().user_id, change
        )
        return pb.UpdateMemberSettingsResponse(settings=to_settings(settings))

    async def CreateInvite(self, request: pb.CreateInviteRequest, context: Context) -> pb.CreateInviteResponse:
        seconds, uses = request.expires_in_seconds, request.max_uses
        if seconds and seconds not in EXPIRES_SECONDS:
            raise RealChatError(Code.INVALID_ARGUMENT, "a minute to a year", field="expires_in_seconds")
        if uses and uses not in USES:
            raise RealChatError(Code.INVALID_ARGUMENT, "1 to 10,000", field="max_uses")
        invite, token = await self._invites.create(
            parse_id(request.conversation_id, "conversation_id"), current_user().user_id, seconds * 1000, uses
        )
        return pb.CreateInviteResponse(invite=_to_invite(invite), token=token)

    async def ListInvites(self, request: pb.ListInvitesRequest, context: Context) -> pb.ListInvitesResponse:
        conversation_id = parse_id(request.conversation_id, "conversation_id")
        invites = await self._invites.list(conversation_id, current_user().user_id)
        return pb.ListInvitesResponse(invites=map(_to_invite, invites))

    async def RevokeInvite(self, request: pb.RevokeInviteRequest, context: Context) -> pb.RevokeInviteResponse:
        await self._invites.revoke(
            parse_id(request.conversation_id, "conversation_id"),
            current_user().user_id,
            parse_id(request.invite_id, "invite_id"),
        )
        return pb.RevokeInviteResponse()

    async def PreviewInvite(self, request: pb.PreviewInviteRequest, context: Context) -> pb.PreviewInviteResponse:
        current_user()
        found = await self._invites.preview(_token(request.token))
        return pb.PreviewInviteResponse(
            conversation_id=found.conversation_id,
            title=found.title,
            description=found.details.description,
            avatar_id=found.details.avatar_id,
            member_count=len(found.members),
        )

    async def JoinByInvite(self, request: pb.JoinByInviteRequest, context: Context) -> pb.JoinByInviteResponse:
        summary = await self._invites.join(_token(request.token), current_user().user_id)
        return pb.JoinByInviteResponse(conversation=to_conversation(summary))


def _token(text: str) -> str:
    if not 1 <= len(text) <= MOST_TOKEN_CHARACTERS:
        raise RealChatError(Code.INVITE_NOT_FOUND)
    return text
