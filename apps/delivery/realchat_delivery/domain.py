"""The rules of delivery, without I/O.

Invariants, with the tests that break when they go (tests/unit/delivery/test_merge.py, test_rules.py):
- a socket gets each event of a conversation at most once, in the order of `seq`, and none is left out between
  the first and the last, whatever order, duplicates and losses the lanes have;
- nobody gets an event outside the spans of their membership.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from enum import Enum
from typing import Generic, NamedTuple, Protocol, TypeVar


class Numbered(Protocol):
    """An event's place in its log."""

    @property
    def conversation_id(self) -> str: ...
    @property
    def seq(self) -> int: ...


E = TypeVar("E", bound=Numbered)


class Verdict(Enum):
    """What happens to an event that reaches a socket."""

    SEND = "send"
    DROP = "drop"
    HOLD = "hold"


class Missing(NamedTuple):
    """A range of the log to be read before a socket can go on. Both ends belong to it."""

    conversation_id: str
    first_seq: int
    last_seq: int


class Merge(Generic[E]):
    """Makes one ordered stream per conversation, for one socket, out of whatever arrives.

    The cursor of a conversation is the last seq that was sent, or that the client said it holds. A conversation
    without a cursor starts at the first event seen. After a gap, events are held until `fill` brings what the log
    has; during a catch-up (`hold` to `release`) all are.
    """

    def __init__(self) -> None:
        self._cursors: dict[str, int] = {}
        self._held: dict[str, dict[int, E]] = {}
        self._catching_up = False
        self.held = 0
        """How many events are held."""

    @property
    def cursors(self) -> Mapping[str, int]:
        """Conversation id to cursor."""
        return self._cursors

    def offer(self, event: E) -> Verdict | Missing:
        """Takes an event that arrived. Missing means HOLD, and asks for `fill` with that range."""
        conversation_id, seq = event.conversation_id, event.seq
        held = self._held.get(conversation_id)
        if held is None and not self._catching_up:
            cursor = self._cursors.get(conversation_id, seq - 1)
            if seq == cursor + 1:
                self._cursors[conversation_id] = seq
                return Verdict.SEND
            if seq <= cursor:
                return Verdict.DROP
            self._held[conversation_id] = {seq: event}
            self.held += 1
            return Missing(conversation_id, cursor + 1, seq - 1)
        if seq <= self._cursors.get(conversation_id, 0) or (held and seq in held):
            return Verdict.DROP
        self._held.setdefault(conversation_id, {})[seq] = event
        self.held += 1
        return Verdict.HOLD

    def fill(self, missing: Missing, events: Iterable[E]) -> tuple[list[E], Missing | None]:
        """Takes what the log has of a range: all of it that the user may read.

        Returns:
            What to send now, in order, and the next range to ask for, if any.
        """
        conversation_id = missing.conversation_id
        cursor = self._cursors.get(conversation_id, 0)
        # During a catch-up the log is being read anyway; and an answer that came too late fits nowhere.
        if conversation_id not in self._held or self._catching_up or missing.first_seq > cursor + 1:
            return [], None
        sent = [event for event in events if cursor < event.seq <= missing.last_seq]
        self._cursors[conversation_id] = max(cursor, missing.last_seq)
        released, gap = self._release(conversation_id)
        return sent + released, gap

    def hold(self) -> None:
        """Begins a catch-up: from now on everything is held."""
        self._catching_up = True

    def place(self, conversation_id: str, seq: int) -> None:
        """Sets a cursor: up to there everything was sent, or the client gets it by other ways."""
        self._cursors[conversation_id] = seq

    def forget(self, conversation_id: str) -> None:
        """Removes a cursor."""
        self._cursors.pop(conversation_id, None)

    def release(self) -> tuple[list[E], list[Missing]]:
        """Ends a catch-up.

        Returns:
            What to send now, in order, and the ranges to ask for.
        """
        self._catching_up = False
        sent: list[E] = []
        gaps: list[Missing] = []
        for conversation_id in list(self._held):
            released, gap = self._release(conversation_id)
            sent += released
            if gap:
                gaps.append(gap)
        return sent, gaps

    def _release(self, conversation_id: str) -> tuple[list[E], Missing | None]:
        held = self._held.pop(conversation_id)
        self.held -= len(held)
        sent: list[E] = []
        for seq in sorted(held):
            cursor = self._cursors.get(conversation_id, seq - 1)
            if seq > cursor + 1:
                self._held[conversation_id] = rest = {later: held[later] for later in held if later >= seq}
                self.held += len(rest)
                return sent, Missing(conversation_id, cursor + 1, seq - 1)
            if seq == cursor + 1:
                sent.append(held[seq])
                self._cursors[conversation_id] = seq
        return sent, None


class Reader(NamedTuple):
    """A span of a log that somebody may read; `until_seq` is 0 while they are a member."""

    user_id: str
    from_seq: int
    until_seq: int


class Recipients(NamedTuple):
    """Who gets a run of events: all of it, or, for those who joined or left meanwhile, a part."""

    whole: Collection[str]
    partial: Collection[Reader] = ()


@dataclass(frozen=True, slots=True)
class Audience:
    """Who may read which events of a conversation."""

    members_seq: int
    """The version: the seq of the newest change of membership in it."""
    members: frozenset[str]
    settled_seq: int
    """From this seq on, exactly the members read everything."""
    spans: Mapping[str, tuple[Reader, ...]]
    apart: bool = False
    """Two, of whom one has blocked the other: neither is told that the other types."""

    @classmethod
    def of(cls, members_seq: int, readers: Iterable[Reader], *, apart: bool = False) -> Audience:
        """An audience from its spans; a user may have several."""
        members: set[str] = set()
        spans: dict[str, tuple[Reader, ...]] = {}
        settled_seq = 0
        for reader in readers:
            spans[reader.user_id] = (*spans.get(reader.user_id, ()), reader)
            if reader.until_seq:
                settled_seq = max(settled_seq, reader.until_seq + 1)
            else:
                settled_seq = max(settled_seq, reader.from_seq)
                members.add(reader.user_id)
        return cls(members_seq, frozenset(members), settled_seq, spans, apart)

    def may_read(self, user_id: str, seq: int) -> bool:
        """Whether a user gets an event."""
        return any(
            span.from_seq <= seq and (span.until_seq == 0 or seq <= span.until_seq)
            for span in self.spans.get(user_id, ())
        )

    def recipients(self, first_seq: int, last_seq: int) -> Recipients:
        """Who gets the events first_seq to last_seq."""
        if first_seq >= self.settled_seq:
            return Recipients(self.members)
        whole: list[str] = []
        partial: list[Reader] = []
        for user_id, spans in self.spans.items():
            for span in spans:
                low = max(span.from_seq, first_seq)
                high = min(span.until_seq or last_seq, last_seq)
                if (low, high) == (first_seq, last_seq):
                    whole.append(user_id)
                elif low <= high:
                    partial.append(Reader(user_id, low, high))
        return Recipients(whole, partial)


TYPING_SECONDS = 6.0
"""How long somebody is shown as typing after the last `start`."""
TYPING_PACE_SECONDS = 2.0
TYPING_PLACES = 8
"""Conversations that one device types in at the same time."""


class TypingPace:
    """Which of the things that one device says of typing are told: what comes too often, or changes nothing, is not."""

    def __init__(self) -> None:
        self._started: dict[str, float] = {}
        self._typing: set[str] = set()

    def tells(self, conversation_id: str, *, starts: bool, now: float) -> bool:
        """Whether this is told; `now` in seconds of a monotonic clock."""
        if not starts:
            told = conversation_id in self._typing
            self._typing.discard(conversation_id)
            return told
        self._started = {place: at for place, at in self._started.items() if now - at < TYPING_SECONDS}
        self._typing &= self._started.keys()
        last = self._started.get(conversation_id)
        too_soon = last is not None and now - last < TYPING_PACE_SECONDS
        too_many = last is None and len(self._started) >= TYPING_PLACES
        if too_soon or too_many:
            return False
        self._started[conversation_id] = now
        self._typing.add(conversation_id)
        return True


class TokenBucket:
    """A rate limit with a burst.

    Args:
        per_second: tokens that come each second.
        burst: tokens at most, and at the start.
        now: seconds of a monotonic clock.
    """

    __slots__ = ("_at", "_burst", "_per_second", "_tokens")

    def __init__(self, per_second: float, burst: float, now: float) -> None:
        self._per_second = per_second
        self._burst = burst
        self._tokens = burst
        self._at = now

    def take(self, now: float) -> float:
        """Takes a token and returns 0, or takes none and returns the seconds until there is one."""
        self._tokens = min(self._burst, self._tokens + (now - self._at) * self._per_second)
        self._at = now
        if self._tokens >= 1:
            self._tokens -= 1
            return 0.0
        return (1 - self._tokens) / self._per_second
