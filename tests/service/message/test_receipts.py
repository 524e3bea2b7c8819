"""Receipts and unread counts on a real PostgreSQL."""

from __future__ import annotations

import pytest
from realchat_message.receipts import Mark, Receipts
from service.message.room import ALICE, BOB, CAROL, Room, begun, hello, joining, removal

from chat.event.v1 import event_pb2 as pb
from chat.message.v1 import message_pb2
from realchat_common.errors import Code, RealChatError
from realchat_common.ids import new_id


class News:
    """A lane that only remembers."""

    def __init__(self) -> None:
        self.moved: list[pb.ReceiptsMoved] = []

    def offer(self, moved: pb.ReceiptsMoved) -> None:
        self.moved.append(moved)


@pytest.fixture
def news() -> News:
    return News()


@pytest.fixture
def receipts(room: Room, news: News) -> Receipts:
    return Receipts(room.pool, news)


async def moved(receipts: Receipts, conversation: str, user: str, mark: Mark) -> tuple[int, int]:
    receipt = (await receipts.move({(conversation, user): mark}))[conversation, user]
    return receipt.delivered_up_to, receipt.read_up_to


async def entry(room: Room, user: str, conversation: str) -> message_pb2.InboxEntry:
    entries, _ = await room.store.inbox(user, 50, None)
    return next(entry for entry in entries if entry.conversation_id == conversation)


async def test_a_receipt_never_goes_back_and_is_never_beyond_the_end(room: Room, receipts: Receipts) -> None:
    async with room.writer() as log:
        conversation = await begun(log, ALICE, BOB)
        await log.append(conversation, [hello() for _ in range(4)])
    assert await moved(receipts, conversation, BOB, Mark(3, 2)) == (3, 2)
    assert await moved(receipts, conversation, BOB, Mark(1, 1)) == (3, 2)
    assert await moved(receipts, conversation, BOB, Mark(read_up_to=4)) == (4, 4)
    assert await moved(receipts, conversation, BOB, Mark(read_up_to=2**53)) == (5, 5)


async def test_only_members_receipts_move(room: Room, receipts: Receipts) -> None:
    async with room.writer() as log:
        conversation = await begun(log, ALICE, BOB)
        await log.append(conversation, [hello(), removal(BOB)])
    asked = {(conversation, who): Mark(2, 2) for who in (ALICE, BOB, CAROL)} | {(new_id(), ALICE): Mark(1, 1)}
    assert set(await receipts.move(asked)) == {(conversation, ALICE)}
    assert await room.pool.fetchval("SELECT count(*) FROM receipt") == 1


async def test_what_moved_is_told_and_what_did_not_is_not(room: Room, receipts: Receipts, news: News) -> None:
    async with room.writer() as log:
        conversation = await begun(log, ALICE, BOB)
        await log.append(conversation, [hello()])
    for _ in range(3):
        await receipts.move({(conversation, BOB): Mark(2, 2)})
    (told,) = news.moved
    assert (told.conversation_id, told.members_seq) == (conversation, 1)
    assert list(told.receipts) == [pb.Receipt(user_id=BOB, delivered_up_to=2, read_up_to=2)]


async def test_a_mark_as_unread_lasts_until_the_next_reading(room: Room, receipts: Receipts) -> None:
    async with room.writer() as log:
        conversation = await begun(log, ALICE, BOB)
        await log.append(conversation, [hello()])
    await receipts.move({(conversation, BOB): Mark(2, 2)})
    await receipts.move({(conversation, BOB): Mark(marked_unread=True)})
    await receipts.move({(conversation, BOB): Mark(delivered_up_to=2)})
    assert (await entry(room, BOB, conversation)).receipt.marked_unread
    listed, _ = await room.store.receipts(conversation, ALICE, 50, "")
    assert not any(receipt.marked_unread for receipt in listed)
    await receipts.move({(conversation, BOB): Mark(read_up_to=2)})
    assert not (await entry(room, BOB, conversation)).receipt.marked_unread


async def test_who_has_got_and_read_a_message_is_told_to_members(room: Room, receipts: Receipts) -> None:
    async with room.writer() as log:
        conversation = await begun(log, ALICE, BOB, CAROL)
        await log.append(conversation, [hello(ALICE)])
    message = (await room.store.history(conversation, ALICE, "after", 1, 1)).events[0].event_id
    await receipts.move(
        {(conversation, ALICE): Mark(2, 2), (conversation, BOB): Mark(2, 2), (conversation, CAROL): Mark(2, 1)}
    )
    answer = await room.store.message_receipts(conversation, message, BOB)
    assert (sorted(answer.delivered_to), list(answer.read_by)) == (sorted([BOB, CAROL]), [BOB])
    for conversation_id, message_id, code in (
        (new_id(), message, Code.CONVERSATION_NOT_FOUND),
        (conversation, new_id(), Code.MESSAGE_NOT_FOUND),
    ):
        with pytest.raises(RealChatError) as refused:
            await room.store.message_receipts(conversation_id, message_id, BOB)
        assert refused.value.code is code


async def test_who_read_a_message_left_and_came_back_has_read_it(room: Room, receipts: Receipts) -> None:
    async with room.writer() as log:
        conversation = await begun(log, ALICE, BOB)
        await log.append(conversation, [hello(ALICE)])
        message = (await room.store.history(conversation, ALICE, "after", 1, 1)).events[0].event_id
        await receipts.move({(conversation, BOB): Mark(2, 2)})
        await log.append(conversation, [removal(BOB), hello(ALICE), joining(BOB)])
    answer = await room.store.message_receipts(conversation, message, ALICE)
    assert list(answer.read_by) == [BOB]
    missed = (await room.store.history(conversation, ALICE, "after", 3, 1)).events[0].event_id
    await receipts.move({(conversation, BOB): Mark(5, 5)})
    assert not (await room.store.message_receipts(conversation, missed, ALICE)).read_by


async def test_receipts_are_listed_in_pages(room: Room, receipts: Receipts) -> None:
    async with room.writer() as log:
        conversation = await begun(log, ALICE, BOB, CAROL)
    await receipts.move({(conversation, BOB): Mark(1, 1)})
    first, last = await room.store.receipts(conversation, ALICE, 2, "")
    rest, end = await room.store.receipts(conversation, ALICE, 2, last)
    assert [receipt.user_id for receipt in [*first, *rest]] == sorted([ALICE, BOB, CAROL])
    assert {receipt.user_id: receipt.read_up_to for receipt in [*first, *rest]} == {ALICE: 0, BOB: 1, CAROL: 0}
    assert end == ""
