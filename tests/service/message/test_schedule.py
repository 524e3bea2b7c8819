"""Messages that are sent at a time, on a real PostgreSQL."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence

import pytest
from realchat_message.attachments import LOOSE_MS, Attachments
from realchat_message.departed import Departed
from realchat_message.domain import NewMessage
from realchat_message.log import ConversationLog
from realchat_message.schedule import MOST_AHEAD_MS, MOST_SCHEDULED, Schedule
from service.message.room import ALICE, BOB, CAROL, Room, begun, code, joining, removal
from service.message.test_attachments import Folder, uploaded

from chat.message.v1 import schedule_pb2 as pb
from realchat_common.errors import Code, RealChatError
from realchat_common.ids import new_id, now_ms

NOW = 1_000_000_000
SOON = NOW + 60_000


@pytest.fixture
async def log(room: Room) -> AsyncIterator[ConversationLog]:
    async with room.writer() as log:
        yield log


@pytest.fixture
def schedule(room: Room, log: ConversationLog) -> Schedule:
    return Schedule(room.pool, log)


async def scheduled(
    schedule: Schedule,
    conversation: str,
    body: str = "later",
    user: str = ALICE,
    at_ms: int = SOON,
    files: Sequence[str] = (),
) -> str:
    asked = pb.Scheduled(
        scheduled_id=new_id(), conversation_id=conversation, body=body, send_at_ms=at_ms, attachment_ids=files
    )
    await schedule.add(asked, user, NOW)
    return asked.scheduled_id


async def bodies(room: Room, conversation: str) -> list[str]:
    events = (await room.store.history(conversation, ALICE, "after", 1, 200)).events
    return [event.message_sent.body for event in events if event.HasField("message_sent")]


async def refusal(asked: object) -> Code:
    with pytest.raises(RealChatError) as refused:
        await asked  # type: ignore[misc]
    return refused.value.code


async def test_a_scheduled_message_is_sent_at_its_time_once_across_replicas(
    room: Room, log: ConversationLog, schedule: Schedule
) -> None:
    conversation = await begun(log, ALICE, BOB)
    for body in ("one", "two", "three"):
        await scheduled(schedule, conversation, body)
    await scheduled(schedule, conversation, "tomorrow", at_ms=SOON + 86_400_000)
    assert await schedule.send_due(SOON - 1) == 0
    async with room.writer() as elsewhere:
        done = await asyncio.gather(schedule.send_due(SOON), Schedule(room.pool, elsewhere).send_due(SOON))
    assert sum(done) == 3
    assert sorted(await bodies(room, conversation)) == ["one", "three", "two"]
    waiting, _ = await schedule.list(ALICE, "", 50, None)
    assert [each.body for each in waiting] == ["tomorrow"]


async def test_a_crash_after_the_append_sends_nothing_twice(
    room: Room, log: ConversationLog, schedule: Schedule
) -> None:
    conversation = await begun(log, ALICE)
    await scheduled(schedule, conversation)
    row = dict((await room.pool.fetchrow("SELECT * FROM scheduled")) or {})
    await schedule.send_due(SOON)
    await room.pool.execute(  # as if its transaction had been lost
        "INSERT INTO scheduled (scheduled_id, conversation_id, sender_id, body, send_at_ms)"
        " VALUES ($1, $2, $3, $4, $5)",
        *(row[name] for name in ("scheduled_id", "conversation_id", "sender_id", "body", "send_at_ms")),
    )
    assert await schedule.send_due(SOON) == 1
    assert await bodies(room, conversation) == ["later"]


async def test_a_log_that_is_away_puts_sending_off(room: Room, log: ConversationLog, schedule: Schedule) -> None:
    conversation = await begun(log, ALICE)
    await scheduled(schedule, conversation)

    async def away() -> None:
        room.shelf.before = None
        raise RealChatError(Code.UNAVAILABLE)

    room.shelf.before = away
    assert await schedule.send_due(SOON) == 0
    assert await schedule.send_due(SOON) == 1
    assert await bodies(room, conversation) == ["later"]


async def test_a_cancelled_message_is_never_sent(room: Room, log: ConversationLog, schedule: Schedule) -> None:
    conversation = await begun(log, ALICE, BOB)
    message = await scheduled(schedule, conversation)
    assert await refusal(schedule.cancel(message, BOB, NOW)) is Code.SCHEDULED_NOT_FOUND
    await schedule.cancel(message, ALICE, NOW)
    assert await refusal(schedule.cancel(message, ALICE, NOW)) is Code.SCHEDULED_NOT_FOUND
    assert await schedule.send_due(SOON) == 0
    assert await bodies(room, conversation) == []


async def test_who_is_not_a_member_then_sends_nothing_and_learns_why(log: ConversationLog, schedule: Schedule) -> None:
    conversation = await begun(log, ALICE, BOB)
    await scheduled(schedule, conversation, user=BOB)
    await log.append(conversation, [removal(BOB)])
    assert await schedule.send_due(SOON) == 1
    assert await schedule.send_due(SOON) == 0
    ((failed,), _) = await schedule.list(BOB, conversation, 50, None)
    assert failed.failure == "conversation_not_found"


async def test_what_cannot_be_meant_is_refused(log: ConversationLog, schedule: Schedule) -> None:
    conversation = await begun(log, ALICE)
    for at_ms in (0, NOW, NOW + MOST_AHEAD_MS + 1):
        assert await refusal(scheduled(schedule, conversation, at_ms=at_ms)) is Code.INVALID_ARGUMENT
    assert await refusal(scheduled(schedule, conversation, user=CAROL)) is Code.CONVERSATION_NOT_FOUND
    for _ in range(MOST_SCHEDULED):
        await scheduled(schedule, conversation)
    assert await refusal(scheduled(schedule, conversation)) is Code.TOO_MANY_SCHEDULED
    first, last = await schedule.list(ALICE, conversation, 60, None)
    rest, end = await schedule.list(ALICE, conversation, 60, last)
    assert len({each.scheduled_id for each in (*first, *rest)}) == MOST_SCHEDULED
    assert end is None


@pytest.fixture
def attachments(room: Room) -> Attachments:
    return Attachments(room.pool, Folder())


async def files_of(room: Room, conversation: str) -> list[list[str]]:
    events = (await room.store.history(conversation, ALICE, "after", 1, 200)).events
    return [
        [each.attachment_id for each in event.message_sent.attachments]
        for event in events
        if event.HasField("message_sent")
    ]


async def test_a_scheduled_messages_files_are_kept_for_it_until_it_is_sent(
    room: Room, log: ConversationLog, schedule: Schedule, attachments: Attachments
) -> None:
    conversation = await begun(log, ALICE, BOB)
    first, second = [await uploaded(attachments, conversation) for _ in range(2)]
    message = await scheduled(schedule, conversation, "", files=[second, first])
    (waiting,), _ = await schedule.list(ALICE, "", 50, None)
    assert waiting.attachment_ids == [second, first]

    async def sends(own_id: str) -> object:
        (outcome,) = await log.append(conversation, [NewMessage(ALICE, own_id, "mine", attachment_ids=(first,))])
        return code(outcome)

    next_week = now_ms() + 7 * LOOSE_MS
    assert await attachments.remove(next_week) == 0
    assert await sends("another") is Code.ATTACHMENT_NOT_FOUND
    assert await refusal(scheduled(schedule, conversation, files=[first])) is Code.ATTACHMENT_NOT_FOUND
    assert await schedule.send_due(SOON) == 1
    assert await files_of(room, conversation) == [[second, first]]
    assert (await attachments.get(first, BOB)).attachment_id == first
    assert await attachments.remove(next_week) == 0
    assert await refusal(schedule.cancel(message, ALICE, NOW)) is Code.SCHEDULED_NOT_FOUND


async def test_only_ones_own_free_files_go_with_a_scheduled_message_or_nothing_is_scheduled(
    log: ConversationLog, schedule: Schedule, attachments: Attachments
) -> None:
    conversation, other = await begun(log, ALICE, BOB), await begun(log, ALICE, BOB)
    mine = await uploaded(attachments, conversation)
    foreign = [await uploaded(attachments, conversation, BOB), await uploaded(attachments, other), new_id()]
    for each in foreign:
        assert await refusal(scheduled(schedule, conversation, files=[mine, each])) is Code.ATTACHMENT_NOT_FOUND
    assert await schedule.list(ALICE, "", 50, None) == ([], None)
    await scheduled(schedule, conversation, files=[mine])


async def test_files_of_what_is_not_sent_are_free_again(
    log: ConversationLog, schedule: Schedule, attachments: Attachments
) -> None:
    conversation = await begun(log, ALICE, BOB)
    mine, bobs = await uploaded(attachments, conversation), await uploaded(attachments, conversation, BOB)
    cancelled = await scheduled(schedule, conversation, files=[mine])
    await schedule.cancel(cancelled, ALICE, NOW)
    await scheduled(schedule, conversation, user=BOB, files=[bobs])
    await log.append(conversation, [removal(BOB)])
    assert await schedule.send_due(SOON) == 1
    assert await attachments.remove(NOW + LOOSE_MS - 1) == 0
    await scheduled(schedule, conversation, files=[mine])
    assert await attachments.remove(SOON + LOOSE_MS) == 1
    assert await refusal(attachments.get(bobs, BOB)) is Code.ATTACHMENT_NOT_FOUND


async def test_nothing_scheduled_is_kept_of_somebody_whose_account_was_deleted(
    room: Room, log: ConversationLog, schedule: Schedule, attachments: Attachments
) -> None:
    conversation = await begun(log, ALICE, BOB)
    file, late = [await uploaded(attachments, conversation, BOB) for _ in range(2)]
    await scheduled(schedule, conversation, user=BOB, files=[file])
    await log.append(conversation, [removal(BOB)])
    await schedule.send_due(SOON)
    await log.append(conversation, [joining(BOB)])
    await scheduled(schedule, conversation, user=BOB, at_ms=SOON + 1)
    await scheduled(schedule, conversation, user=ALICE, at_ms=SOON + 1)
    await Departed(room.pool).forget(BOB, NOW)
    assert await schedule.list(BOB, "", 50, None) == ([], None)
    await scheduled(schedule, conversation, user=BOB, files=[late])  # asked for before, and slow
    await log.append(conversation, [removal(BOB)])
    assert await schedule.send_due(SOON + 1) == 2
    assert await room.pool.fetch("SELECT FROM scheduled") == []
    assert await attachments.remove(now_ms() + 7 * LOOSE_MS) == 2
    assert await bodies(room, conversation) == ["later"]
