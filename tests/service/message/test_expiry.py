"""Messages that end at a time, on a real PostgreSQL: by a timer and by a retention."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest
from realchat_message.erasure import Eraser
from realchat_message.expiry import STEP, Expiry
from realchat_message.log import ConversationLog
from service.message.room import ALICE, BOB, CAROL, Room, begun, direct, hello, removal, said

from chat.event.v1 import event_pb2
from realchat_common.errors import Code, RealChatError
from realchat_common.ids import new_id, now_ms

HOUR, DAY = 3_600, 86_400
HOURS = 3_600_000


@pytest.fixture
async def log(room: Room) -> AsyncIterator[ConversationLog]:
    async with room.writer() as log:
        yield log


@pytest.fixture
def expiry(room: Room, log: ConversationLog) -> Expiry:
    return Expiry(room.pool, log)


async def group(room: Room, log: ConversationLog) -> str:
    """A group of which Alice is the owner."""
    conversation = await begun(log, ALICE, BOB)
    await room.pool.execute("UPDATE member SET role = $1 WHERE user_id = $2", event_pb2.ROLE_OWNER, ALICE)
    return conversation


async def left(room: Room, conversation: str) -> list[str]:
    """The bodies that are there."""
    events = (await room.store.history(conversation, ALICE, "after", 0, 200)).events
    return [e.message_sent.body for e in events if e.HasField("message_sent") and not e.message_sent.redacted]


async def expires(expiry: Expiry, at_ms: int) -> None:
    while await expiry.expire_due(at_ms):
        pass


async def refusal(asked: object) -> Code:
    with pytest.raises(RealChatError) as refused:
        await asked  # type: ignore[misc]
    return refused.value.code


async def test_messages_sent_under_a_timer_end_for_everyone_and_no_body_is_kept(
    room: Room, log: ConversationLog, expiry: Expiry
) -> None:
    conversation = await group(room, log)
    await said(log, conversation, "before")
    assert await expiry.set_timer(conversation, ALICE, HOUR) == 3
    await said(log, conversation, "treasure", BOB)
    await expires(expiry, now_ms() + HOURS - 5_000)
    assert await left(room, conversation) == ["before", "treasure"]
    await expires(expiry, now_ms() + HOURS)
    assert await left(room, conversation) == ["before"]
    ended = (await room.store.history(conversation, BOB, "after", 4, 10)).events
    assert [(e.actor_id, e.message_deleted.expired) for e in ended] == [(ALICE, True)]
    await Eraser(room.pool, room.shelf).erase()
    assert not any(b"treasure" in segment for segment in room.shelf.segments.values())
    assert any(b"before" in segment for segment in room.shelf.segments.values())


async def test_each_message_keeps_the_timer_that_it_was_sent_under(
    room: Room, log: ConversationLog, expiry: Expiry
) -> None:
    conversation = await group(room, log)
    await expiry.set_timer(conversation, ALICE, HOUR)
    await said(log, conversation, "an hour")
    await expiry.set_timer(conversation, ALICE, 3 * HOUR)
    await said(log, conversation, "three hours")
    await expiry.set_timer(conversation, ALICE, 0)
    await said(log, conversation, "for ever")
    start = now_ms()
    await expires(expiry, start + 2 * HOURS)
    assert await left(room, conversation) == ["three hours", "for ever"]
    await expires(expiry, start + 1_000 * HOURS)
    assert await left(room, conversation) == ["for ever"]
    assert await room.pool.fetchval("SELECT count(*) FROM expiry_work") == 0


async def test_a_retention_ends_what_is_older_also_what_was_there(
    room: Room, log: ConversationLog, expiry: Expiry
) -> None:
    conversation = await group(room, log)
    await log.append(conversation, [hello() for _ in range(STEP + 20)])
    await room.pool.execute("UPDATE entry SET occurred_at_ms = occurred_at_ms - $1 WHERE seq <= $2", 48 * HOURS, STEP)
    await expiry.set_retention(conversation, ALICE, 1)
    await expires(expiry, now_ms())
    assert len(await left(room, conversation)) == 21
    await expiry.set_retention(conversation, ALICE, 30)
    await expires(expiry, now_ms() + 25 * HOURS)
    assert len(await left(room, conversation)) == 21
    assert (await expiry.get(conversation, BOB)).retention_days == 30
    await expiry.set_retention(conversation, ALICE, 0)
    await expires(expiry, now_ms() + 10_000 * HOURS)
    assert len(await left(room, conversation)) == 21


async def test_replicas_end_each_message_once(room: Room, log: ConversationLog, expiry: Expiry) -> None:
    conversation = await group(room, log)
    await expiry.set_timer(conversation, ALICE, 1)
    await log.append(conversation, [hello() for _ in range(30)])
    async with room.writer() as elsewhere:
        later = now_ms() + 2_000
        await asyncio.gather(expires(expiry, later), expires(Expiry(room.pool, elsewhere), later))
    ended = await room.pool.fetchval("SELECT count(*) FROM entry WHERE target IS NOT NULL")
    assert (ended, await left(room, conversation)) == (30, [])


async def test_what_the_log_does_not_take_now_ends_in_the_next_round(
    room: Room, log: ConversationLog, expiry: Expiry
) -> None:
    conversation = await group(room, log)
    await expiry.set_timer(conversation, ALICE, 1)
    await said(log, conversation, "treasure")

    async def away() -> None:
        room.shelf.before = None
        raise RealChatError(Code.UNAVAILABLE)

    room.shelf.before = away
    await expires(expiry, now_ms() + 2_000)
    assert await left(room, conversation) == ["treasure"]
    await expires(expiry, now_ms() + 4_000)
    assert await left(room, conversation) == []


async def test_a_timer_is_for_administrators_and_in_a_direct_conversation_for_both(
    room: Room, log: ConversationLog, expiry: Expiry
) -> None:
    conversation = await group(room, log)
    assert await refusal(expiry.set_timer(conversation, BOB, HOUR)) is Code.PERMISSION_DENIED
    assert await refusal(expiry.set_retention(conversation, BOB, 1)) is Code.PERMISSION_DENIED
    assert await refusal(expiry.get(conversation, CAROL)) is Code.CONVERSATION_NOT_FOUND
    assert await refusal(expiry.set_timer(conversation, ALICE, -1)) is Code.INVALID_ARGUMENT
    assert await expiry.set_timer(conversation, ALICE, HOUR) > 0
    assert await expiry.set_timer(conversation, ALICE, HOUR) == 0
    await log.append(conversation, [removal(BOB)])
    assert await refusal(expiry.set_timer(conversation, BOB, 0)) is Code.CONVERSATION_NOT_FOUND
    of_two = new_id()
    await log.append(of_two, [direct(of_two, ALICE, BOB)])
    assert await expiry.set_timer(of_two, BOB, HOUR) > 0
    assert await expiry.set_timer(of_two, ALICE, 0) > 0
