"""The rules of polls, without I/O.

Invariants, with the tests that break when they go (tests/unit/message/test_polls.py): a member has one vote, for one
option or, where the poll allows it, several; a poll that is closed takes none; only its author or an administrator
closes it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from chat.event.v1 import event_pb2 as pb
from realchat_common.errors import Code, RealChatError
from realchat_common.text import clean_text
from realchat_message.domain import OfMessage

LEAST_OPTIONS, MOST_OPTIONS = 2, 12
MOST_OPTION_CHARACTERS = 200

Choices = tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Vote(OfMessage):
    """A member's answer to a poll; no choices take it back."""

    choices: Choices


@dataclass(frozen=True, slots=True)
class ClosePoll(OfMessage):
    """The end of a poll."""


@dataclass(frozen=True, slots=True)
class PollState:
    """A poll as it stands: its options, and the votes of those who act now."""

    options: int
    multiple: bool
    closed: bool
    votes: Mapping[str, Choices] = field(default_factory=dict)

    def after(self, act: Vote | ClosePoll) -> PollState:
        """What an act makes of it."""
        if isinstance(act, ClosePoll):
            return replace(self, closed=True)
        if self.votes.get(act.actor_id, ()) == act.choices:
            return self
        return replace(self, votes={**self.votes, act.actor_id: act.choices})


def refusal(act: Vote | ClosePoll, poll: PollState | None, *, own: bool, administrator: bool) -> RealChatError | None:
    """Why an act is refused, if it is. `own`: the actor made the poll."""
    if poll is None:
        return RealChatError(Code.MESSAGE_NOT_FOUND)
    if isinstance(act, ClosePoll):
        return None if own or administrator else RealChatError(Code.PERMISSION_DENIED)
    if poll.closed:
        return RealChatError(Code.POLL_CLOSED)
    if any(not 0 <= choice < poll.options for choice in act.choices) or (len(act.choices) > 1 and not poll.multiple):
        several = "one or several options" if poll.multiple else "one option"
        return RealChatError(Code.INVALID_ARGUMENT, f"a vote is for {several} of this poll", field="choices")
    return None


def event_of(act: Vote | ClosePoll) -> pb.Event:
    """The event that says what somebody did."""
    if isinstance(act, ClosePoll):
        return pb.Event(poll_closed=pb.PollClosed(message_id=act.message_id))
    return pb.Event(poll_voted=pb.PollVoted(message_id=act.message_id, choices=act.choices))


def check_options(texts: Sequence[str]) -> list[str]:
    """A poll's options, each a line in NFC. Raises invalid_argument."""
    options = [clean_text(text, "options", most=MOST_OPTION_CHARACTERS) for text in texts[: MOST_OPTIONS + 1]]
    if not LEAST_OPTIONS <= len(options) <= MOST_OPTIONS or len(set(options)) < len(options):
        raise RealChatError(
            Code.INVALID_ARGUMENT, f"a poll has {LEAST_OPTIONS} to {MOST_OPTIONS} different options", field="options"
        )
    return options


def check_choices(choices: Iterable[int]) -> Choices:
    """A vote in canonical form: each option once, in order."""
    return tuple(sorted(set(choices)))


def results(poll: pb.Poll, votes: Mapping[str, Sequence[int]], reader_id: str) -> None:
    """Puts into a poll what members have voted, and the reader among them."""
    counted = Counter(choice for choices in votes.values() for choice in choices)
    del poll.counts[:]
    poll.counts.extend(counted[option] for option in range(len(poll.options)))
    poll.voters = sum(bool(choices) for choices in votes.values())
    del poll.mine[:]
    poll.mine.extend(votes.get(reader_id, ()))
