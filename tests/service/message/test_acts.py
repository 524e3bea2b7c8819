"""Edits and deletions on a real PostgreSQL: what is read, and what is nowhere any more."""

from __future__ import annotations

import pytest
from realchat_message.acts import Delete, Edit
from realchat_message.domain import Appended, NewMessage
from realchat_message.erasure import Eraser
from service.message.room import ALICE, BOB, Room, begun, code, hello, removal, said, seq

from chat.event.v1 import event_pb2 as pb
from realchat_common.errors import Code, RealChatError


async def everything(room: Room, conversation: str, user: str) -> list[pb.Event]:
    return (await room.store.history(conversation, user, "after", 0, 200)).events


async def test_whoever_reads_an_edited_message_gets_what_it_says_now(room: Room) -> None:
    async with room.writer() as log:
        conversation = await begun(log, ALICE, BOB)
        message = await said(log, conversation, "first")
        for body in ("second", "third"):
            await log.append(conversation, [Edit(ALICE, message, body)])
    _, sent, once, twice = await everything(room, conversation, BOB)
    assert (sent.message_sent.body, sent.message_sent.edited_at_ms) == ("third", twice.occurred_at_ms)
    assert [event.message_edited.body for event in (once, twice)] == ["third", "third"]
    (synced,) = await room.store.sync({conversation: 2}, BOB, 10)
    assert list(synced.events) == [once, twice]
    assert list((await room.store.read_log(conversation, 2, 10)).events) == [sent, once, twice]


async def test_earlier_bodies_are_for_the_author_and_administrators(room: Room) -> None:
    async with room.writer() as log:
        conversation = await begun(log, ALICE, BOB)
        message = await said(log, conversation, "first")
        await log.append(conversation, [Edit(ALICE, message, "second")])
        await log.append(conversation, [Edit(ALICE, message, "third")])
    edits = await room.details.edits(conversation, message, ALICE)
    assert [revision.body for revision in edits.revisions] == ["first", "second", "third"]
    with pytest.raises(RealChatError) as refused:
        await room.details.edits(conversation, message, BOB)
    assert refused.value.code is Code.PERMISSION_DENIED
    await room.pool.execute("UPDATE member SET role = $1 WHERE user_id = $2", pb.ROLE_ADMIN, BOB)
    assert await room.details.edits(conversation, message, BOB) == edits


def holds(value: object, text: str) -> bool:
    return text.encode() in value if isinstance(value, bytes) else text in str(value)


async def found_in_tables(room: Room, text: str) -> list[str]:
    """The tables that have a text anywhere, in clear or as bytes."""
    found = []
    for (table,) in await room.pool.fetch("SELECT tablename FROM pg_tables WHERE schemaname = 'public'"):
        rows = await room.pool.fetch(f"SELECT * FROM {table}")
        if any(holds(value, text) for row in rows for value in row):
            found.append(table)
    return found


async def test_no_body_is_found_anywhere_after_a_deletion(room: Room) -> None:
    eraser = Eraser(room.pool, room.shelf)
    async with room.writer() as log:
        conversation = await begun(log, ALICE, BOB)
        message = await said(log, conversation, "treasure one", client_message_id="first")
        other = await said(log, conversation, "stays")
        await log.append(conversation, [Edit(ALICE, message, "treasure two")])
        assert await found_in_tables(room, "treasure")
        (deleted,) = await log.append(conversation, [Delete(ALICE, message)])
        await eraser.erase()
        assert await found_in_tables(room, "treasure") == []
        assert not any(b"treasure" in segment for segment in room.shelf.segments.values())
        assert any(b"stays" in segment for segment in room.shelf.segments.values())
        events = await everything(room, conversation, BOB)
        assert not any(b"treasure" in event.SerializeToString() for event in events)
        (again,) = await log.append(conversation, [NewMessage(ALICE, "first", "treasure three")])
        assert isinstance(again, Appended)
        assert again.duplicate  # also the sender's id of a deleted message is used up
    assert seq(deleted) == 5
    _, sent, stays, edited, _ = await everything(room, conversation, BOB)
    assert (sent.message_sent.redacted, edited.message_edited.redacted, sent.message_sent.body) == (True, True, "")
    assert stays.message_sent.message_id == other
    assert not (await room.details.edits(conversation, message, ALICE)).revisions
    assert await room.pool.fetchval("SELECT count(*) FROM redaction") == 0


async def test_a_deletion_that_a_crash_interrupted_is_finished_by_who_adopts_it(room: Room) -> None:
    async with room.writer() as log:
        conversation = await begun(log, ALICE, BOB)
        message = await said(log, conversation, "treasure")

        async def lose_answer() -> None:
            room.shelf.after = None
            raise RealChatError(Code.UNAVAILABLE)

        room.shelf.after = lose_answer
        (lost,) = await log.append(conversation, [Delete(ALICE, message)])
        assert code(lost) is Code.UNAVAILABLE
        await log.repair(conversation)
    await Eraser(room.pool, room.shelf).erase()
    assert await found_in_tables(room, "treasure") == []
    assert not any(b"treasure" in segment for segment in room.shelf.segments.values())


async def test_a_log_that_is_away_puts_erasing_off(room: Room) -> None:
    async with room.writer() as log:
        conversation = await begun(log, ALICE)
        message = await said(log, conversation, "treasure")
        await log.append(conversation, [Delete(ALICE, message)])
    segments = room.shelf.segments

    class Away:
        async def find(self, conversation_id: str, seq: int) -> pb.Segment | None:
            raise RealChatError(Code.UNAVAILABLE)

    with pytest.raises(RealChatError):
        await Eraser(room.pool, Away()).erase()  # type: ignore[arg-type]
    assert await room.pool.fetchval("SELECT count(*) FROM redaction") == 1
    await Eraser(room.pool, room.shelf).erase()
    assert not any(b"treasure" in segment for segment in segments.values())


async def test_a_hidden_message_is_gone_for_one_and_stays_for_the_others(room: Room) -> None:
    async with room.writer() as log:
        conversation = await begun(log, ALICE, BOB)
        message = await said(log, conversation, "embarrassing")
        await log.append(conversation, [hello()])
    for _ in range(2):
        await room.details.hide(conversation, message, BOB)
    assert [event.seq for event in await everything(room, conversation, BOB)] == [1, 3]
    assert [event.seq for event in await everything(room, conversation, ALICE)] == [1, 2, 3]
    entries, _ = await room.store.inbox(BOB, 1, None)
    assert entries[0].unread_count == 1


async def test_who_left_changes_nothing(room: Room) -> None:
    async with room.writer() as log:
        conversation = await begun(log, ALICE, BOB)
        message = await said(log, conversation, "mine", BOB)
        await log.append(conversation, [removal(BOB)])
        (refused,) = await log.append(conversation, [Edit(BOB, message, "yours")])
    assert code(refused) is Code.CONVERSATION_NOT_FOUND
