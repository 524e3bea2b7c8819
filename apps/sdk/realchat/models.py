"""What the server answers, as types. Fields that this version does not know are ignored."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Literal

from msgspec import Struct, field

Role = Literal["member", "admin", "owner"]
Shown = Literal["online", "away", "invisible"]


class Tokens(Struct, frozen=True, kw_only=True):
    """A session. Keep it secret: whoever has it is the person."""

    user_id: str
    session_id: str
    access_token: str
    refresh_token: str
    expires_in: float
    """Seconds for which the access token was good when it came."""
    expires_at: float = 0.0
    """Unix time, by this machine's clock; 0 when it is not known."""


class Event(Struct, frozen=True, kw_only=True):
    """A change of a conversation: number `seq` of its log. `data` depends on the `kind` (contracts/asyncapi.yaml)."""

    conversation_id: str
    seq: int
    event_id: str
    kind: str
    actor_id: str
    at: datetime
    data: dict[str, Any]

    @property
    def message_id(self) -> str:
        """The message that it is about; empty for other kinds."""
        return str(self.data.get("message_id", ""))

    @property
    def body(self) -> str:
        """What the message says; empty for other kinds, and once it is deleted."""
        return str(self.data.get("body", ""))


class Signal(Struct, frozen=True, kw_only=True):
    """Something ephemeral, such as a receipt or that somebody is typing. It is not in a log and may be lost."""

    type: str
    data: dict[str, Any]


class Presence(Struct, frozen=True, kw_only=True):
    """How somebody is seen."""

    user_id: str
    status: Literal["online", "away", "offline", "hidden"]
    """`hidden`: not shown to this person, now or any more."""
    last_seen_at: datetime | None = None
    """When they were last connected; None while online, or when that is not known."""


class Presences(Struct, frozen=True, kw_only=True):
    """How people are seen: all who are watched, when it answers (`id`); else those who are seen otherwise now."""

    presences: list[Presence]
    id: str = ""


class Sent(Struct, frozen=True, kw_only=True):
    """Where a message is in its conversation."""

    conversation_id: str
    message_id: str
    client_message_id: str
    seq: int
    at: datetime
    duplicate: bool
    """An earlier try had sent it already."""


class Changed(Struct, frozen=True, kw_only=True):
    """Where the change of a message is in its conversation."""

    conversation_id: str
    message_id: str
    seq: int
    at: datetime
    unchanged: bool


class Profile(Struct, frozen=True, kw_only=True):
    """What a person shows of themselves."""

    user_id: str
    handle: str
    display_name: str
    bio: str = ""
    bot: bool = False
    """Not a person, but somebody's program."""


class Member(Struct, frozen=True, kw_only=True):
    """Somebody in a conversation."""

    user_id: str
    role: Role


class Receipt(Struct, frozen=True, kw_only=True):
    """How far a member has come. Neither number ever goes back."""

    user_id: str
    delivered_up_to: int
    read_up_to: int
    marked_unread: bool = False


class Conversation(Struct, frozen=True, kw_only=True):
    """A direct conversation or a group, as the caller sees it."""

    conversation_id: str
    kind: Literal["direct", "group"]
    title: str
    created_at: datetime
    member_count: int
    role: Role
    members: list[Member]
    """The first ten."""


class InboxEntry(Conversation, frozen=True, kw_only=True):
    """A conversation with its newest activity."""

    last_seq: int
    last_activity_at: datetime
    last_message: Event | None
    receipt: Receipt
    unread_count: int


class Inbox(Struct, frozen=True, kw_only=True):
    """A page of one's conversations, newest activity first."""

    conversations: list[InboxEntry]
    next_cursor: str | None
    epoch: str


class Page(Struct, frozen=True, kw_only=True):
    """A part of a conversation's log, in ascending `seq`: all that the caller may read of it."""

    events: list[Event]
    last_seq: int
    """The newest there is."""
    has_more: bool
    """There is more in the direction asked for."""


class Members(Struct, frozen=True, kw_only=True):
    """A page of members, in order of joining."""

    members: list[Member]
    next_cursor: str | None


class Profiles(Struct, frozen=True, kw_only=True):
    """A page of people."""

    users: list[Profile]
    next_cursor: str | None


class Highlight(Struct, frozen=True, kw_only=True):
    """A part of a body that was looked for, in code points."""

    start: int
    length: int


class Hit(Struct, frozen=True, kw_only=True):
    """A message that a search found, as it is now."""

    message: Event
    highlights: list[Highlight]


class Hits(Struct, frozen=True, kw_only=True):
    """A page of what a search found."""

    hits: list[Hit]
    next_cursor: str | None


class Upload(Struct, frozen=True, kw_only=True):
    """Where the bytes of a file go."""

    attachment_id: str
    upload_url: str


class Attachment(Struct, frozen=True, kw_only=True):
    """A file that a message carries, or will. Its links are for the caller alone, and end."""

    attachment_id: str
    conversation_id: str
    name: str
    content_type: str
    """Told by the bytes, not by the name."""
    size: int
    state: Literal["pending", "ready", "quarantined"]
    width: int | None = None
    height: int | None = None
    url: str | None = None
    thumbnail_url: str | None = None


class Ticket(Struct, frozen=True, kw_only=True):
    """Lets one socket in, once."""

    ticket: str
    url: str


class Position(Struct, frozen=True, kw_only=True):
    """How a conversation came out of a resume."""

    status: Literal["recovered", "history", "forbidden"]
    last_seq: int


class Frame(Struct, frozen=True, kw_only=True):
    """Any frame of the server, as far as the client itself needs it."""

    type: str
    id: str = ""
    event: Event | None = None
    epoch: str = ""
    ping_interval_ms: int = 0
    conversations: dict[str, Position] = field(default_factory=dict)
    after_ms: int = 0


class Poll(Struct, frozen=True, kw_only=True):
    """A poll and its results as they stand."""

    message_id: str
    question: str
    options: list[str]
    multiple: bool
    closed: bool
    counts: list[int]
    """Votes by option."""
    voters: int
    mine: list[int]
    """What the caller voted for."""


class Scheduled(Struct, frozen=True, kw_only=True):
    """A message that waits for its time."""

    scheduled_id: str
    """Also the `client_message_id` that it will have."""
    conversation_id: str
    body: str
    reply_to: str | None
    send_at: datetime
    failure: str | None
    """The code that says why it could not be sent at its time."""
    attachment_ids: list[str] = []


class AllScheduled(Struct, frozen=True, kw_only=True):
    """A page of one's messages that wait."""

    scheduled: list[Scheduled]
    next_cursor: str | None


class Relation(Struct, frozen=True, kw_only=True):
    """What somebody and the caller are to each other, as the caller sees it."""

    user_id: str
    state: Literal["none", "outgoing", "incoming", "contact"]
    """`outgoing`: the caller has asked them. `incoming`: they have asked the caller."""
    blocked: bool
    changed_at: datetime | None


class Relations(Struct, frozen=True, kw_only=True):
    """A page of relations."""

    relations: list[Relation]
    next_cursor: str | None


class Pin(Struct, frozen=True, kw_only=True):
    """A pinned message, as it now stands."""

    message: Event
    pinned_by: str
    pinned_at: datetime


class Pins(Struct, frozen=True, kw_only=True):
    """All pinned messages of a conversation, the newest pin first."""

    pins: list[Pin]


class Replies(Struct, frozen=True, kw_only=True):
    """A message, and a page of those that answer it."""

    message: Event
    replies: list[Event]
    next_cursor: str | None
