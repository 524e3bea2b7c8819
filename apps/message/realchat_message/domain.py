"""The rules of the log, without I/O.

Invariants, with the tests that break when they go (tests/unit/message/test_domain.py):
- `seq` is 1, 2, 3 ... without gaps per conversation;
- a (sender, client_message_id), or a change's event_id, is appended once;
- only who is a member at that point of the log appends;
- nothing is said in a direct conversation of two of whom one has blocked the other.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from types import MappingProxyType

from chat.event.v1 import event_pb2 as pb
from realchat_common.errors import Code, RealChatError
from realchat_common.ids import parse_id

MOST_BODY_CHARACTERS = 8_000
MOST_CLIENT_ID_CHARACTERS = 64
MOST_ATTACHMENTS = 10
MOST_MENTIONS = 50
"""By name, in one message."""
MEMBERSHIP = frozenset({"conversation_created", "members_added", "member_removed", "member_left", "role_changed"})
"""The payloads that change who is in a conversation, or as what."""
OF_MESSAGES = frozenset(
    {
        "message_sent",
        "message_edited",
        "message_deleted",
        "reaction_added",
        "reaction_removed",
        "message_timer_set",
        "retention_set",
        "poll_voted",
        "poll_closed",
        "message_pinned",
        "message_unpinned",
    }
)
"""The payloads that this service alone makes; all others are changes of the conversation."""

ADMINISTRATORS = frozenset({pb.ROLE_ADMIN, pb.ROLE_OWNER})

Members = Mapping[str, int]
"""User id to role."""
Key = tuple[str, str]
"""What makes an append the same as an earlier one: (sender, client_message_id), or ("", event_id)."""


@dataclass(frozen=True, slots=True)
class NewMessage:
    """A message that somebody wants to append; `body` is normalised."""

    sender_id: str
    client_message_id: str
    body: str
    reply_to: str = ""
    attachment_ids: tuple[str, ...] = ()
    poll: pb.Poll | None = None
    mentions: frozenset[str] = frozenset()
    mention_all: bool = False
    origin: pb.Origin | None = None
    """Of a text that is forwarded."""

    @property
    def key(self) -> Key:
        return (self.sender_id, self.client_message_id)

    @property
    def size(self) -> int:
        """About as many bytes as it takes in a segment."""
        extra = 40 * len(self.mentions) + 1_300 * len(self.attachment_ids) + (self.poll.ByteSize() if self.poll else 0)
        return 4 * len(self.body) + 200 + extra


@dataclass(frozen=True, slots=True)
class NewChange:
    """A change of the conversation itself, decided by the conversation service."""

    event: pb.Event

    @property
    def key(self) -> Key:
        return ("", self.event.event_id)

    @property
    def size(self) -> int:
        return self.event.ByteSize() + 20


Intent = NewMessage | NewChange


@dataclass(frozen=True, slots=True)
class OfMessage:
    """What somebody does to a message that is in the log."""

    actor_id: str
    message_id: str

    @property
    def size(self) -> int:
        """About as many bytes as it takes in a segment."""
        return 250


@dataclass(frozen=True, slots=True)
class Attachable:
    """A file that no message has yet."""

    owner_id: str
    attachment: pb.Attachment
    held_for: str = ""
    """The client_message_id of the one message that it waits for, if any."""

    def is_for(self, message: NewMessage) -> bool:
        """Whether a message may carry it."""
        return self.owner_id == message.sender_id and self.held_for in ("", message.client_message_id)


@dataclass(frozen=True, slots=True)
class Appended:
    """Where in the log something is."""

    event_id: str
    seq: int
    occurred_at_ms: int
    duplicate: bool = False
    segment: pb.Segment | None = field(default=None, compare=False, repr=False)
    """What was written, where that is new."""


Outcome = Appended | RealChatError


@dataclass(frozen=True, slots=True)
class Head:
    """Where a conversation's log ends."""

    last_seq: int
    members_seq: int
    apart: bool = False
    """It is a direct conversation of two of whom one has blocked the other."""
    admins_only: bool = False
    """Only administrators say something."""


@dataclass(slots=True)
class Plan:
    """What a batch of intents comes to: the events to append, and each intent's outcome once they are."""

    events: list[pb.Event] = field(default_factory=list)
    outcomes: list[Outcome] = field(default_factory=list)


def plan(
    conversation_id: str,
    head: Head,
    intents: Sequence[Intent],
    known: Mapping[Key, Appended],
    members: Members,
    answerable: frozenset[str],
    now_ms: int,
    new_id: Callable[[], str],
    files: Mapping[str, Attachable] = MappingProxyType({}),
) -> Plan:
    """Decides a batch in the order it came.

    Args:
        conversation_id: the conversation.
        head: where its log ends; the first new event is `head.last_seq + 1`.
        intents: what is wanted.
        known: those of the intents' keys that are in the log already.
        members: who is in the conversation at `head`, and as what.
        answerable: ids of messages that exist here, of those that the intents reply to.
        now_ms: the time of all new events.
        new_id: gives message ids.
        files: those of the files that the intents carry which no message has yet, by id.
    """
    result = Plan()
    free = dict(files)
    seen: dict[Key, Appended] = {}
    for intent in intents:
        earlier = known.get(intent.key) or seen.get(intent.key)
        if earlier:
            result.outcomes.append(Appended(earlier.event_id, earlier.seq, earlier.occurred_at_ms, duplicate=True))
            continue
        seq = head.last_seq + len(result.events) + 1
        if isinstance(intent, NewChange):
            event = pb.Event()
            event.CopyFrom(intent.event)
            created = event.WhichOneof("payload") == "conversation_created"
            if created != (seq == 1):
                result.outcomes.append(RealChatError(Code.CONVERSATION_NOT_FOUND))
                continue
            members = members_after(members, event)
            head = replace(head, admins_only=admins_only_after(head.admins_only, event))
        else:
            refusal = _refusal(intent, head, members, answerable, free)
            if refusal:
                result.outcomes.append(refusal)
                continue
            event_id = new_id()
            event = pb.Event(
                event_id=event_id,
                actor_id=intent.sender_id,
                message_sent=pb.MessageSent(
                    message_id=event_id,
                    client_message_id=intent.client_message_id,
                    body=intent.body,
                    reply_to=intent.reply_to,
                    attachments=[free.pop(each).attachment for each in intent.attachment_ids],
                    poll=intent.poll,
                    mentions=sorted(intent.mentions & members.keys()),
                    mention_all=intent.mention_all,
                    forwarded_from=intent.origin,
                ),
            )
        event.conversation_id, event.seq, event.occurred_at_ms = conversation_id, seq, now_ms
        appended = Appended(event.event_id, seq, now_ms)
        seen[intent.key] = appended
        result.events.append(event)
        result.outcomes.append(appended)
    return result


def _refusal(
    message: NewMessage,
    head: Head,
    members: Members,
    answerable: frozenset[str],
    files: Mapping[str, Attachable],
) -> RealChatError | None:
    if message.sender_id not in members:
        return RealChatError(Code.CONVERSATION_NOT_FOUND)
    if head.apart:
        return RealChatError(Code.CONTACT_REFUSED)
    if head.admins_only and members[message.sender_id] not in ADMINISTRATORS:
        return RealChatError(Code.PERMISSION_DENIED, "only administrators write here")
    if message.reply_to and message.reply_to not in answerable:
        return RealChatError(Code.MESSAGE_NOT_FOUND, field="reply_to")
    if any(each not in files or not files[each].is_for(message) for each in message.attachment_ids):
        return RealChatError(Code.ATTACHMENT_NOT_FOUND, field="attachment_ids")
    return None


def members_after(members: Members, event: pb.Event) -> Members:
    """Who is in a conversation after an event."""
    match event.WhichOneof("payload"):
        case "conversation_created":
            return _joined({}, event.conversation_created.members)
        case "members_added":
            return _joined(members, event.members_added.members)
        case "member_removed":
            return _without(members, event.member_removed.user_id)
        case "member_left":
            staying = _without(members, event.actor_id)
            heir = event.member_left.new_owner_id
            return {**staying, heir: pb.ROLE_OWNER} if heir else staying
        case "role_changed":
            return {**members, event.role_changed.user_id: event.role_changed.role}
        case _:
            return members


def _joined(members: Members, joining: Iterable[pb.Member]) -> Members:
    return {**{member.user_id: member.role for member in joining}, **members}


def _without(members: Members, user_id: str) -> Members:
    return {member: role for member, role in members.items() if member != user_id}


def admins_only_after(admins_only: bool, event: pb.Event) -> bool:
    """Whether only administrators say something after an event."""
    changed = event.group_changed
    return changed.admins_only if changed.HasField("admins_only") else admins_only


def head_after(head: Head, written: pb.Segment) -> Head:
    """Where a log ends that goes on with a segment."""
    admins_only = head.admins_only
    for event in written.events:
        admins_only = admins_only_after(admins_only, event)
    return replace(head, last_seq=written.last_seq, members_seq=written.members_seq, admins_only=admins_only)


def segment(head: Head, events: Sequence[pb.Event]) -> pb.Segment:
    """New events as one value of the log. Raises ValueError when they do not continue it."""
    if [event.seq for event in events] != list(range(head.last_seq + 1, head.last_seq + len(events) + 1)):
        raise ValueError("a segment continues the log without gaps")
    members_seq = max(
        (event.seq for event in events if event.WhichOneof("payload") in MEMBERSHIP), default=head.members_seq
    )
    return pb.Segment(
        conversation_id=events[0].conversation_id,
        first_seq=events[0].seq,
        last_seq=events[-1].seq,
        members_seq=members_seq,
        events=events,
    )


def normalise_body(body: str, files: Sequence[str] = ()) -> str:
    """A message's text in NFC, with `\\n` for line ends and nothing blank around it.

    Raises:
        RealChatError: invalid_argument when it is empty and there are no files either, over 8,000 characters, or has
            control characters.
    """
    text = unicodedata.normalize("NFC", body.replace("\r\n", "\n").replace("\r", "\n")).strip()
    if not text and not files:
        raise RealChatError(Code.INVALID_ARGUMENT, "a message has at least one character", field="body")
    if len(text) > MOST_BODY_CHARACTERS:
        raise RealChatError(
            Code.INVALID_ARGUMENT, f"a message has at most {MOST_BODY_CHARACTERS:,} characters", field="body"
        )
    if any(unicodedata.category(character) in {"Cc", "Cs"} and character not in "\n\t" for character in text):
        raise RealChatError(Code.INVALID_ARGUMENT, "a message has no control characters", field="body")
    return text


def check_attachment_ids(ids: Sequence[str]) -> tuple[str, ...]:
    """The ids of a message's files, in canonical form. Raises invalid_argument, also for one that is there twice."""
    found = tuple(parse_id(each, "attachment_ids") for each in ids)
    if len(found) > MOST_ATTACHMENTS or len(set(found)) < len(found):
        raise RealChatError(
            Code.INVALID_ARGUMENT, f"a message has up to {MOST_ATTACHMENTS} different files", field="attachment_ids"
        )
    return found


def checked_mentions(user_ids: Iterable[str]) -> frozenset[str]:
    """Whom a message mentions. Raises invalid_argument for what is no id, and for more than 50."""
    mentions = frozenset(parse_id(user_id, "mentions") for user_id in user_ids)
    if len(mentions) > MOST_MENTIONS:
        raise RealChatError(
            Code.INVALID_ARGUMENT, f"a message mentions at most {MOST_MENTIONS} by name", field="mentions"
        )
    return mentions


def check_client_message_id(text: str) -> str:
    """Raises invalid_argument unless it is 1 to 64 printable characters."""
    if not (1 <= len(text) <= MOST_CLIENT_ID_CHARACTERS and text.isprintable()):
        raise RealChatError(
            Code.INVALID_ARGUMENT, "client_message_id is 1 to 64 printable characters", field="client_message_id"
        )
    return text
