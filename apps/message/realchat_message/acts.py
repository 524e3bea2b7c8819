"""What people do to messages that are in the log, without I/O.

Invariants, with the tests that break when they go (tests/unit/message/test_acts.py): only its author edits a message,
and within a day; only its author or an administrator deletes it; a message that is deleted never changes again; a
member gives a message an emoji once, and a message has a bounded number of different ones.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from chat.event.v1 import event_pb2 as pb
from realchat_common.errors import Code, RealChatError
from realchat_message import polls
from realchat_message.domain import ADMINISTRATORS, Appended, Head, OfMessage, Plan
from realchat_message.polls import ClosePoll, PollState, Vote

EDITABLE_MS = 24 * 3600 * 1000
"""How long after it was sent a message may be edited."""
MOST_PINS = 50
"""In one conversation."""
MOST_EMOJIS = 20
"""Different ones on one message."""


@dataclass(frozen=True, slots=True)
class Edit(OfMessage):
    """A new body of a message; `body` is normalised."""

    body: str
    mentions: frozenset[str] = frozenset()
    mention_all: bool = False

    @property
    def size(self) -> int:
        """About as many bytes as it takes in a segment."""
        return 4 * len(self.body) + 40 * len(self.mentions) + 200


@dataclass(frozen=True, slots=True)
class Delete(OfMessage):
    """The end of a message, for everyone."""


@dataclass(frozen=True, slots=True)
class React(OfMessage):
    """An emoji for a message, given or taken back; `emoji` is fully qualified."""

    emoji: str
    remove: bool = False


@dataclass(frozen=True, slots=True)
class Expire(OfMessage):
    """The end of a message whose time has come; the actor is who set that time, a member or not."""


@dataclass(frozen=True, slots=True)
class Pin(OfMessage):
    """A message shown to all who come, or no more."""

    remove: bool = False


Act = Edit | Delete | React | Pin | Expire | Vote | ClosePoll


@dataclass(frozen=True, slots=True)
class Given:
    """An emoji on a message: how many gave it, and who of those that act now."""

    count: int = 0
    actors: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Target:
    """A message as it now stands."""

    seq: int
    author_id: str
    sent_at_ms: int
    body: str
    deleted: bool
    mentions: frozenset[str] = frozenset()
    mention_all: bool = False
    reactions: Mapping[str, Given] = field(default_factory=dict)
    """Those that somebody gave, by emoji."""
    poll: PollState | None = None
    pinned: bool = False


@dataclass(frozen=True, slots=True)
class Board:
    """What of a conversation decides pins."""

    direct: bool = False
    pins: int = 0


@dataclass(frozen=True, slots=True)
class Actor:
    """A member: what they may do, and which spans of the log they may read, from and until; 0 while it lasts."""

    role: int
    spans: tuple[tuple[int, int], ...]

    def reads(self, seq: int) -> bool:
        """Whether they may read an event."""
        return any(first <= seq and (last == 0 or seq <= last) for first, last in self.spans)


def plan_acts(
    conversation_id: str,
    head: Head,
    acts: Sequence[Act],
    actors: Mapping[str, Actor],
    targets: Mapping[str, Target],
    board: Board,
    now_ms: int,
    new_id: Callable[[], str],
) -> Plan:
    """Decides a batch in the order it came.

    Args:
        conversation_id: the conversation.
        head: where its log ends; the first new event is `head.last_seq + 1`.
        acts: what is wanted.
        actors: those of the actors and of the mentioned who are members, by id.
        targets: those of the messages that are here, by id.
        board: of the conversation; of no matter when nobody pins.
        now_ms: the time of all new events.
        new_id: gives event ids.
    """
    result = Plan()
    standing = dict(targets)
    for act in (_of_members(act, actors) for act in acts):
        target = standing.get(act.message_id)
        refusal = _refusal(act, head, actors.get(act.actor_id), target, board, now_ms)
        if refusal or target is None:
            result.outcomes.append(refusal or RealChatError(Code.MESSAGE_NOT_FOUND))
            continue
        after = _after(act, target)
        if after == target:
            result.outcomes.append(Appended(act.message_id, target.seq, target.sent_at_ms, duplicate=True))
            continue
        standing[act.message_id] = after
        board = replace(board, pins=board.pins + after.pinned - target.pinned)
        event = _event(act, after)
        event.conversation_id, event.event_id, event.actor_id = conversation_id, new_id(), act.actor_id
        event.seq, event.occurred_at_ms = head.last_seq + len(result.events) + 1, now_ms
        result.events.append(event)
        result.outcomes.append(Appended(event.event_id, event.seq, now_ms))
    return result


def _of_members(act: Act, actors: Mapping[str, Actor]) -> Act:
    return replace(act, mentions=act.mentions & actors.keys()) if isinstance(act, Edit) else act


def _refusal(
    act: Act, head: Head, actor: Actor | None, target: Target | None, board: Board, now_ms: int
) -> RealChatError | None:
    if isinstance(act, Expire):
        return None  # without a message, there is nothing to do
    if actor is None:
        return RealChatError(Code.CONVERSATION_NOT_FOUND)
    if target is None or not actor.reads(target.seq):
        return RealChatError(Code.MESSAGE_NOT_FOUND)
    if head.apart and not isinstance(act, Delete):
        return RealChatError(Code.CONTACT_REFUSED)
    own, administrator = act.actor_id == target.author_id, actor.role in ADMINISTRATORS
    if not _allowed(act, target, board, own=own, administrator=administrator):
        return RealChatError(Code.PERMISSION_DENIED)
    if isinstance(act, Delete):
        return None
    if target.deleted:
        return RealChatError(Code.MESSAGE_NOT_FOUND)
    if isinstance(act, Vote | ClosePoll):
        return polls.refusal(act, target.poll, own=own, administrator=administrator)
    if isinstance(act, Edit) and now_ms - target.sent_at_ms > EDITABLE_MS:
        return RealChatError(Code.EDIT_TOO_LATE)
    if isinstance(act, React) and not act.remove and act.emoji not in target.reactions:
        return RealChatError(Code.TOO_MANY_REACTIONS) if len(target.reactions) >= MOST_EMOJIS else None
    if isinstance(act, Pin) and not act.remove and not target.pinned:
        return RealChatError(Code.TOO_MANY_PINS) if board.pins >= MOST_PINS else None
    return None


def _allowed(act: Act, target: Target, board: Board, *, own: bool, administrator: bool) -> bool:
    match act:
        case Delete():
            return own or administrator
        case Edit():
            return own and not target.poll  # what was voted on stays
        case Pin():
            return board.direct or administrator
        case _:
            return True


def _after(act: Act, target: Target) -> Target:
    match act:
        case Delete() | Expire():
            return Target(target.seq, target.author_id, target.sent_at_ms, body="", deleted=True)
        case Edit():
            return replace(target, body=act.body, mentions=act.mentions, mention_all=act.mention_all)
        case Vote() | ClosePoll():
            return replace(target, poll=target.poll.after(act)) if target.poll else target
        case React():
            return replace(target, reactions=_reactions_after(act, target.reactions))
        case Pin():
            return replace(target, pinned=not act.remove)


def _reactions_after(act: React, before: Mapping[str, Given]) -> Mapping[str, Given]:
    given = before.get(act.emoji, Given())
    if (act.actor_id in given.actors) != act.remove:
        return before
    if act.remove:
        given = Given(given.count - 1, given.actors - {act.actor_id})
    else:
        given = Given(given.count + 1, given.actors | {act.actor_id})
    others = {emoji: other for emoji, other in before.items() if emoji != act.emoji}
    return {**others, act.emoji: given} if given.count else others


def _event(act: Act, after: Target) -> pb.Event:
    match act:
        case Delete():
            return pb.Event(message_deleted=pb.MessageDeleted(message_id=act.message_id))
        case Expire():
            return pb.Event(message_deleted=pb.MessageDeleted(message_id=act.message_id, expired=True))
        case Vote() | ClosePoll():
            return polls.event_of(act)
        case Edit():
            edited = pb.MessageEdited(
                message_id=act.message_id,
                body=act.body,
                mentions=sorted(act.mentions),
                mention_all=act.mention_all,
            )
            return pb.Event(message_edited=edited)
        case React():
            count = after.reactions.get(act.emoji, Given()).count
            if act.remove:
                removed = pb.ReactionRemoved(message_id=act.message_id, emoji=act.emoji, count=count)
                return pb.Event(reaction_removed=removed)
            return pb.Event(reaction_added=pb.ReactionAdded(message_id=act.message_id, emoji=act.emoji, count=count))
        case Pin():
            if act.remove:
                return pb.Event(message_unpinned=pb.MessageUnpinned(message_id=act.message_id))
            return pb.Event(message_pinned=pb.MessagePinned(message_id=act.message_id))


def pinned_by(event: pb.Event) -> tuple[str, bool] | None:
    """The message that an event pins or unpins, and whether it is pinned then."""
    match event.WhichOneof("payload"):
        case "message_pinned":
            return event.message_pinned.message_id, True
        case "message_unpinned":
            return event.message_unpinned.message_id, False
        case _:
            return None


def target_of(event: pb.Event) -> str:
    """The message whose body an event changes, or empty."""
    match event.WhichOneof("payload"):
        case "message_edited":
            return event.message_edited.message_id
        case "message_deleted":
            return event.message_deleted.message_id
        case _:
            return ""


def reaction_of(event: pb.Event) -> pb.ReactionAdded | pb.ReactionRemoved | None:
    """The reaction that an event gives or takes back, if it does."""
    match event.WhichOneof("payload"):
        case "reaction_added":
            return event.reaction_added
        case "reaction_removed":
            return event.reaction_removed
        case _:
            return None


def without_body(event: pb.Event) -> pb.Event:
    """An event that edits a message, without what it says."""
    bare = pb.Event()
    bare.CopyFrom(event)
    bare.message_edited.CopyFrom(pb.MessageEdited(message_id=event.message_edited.message_id))
    return bare


def redacted(segment: pb.Segment, message_id: str) -> bool:
    """Takes the bodies of a message out of a segment. True when there was one."""
    found = False
    for event in segment.events:
        payload: pb.MessageSent | pb.MessageEdited
        if event.HasField("message_sent") and event.message_sent.message_id == message_id:
            payload = event.message_sent
        elif event.HasField("message_edited") and event.message_edited.message_id == message_id:
            payload = event.message_edited
        else:
            continue
        found = found or not payload.redacted
        payload.body, payload.redacted, payload.mention_all = "", True, False
        del payload.mentions[:]
        if isinstance(payload, pb.MessageSent):
            payload.ClearField("attachments")
            payload.ClearField("poll")
            payload.ClearField("forwarded_from")
    return found
