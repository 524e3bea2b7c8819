"""What a client makes of events: the merge rules of contracts/asyncapi.yaml, as pure functions."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

Event = dict[str, Any]


@dataclass
class Message:
    """A message as a client shows it."""

    seq: int
    body: str
    reply_to: str | None
    edited_at: str | None = None
    deleted: bool = False
    mentions: list[str] = field(default_factory=list)
    mention_all: bool = False
    reactions: dict[str, int] = field(default_factory=dict)
    mine: set[str] = field(default_factory=set)
    pinned: bool = False
    replies: int = 0
    last_reply_seq: int = field(default=0, compare=False)
    """Counts nothing by itself."""


def fold(events: Iterable[Event], me: str) -> dict[str, Message]:
    """The messages of a conversation by id, of the events that somebody holds, in whatever order they came to know
    them. What is said of a message that they may not read is passed over."""
    state: dict[str, Message] = {}
    for event in sorted(events, key=lambda event: int(event["seq"])):
        data = event["data"]
        if event["kind"] == "message.sent":
            state[data["message_id"]] = sent(event)
            root = state.get(data["reply_to"])
            if root and event["seq"] > root.last_reply_seq:
                root.replies += 1
        elif (message := state.get(data.get("message_id", ""))) is not None:
            change(message, event, me)
    return state


def sent(event: Event) -> Message:
    """A message as its event says: at the time when it was read."""
    data = event["data"]
    reactions = data.get("reactions", [])
    return Message(
        seq=event["seq"],
        body=data["body"],
        reply_to=data["reply_to"],
        edited_at=data["edited_at"],
        deleted=data["deleted"],
        mentions=data.get("mentions", []),
        mention_all=data.get("mention_all", False),
        reactions={each["emoji"]: each["count"] for each in reactions},
        mine={each["emoji"] for each in reactions if each["mine"]},
        pinned=data.get("pinned", False),
        replies=data.get("reply_count", 0),
        last_reply_seq=data.get("last_reply_seq", 0),
    )


def change(message: Message, event: Event, me: str) -> None:
    """Applies a later event."""
    data = event["data"]
    match event["kind"]:
        case "message.edited":
            message.body, message.deleted = data["body"], data["deleted"]
            message.mentions, message.mention_all = data.get("mentions", []), data.get("mention_all", False)
            message.edited_at = None if data["deleted"] else event["at"]
        case "reaction.added" | "reaction.removed":
            message.reactions[data["emoji"]] = data["count"]
            if event["actor_id"] == me:
                (message.mine.add if event["kind"] == "reaction.added" else message.mine.discard)(data["emoji"])
            if not data["count"]:
                del message.reactions[data["emoji"]]
                message.mine.discard(data["emoji"])
        case "message.pinned" | "message.unpinned":
            message.pinned = event["kind"] == "message.pinned" and not message.deleted
        case "message.deleted":
            message.body, message.deleted, message.edited_at, message.pinned = "", True, None, False
            message.mentions, message.mention_all = [], False
            message.reactions, message.mine = {}, set()
