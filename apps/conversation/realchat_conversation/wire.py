"""The domain's words as protobuf, and back."""

from __future__ import annotations

from collections.abc import Iterable

from chat.conversation.v1 import conversation_pb2
from chat.event.v1 import event_pb2 as pb
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
from realchat_conversation.preferences import MemberSettings
from realchat_conversation.roles import Role


def to_members(members: Iterable[Member]) -> list[pb.Member]:
    """Members as protobuf; the numbers of roles are the same."""
    return [pb.Member(user_id=member.user_id, role=pb.Role.ValueType(member.role)) for member in members]


def _members(members: Iterable[pb.Member]) -> tuple[Member, ...]:
    return tuple(Member(member.user_id, Role(member.role)) for member in members)


def to_event(conversation_id: str, event_id: str, actor_id: str, change: Change) -> pb.Event:
    """A change as an event of the log, which gives it its seq and its time."""
    event = pb.Event(conversation_id=conversation_id, event_id=event_id, actor_id=actor_id)
    match change:
        case Created(kind, title, members):
            event.conversation_created.kind = pb.ConversationKind.ValueType(kind)
            event.conversation_created.title = title
            event.conversation_created.members.extend(to_members(members))
        case MembersAdded(members):
            event.members_added.members.extend(to_members(members))
        case MemberRemoved(user_id):
            event.member_removed.user_id = user_id
        case MemberLeft(new_owner_id):
            event.member_left.SetInParent()
            event.member_left.new_owner_id = new_owner_id or ""
        case RoleChanged(user_id, role):
            event.role_changed.user_id = user_id
            event.role_changed.role = pb.Role.ValueType(role)
        case Renamed(title):
            event.conversation_renamed.title = title
        case Configured(changes):
            for name, value in changes.given().items():
                setattr(event.group_changed, name, value)
    return event


def to_change(event: pb.Event) -> Change:
    """The change that an event of `to_event` carries."""
    match event.WhichOneof("payload"):
        case "conversation_created":
            payload = event.conversation_created
            return Created(Kind(payload.kind), payload.title, _members(payload.members))
        case "members_added":
            return MembersAdded(_members(event.members_added.members))
        case "member_removed":
            return MemberRemoved(event.member_removed.user_id)
        case "member_left":
            return MemberLeft(event.member_left.new_owner_id or None)
        case "role_changed":
            return RoleChanged(event.role_changed.user_id, Role(event.role_changed.role))
        case "conversation_renamed":
            return Renamed(event.conversation_renamed.title)
        case "group_changed":
            return Configured(Configure(**{field.name: value for field, value in event.group_changed.ListFields()}))
        case payload_name:
            raise ValueError(f"{payload_name} is not a change of a conversation")


def to_conversation(summary: Summary) -> conversation_pb2.Conversation:
    """A summary as protobuf."""
    return conversation_pb2.Conversation(
        conversation_id=summary.conversation_id,
        kind=pb.ConversationKind.ValueType(summary.kind),
        title=summary.title,
        created_at_ms=summary.created_at_ms,
        member_count=summary.member_count,
        role=pb.Role.ValueType(summary.role),
        members=to_members(summary.first_members),
        description=summary.details.description,
        avatar_id=summary.details.avatar_id,
        admins_only=summary.details.admins_only,
        open_history=summary.details.open_history,
        settings=to_settings(summary.settings),
    )


def to_settings(settings: MemberSettings) -> conversation_pb2.MemberSettings:
    """A member's own settings as protobuf."""
    return conversation_pb2.MemberSettings(
        muted_until_ms=settings.muted_until_ms,
        pinned=settings.pinned,
        archived=settings.archived,
        draft=settings.draft,
        draft_at_ms=settings.draft_at_ms,
    )
