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
    Role,
    RoleChanged,
    Summary,
)


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
    )
