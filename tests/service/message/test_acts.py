"""Edits and deletions on a real PostgreSQL: what is read, and what is nowhere any more."""

from __future__ import annotations

import random
from typing import Any

import pytest
from realchat_message.acts import Delete, Edit
from realchat_message.domain import Appended, NewMessage
from realchat_message.erasure import Eraser
from service.message.room import ALICE, BOB, Room, begun, code, hello, removal, said, seq

from chat.event.v1 import event_pb2 as pb
from realchat_common.errors import Code, RealChatError
from realchat_common.wire import event_json


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
    edits = await room.store.edits(conversation, message, ALICE)
    assert [revision.body for revision in edits.revisions] == ["first", "second", "third"]
    with pytest.raises(RealChatError) as refused:
        await room.store.edits(conversation, message, BOB)
    assert refused.value.code is Code.PERMISSION_DENIED
    await room.pool.execute("UPDATE member SET role = $1 WHERE user_id = $2", pb.ROLE_ADMIN, BOB)
    assert await room.store.edits(conversation, message, BOB) == edits


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
    assert not (await room.store.edits(conversation, message, ALICE)).revisions
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
        await room.store.hide(conversation, message, BOB)
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


def fold(state: dict[str, dict[str, Any]], event: dict[str, Any]) -> None:
    """A client: what each message says, of all the events it came to know, in the order of their seq."""
    data = event["data"]
    match event["kind"]:
        case "message.sent":
            state[data["message_id"]] = {"body": data["body"], "deleted": data["deleted"], "at": data["edited_at"]}
        case "message.edited":
            state[data["message_id"]] |= {
                "body": data["body"],
                "deleted": data["deleted"],
                "at": None if data["deleted"] else event["at"],
            }
        case "message.deleted":
            state[data["message_id"]] |= {"body": "", "deleted": True, "at": None}


@pytest.mark.parametrize("seed", range(5))
async def test_who_missed_any_events_ends_as_who_missed_none(room: Room, seed: int) -> None:
    chance = random.Random(seed)
    async with room.writer() as log:
        conversation = await begun(log, ALICE, BOB)
        always: dict[str, dict[str, Any]] = {}
        sometimes: dict[str, dict[str, Any]] = {}
        held = 1
        messages: list[tuple[str, str]] = []
        for step in range(60):
            who = chance.choice([ALICE, BOB])
            own = [message for author, message in messages if author == who]
            what = chance.choice(["send", "send", "edit", "edit", "delete"]) if own else "send"
            if what == "send":
                messages.append((who, await said(log, conversation, f"message {step}", who)))
            elif what == "edit":
                await log.append(conversation, [Edit(who, chance.choice(own), f"edit {step}")])
            else:
                await log.append(conversation, [Delete(who, chance.choice(own))])
            if room.lane.segments:
                for segment in room.lane.segments:  # as they went to Kafka
                    for event in segment.events:
                        fold(always, event_json(event))
                room.lane.segments.clear()
            if chance.random() < 0.2 or step == 59:  # connected for a moment: resumes from what it holds
                (synced,) = await room.store.sync({conversation: held}, BOB, 500)
                for event in synced.events:
                    fold(sometimes, event_json(event))
                held = synced.last_seq
    fresh: dict[str, dict[str, Any]] = {}
    for event in await everything(room, conversation, BOB):
        fold(fresh, event_json(event))
    assert always == sometimes == fresh
