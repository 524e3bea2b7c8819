"""Mentions on a real PostgreSQL: what is counted, and what is read."""

from __future__ import annotations

from realchat_message.acts import Delete, Edit
from realchat_message.domain import NewMessage
from service.message.room import ALICE, BOB, CAROL, Room, begun, hello, joining, removal

from chat.event.v1 import event_pb2 as pb
from realchat_common.ids import new_id


def calling(*users: str, everybody: bool = False) -> NewMessage:
    return NewMessage(ALICE, new_id(), "hey", mentions=frozenset(users), mention_all=everybody)


async def counts(room: Room, user: str) -> tuple[int, int]:
    ((entry,), _) = await room.store.inbox(user, 50, None)
    return entry.unread_count, entry.mention_count


async def test_the_inbox_counts_unread_mentions_by_name_and_of_all(room: Room) -> None:
    async with room.writer() as log:
        conversation = await begun(log, ALICE, BOB, CAROL)
        await log.append(conversation, [hello(), calling(BOB), calling(everybody=True), calling(BOB, everybody=True)])
    assert [await counts(room, user) for user in (ALICE, BOB, CAROL)] == [(0, 0), (4, 3), (4, 2)]
    await room.pool.execute("INSERT INTO receipt VALUES ($1, $2, 4, 3)", conversation, BOB)
    assert await counts(room, BOB) == (2, 2)


async def test_edits_and_deletions_change_who_is_mentioned_and_the_counts(room: Room) -> None:
    async with room.writer() as log:
        conversation = await begun(log, ALICE, BOB, CAROL)
        first, second = await log.append(conversation, [calling(BOB), calling(everybody=True)])
        assert not isinstance(first, Exception)
        assert not isinstance(second, Exception)
        await log.append(conversation, [Edit(ALICE, first.event_id, "hey", frozenset({CAROL}))])
        assert [await counts(room, user) for user in (BOB, CAROL)] == [(2, 1), (2, 2)]
        await log.append(conversation, [Delete(ALICE, second.event_id)])
        assert [await counts(room, user) for user in (BOB, CAROL)] == [(1, 0), (1, 1)]
    _, sent, gone, edited, _ = (await room.store.history(conversation, BOB, "after", 0, 200)).events
    assert list(sent.message_sent.mentions) == list(edited.message_edited.mentions) == [CAROL]
    assert gone.message_sent == pb.MessageSent(
        message_id=second.event_id, client_message_id=gone.message_sent.client_message_id, redacted=True
    )


async def test_who_is_no_member_is_mentioned_neither_by_a_message_nor_by_an_edit(room: Room) -> None:
    async with room.writer() as log:
        conversation = await begun(log, ALICE, BOB, CAROL)
        (sent,) = await log.append(conversation, [calling(BOB, CAROL)])
        assert not isinstance(sent, Exception)
        await log.append(conversation, [removal(CAROL), calling(BOB, CAROL)])
        await log.append(conversation, [Edit(ALICE, sent.event_id, "hey!", frozenset({BOB, CAROL}))])
        await log.append(conversation, [joining(CAROL)])
    events = (await room.store.history(conversation, BOB, "after", 3, 200)).events
    assert list(events[0].message_sent.mentions) == list(events[1].message_edited.mentions) == [BOB]
    assert await counts(room, CAROL) == (1, 0)
