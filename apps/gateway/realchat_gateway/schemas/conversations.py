"""Conversations and their members."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, Field

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


class NewTitle(Command):
    """A group's title."""

    model_config = example({"title": "Mad tea party"})

    title: Annotated[str, Field(max_length=1024)]


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


CONVERSATION = {
    "conversation_id": TALK,
    "kind": "group",
    "title": "Tea party",
    "created_at": AT,
    "member_count": 2,
    "role": "owner",
    "members": [{"user_id": ALICE, "role": "owner"}, {"user_id": BOB, "role": "member"}],
}


class Conversation(BaseModel):
    """A direct conversation or a group, as the caller sees it."""

    model_config = example({**CONVERSATION})

    conversation_id: Id
    kind: Literal["direct", "group"]
    title: Annotated[str, Field(description="Empty for a direct conversation.")]
    created_at: Time
    member_count: int
    role: Annotated[Role, Field(description="The caller's own.")]
    members: Annotated[list[Member], Field(description="The first 10.")]

    @classmethod
    def of(cls, conversation: conversation_pb2.Conversation) -> Conversation:
        """From the conversation service."""
        return cls.model_validate(conversation_fields(conversation))


def conversation_fields(conversation: conversation_pb2.Conversation) -> dict[str, Any]:
    return {
        "conversation_id": conversation.conversation_id,
        "kind": KINDS[conversation.kind],
        "title": conversation.title,
        "created_at": rfc3339(conversation.created_at_ms),
        "member_count": conversation.member_count,
        "role": ROLES[conversation.role],
        "members": [Member.of(member) for member in conversation.members],
    }
