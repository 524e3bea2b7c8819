"""A local picture of one's conversations: pure rules that turn snapshots, events and receipts into state.

Invariants, with the tests that break when they go (tests/unit/sdk/test_merge.py): after the same events, in any order,
with repetitions, and with what was lost read from the log, the state is the same; the unread count is what the log
says; whoever is watched is there as the server said last. Whether a conversation has been understood wholly, or must
be asked for, is in `gap` and `is_stale`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from realchat.models import Conversation, Event, InboxEntry, Page, Presence, Receipt
from realchat.ordering import Cursor, Gap

MOST_HELD = 500
MOST_MESSAGES = 1_000
"""Of each conversation, the newest are kept."""
MOST_UNREAD = 1_000
"""Stands for more, too, as the server counts."""


@dataclass(slots=True)
class Message:
    """A message as it now stands."""

    message_id: str
    seq: int
    author_id: str
    at: datetime
    body: str
    client_message_id: str
    reply_to: str | None = None
    edited_at: datetime | None = None
    deleted: bool = False
    reactions: dict[str, int] = field(default_factory=dict)
    """Emoji to how many gave it."""
    mine: set[str] = field(default_factory=set)
    """The emojis that the person has given."""
    attachments: list[dict[str, Any]] = field(default_factory=list)
    """The files that it carries (contracts/asyncapi.yaml, Attachment)."""

    def edit(self, body: str, at: datetime) -> None:
        """Changes what it says."""
        if not self.deleted:
            self.body = body
            self.edited_at = max(self.edited_at or at, at)

    def delete(self) -> None:
        """Takes away what it said."""
        self.body, self.edited_at, self.deleted = "", None, True
        self.reactions, self.mine, self.attachments = {}, set(), []

    def react(self, emoji: str, count: int, mine: bool | None) -> None:
        """Takes how many have given an emoji, and whether the person has; None: as before."""
        if self.deleted:
            return
        self.reactions[emoji] = count
        if mine is not None:
            (self.mine.add if mine else self.mine.discard)(emoji)
        if not count:
            del self.reactions[emoji]
            self.mine.discard(emoji)


@dataclass(slots=True, eq=False)
class Talk:
    """A conversation as it now stands, for the person whose view this is."""

    conversation_id: str
    me: str
    cursor: Cursor
    first_seq: int
    """The log is known from here on."""
    kind: str = ""
    title: str = ""
    joined: bool = True
    """False once the person has left or was removed."""
    last_activity_at: datetime | None = None
    members: dict[str, str] = field(default_factory=dict)
    """Id to role; of large groups only those that are known."""
    member_count: int = 0
    messages: dict[str, Message] = field(default_factory=dict)
    """By id, in the order of `seq`."""
    last_message: Message | None = None
    receipts: dict[str, Receipt] = field(default_factory=dict)
    """How far members have come, as far as that was heard."""
    is_stale: bool = False
    """Something is not known without asking: take `GET /v1/conversations` again."""
    _waiting: dict[str, int] = field(default_factory=dict)
    """Unread messages from `first_seq` on: id to seq."""
    _earlier: int = 0
    """Unread messages before `first_seq`."""

    @property
    def last_seq(self) -> int:
        """The newest event that is in this state."""
        return self.cursor.last_seq

    @property
    def gap(self) -> Gap | None:
        """What of the log is missing; read it and `fill`."""
        return self.cursor.gap

    @property
    def receipt(self) -> Receipt:
        """One's own."""
        return self.receipts.get(self.me) or Receipt(user_id=self.me, delivered_up_to=0, read_up_to=0)

    @property
    def unread_count(self) -> int:
        """Messages of others that wait to be read; 1,000 stands for more, too."""
        return min(self._earlier + len(self._waiting), MOST_UNREAD)

    def timeline(self) -> list[Message]:
        """The known messages, oldest first."""
        return list(self.messages.values())

    # What comes in

    def offer(self, event: Event) -> list[Event]:
        """Takes an event that arrived. Returns the events that are new in this state."""
        return self._apply(self.cursor.offer(event))

    def fill(self, gap: Gap, page: Page) -> list[Event]:
        """Takes the page of the log for a gap. Returns the events that are new in this state."""
        return self._apply(self.cursor.fill(gap, page))

    def extend(self, page: Page) -> None:
        """Takes the page of the log before `first_seq`."""
        older = [event for event in page.events if event.seq < self.first_seq]
        known, self.messages = self.messages, {}
        for event in older:
            if (message := _message(event)) is not None:
                self.messages[message.message_id] = message
                if self._is_unread(message) and self._earlier:
                    self._earlier -= 1
                    self._waiting[message.message_id] = message.seq
        self.messages |= known
        self.first_seq = older[0].seq if older and page.has_more else 1

    def describe(self, conversation: Conversation) -> None:
        """Takes how the server says it is."""
        self.joined = True
        self.kind, self.title = conversation.kind, conversation.title
        self.member_count = conversation.member_count
        self.members = {member.user_id: member.role for member in conversation.members}
        self.last_activity_at = self.last_activity_at or conversation.created_at

    def snapshot(self, entry: InboxEntry) -> None:
        """Takes how the server says it is, with its newest activity."""
        self.describe(entry)
        self.heard(entry.receipt)
        self.last_activity_at = max(self.last_activity_at or entry.last_activity_at, entry.last_activity_at)
        if entry.last_seq > self.last_seq:
            self.cursor.miss(entry.last_seq)  # how many wait can be compared once the log is known to there
        elif entry.receipt.read_up_to == self.receipt.read_up_to:
            inside = sum(1 for seq in self._waiting.values() if seq <= entry.last_seq)
            self._earlier = max(0, entry.unread_count - inside)
            self.is_stale = False

    def restart(self, entry: InboxEntry) -> list[Event]:
        """Begins anew at the log's end: what was before is not read. Returns the events that are new in this state."""
        self.messages.clear()
        self._waiting.clear()
        self.last_message = _message(entry.last_message) if entry.last_message else None
        self.first_seq = entry.last_seq + 1
        released = self.cursor.skip_to(entry.last_seq)
        self.snapshot(entry)
        self.is_stale = False
        self._earlier = entry.unread_count
        return self._apply(released)

    def heard(self, receipt: Receipt) -> None:
        """Takes how far a member has come."""
        known = self.receipts.get(receipt.user_id)
        before = known.read_up_to if known else 0
        self.receipts[receipt.user_id] = Receipt(
            user_id=receipt.user_id,
            delivered_up_to=max(receipt.delivered_up_to, known.delivered_up_to if known else 0),
            read_up_to=max(receipt.read_up_to, before),
            marked_unread=receipt.marked_unread,
        )
        if receipt.user_id != self.me or receipt.read_up_to <= before:
            return
        self._waiting = {name: seq for name, seq in self._waiting.items() if seq > receipt.read_up_to}
        if receipt.read_up_to >= self.first_seq - 1:
            self._earlier = 0
        elif self._earlier:
            self.is_stale = True

    # What events do

    def _apply(self, events: list[Event]) -> list[Event]:
        for event in events:
            self.last_activity_at = event.at
            if (message := _message(event)) is not None:
                self._sent(message)
            elif (rule := _RULES.get(event.kind)) is not None:
                rule(self, event)
        return events

    def _is_unread(self, message: Message) -> bool:
        return message.author_id != self.me and not message.deleted and message.seq > self.receipt.read_up_to

    def _sent(self, message: Message) -> None:
        self.messages[message.message_id] = self.last_message = message
        if len(self.messages) > MOST_MESSAGES:
            oldest = next(iter(self.messages.values()))
            del self.messages[oldest.message_id]
            self._earlier += 1 if self._waiting.pop(oldest.message_id, None) else 0
            self.first_seq = oldest.seq + 1
        if self._is_unread(message):
            self._waiting[message.message_id] = message.seq

    def _edited(self, event: Event) -> None:
        for message in self._known(event.message_id):
            if event.data.get("deleted"):
                message.delete()
                self._waiting.pop(event.message_id, None)
            else:
                message.edit(event.body, event.at)

    def _deleted(self, event: Event) -> None:
        known = self.messages.get(event.message_id)
        if self._earlier and (known is None or known.deleted):
            # Perhaps it was one of those that wait; also when an older page, which is as of now, has told it before.
            self.is_stale = True
        for message in self._known(event.message_id):
            message.delete()
        self._waiting.pop(event.message_id, None)

    def _reacted(self, event: Event) -> None:
        mine = event.kind == "reaction.added" if event.actor_id == self.me else None
        for message in self._known(event.message_id):
            message.react(event.data["emoji"], event.data["count"], mine)

    def _known(self, message_id: str) -> Iterator[Message]:
        if (message := self.messages.get(message_id)) is not None:
            yield message
        if (last := self.last_message) is not None and last is not message and last.message_id == message_id:
            yield last

    def _created(self, event: Event) -> None:
        self.kind, self.title = event.data["kind"], event.data["title"]
        self._joined(event)

    def _joined(self, event: Event) -> None:
        for member in event.data["members"]:
            if member["user_id"] == self.me:
                self.joined = True
            if member["user_id"] not in self.members:
                self.member_count += 1
            self.members[member["user_id"]] = member["role"]

    def _gone(self, user_id: str) -> None:
        self.member_count = max(0, self.member_count - 1)
        self.members.pop(user_id, None)
        if user_id == self.me:
            self.joined = False

    def _removed(self, event: Event) -> None:
        self._gone(event.data["user_id"])

    def _left(self, event: Event) -> None:
        self._gone(event.actor_id)
        if owner := event.data.get("new_owner_id"):
            self.members[owner] = "owner"

    def _role_changed(self, event: Event) -> None:
        self.members[event.data["user_id"]] = event.data["role"]

    def _renamed(self, event: Event) -> None:
        self.title = event.data["title"]


_RULES = {
    "message.edited": Talk._edited,
    "message.deleted": Talk._deleted,
    "reaction.added": Talk._reacted,
    "reaction.removed": Talk._reacted,
    "conversation.created": Talk._created,
    "conversation.renamed": Talk._renamed,
    "members.added": Talk._joined,
    "member.removed": Talk._removed,
    "member.left": Talk._left,
    "role.changed": Talk._role_changed,
}


def _message(event: Event) -> Message | None:
    if event.kind != "message.sent":
        return None
    data = event.data
    edited_at = data.get("edited_at")
    message = Message(
        message_id=event.message_id,
        seq=event.seq,
        author_id=event.actor_id,
        at=event.at,
        body=event.body,
        client_message_id=str(data.get("client_message_id", "")),
        reply_to=data.get("reply_to"),
        edited_at=datetime.fromisoformat(edited_at) if edited_at else None,
        attachments=list(data.get("attachments", ())),
    )
    for given in data.get("reactions", ()):
        message.react(given["emoji"], given["count"], given["mine"])
    if data.get("deleted"):
        message.delete()
    return message


class View:
    """All conversations of a person, and the presence of those whom they watch.

    Args:
        me: whose view this is.
    """

    def __init__(self, me: str = "") -> None:
        self.me = me
        self.epoch = ""
        self.is_loaded = False
        self.presences: dict[str, Presence] = {}
        """Those who are watched (`Client.watch`), by id, as they were seen last."""
        self._talks: dict[str, Talk] = {}

    def __iter__(self) -> Iterator[Talk]:
        """The conversations that the person is in, newest activity first."""
        talks = [talk for talk in self._talks.values() if talk.joined]
        talks.sort(key=lambda talk: (talk.last_activity_at is not None, talk.last_activity_at), reverse=True)
        return iter(talks)

    def __getitem__(self, conversation_id: str) -> Talk:
        """A conversation. Raises KeyError."""
        return self._talks[conversation_id]

    def get(self, conversation_id: str) -> Talk | None:
        """A conversation, if it is known."""
        return self._talks.get(conversation_id)

    @property
    def unread_count(self) -> int:
        """Messages that wait to be read, in all conversations."""
        return sum(talk.unread_count for talk in self)

    def positions(self) -> Mapping[str, int]:
        """What to resume from: conversation id to the last `seq` held, newest activity first."""
        return {talk.conversation_id: talk.last_seq for talk in self}

    def load(self, entries: Iterable[InboxEntry], epoch: str) -> None:
        """Takes one's conversations from the server; what is known already goes on from where it is."""
        self.epoch = epoch
        self.is_loaded = True
        for entry in entries:
            talk = self._talks.get(entry.conversation_id)
            if talk is None:
                self._talk(entry.conversation_id).restart(entry)
            else:
                talk.snapshot(entry)

    def offer(self, event: Event) -> Talk:
        """Takes an event that arrived. Returns its conversation, which may have a gap or be stale now."""
        talk = self._talk(event.conversation_id)
        talk.offer(event)
        return talk

    def reach(self, conversation_id: str, last_seq: int) -> bool:
        """Takes where a conversation's log ends. True when there is something to read until there."""
        talk = self._talk(conversation_id)
        talk.cursor.miss(last_seq)
        return talk.gap is not None

    def heard(self, conversation_id: str, receipt: Receipt) -> None:
        """Takes how far a member has come."""
        if talk := self._talks.get(conversation_id):
            talk.heard(receipt)

    def saw(self, presences: Iterable[Presence], *, instead: bool) -> list[Presence]:
        """Takes how people are seen: all who are watched now, `instead` of those before, or news of some of them.

        Returns:
            Those who are seen otherwise than before.
        """
        known = self.presences
        if instead:
            self.presences = {one.user_id: one for one in presences}
            return [one for one in self.presences.values() if known.get(one.user_id) != one]
        changed = [one for one in presences if one.user_id in known and known[one.user_id] != one]
        known.update((one.user_id, one) for one in changed)
        return changed

    def forget(self, conversation_id: str) -> None:
        """Drops a conversation that the person is not in."""
        self._talks.pop(conversation_id, None)

    def clear(self) -> None:
        """Drops everything: the log was restored, or somebody else is logged in."""
        self._talks.clear()
        self.is_loaded = False

    def _talk(self, conversation_id: str) -> Talk:
        talk = self._talks.get(conversation_id)
        if talk is None:
            talk = self._talks[conversation_id] = Talk(conversation_id, self.me, Cursor(0, MOST_HELD), first_seq=1)
        return talk
