"""What people let others do and see: the rules, without I/O."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum

from realchat_profile.relations import Relation


class Audience(IntEnum):
    """Numbers as in chat.profile.v1.Audience."""

    EVERYONE = 1
    CONTACTS = 2
    NOBODY = 3

    def has(self, relation: Relation) -> bool:
        """Whether somebody is of it, by what they are to whom the setting belongs. Who is blocked never is."""
        if relation.blocked_by or self is Audience.NOBODY:
            return False
        return self is Audience.EVERYONE or relation.contacts


@dataclass(frozen=True, slots=True)
class Privacy:
    """Somebody's settings."""

    last_seen: Audience = Audience.EVERYONE
    """Who sees when they were here last."""
    receipts: Audience = Audience.EVERYONE
    """Who sees what they have got and read."""
    direct: Audience = Audience.EVERYONE
    """Who may start a direct conversation with them."""
    groups: Audience = Audience.EVERYONE
    """Who may add them to groups."""
