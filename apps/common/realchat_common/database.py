"""A service's own PostgreSQL database: engine and migrations."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from importlib.resources import files

import asyncpg
from alembic import command
from alembic.config import Config
from prometheus_client import Gauge
from sqlalchemy import Connection, NullPool, QueuePool, text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as NoConnectionInTimeError
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine
from sqlmodel.ext.asyncio.session import AsyncSession
from tenacity import AsyncRetrying, retry_if_exception_type, stop_after_delay, wait_exponential_jitter

from realchat_common.errors import Code, RealChatError
from realchat_common.telemetry import log

STARTUP_SECONDS = 120
STATEMENT_SECONDS = 10
POOL = Gauge("realchat_pool_connections", "Connections to the database, by pool and state.", ("pool", "state"))

_LOCK = 7_274_283  # any number: migrations of one database run one at a time


def open_engine(url: str, *, pool_size: int = 10) -> AsyncEngine:
    """An engine on asyncpg.

    Args:
        url: `postgresql://user:password@host:port/database`.
        pool_size: connections at most.
    """
    engine = create_async_engine(
        url.replace("postgresql://", "postgresql+asyncpg://", 1),
        pool_size=pool_size,
        max_overflow=0,
        pool_timeout=STATEMENT_SECONDS,
        pool_pre_ping=True,
        hide_parameters=True,  # errors go into logs, and parameters are addresses, bodies and digests
        connect_args={"timeout": 5, "command_timeout": STATEMENT_SECONDS},
    )
    if isinstance(engine.pool, QueuePool):
        POOL.labels("engine", "used").set_function(engine.pool.checkedout)
        POOL.labels("engine", "most").set(pool_size)
    return engine


@asynccontextmanager
async def transaction(engine: AsyncEngine) -> AsyncIterator[AsyncSession]:
    """A transaction, committed at the end. What was read stays readable afterwards.

    Raises:
        RealChatError: unavailable, when the database is away or too busy. It may have committed.
    """
    try:
        async with AsyncSession(engine, expire_on_commit=False) as session, session.begin():
            yield session
    except (OSError, asyncpg.PostgresError, NoConnectionInTimeError) as error:  # asyncpg's own: when connecting
        raise RealChatError(Code.UNAVAILABLE, "the database does not answer") from error
    except DBAPIError as error:
        if error.connection_invalidated:
            raise RealChatError(Code.UNAVAILABLE, "the database went away") from error
        raise


@contextmanager
def answering() -> Iterator[None]:
    """For statements on asyncpg itself. Raises unavailable when the database is away; they may have been done."""
    try:
        yield
    except (OSError, TimeoutError, asyncpg.PostgresError, asyncpg.InterfaceError) as error:
        raise RealChatError(Code.UNAVAILABLE, "the database does not answer") from error


async def ping(engine: AsyncEngine) -> None:
    """Raises when the database does not answer."""
    async with engine.connect() as connection:
        await connection.execute(text("SELECT 1"))


async def migrate(engine: AsyncEngine, package: str, revision: str = "head") -> None:
    """Brings the schema to a revision; replicas that start together wait for each other.

    Args:
        engine: the database.
        package: the service's package, which has a folder `migrations`.
        revision: an Alembic revision; a lower one goes back.
    """
    # Not the pool's connections: an index over many rows takes longer than a statement may there.
    patient = create_async_engine(engine.url, poolclass=NullPool, hide_parameters=True, connect_args={"timeout": 5})
    config = Config()
    config.set_main_option("script_location", str(files("realchat_common") / "alembic"))
    config.set_main_option("version_locations", str(files(package) / "migrations"))
    config.set_main_option("path_separator", "os")

    def run(connection: Connection) -> None:
        config.attributes["connection"] = connection
        connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _LOCK})
        if revision == "base" or revision.startswith("-"):
            command.downgrade(config, revision)
        else:
            command.upgrade(config, revision)

    async for attempt in AsyncRetrying(
        stop=stop_after_delay(STARTUP_SECONDS),
        wait=wait_exponential_jitter(multiplier=0.2, max=5),
        retry=retry_if_exception_type(OSError),
        reraise=True,
    ):
        with attempt:
            async with patient.begin() as connection:
                await connection.run_sync(run)
    log.info("migrated", package=package, revision=revision)
