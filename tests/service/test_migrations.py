"""Each service's schema can be made, taken back to nothing and made again, and what is in it stays on the way."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import pytest
from service.rows import BOT, GROUP, ROWS, Row
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine
from stack import paths

from chat.profile.v1 import profile_pb2
from realchat_common.database import migrate, open_engine

FOLDERS = {folder.parent.name: folder for folder in (paths.ROOT / "apps").glob("*/realchat_*/migrations")}
PACKAGES = sorted(FOLDERS)
SCHEMA = {
    "columns": """
        SELECT table_name, column_name, data_type, is_nullable, column_default, generation_expression
        FROM information_schema.columns WHERE table_schema = 'public' AND table_name <> 'alembic_version'
    """,
    "indexes": "SELECT indexdef FROM pg_indexes WHERE schemaname = 'public' AND tablename <> 'alembic_version'",
    "constraints": """
        SELECT conrelid::regclass::text, conname, pg_get_constraintdef(oid) FROM pg_constraint
        WHERE connamespace = 'public'::regnamespace AND conname NOT LIKE 'alembic%'
    """,
    "functions": "SELECT proname, prosrc FROM pg_proc WHERE pronamespace = 'public'::regnamespace",
    "sequences": "SELECT sequence_name FROM information_schema.sequences WHERE sequence_schema = 'public'",
    "types": "SELECT typname FROM pg_type WHERE typnamespace = 'public'::regnamespace AND typname NOT LIKE '%alembic%'",
}


async def schema(engine: AsyncEngine) -> dict[str, set[tuple[object, ...]]]:
    async with engine.connect() as connection:
        return {kind: {tuple(row) for row in await connection.execute(text(query))} for kind, query in SCHEMA.items()}


@pytest.mark.parametrize("package", PACKAGES)
async def test_a_schema_goes_forward_back_to_nothing_and_forward_again(postgres_url: str, package: str) -> None:
    engine = open_engine(postgres_url)
    empty = await schema(engine)
    await migrate(engine, package)
    made = await schema(engine)
    assert made["columns"]
    await migrate(engine, package, "base")
    assert await schema(engine) == empty
    for _ in range(2):
        await migrate(engine, package)
        assert await schema(engine) == made
    await engine.dispose()


RENAMED = {"email_digest": "subject_digest"}
MADE_BY_MIGRATIONS = {"alembic_version", "epoch"}


def revisions(package: str) -> list[str]:
    return sorted(file.name.partition("_")[0] for file in FOLDERS[package].glob("[0-9]*.py"))


def named_as_now(row: Mapping[str, Any]) -> Row:
    return {RENAMED.get(column, column): value for column, value in row.items()}


async def put(engine: AsyncEngine, table: str, row: Row) -> None:
    columns = ", ".join(row)
    async with engine.begin() as connection:
        await connection.execute(
            text(
                f"INSERT INTO {table} ({columns})"
                f" SELECT {columns} FROM jsonb_populate_record(NULL::{table}, CAST(:row AS jsonb))"
            ),
            {"row": json.dumps(row)},
        )


async def rows(engine: AsyncEngine, table: str) -> list[Row]:
    async with engine.connect() as connection:
        found = await connection.execute(text(f"SELECT to_jsonb(found) FROM {table} AS found"))
        return [named_as_now(row) for (row,) in found]


async def kept(engine: AsyncEngine, package: str, revision: str) -> None:
    """Checks that whatever was put in up to a revision is there as it was."""
    for since, tables in ROWS[package].items():
        for table, row in tables.items() if since <= revision else ():
            wanted = named_as_now(row)
            found = await rows(engine, table)
            assert wanted in [{column: each[column] for column in wanted} for each in found], (revision, table)


@pytest.mark.parametrize("package", PACKAGES)
async def test_what_is_in_a_schema_stays_there_at_each_step_forward_and_back(postgres_url: str, package: str) -> None:
    engine = open_engine(postgres_url)
    steps = revisions(package)
    for revision in steps:
        await migrate(engine, package, revision)
        for table, row in ROWS[package].get(revision, {}).items():
            await put(engine, table, row)
        await kept(engine, package, revision)
    there = {str(table) for table, *_ in (await schema(engine))["columns"]}
    assert there - MADE_BY_MIGRATIONS == {table for tables in ROWS[package].values() for table in tables}
    for revision in reversed(steps[:-1]):
        await migrate(engine, package, "-1")
        await kept(engine, package, revision)
    await migrate(engine, package)
    await kept(engine, package, "0001")
    await engine.dispose()


async def test_bots_from_before_profiles_knew_of_them_are_told_of(postgres_url: str) -> None:
    engine = open_engine(postgres_url)
    await migrate(engine, "realchat_auth", "0007")
    await put(engine, "account", ROWS["realchat_auth"]["0001"]["account"])
    await put(engine, "bot", ROWS["realchat_auth"]["0005"]["bot"])
    await migrate(engine, "realchat_auth")
    (owed,) = await rows(engine, "owed")
    told = profile_pb2.CreateProfileRequest.FromString(bytes.fromhex(owed["payload"].removeprefix("\\x")))
    assert (owed["kind"], told.user_id, told.display_name, told.bot) == ("profile", BOT, "Weather", True)
    await engine.dispose()


async def test_conversations_with_bots_from_before_logs_were_followed_are_read_from_their_beginning(
    postgres_url: str,
) -> None:
    engine = open_engine(postgres_url)
    await migrate(engine, "realchat_auth", "0010")
    for revision, table in (("0001", "account"), ("0005", "bot"), ("0007", "bot_member")):
        await put(engine, table, ROWS["realchat_auth"][revision][table])
    await migrate(engine, "realchat_auth")
    assert await rows(engine, "followed") == [{"conversation_id": GROUP, "seq": 0}]
    await engine.dispose()
