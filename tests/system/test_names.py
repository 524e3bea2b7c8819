"""Sidecars find each other by registrations that expire; one that is renewed late is an application that is away."""

from __future__ import annotations

import asyncio
import sqlite3
from contextlib import closing

import pytest
import yaml
from stack import Stack, paths

pytestmark = pytest.mark.timeout(120)

CONFIGURATION = paths.ROOT / "components/config/realchat.yaml"
SPARE_SECONDS = 5
"""What a busy machine may delay a renewal by."""


async def test_registrations_are_renewed_long_before_they_expire(stack: Stack) -> None:
    resolution = yaml.safe_load(CONFIGURATION.read_text())["spec"]["nameResolution"]["configuration"]
    expire_after = int(resolution["updateInterval"].removesuffix("s"))
    oldest = 0
    with closing(sqlite3.connect(f"file:{stack.state / 'names.db'}?mode=ro", uri=True)) as names:
        for _ in range(4 * expire_after):
            (age,) = names.execute("SELECT max(unixepoch() - last_update) FROM hosts").fetchone()
            oldest = max(oldest, age)
            await asyncio.sleep(0.25)
    assert oldest + SPARE_SECONDS <= expire_after
