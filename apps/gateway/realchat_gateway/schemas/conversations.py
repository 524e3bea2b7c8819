"""Conversations and their members."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import AwareDatetime, BaseModel, Field

from chat.conversation.v1 import conversation_pb2
from chat.event.v1 import event_pb2
from realchat_common.ids import rfc3339
from realchat_common.wire import KINDS, ROLES
from realchat_gateway.schemas.base import ALICE, AT, BOB, TALK, Command, Id, Role, Time, example


class NewDirect(Command):
    """Somebody to talk to."""

    model_config = example({"user_id": BOB})

    user_id: Id


class NewGroup(Command):
    """A group, owned by whoever makes it."""

    model_config = example({"title": "Tea party", "member_ids": [BOB]})

    title: Annotated[str, Field(max_length=1024)]
    member_ids: Annotated[list[Id], Field(max_length=999, description="Without oneself.")]


class GroupChange(Command):
    """What is left out stays as it is."""

    model_config = example({"title": "Mad tea party", "description": "No room!", "admins_only": True})

    title: Annotated[str, Field(max_length=1024)] | None = None
    description: Annotated[str, Field(max_length=8192, description="Empty takes it away.")] | None = None
    avatar_id: Annotated[
        Id | Literal[""] | None, Field(description="The id of an attachment; empty takes the avatar away.")
    ] = None
    admins_only: Annotated[bool | None, Field(description="Only administrators write.")] = None
    open_history: Annotated[
        bool | None, Field(description="Who joins from now on may read what was before. For owners only.")
    ] = None


class NewMembers(Command):
    """People to add to a group."""

    model_config = example({"user_ids": [BOB]})

    user_ids: Annotated[list[Id], Field(min_length=1, max_length=999)]


class NewRole(Command):
    """What a member may do."""

    model_config = example({"role": "admin"})

    role: Role


class Member(BaseModel):
    """Somebody in a conversation."""

    model_config = example({"user_id": BOB, "role": "member"})

    user_id: Id
    role: Role

    @classmethod
    def of(cls, member: event_pb2.Member) -> Member:
        """From the conversation service."""
        return cls.model_validate({"user_id": member.user_id, "role": ROLES[member.role]})


class Members(BaseModel):
    """A page of members, in order of joining."""

    members: list[Member]
    next_cursor: Annotated[str | None, Field(description="Null on the last page.")]


SETTINGS = {"muted_until": None, "pinned": True, "archived": False, "draft": "Dear Bob", "draft_at": AT}


class SettingsChange(Command):
    """What is left out stays as it is; `muted_until` null ends the muting."""

    model_config = example({"muted_until": "9999-12-31T23:59:59Z", "draft": "Dear Bob"})

    muted_until: Annotated[
        AwareDatetime | None, Field(strict=False, description="The year 9999 stands for always.")
    ] = None
    pinned: bool | None = None
    archived: bool | None = None
    draft: Annotated[str | None, Field(max_length=8000, description="Empty takes it away.")] = None


class MemberSettings(BaseModel):
    """What a conversation is to the caller. Nobody else knows."""

    model_config = example({**SETTINGS})

    muted_until: Annotated[Time | None, Field(description="No notifications until then.")]
    pinned: bool
    archived: bool
    draft: Annotated[str, Field(description="What the caller has begun to write.")]
    draft_at: Annotated[Time | None, Field(description="When the draft was changed.")]

    @classmethod
    def of(cls, settings: conversation_pb2.MemberSettings) -> MemberSettings:
        """From the conversation service."""
        return cls(
            muted_until=rfc3339(settings.muted_until_ms) if settings.muted_until_ms else None,
            pinned=settings.pinned,
            archived=settings.archived,
            draft=settings.draft,
            draft_at=rfc3339(settings.draft_at_ms) if settings.draft_at_ms else None,
        )


CONVERSATION = {
    "conversation_id": TALK,
    "kind": "group",
    "title": "Tea party",
    "description": "Every day at six",
    "avatar_id": None,
    "admins_only": False,
    "open_history": False,
    "created_at": AT,
    "member_count": 2,
    "role": "owner",
    "members": [{"user_id": ALICE, "role": "owner"}, {"user_id": BOB, "role": "member"}],
    "settings": SETTINGS,
}


class Conversation(BaseModel):
    """A direct conversation or a group, as the caller sees it."""

    model_config = example({**CONVERSATION})

    conversation_id: Id
    kind: Literal["direct", "group"]
    title: Annotated[str, Field(description="Empty for a direct conversation.")]
    description: str
    avatar_id: Annotated[Id | None, Field(description="The id of an attachment.")]
    admins_only: Annotated[bool, Field(description="Only administrators write.")]
    open_history: Annotated[bool, Field(description="Who joins may read what was before.")]
    created_at: Time
    member_count: int
    role: Annotated[Role, Field(description="The caller's own.")]
    members: Annotated[list[Member], Field(description="The first 10.")]
    settings: Annotated[MemberSettings, Field(description="The caller's own.")]

    @classmethod
    def of(cls, conversation: conversation_pb2.Conversation) -> Conversation:
        """From the conversation service."""
        return cls.model_validate(conversation_fields(conversation))


def conversation_fields(conversation: conversation_pb2.Conversation) -> dict[str, Any]:
    return {
        "conversation_id": conversation.conversation_id,
        "kind": KINDS[conversation.kind],
        "title": conversation.title,
        "description": conversation.description,
        "avatar_id": conversation.avatar_id or None,
        "admins_only": conversation.admins_only,
        "open_history": conversation.open_history,
        "created_at": rfc3339(conversation.created_at_ms),
        "member_count": conversation.member_count,
        "role": ROLES[conversation.role],
        "members": [Member.of(member) for member in conversation.members],
        "settings": MemberSettings.of(conversation.settings),
    }
