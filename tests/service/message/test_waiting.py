"""What people are reminded of, against what their inboxes count."""

from __future__ import annotations

import pytest
from realchat_message import waiting
from realchat_message.acts import Delete
from realchat_message.domain import Appended, NewMessage
from realchat_message.receipts import Mark, Receipts
from realchat_message.relations import Relations
from realchat_message.waiting import NEWEST, WaitingMessages
from service.message.room import ALICE, BOB, CAROL, Room, begun, direct, joining, removal, said

from chat.event.v1 import event_pb2 as pb_event
from chat.message.v1 import message_pb2 as pb
from realchat_common.ids import new_id, now_ms

LATER = 2**52


class Unheard:
    """A lane that nobody listens to."""

    def offer(self, moved: pb_event.ReceiptsMoved) -> None: ...


async def mentioned(room: Room, group: str, user_id: str, sender: str = ALICE) -> None:
    async with room.writer() as log:
        (sent,) = await log.append(group, [NewMessage(sender, new_id(), "look", mentions=frozenset({user_id}))])
    assert isinstance(sent, Appended)


async def counts(room: Room, user_id: str, since_ms: int = LATER) -> dict[str, int]:
    found = await WaitingMessages(room.pool).of([user_id], since_ms)
    return {place.conversation_id: place.count for one in found for place in one.conversations}


async def test_direct_messages_and_mentions_wait_as_the_inbox_counts_them(room: Room) -> None:
    talk, receipts = new_id(), Receipts(room.pool, Unheard())
    async with room.writer() as log:
        await log.append(talk, [direct(talk, ALICE, BOB)])
        group = await begun(log, ALICE, BOB, CAROL)
        await said(log, talk, "one")
        gone = await said(log, talk, "two")
        await said(log, talk, "three")
        await said(log, talk, "from himself", BOB)
        await log.append(talk, [Delete(ALICE, gone)])
        await said(log, group, "to nobody in particular")
    await mentioned(room, group, BOB)
    await mentioned(room, group, CAROL)
    inbox, _ = await room.store.inbox(BOB, 50, None)
    assert {entry.conversation_id: (entry.unread_count, entry.mention_count) for entry in inbox} == {
        talk: (2, 0),
        group: (3, 1),
    }
    (bob, alice) = sorted(
        await WaitingMessages(room.pool).of([BOB, new_id(), ALICE], LATER), key=lambda one: one.user_id != BOB
    )
    assert list(bob.conversations) == [
        pb.WaitingConversation(conversation_id=group, count=1),
        pb.WaitingConversation(conversation_id=talk, peer_id=ALICE, count=2),
    ]
    assert list(alice.conversations) == [pb.WaitingConversation(conversation_id=talk, peer_id=BOB, count=1)]
    await receipts.move({(group, BOB): Mark(read_up_to=2)})
    (after,) = await WaitingMessages(room.pool).of([BOB], LATER)
    assert after.read_mark != bob.read_mark
    assert len(after.conversations) == 2
    await receipts.move({(group, BOB): Mark(read_up_to=4), (talk, BOB): Mark(read_up_to=4)})
    assert await counts(room, BOB) == {}


async def test_nothing_waits_that_is_newer_or_of_blocked_people_or_cannot_be_read(room: Room) -> None:
    before = now_ms()
    async with room.writer() as log:
        group = await begun(log, ALICE, BOB, CAROL)
    await mentioned(room, group, BOB)
    assert await counts(room, BOB, before) == {}
    await mentioned(room, group, BOB, CAROL)
    await Relations(room.pool).set(ALICE, BOB, contacts=False, apart=True, version=1)
    assert await counts(room, BOB) == {group: 1}
    async with room.writer() as log:
        await log.append(group, [removal(BOB)])
        assert await counts(room, BOB) == {}
        await said(log, group, "while he was away")
        await log.append(group, [joining(BOB)])
    assert await counts(room, BOB) == {group: 1}  # what he could read before, he still can


async def test_direct_messages_are_found_among_very_many_busy_groups(
    room: Room, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(waiting, "MOST_CONVERSATIONS", 2)
    talk = new_id()
    async with room.writer() as log:
        await log.append(talk, [direct(talk, ALICE, BOB)])
        await said(log, talk, "one")
        await begun(log, ALICE, BOB)
        (old, new) = [await begun(log, ALICE, BOB) for _ in range(2)]
    for group in (old, new):
        await mentioned(room, group, BOB)
    assert await counts(room, BOB) == {talk: 1, new: 1}


async def test_a_long_absence_costs_no_more_than_the_newest_messages(room: Room) -> None:
    async with room.writer() as log:
        group = await begun(log, ALICE, BOB)
        await mentioned(room, group, BOB)
        for _ in range(NEWEST // 100):
            await log.append(group, [NewMessage(ALICE, new_id(), "x") for _ in range(100)])
    assert await counts(room, BOB) == {}
