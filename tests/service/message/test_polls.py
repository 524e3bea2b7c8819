"""Polls on a real PostgreSQL: sent, answered, closed, deleted."""

from __future__ import annotations

import pytest
from realchat_message.acts import Delete
from realchat_message.domain import Appended, NewMessage
from realchat_message.erasure import Eraser
from realchat_message.log import ConversationLog
from realchat_message.polls import ClosePoll, Vote
from service.message.room import ALICE, BOB, CAROL, Room, begun, code, said

from chat.event.v1 import event_pb2 as pb
from realchat_common.errors import Code, RealChatError


async def asked(log: ConversationLog, conversation: str) -> str:
    poll = pb.Poll(options=["Earl Grey", "Darjeeling"])
    (sent,) = await log.append(conversation, [NewMessage(ALICE, "1", "Which tea?", poll=poll)])
    assert isinstance(sent, Appended)
    return sent.event_id


async def test_a_polls_votes_are_counted_where_it_is_read(room: Room) -> None:
    async with room.writer() as log:
        conversation = await begun(log, ALICE, BOB, CAROL)
        poll = await asked(log, conversation)
        for voter, choice in ((BOB, 0), (CAROL, 1), (ALICE, 1), (BOB, 1)):
            await log.append(conversation, [Vote(voter, poll, (choice,))])
        (unchanged,) = await log.append(conversation, [Vote(BOB, poll, (1,))])
        await log.append(conversation, [Vote(ALICE, poll, ())])
        await log.append(conversation, [ClosePoll(ALICE, poll)])
        (late,) = await log.append(conversation, [Vote(ALICE, poll, (0,))])
    assert isinstance(unchanged, Appended)
    assert unchanged.duplicate
    assert code(late) is Code.POLL_CLOSED
    found = (await room.details.poll(conversation, poll, BOB)).poll
    assert (list(found.counts), found.voters, list(found.mine), found.closed) == ([0, 2], 2, [1], True)
    events = (await room.store.history(conversation, CAROL, "after", 1, 50)).events
    assert list(events[0].message_sent.poll.mine) == [1]
    assert [event.WhichOneof("payload") for event in events[1:]] == ["poll_voted"] * 5 + ["poll_closed"]
    live = (await room.store.read_log(conversation, 2, 1)).events[0].message_sent.poll
    assert (list(live.options), list(live.counts), live.closed) == (["Earl Grey", "Darjeeling"], [], True)
    with pytest.raises(RealChatError) as refused:
        await room.details.poll(conversation, events[1].event_id, BOB)
    assert refused.value.code is Code.MESSAGE_NOT_FOUND


async def test_nothing_of_a_deleted_poll_is_kept(room: Room) -> None:
    async with room.writer() as log:
        conversation = await begun(log, ALICE, BOB)
        poll = await asked(log, conversation)
        await said(log, conversation, "stays")
        await log.append(conversation, [Vote(BOB, poll, (0,))])
        await log.append(conversation, [Delete(ALICE, poll)])
        (late,) = await log.append(conversation, [Vote(ALICE, poll, (0,))])
    assert code(late) is Code.MESSAGE_NOT_FOUND
    await Eraser(room.pool, room.shelf).erase()
    assert not any(b"Grey" in segment or b"Which tea" in segment for segment in room.shelf.segments.values())
    assert await room.pool.fetchval("SELECT count(*) FROM vote") == 0
    rows = await room.pool.fetch("SELECT * FROM entry")
    assert not any(b"Grey" in value for row in rows for value in row if isinstance(value, bytes))
