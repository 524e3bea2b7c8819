"""Each service's schema can be made, taken back to nothing and made again."""

from __future__ import annotations

import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine
from stack import paths

from realchat_common.database import migrate, open_engine

PACKAGES = sorted(folder.parent.name for folder in (paths.ROOT / "apps").glob("*/realchat_*/migrations"))
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
