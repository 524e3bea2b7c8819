"""Invitations to groups. A token is in bodies only, never in a URL, where logs and histories would keep it."""

from __future__ import annotations

from fastapi import APIRouter

from chat.conversation.v1 import conversation_pb2 as pb
from realchat_gateway.access import Reader, Writer
from realchat_gateway.edge import ApiRoute
from realchat_gateway.gateway import GatewayDep
from realchat_gateway.schemas.base import Id
from realchat_gateway.schemas.conversations import Conversation
from realchat_gateway.schemas.invites import CreatedInvite, Invite, InvitePreview, Invites, InviteToken, NewInvite

# Not retryable by key: the answer, which has the token, would be kept.
router = APIRouter(prefix="/v1", tags=["invitations"], route_class=ApiRoute)


@router.post("/conversations/{conversation_id}/invites", status_code=201)
async def create_invite(conversation_id: Id, body: NewInvite, user: Writer, gateway: GatewayDep) -> CreatedInvite:
    """Makes an invitation: whoever has its token joins."""
    asked = pb.CreateInviteRequest(conversation_id=conversation_id, **body.model_dump(exclude_none=True))
    answer = await gateway.conversation.call(gateway.conversation.stub.CreateInvite, asked, user)
    return CreatedInvite(invite=Invite.of(answer.invite), token=answer.token)


@router.get("/conversations/{conversation_id}/invites")
async def list_invites(conversation_id: Id, user: Reader, gateway: GatewayDep) -> Invites:
    """The invitations to a group that can be used."""
    asked = pb.ListInvitesRequest(conversation_id=conversation_id)
    answer = await gateway.conversation.call(gateway.conversation.stub.ListInvites, asked, user)
    return Invites(invites=[Invite.of(invite) for invite in answer.invites])


@router.delete("/conversations/{conversation_id}/invites/{invite_id}", status_code=204)
async def revoke_invite(conversation_id: Id, invite_id: Id, user: Writer, gateway: GatewayDep) -> None:
    """Ends an invitation."""
    asked = pb.RevokeInviteRequest(conversation_id=conversation_id, invite_id=invite_id)
    await gateway.conversation.call(gateway.conversation.stub.RevokeInvite, asked, user)


@router.post("/invites/preview")
async def preview_invite(body: InviteToken, user: Reader, gateway: GatewayDep) -> InvitePreview:
    """The group that an invitation leads to."""
    asked = pb.PreviewInviteRequest(token=body.token)
    answer = await gateway.conversation.call(gateway.conversation.stub.PreviewInvite, asked, user)
    return InvitePreview(
        conversation_id=answer.conversation_id,
        title=answer.title,
        description=answer.description,
        avatar_id=answer.avatar_id or None,
        member_count=answer.member_count,
    )


@router.post("/invites/join")
async def join_by_invite(body: InviteToken, user: Writer, gateway: GatewayDep) -> Conversation:
    """Joins a group. Doing it again changes nothing."""
    asked = pb.JoinByInviteRequest(token=body.token)
    answer = await gateway.conversation.call(gateway.conversation.stub.JoinByInvite, asked, user)
    return Conversation.of(answer.conversation)
