"""Where things are."""

from __future__ import annotations

import os
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
DEV = ROOT / "dev"


def cache() -> Path:
    """Tools that are downloaded or built once, outside the tree: they outlive a clone."""
    base = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(base) / "realchat"


def state(name: str) -> Path:
    """All that one stack writes, but for PostgreSQL's data where root cannot let it in (`postgres.py`)."""
    return ROOT / ".state" / name
