"""Transactions of the conversation service."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import asyncpg
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as NoConnectionInTime
from sqlalchemy.ext.asyncio import AsyncEngine
from sqlmodel.ext.asyncio.session import AsyncSession

from realchat_common.errors import Code, RealChatError


@asynccontextmanager
async def transaction(engine: AsyncEngine) -> AsyncIterator[AsyncSession]:
    """A transaction, committed at the end.

    Raises:
        RealChatError: unavailable, when the database is away or too busy. It may have committed.
    """
    try:
        async with AsyncSession(engine, expire_on_commit=False) as session, session.begin():
            yield session
    except (OSError, asyncpg.PostgresError, NoConnectionInTime) as error:  # asyncpg's own come from connecting only
        raise RealChatError(Code.UNAVAILABLE, "the database does not answer") from error
    except DBAPIError as error:
        if error.connection_invalidated:
            raise RealChatError(Code.UNAVAILABLE, "the database went away") from error
        raise
