"""A service's own PostgreSQL database: engine and migrations."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from contextlib import AbstractContextManager, asynccontextmanager, contextmanager
from importlib.resources import files
from typing import Any

import asyncpg
from alembic import command
from alembic.config import Config
from opentelemetry import trace
from prometheus_client import Gauge
from sqlalchemy import Connection, NullPool, QueuePool, event, text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as NoConnectionInTimeError
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine
from sqlmodel.ext.asyncio.session import AsyncSession
from tenacity import AsyncRetrying, retry_if_exception_type, stop_after_delay, wait_exponential_jitter

from realchat_common.errors import Code, RealChatError
from realchat_common.telemetry import client_span, log, tracer

STARTUP_SECONDS = 120
STATEMENT_SECONDS = 10
POOL = Gauge("realchat_pool_connections", "Connections to the database, by pool and state.", ("pool", "state"))

_LOCK = 7_274_283  # any number: migrations of one database run one at a time


def _attributes(query: str) -> dict[str, str]:
    return {"db.system.name": "postgresql", "db.query.text": query}  # values are not in it


def _statement_span(query: str) -> AbstractContextManager[object]:
    return client_span("postgresql", _attributes(query))


class TracedConnection(asyncpg.Connection):
    """A connection of a pool whose statements are spans where the trace is sampled."""

    async def execute(self, query: str, *args: Any, **options: Any) -> str:
        with _statement_span(query):
            return await super().execute(query, *args, **options)

    async def executemany(self, command: str, args: Any, **options: Any) -> None:
        with _statement_span(command):
            await super().executemany(command, args, **options)

    async def fetch(self, query: str, *args: Any, **options: Any) -> Any:
        with _statement_span(query):
            return await super().fetch(query, *args, **options)

    async def fetchrow(self, query: str, *args: Any, **options: Any) -> Any:
        with _statement_span(query):
            return await super().fetchrow(query, *args, **options)

    async def fetchval(self, query: str, *args: Any, **options: Any) -> Any:
        with _statement_span(query):
            return await super().fetchval(query, *args, **options)


def _trace_statements(engine: AsyncEngine) -> None:
    """Makes statements spans where the trace is sampled."""

    def begin(_: Any, __: Any, statement: str, ___: Any, context: Any, ____: bool) -> None:
        if trace.get_current_span().is_recording():
            context.span = tracer.start_span(
                "postgresql", kind=trace.SpanKind.CLIENT, attributes=_attributes(statement)
            )

    def end(_: Any, __: Any, ___: str, ____: Any, context: Any, _____: bool) -> None:
        if span := getattr(context, "span", None):
            span.end()

    def fail(failed: Any) -> None:
        if span := getattr(failed.execution_context, "span", None):
            span.set_status(trace.StatusCode.ERROR)
            span.end()

    event.listen(engine.sync_engine, "before_cursor_execute", begin)
    event.listen(engine.sync_engine, "after_cursor_execute", end)
    event.listen(engine.sync_engine, "handle_error", fail)


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
    _trace_statements(engine)
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
