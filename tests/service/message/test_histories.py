"""Random histories of a conversation, against a simple model and against clients that miss much."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from realchat_message.acts import Act, Delete, Edit, Pin, React
from realchat_message.domain import Appended, Intent, NewMessage
from realchat_message.log import ConversationLog
from realchat_message.receipts import Mark, Receipts
from service.message.room import ALICE, BOB, CAROL, Room, creation, joining, removal
from service.message.test_receipts import News, entry
from support.fold import Event, fold

from chat.event.v1 import event_pb2 as pb
from realchat_common.ids import new_id
from realchat_common.wire import event_json

PEOPLE = [ALICE, BOB, CAROL]
EMOJIS = ["👍", "❤️"]


class Step(NamedTuple):
    """Something that somebody does, or a moment in which they are connected; `which` chooses a message or a seq."""

    what: str
    who: str
    which: int
    mentions: frozenset[str]
    flag: bool


@dataclass
class Said:
    """A message, as its author knows it."""

    message_id: str
    seq: int
    author: str
    mentions: frozenset[str]
    mention_all: bool
    deleted: bool = False


@dataclass
class Model:
    """All that somebody could see, and how far they have come."""

    last_seq: int = 1
    members: set[str] = field(default_factory=lambda: set(PEOPLE))
    seen: dict[str, set[int]] = field(default_factory=lambda: {person: {1} for person in PEOPLE})
    read: dict[str, int] = field(default_factory=lambda: dict.fromkeys(PEOPLE, 0))
    messages: list[Said] = field(default_factory=list)

    def intent(self, step: Step) -> Intent | Act | None:
        """What is asked of the log; None for what makes no sense."""
        if step.what in ("join", "leave"):
            if step.who == ALICE or (step.what == "join") == (step.who in self.members):
                return None
            return joining(step.who) if step.what == "join" else removal(step.who)
        if step.what == "send":
            reply_to = self.messages[step.which % len(self.messages)].message_id if step.flag and self.messages else ""
            return NewMessage(step.who, new_id(), "hello", reply_to, mentions=step.mentions, mention_all=step.flag)
        if not self.messages:
            return None
        message_id = self.messages[step.which % len(self.messages)].message_id
        acts: dict[str, Act] = {
            "edit": Edit(step.who, message_id, f"edited {step.which}", step.mentions, step.flag),
            "delete": Delete(step.who, message_id),
            "react": React(step.who, message_id, EMOJIS[step.which % 2], step.flag),
            "pin": Pin(step.who, message_id, step.flag),
        }
        return acts[step.what]

    def happened(self, step: Step, intent: Intent | Act, at: Appended) -> None:
        """The log took it."""
        self.last_seq = at.seq
        if step.what == "join":
            self.members.add(step.who)
        for member in self.members:
            self.seen[member].add(at.seq)
        if step.what == "leave":
            self.members.discard(step.who)
        mentions = step.mentions & self.members
        if isinstance(intent, NewMessage):
            self.messages.append(Said(at.event_id, at.seq, step.who, mentions, step.flag))
        elif isinstance(intent, Edit | Delete):
            (message,) = (each for each in self.messages if each.message_id == intent.message_id)
            message.mentions, message.mention_all = mentions, step.flag
            message.deleted = isinstance(intent, Delete)

    def counts(self, who: str) -> tuple[int, int]:
        """What waits to be read, and how much of it mentions them."""
        unread = [
            message
            for message in self.messages
            if message.seq in self.seen[who]
            and message.seq > self.read[who]
            and message.author != who
            and not message.deleted
        ]
        return len(unread), sum(who in message.mentions or message.mention_all for message in unread)


@dataclass
class Device:
    """A client of somebody's, and the events that it holds."""

    room: Room
    conversation: str
    who: str
    held: dict[int, Event] = field(default_factory=dict)

    @property
    def cursor(self) -> int:
        return max(self.held, default=0)

    async def takes(self, events: Iterable[pb.Event]) -> None:
        """Events after those held. Who was added again may have missed what nobody tells them: they begin anew."""
        for event in events:
            self.held[event.seq] = event_json(event)
            if self.who in {member.user_id for member in event.members_added.members}:
                self.held.clear()
                await self.pages(0, backwards=True)
                return

    async def pages(self, after: int, *, backwards: bool) -> None:
        """Pages through what history has beyond a seq."""
        missed: dict[int, pb.Event] = {}
        more, at = True, None if backwards else after
        while more:
            page = await self.room.store.history(self.conversation, self.who, "before" if backwards else "after", at, 3)
            missed |= {event.seq: event for event in page.events if event.seq > after}
            at = page.events[0 if backwards else -1].seq if page.events else None
            more = page.has_more and at is not None and (not backwards or at > after)
        if after:
            await self.takes(missed[seq] for seq in sorted(missed))
        else:
            self.held |= {seq: event_json(event) for seq, event in missed.items()}

    async def resumes(self, *, backwards: bool) -> None:
        """Asks for what it missed; where that is much, pages."""
        (synced,) = await self.room.store.sync({self.conversation: self.cursor}, self.who, 4)
        if synced.truncated:
            await self.pages(self.cursor, backwards=backwards)
        elif not synced.forbidden:
            await self.takes(synced.events)

    def shows(self) -> object:
        return fold(self.held.values(), self.who)


steps = st.builds(
    Step,
    st.sampled_from(["send", "send", "edit", "delete", "react", "react", "pin", "read", "leave", "join", "connect"]),
    st.sampled_from(PEOPLE),
    st.integers(0, 30),
    st.frozensets(st.sampled_from(PEOPLE), max_size=2),
    st.booleans(),
)


async def live(room: Room, model: Model, devices: Iterable[Device]) -> None:
    """Events on their way to those who are connected and may read them."""
    for segment in room.lane.segments:
        for event in segment.events:
            for device in devices:
                if event.seq in model.seen[device.who]:
                    await device.takes([event])
    room.lane.segments.clear()


async def begun(log: ConversationLog) -> str:
    conversation = new_id()
    created = creation(conversation, *PEOPLE)
    created.event.conversation_created.members[0].role = pb.ROLE_OWNER
    await log.append(conversation, [created])
    return conversation


@given(st.lists(steps, max_size=40))
@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
async def test_counts_equal_the_log_and_who_missed_any_events_ends_as_who_missed_none(
    room: Room, history: Sequence[Step]
) -> None:
    model, receipts = Model(), Receipts(room.pool, News())
    async with room.writer() as log:
        conversation = await begun(log)
        always = {who: Device(room, conversation, who) for who in PEOPLE}
        sometimes = {who: Device(room, conversation, who) for who in PEOPLE}
        await live(room, model, always.values())
        for step in history:
            if step.what == "connect":
                await sometimes[step.who].resumes(backwards=step.flag)
            elif step.what == "read":
                if step.who in model.members:
                    model.read[step.who] = max(model.read[step.who], min(step.which, model.last_seq))
                await receipts.move({(conversation, step.who): Mark(read_up_to=step.which)})
            elif (intent := model.intent(step)) is not None:
                (outcome,) = await log.append(conversation, [intent])
                if isinstance(outcome, Appended) and not outcome.duplicate:
                    model.happened(step, intent, outcome)
                await live(room, model, always.values())
    for who in model.members:
        found = await entry(room, who, conversation)
        assert (found.unread_count, found.mention_count) == model.counts(who)
        assert found.receipt.read_up_to == model.read[who]
        await sometimes[who].resumes(backwards=True)
        fresh = Device(room, conversation, who)
        await fresh.pages(0, backwards=False)
        assert always[who].shows() == sometimes[who].shows() == fresh.shows()
