"""Search over messages on a real PostgreSQL: who finds what, in which order."""

from __future__ import annotations

import pytest
from realchat_message.acts import Delete, Edit
from realchat_message.search import MessageSearch, Position, Search, parse_query
from service.message.room import ALICE, BOB, CAROL, Room, begun, joining, removal, said
from sqlalchemy.ext.asyncio import AsyncEngine

from realchat_common.database import migrate
from realchat_common.errors import Code, RealChatError
from realchat_common.ids import new_id, now_ms

LATER = 2**45


@pytest.fixture
def search(engine: AsyncEngine, room: Room) -> MessageSearch:
    return MessageSearch(engine)


async def found(search: MessageSearch, user: str, query: str, **where: object) -> list[str]:
    """The bodies of what somebody finds."""
    asked = Search(parse_query(query), **where)  # type: ignore[arg-type]
    hits, _ = await search.find(asked, user, 200, LATER, None)
    return [hit.message.message_sent.body for hit in hits]


async def test_words_phrases_and_beginnings_are_found_in_any_case(room: Room, search: MessageSearch) -> None:
    async with room.writer() as log:
        conversation = await begun(log, ALICE, BOB)
        for body in ("Why is a raven like a Writing-Desk?", "a desk for writing", "ΩMEGA и Ёлка"):
            await said(log, conversation, body)
    assert len(await found(search, BOB, "WRITING desk")) == 2
    assert await found(search, BOB, '"writing desk" raven') == ["Why is a raven like a Writing-Desk?"]
    assert await found(search, BOB, "rav*") == ["Why is a raven like a Writing-Desk?"]
    assert await found(search, BOB, "rav") == []
    assert await found(search, BOB, "ωmeg* ёлка") == ["ΩMEGA и Ёлка"]
    for odd in ("a:* | (b", "'quoted'", "back\\", "x & !y", "e-m*", "<b>*", "it's*", "²*", "'*x'*"):
        assert await found(search, BOB, odd) == []


async def test_only_what_one_may_read_now_is_found(room: Room, search: MessageSearch) -> None:
    async with room.writer() as log:
        conversation = await begun(log, ALICE, BOB)
        await said(log, conversation, "treasure one")
        await log.append(conversation, [removal(BOB)])
        await said(log, conversation, "treasure two")
        assert await found(search, BOB, "treasure") == []
        assert await found(search, CAROL, "treasure") == []
        await log.append(conversation, [joining(BOB)])
        three = await said(log, conversation, "treasure three")
        assert sorted(await found(search, BOB, "treasure")) == ["treasure one", "treasure three"]
        await room.details.hide(conversation, three, BOB)
    assert await found(search, BOB, "treasure") == ["treasure one"]
    assert len(await found(search, ALICE, "treasure")) == 3
    with pytest.raises(RealChatError) as refused:
        await found(search, CAROL, "treasure", conversation_ids=(conversation,))
    assert refused.value.code is Code.CONVERSATION_NOT_FOUND


async def test_edited_messages_are_found_as_they_are_and_deleted_ones_never(room: Room, search: MessageSearch) -> None:
    async with room.writer() as log:
        conversation = await begun(log, ALICE, BOB)
        edited, deleted = await said(log, conversation, "old words"), await said(log, conversation, "secret words")
        await log.append(conversation, [Edit(ALICE, edited, "new words")])
        await log.append(conversation, [Delete(ALICE, deleted)])
    assert await found(search, BOB, "old") == []
    assert await found(search, BOB, "words") == ["new words"]
    assert await found(search, BOB, "secret") == []


async def test_sender_time_and_conversation_narrow_a_search(room: Room, search: MessageSearch) -> None:
    async with room.writer() as log:
        first, second = await begun(log, ALICE, BOB), await begun(log, ALICE, BOB)
        await said(log, first, "tea from alice")
        await said(log, second, "tea from bob", BOB)
    assert await found(search, ALICE, "tea", sender_id=BOB) == ["tea from bob"]
    assert await found(search, ALICE, "tea", conversation_ids=(first,)) == ["tea from alice"]
    assert len(await found(search, ALICE, "tea", conversation_ids=(first, second))) == 2
    await room.pool.execute("UPDATE entry SET occurred_at_ms = 1000 WHERE body = 'tea from alice'")
    assert await found(search, ALICE, "tea", until_ms=1001) == ["tea from alice"]
    assert await found(search, ALICE, "tea", since_ms=1001) == ["tea from bob"]


async def test_the_best_come_first_then_the_newest_in_pages_without_gaps_or_repetitions(
    room: Room, search: MessageSearch
) -> None:
    async with room.writer() as log:
        conversation = await begun(log, ALICE, BOB)
        await said(log, conversation, "tea tea tea")
        bodies = [await said(log, conversation, "some tea") for _ in range(5)]
    asked = Search(parse_query("tea"))
    seen: list[str] = []
    position: Position | None = None
    for page in range(3):
        hits, position = await search.find(asked, BOB, 2, now_ms(), position)
        seen += [hit.message.event_id for hit in hits]
        assert (position is None) == (page == 2)
        async with room.writer() as log:  # what comes meanwhile does not push anything onto the next page
            await said(log, conversation, "tea tea tea tea")
    assert seen[1:] == list(reversed(bodies))
    assert len(set(seen)) == 6


async def test_the_index_goes_and_comes_back(engine: AsyncEngine, room: Room, search: MessageSearch) -> None:
    async with room.writer() as log:
        await said(log, await begun(log, ALICE), "tea")
    await migrate(engine, "realchat_message", "-1")
    await migrate(engine, "realchat_message")
    assert await found(search, ALICE, "tea") == ["tea"]
    assert await found(search, new_id(), "tea") == []


async def test_ones_own_messages_are_listed_also_of_where_one_has_left(room: Room, search: MessageSearch) -> None:
    async with room.writer() as log:
        left, here = sorted([await begun(log, ALICE, BOB), await begun(log, ALICE, BOB)])
        for conversation in (left, here):
            for sender in (BOB, ALICE, BOB):
                await said(log, conversation, f"of {sender}", sender)
        gone = await said(log, here, "gone", BOB)
        await log.append(here, [Delete(BOB, gone)])
        await log.append(left, [removal(BOB)])
    listed = await search.own(BOB, 200, None)
    assert [(event.conversation_id, event.message_sent.body) for event in listed] == [
        (conversation, f"of {BOB}") for conversation in (left, left, here, here)
    ]
    paged, after = [], None
    while page := await search.own(BOB, 1, after):
        paged += page
        after = (page[-1].conversation_id, page[-1].seq)
    assert paged == listed
    assert await search.own(CAROL, 200, None) == []
