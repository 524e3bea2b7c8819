"""The message service on a real PostgreSQL."""

from __future__ import annotations

from collections.abc import AsyncIterator

import asyncpg
import pytest
from realchat_message.details import MessageDetails
from realchat_message.store import MessageStore
from service.message.room import Room
from sqlalchemy.ext.asyncio import AsyncEngine

from realchat_common.database import migrate, open_engine


@pytest.fixture
async def engine(postgres_url: str) -> AsyncIterator[AsyncEngine]:
    engine = open_engine(postgres_url)
    await migrate(engine, "realchat_message")
    yield engine
    await engine.dispose()


@pytest.fixture
async def room(postgres_url: str, engine: AsyncEngine) -> AsyncIterator[Room]:
    async with asyncpg.create_pool(postgres_url, min_size=1, max_size=10) as pool:
        yield Room(pool, MessageStore(engine), MessageDetails(engine))
