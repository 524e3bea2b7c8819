"""Jumps into a conversation's history on a real PostgreSQL."""

from __future__ import annotations

import random

import pytest
from realchat_message.acts import Delete
from realchat_message.receipts import Mark, Receipts
from service.message.room import ALICE, BOB, CAROL, Room, begun, hello, said
from service.message.test_receipts import News

from realchat_common.errors import Code, RealChatError


async def test_history_jumps_to_a_date_and_to_the_first_unread_message(room: Room) -> None:
    async with room.writer() as log:
        conversation = await begun(log, ALICE, BOB)
        await log.append(conversation, [hello() for _ in range(20)])
        deleted = await said(log, conversation, "gone")
        unread = await said(log, conversation, "read me")
        await log.append(conversation, [Delete(ALICE, deleted), hello(BOB)])
    await room.pool.execute("UPDATE entry SET occurred_at_ms = 1000 * ((seq + 1) / 2)")  # two at a time
    for at_ms in random.Random(3).sample(range(-5, 15_000), 60):
        expected = min((seq for seq in range(1, 26) if 1000 * ((seq + 1) // 2) >= at_ms), default=26)
        assert await room.store.seq_at(conversation, BOB, at_ms) == expected
    await Receipts(room.pool, News()).move({(conversation, BOB): Mark(read_up_to=21)})
    first = await room.store.first_unread(conversation, BOB)
    page = await room.store.history(conversation, BOB, "after", first - 1, 1)
    assert page.events[0].event_id == unread
    await Receipts(room.pool, News()).move({(conversation, BOB): Mark(read_up_to=24)})
    assert await room.store.first_unread(conversation, BOB) == 25
    for asked in (room.store.seq_at(conversation, CAROL, 0), room.store.first_unread(conversation, CAROL)):
        with pytest.raises(RealChatError) as refused:
            await asked
        assert refused.value.code is Code.CONVERSATION_NOT_FOUND
