"""Invitations to groups."""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, Field

from chat.conversation.v1 import conversation_pb2 as pb
from realchat_common.ids import rfc3339
from realchat_gateway.schemas.base import ALICE, AT, TALK, Command, Id, Time, example

TOKEN = "kH4yq0aVb3Zr8m1JcX2dW5eT7uI9oP6sL0fG-nB_vQw"  # noqa: S105 - an example


class NewInvite(Command):
    """How long and how often an invitation can be used."""

    model_config = example({"expires_in_seconds": 86400, "max_uses": 10})

    expires_in_seconds: Annotated[
        int | None, Field(ge=60, le=365 * 24 * 3600, description="Without it, it does not expire.")
    ] = None
    max_uses: Annotated[int | None, Field(ge=1, le=10_000, description="Without it, there is no limit.")] = None


class InviteToken(Command):
    """What an invitation is known by."""

    model_config = example({"token": TOKEN})

    token: Annotated[str, Field(min_length=1, max_length=128)]


INVITE = {
    "invite_id": TALK,
    "creator_id": ALICE,
    "created_at": AT,
    "expires_at": AT,
    "max_uses": 10,
    "uses": 3,
}


class Invite(BaseModel):
    """An invitation, without its token, which is not kept."""

    model_config = example({**INVITE})

    invite_id: Id
    creator_id: Id
    created_at: Time
    expires_at: Annotated[Time | None, Field(description="Null for never.")]
    max_uses: Annotated[int | None, Field(description="Null for any number.")]
    uses: int

    @classmethod
    def of(cls, invite: pb.Invite) -> Invite:
        """From the conversation service."""
        return cls(
            invite_id=invite.invite_id,
            creator_id=invite.creator_id,
            created_at=rfc3339(invite.created_at_ms),
            expires_at=rfc3339(invite.expires_at_ms) if invite.expires_at_ms else None,
            max_uses=invite.max_uses or None,
            uses=invite.uses,
        )


class CreatedInvite(BaseModel):
    """A new invitation and the token that whoever joins must show."""

    model_config = example({"invite": INVITE, "token": TOKEN})

    invite: Invite
    token: Annotated[str, Field(description="Shown this once: only its hash is kept.")]


class Invites(BaseModel):
    """The invitations that can be used, newest first."""

    invites: list[Invite]


class InvitePreview(BaseModel):
    """The group that an invitation leads to."""

    model_config = example(
        {"conversation_id": TALK, "title": "Tea party", "description": "", "avatar_id": None, "member_count": 3}
    )

    conversation_id: Id
    title: str
    description: str
    avatar_id: Id | None
    member_count: int
