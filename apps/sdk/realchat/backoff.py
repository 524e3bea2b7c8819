"""How long to wait before the next try."""

from __future__ import annotations

import random

FIRST_SECONDS = 0.25
LONGEST_SECONDS = 30.0


def delay(attempt: int, at_least: float = 0.0, longest: float = LONGEST_SECONDS) -> float:
    """Seconds before a try, with full jitter, so that the clients of a server that went away do not return at once.

    Args:
        attempt: how many have failed, from 1.
        at_least: what the server asked for; the jitter comes on top of it.
        longest: the bound of the jitter.
    """
    most = min(longest, FIRST_SECONDS * 2 ** min(attempt - 1, 16))
    return at_least + random.uniform(0, most)  # noqa: S311 - no secret
