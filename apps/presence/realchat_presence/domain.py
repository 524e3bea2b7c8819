"""The rules of presence, without I/O."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum, auto

DEVICE_MS = 22_000
"""A heartbeat counts for so long: what crashed is gone after it, whoever crashed. Delivery beats every 7 s, and what
its clients were told is compared as often, so that everybody knows within 30 s."""
SAVE_EVERY_MS = 60_000
"""While a user is connected, their last seen is written once in this time, in case nobody says goodbye."""


class Status(Enum):
    """What others see of a user."""

    ONLINE = auto()
    AWAY = auto()
    OFFLINE = auto()


@dataclass(frozen=True, slots=True)
class Device:
    """One connection of a user; away when the person has not used it for a while."""

    user_id: str
    connection_id: str
    away: bool = False


@dataclass(frozen=True, slots=True)
class UserPresence:
    """A user's state, and when they were last connected (milliseconds; 0 when never, or while online)."""

    user_id: str
    status: Status
    last_seen_at_ms: int = 0


@dataclass(frozen=True, slots=True)
class Hidden:
    """A user whose state is not for the eyes of whoever asks."""

    user_id: str


def status_of(active: int, away: int) -> Status:
    """One state of many devices: the most present one speaks for the user.

    Args:
        active: living devices in use.
        away: living devices not in use.
    """
    if active:
        return Status.ONLINE
    return Status.AWAY if away else Status.OFFLINE
