"""The rules of bots and their keys, without I/O."""

from __future__ import annotations

from collections.abc import Iterable

from realchat_auth.domain import DAY_MS
from realchat_common.errors import Code, RealChatError
from realchat_common.scopes import SCOPES

MOST_BOTS = 20
"""Of one owner."""
MOST_KEYS = 10
"""Of one bot, that go on."""
MOST_DAYS = 365
MOST_KEY_NAME_CHARACTERS = 64
USED_MS = 60_000
"""A key's last use is noted at most so often."""

KEY_PREFIX = "rck_"
"""Lets scanners for leaked secrets know a key."""
SHOWN_CHARACTERS = 12


def choose_scopes(asked: Iterable[str]) -> list[str]:
    """Scopes, each once. Raises invalid_argument for one that there is not, or for none at all."""
    scopes = sorted(set(asked))
    if not scopes or not SCOPES.issuperset(scopes):
        raise RealChatError(Code.INVALID_ARGUMENT, f"some of {', '.join(sorted(SCOPES))}", field="scopes")
    return scopes


def expiry(days: int, now_ms: int) -> int | None:
    """When a key expires, None if never. Raises invalid_argument."""
    if not 0 <= days <= MOST_DAYS:
        raise RealChatError(Code.INVALID_ARGUMENT, f"1 to {MOST_DAYS} days, or 0 for ever", field="days")
    return now_ms + days * DAY_MS if days else None
