"""Events as clients see them: the one JSON form, for the socket, HTTP and every fall-back."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import msgspec

from chat.event.v1 import event_pb2 as pb
from realchat_common.ids import rfc3339

ROLES = {pb.ROLE_MEMBER: "member", pb.ROLE_ADMIN: "admin", pb.ROLE_OWNER: "owner"}
ROLE_NUMBERS = {name: number for number, name in ROLES.items()}
KINDS = {pb.CONVERSATION_KIND_DIRECT: "direct", pb.CONVERSATION_KIND_GROUP: "group"}


def members_json(members: Any) -> list[dict[str, str]]:
    """Members as clients see them."""
    return [{"user_id": member.user_id, "role": ROLES[member.role]} for member in members]


def _attachment(attachment: pb.Attachment) -> dict[str, Any]:
    return {
        "attachment_id": attachment.attachment_id,
        "name": attachment.name,
        "content_type": attachment.content_type,
        "size": attachment.size,
        "width": attachment.width or None,
        "height": attachment.height or None,
        "has_thumbnail": attachment.has_thumbnail,
    }


def poll_json(poll: pb.Poll) -> dict[str, Any]:
    """A poll as clients see it; results only where they were asked for."""
    data: dict[str, Any] = {"options": list(poll.options), "multiple": poll.multiple, "closed": poll.closed}
    if poll.counts:
        data |= {"counts": list(poll.counts), "voters": poll.voters, "mine": list(poll.mine)}
    return data


def _message_sent(message: pb.MessageSent) -> dict[str, Any]:
    data: dict[str, Any] = {
        "message_id": message.message_id,
        "client_message_id": message.client_message_id,
        "body": message.body,
        "reply_to": message.reply_to or None,
        "deleted": message.redacted,
        "edited_at": rfc3339(message.edited_at_ms) if message.edited_at_ms else None,
    }
    if message.attachments:
        data["attachments"] = [_attachment(each) for each in message.attachments]
    if message.HasField("poll"):
        data["poll"] = poll_json(message.poll)
    _add_mentions(data, message)
    if message.reactions:
        data["reactions"] = [{"emoji": r.emoji, "count": r.count, "mine": r.mine} for r in message.reactions]
    if message.pinned:
        data["pinned"] = True
    if message.reply_count:
        data["reply_count"], data["last_reply_seq"] = message.reply_count, message.last_reply_seq
    if message.HasField("forwarded_from"):
        origin = message.forwarded_from
        data["forwarded_from"] = {"author_id": origin.author_id, "sent_at": rfc3339(origin.sent_at_ms)}
    return data


def _message_edited(edit: pb.MessageEdited) -> dict[str, Any]:
    data: dict[str, Any] = {"message_id": edit.message_id, "body": edit.body, "deleted": edit.redacted}
    _add_mentions(data, edit)
    return data


def _add_mentions(data: dict[str, Any], message: pb.MessageSent | pb.MessageEdited) -> None:
    if message.mentions:
        data["mentions"] = list(message.mentions)
    if message.mention_all:
        data["mention_all"] = True


def _reaction(change: pb.ReactionAdded | pb.ReactionRemoved) -> dict[str, Any]:
    return {"message_id": change.message_id, "emoji": change.emoji, "count": change.count}


def _group_changed(changed: pb.GroupChanged) -> dict[str, Any]:
    data = {descriptor.name: value for descriptor, value in changed.ListFields()}
    return data | ({"avatar_id": changed.avatar_id or None} if changed.HasField("avatar_id") else {})


# payload field -> (kind on the wire, its data)
_PAYLOADS: dict[str, tuple[str, Callable[[Any], dict[str, Any]]]] = {
    "message_sent": ("message.sent", _message_sent),
    "conversation_created": (
        "conversation.created",
        lambda p: {"kind": KINDS[p.kind], "title": p.title, "members": members_json(p.members)},
    ),
    "members_added": ("members.added", lambda p: {"members": members_json(p.members)}),
    "member_removed": ("member.removed", lambda p: {"user_id": p.user_id}),
    "member_left": ("member.left", lambda p: {"new_owner_id": p.new_owner_id or None}),
    "role_changed": ("role.changed", lambda p: {"user_id": p.user_id, "role": ROLES[p.role]}),
    "message_edited": ("message.edited", _message_edited),
    "message_deleted": (
        "message.deleted",
        lambda p: {"message_id": p.message_id, **({"expired": True} if p.expired else {})},
    ),
    "message_pinned": ("message.pinned", lambda p: {"message_id": p.message_id}),
    "message_unpinned": ("message.unpinned", lambda p: {"message_id": p.message_id}),
    "message_timer_set": ("timer.set", lambda p: {"seconds": p.seconds or None}),
    "poll_voted": ("poll.voted", lambda p: {"message_id": p.message_id, "choices": list(p.choices)}),
    "poll_closed": ("poll.closed", lambda p: {"message_id": p.message_id}),
    "retention_set": ("retention.set", lambda p: {"days": p.days or None}),
    "reaction_added": ("reaction.added", _reaction),
    "reaction_removed": ("reaction.removed", _reaction),
    "group_changed": ("group.changed", _group_changed),
    "conversation_renamed": ("conversation.renamed", lambda p: {"title": p.title}),
}


def event_json(event: pb.Event) -> dict[str, Any]:
    """An event of the log as a JSON object.

    Returns:
        `conversation_id`, `seq`, `event_id`, `kind`, `actor_id`, `at` and `data`, which depends on the kind.
    """
    field = event.WhichOneof("payload")
    if field is None:
        raise ValueError("an event needs a payload")
    kind, data = _PAYLOADS[field]
    return {
        "conversation_id": event.conversation_id,
        "seq": event.seq,
        "event_id": event.event_id,
        "kind": kind,
        "actor_id": event.actor_id,
        "at": rfc3339(event.occurred_at_ms),
        "data": data(getattr(event, field)),
    }


def event_bytes(event: pb.Event) -> bytes:
    """`event_json` encoded once, to be put into any number of frames."""
    return msgspec.json.encode(event_json(event))
