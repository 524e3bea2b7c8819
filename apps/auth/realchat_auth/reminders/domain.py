"""Who is reminded of what, without I/O. Times are milliseconds since the Unix epoch."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

MOST_NAMED = 10
"""Conversations in one mail."""


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody whom a mail would reach."""

    user_id: str
    session_seen_ms: int
    """When one of their devices was last heard of by this service, which is every quarter of an hour at best."""
    reminded_at_ms: int | None = None
    read_mark: int | None = None
    """As it was then: another one after they have read anything."""

    def has_read_since(self, seen_ms: int, read_mark: int) -> bool:
        """Whether they have come back since the last reminder, if there was one, and read anything."""
        return self.reminded_at_ms is None or (seen_ms > self.reminded_at_ms and read_mark != self.read_mark)


@dataclass(frozen=True, slots=True)
class Place:
    """A conversation in which something waits: messages of one person, or in a group mentions."""

    conversation_id: str
    peer_id: str
    """Empty for a group."""
    count: int


@dataclass(frozen=True, slots=True)
class Waiting:
    """What waits for somebody, the newest activity first."""

    read_mark: int
    places: tuple[Place, ...]


def tell(places: Sequence[Place], titles: Mapping[str, str], names: Mapping[str, str]) -> list[str]:
    """What waits, in words: who and how many, and never what.

    Args:
        places: where something waits.
        titles: of groups, by conversation.
        names: of people, by their ids; who has none is not there any more.
    """
    lines = [_line(place, titles, names) for place in places[:MOST_NAMED]]
    more = len(places) - len(lines)
    return [*lines, f"and {more} more"] if more else lines


def _line(place: Place, titles: Mapping[str, str], names: Mapping[str, str]) -> str:
    what, whose = ("message", names.get(place.peer_id, "Somebody")) if place.peer_id else ("mention", "")
    return f"{whose or titles[place.conversation_id]}: {place.count} {what}{'s' if place.count > 1 else ''}"
