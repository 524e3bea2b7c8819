"""Making a log's order out of whatever arrives: pure, per conversation and reader.

Invariant, with the tests that break when it goes (tests/unit/sdk/test_merge.py): what `offer` and `fill` return is,
taken together, each event that the reader may see, once, in the order of `seq`; and no more than a bound is held.
"""

from __future__ import annotations

from typing import NamedTuple

from realchat.models import Event, Page


class Gap(NamedTuple):
    """What is to be read from the log: everything after a `seq`; it goes at least to another."""

    after: int
    up_to: int


class Cursor:
    """A reader's place in a conversation's log.

    Args:
        last_seq: the last event that the reader has; 0 for none.
        most_held: events that wait behind a gap; those beyond are read from the log again.
    """

    __slots__ = ("_held", "_known", "_most_held", "last_seq")

    def __init__(self, last_seq: int, most_held: int) -> None:
        self.last_seq = last_seq
        self._known = last_seq
        self._held: dict[int, Event] = {}
        self._most_held = most_held

    @property
    def gap(self) -> Gap | None:
        """The page to read next: see `fill`."""
        return Gap(self.last_seq, self._known) if self._known > self.last_seq else None

    def offer(self, event: Event) -> list[Event]:
        """Takes an event that arrived.

        Returns:
            What is due now: nothing when it is old, or waits.
        """
        if event.seq == self.last_seq + 1:
            self.last_seq = event.seq
            return [event, *self._released()]
        if event.seq > self.last_seq:
            self.miss(event.seq)
            if len(self._held) < self._most_held:
                self._held[event.seq] = event
        return []

    def miss(self, seq: int) -> None:
        """Notes that the log goes to `seq` at least."""
        self._known = max(self._known, seq)

    def fill(self, gap: Gap, page: Page) -> list[Event]:
        """Takes the log's page after a gap's begin, asked for when the gap was seen.

        What is neither in it nor after it may not be read, and is passed over.

        Returns:
            What is due now.
        """
        due = [event for event in page.events if event.seq > self.last_seq]
        if due:
            self.last_seq = due[-1].seq
        if not (page.has_more and page.events):
            self.last_seq = max(self.last_seq, gap.up_to)
        return due + self._released()

    def skip_to(self, seq: int) -> list[Event]:
        """Gives up what there is until `seq`. Returns what is due now."""
        self.last_seq = max(self.last_seq, seq)
        return self._released()

    def _released(self) -> list[Event]:
        if not self._held:
            return []
        released = []
        for seq in sorted(self._held):
            if seq > self.last_seq + 1:
                break
            event = self._held.pop(seq)
            if seq > self.last_seq:
                self.last_seq = seq
                released.append(event)
        return released
