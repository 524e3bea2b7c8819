"""The schema."""

from __future__ import annotations

from sqlalchemy import text

from realchat_common.database import migrate, open_engine


async def test_the_schema_goes_there_and_back(postgres_url: str) -> None:
    engine = open_engine(postgres_url)
    for revision in ("head", "base", "head", "head"):
        await migrate(engine, "realchat_auth", revision)
    async with engine.connect() as connection:
        assert (await connection.execute(text("SELECT count(*) FROM account"))).scalar_one() == 0
    await engine.dispose()
