"""Finding people."""

from __future__ import annotations

import pytest
from realchat_profile.store import Profile, ProfileStore
from service.profile.people import People
from sqlalchemy import event, text
from sqlalchemy.ext.asyncio import AsyncEngine

from realchat_common.errors import Code
from realchat_common.ids import encode_cursor


async def test_people_are_found_by_the_beginning_of_handle_or_name_in_any_case(people: People) -> None:
    ada = await people.joins("Ada Lovelace")
    await people.changes(ada.user_id, handle="countess")
    await people.joins("Adam")
    await people.joins("Bob Adams")
    assert await people.finds("ADA") == ["adam", "countess"]
    assert await people.finds("@count") == ["countess"]
    assert await people.finds("ada l") == ["countess"]
    assert await people.finds("lovelace") == []


async def test_search_knows_every_script(people: People) -> None:
    for name in ("ÉMILE Zola", "Ωmega", "李明", "Straße"):
        await people.joins(name)
    for prefix, names in (("émi", 1), ("E\u0301mi", 1), ("ωM", 1), ("李", 1), ("STRASS", 1)):
        assert len((await people.search(prefix)).profiles) == names


async def test_wildcards_mean_themselves(people: People) -> None:
    await people.joins("100% sure")
    await people.joins("1000 ways")
    under = await people.joins("Under Score")
    await people.changes(under.user_id, handle="a_b")
    other = await people.joins("Other")
    await people.changes(other.user_id, handle="axb")
    await people.joins("back\\slash")
    assert [p.display_name for p in (await people.search("100%")).profiles] == ["100% sure"]
    assert await people.finds("a_") == ["a_b"]
    assert await people.finds("%") == []
    assert [p.display_name for p in (await people.search("back\\")).profiles] == ["back\\slash"]


async def test_pages_follow_each_other_without_gaps_or_repetitions(people: People) -> None:
    for n in range(7):
        person = await people.joins(f"Ada {n}")
        if n % 2:
            await people.changes(person.user_id, handle=f"zz{n}")
    seen, cursor = [], ""
    while True:
        page = await people.search("ada", 3, cursor)
        seen += [profile.handle for profile in page.profiles]
        assert len(page.profiles) <= 3
        cursor = page.next_cursor
        if not cursor:
            break
    assert seen == ["ada.0", "ada.2", "ada.4", "ada.6", "zz1", "zz3", "zz5"]
    assert (await people.search("ada", 7)).next_cursor == ""


@pytest.mark.parametrize("prefix", ["", " ", "@", "x" * 65, "a\x00b"])
async def test_prefixes_that_make_no_sense_are_refused(people: People, prefix: str) -> None:
    refusal = await people.refused(people.search(prefix))
    assert (refusal.code, refusal.field) == (Code.INVALID_ARGUMENT, "prefix")


async def test_foreign_cursors_and_limits_are_refused(people: People) -> None:
    for cursor in ("x", "é", encode_cursor("\x00\x00\x00"), encode_cursor(5), encode_cursor("ada", "bob")):
        assert (await people.refused(people.search("a", cursor=cursor))).field == "cursor"
    for limit in (-1, 201):
        assert (await people.refused(people.search("a", limit))).field == "limit"


async def test_a_search_reads_indexes_only_where_it_looks(engine: AsyncEngine) -> None:
    statements: list[tuple[str, object]] = []
    event.listen(engine.sync_engine, "before_cursor_execute", lambda *args: statements.append((args[2], args[3])))
    async with engine.begin() as connection:
        await connection.execute(
            text(
                "INSERT INTO profile SELECT gen_random_uuid(), 'user' || n, 'Name ' || n, 'name ' || n, '', 0"
                " FROM generate_series(1, 20000) AS n"
            )
        )
        await connection.execute(text("ANALYZE profile"))
    found: list[Profile] = await ProfileStore(engine).search("user1999", "", 50)
    assert len(found) == 11
    statement, parameters = statements[-1]
    async with engine.connect() as connection:
        plan = await connection.exec_driver_sql(f"EXPLAIN {statement}", parameters)  # type: ignore[arg-type]
        lines = "\n".join(row[0] for row in plan)
    assert "Seq Scan" not in lines
    assert "profile_handle_key" in lines
    assert "profile_name" in lines
