"""What tests said in confidence, and where logs repeat it."""

from __future__ import annotations

import random
import re
from collections.abc import Iterable
from pathlib import Path

SHORTEST = 12
"""Shorter texts are in logs by chance."""
MOST = 300
"""So many of all bodies are looked for: a log that repeats bodies repeats many."""

_PATTERNS = re.compile(rb"[\w.+-]+@example\.org|eyJ[\w-]{16,}\.eyJ[\w-]{16,}\.")
"""The addresses of everybody in the tests, and access tokens and assertions (JWTs)."""
_said: set[str] = set()


def confide(*texts: object) -> None:
    """Remembers passwords, tokens and bodies."""
    _said.update(text for text in texts if isinstance(text, str) and len(text) >= SHORTEST)


def said() -> list[str]:
    """Some of what was said, at most `MOST`, by chance."""
    return random.sample(sorted(_said), min(MOST, len(_said)))


def repeated(folder: Path, texts: Iterable[str]) -> list[str]:
    """What the logs in a folder repeat of these texts, or of addresses and tokens, with a bit of what is around."""
    needles = [text.encode() for text in texts]
    found = []
    for log in sorted(folder.glob("*.log*")):
        content = log.read_bytes()
        places = [match.start() for match in _PATTERNS.finditer(content)]
        places += [place for needle in needles if (place := content.find(needle)) >= 0]
        found += [f"{log.name}: {content[max(0, place - 80) : place + 80]!r}" for place in places[:5]]
    return found
