"""Reactions on a real PostgreSQL."""

from __future__ import annotations

import asyncio

import pytest
from realchat_message.acts import Delete, React
from service.message.room import ALICE, BOB, CAROL, Room, begun, code, joining, said, seq

from chat.event.v1 import event_pb2 as pb
from realchat_common.errors import Code, RealChatError

UP, HEART = "👍", "❤️"


def shown(event: pb.Event) -> list[tuple[str, int, bool]]:
    return [(each.emoji, each.count, each.mine) for each in event.message_sent.reactions]


async def test_history_shows_the_counts_of_now_and_a_list_who_gave_them(room: Room) -> None:
    async with room.writer() as log:
        conversation = await begun(log, ALICE, BOB, CAROL)
        message = await said(log, conversation, "hello")
        for who, emoji in ((BOB, UP), (CAROL, HEART), (ALICE, UP), (BOB, UP)):
            await log.append(conversation, [React(who, message, emoji)])
        await log.append(conversation, [React(BOB, message, UP, remove=True)])
    events = (await room.store.history(conversation, CAROL, "after", 0, 200)).events
    assert [event.seq for event in events] == [1, 2, 3, 4, 5, 6]
    assert shown(events[1]) == [(HEART, 1, True), (UP, 1, False)]
    assert [event.reaction_added.count for event in events[2:5]] == [1, 1, 1]
    assert (events[5].actor_id, events[5].reaction_removed) == (
        BOB,
        pb.ReactionRemoved(message_id=message, emoji=UP, count=1),
    )
    (synced,) = await room.store.sync({conversation: 1}, CAROL, 10)
    assert list(synced.events)[1:] == events[2:]
    first, after = await room.details.reactions(conversation, message, BOB, "", 1, 0)
    second, end = await room.details.reactions(conversation, message, BOB, "", 1, after)
    assert [(each.user_id, each.emoji) for each in (*first, *second)] == [(CAROL, HEART), (ALICE, UP)]
    assert end == 0
    only, _ = await room.details.reactions(conversation, message, BOB, HEART, 50, 0)
    assert only == first


async def test_reactions_are_gone_when_the_message_is_deleted_for_everyone(room: Room) -> None:
    async with room.writer() as log:
        conversation = await begun(log, ALICE, BOB)
        message = await said(log, conversation, "hello")
        await log.append(conversation, [React(BOB, message, UP)])
        await log.append(conversation, [Delete(ALICE, message)])
        (late,) = await log.append(conversation, [React(BOB, message, HEART)])
    assert code(late) is Code.MESSAGE_NOT_FOUND
    _, sent, added, _ = (await room.store.history(conversation, BOB, "after", 0, 200)).events
    assert (shown(sent), added.reaction_added.count) == ([], 0)
    assert await room.details.reactions(conversation, message, BOB, "", 50, 0) == ([], 0)
    assert await room.pool.fetchval("SELECT count(*) FROM reaction") == 0


async def test_a_storm_of_the_same_reaction_counts_once_each(room: Room) -> None:
    async with room.writer() as log:
        conversation = await begun(log, ALICE, BOB)
        message = await said(log, conversation, "hello")
        storm = (log.append(conversation, [React(who, message, UP)]) for who in (ALICE, BOB) for _ in range(10))
        outcomes = [outcome for (outcome,) in await asyncio.gather(*storm)]
    assert {seq(outcome) for outcome in outcomes} == {2, 3, 4}  # those that were so already have the message's
    (event,) = (await room.store.history(conversation, BOB, "before", 3, 1)).events
    assert shown(event) == [(UP, 2, True)]


async def test_reactions_to_a_message_that_one_may_not_read_are_not_listed(room: Room) -> None:
    async with room.writer() as log:
        conversation = await begun(log, ALICE)
        message = await said(log, conversation, "hello")
        await log.append(conversation, [joining(BOB)])
        (refused,) = await log.append(conversation, [React(BOB, message, UP)])
    assert code(refused) is Code.MESSAGE_NOT_FOUND
    for who, why in ((BOB, Code.MESSAGE_NOT_FOUND), (CAROL, Code.CONVERSATION_NOT_FOUND)):
        with pytest.raises(RealChatError) as unseen:
            await room.details.reactions(conversation, message, who, "", 50, 0)
        assert unseen.value.code is why
