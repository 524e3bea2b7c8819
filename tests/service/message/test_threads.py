"""Pins, threads and forwarded texts on a real PostgreSQL."""

from __future__ import annotations

import pytest
from realchat_message.acts import Delete, Pin
from realchat_message.domain import Appended, NewMessage
from realchat_message.log import ConversationLog
from realchat_message.relations import Relations
from service.message.room import ALICE, BOB, CAROL, Room, begun, code, direct, joining, removal, said
from service.message.test_groups import owner, rule

from chat.event.v1 import event_pb2 as pb
from realchat_common.errors import Code, RealChatError
from realchat_common.ids import new_id


async def talk_of_two(log: ConversationLog) -> str:
    conversation = new_id()
    await log.append(conversation, [direct(conversation, ALICE, BOB)])
    return conversation


async def answered(log: ConversationLog, conversation: str, message: str, who: str = BOB) -> str:
    (sent,) = await log.append(conversation, [NewMessage(who, new_id(), "an answer", message)])
    assert isinstance(sent, Appended)
    return sent.event_id


async def test_pins_are_events_and_listed_until_unpinned_or_deleted(room: Room) -> None:
    async with room.writer() as log:
        conversation = await talk_of_two(log)
        first, second, third = [await said(log, conversation, body) for body in ("one", "two", "three")]
        for message in (first, second, third):
            await log.append(conversation, [Pin(BOB, message)])
        pins = await room.details.pins(conversation, ALICE)
        assert [(pin.message.message_sent.message_id, pin.pinned_by) for pin in pins] == [
            (third, BOB),
            (second, BOB),
            (first, BOB),
        ]
        await log.append(conversation, [Pin(ALICE, second, remove=True), Delete(ALICE, third)])
    assert [pin.message.event_id for pin in await room.details.pins(conversation, ALICE)] == [first]
    events = (await room.store.history(conversation, ALICE, "after", 1, 200)).events
    assert [event.WhichOneof("payload") for event in events] == [
        *["message_sent"] * 3,
        *["message_pinned"] * 3,
        "message_unpinned",
        "message_deleted",
    ]
    assert [event.message_sent.pinned for event in events[:3]] == [True, False, False]


async def test_in_a_group_administrators_pin(room: Room) -> None:
    async with room.writer() as log:
        conversation = await begun(log, ALICE, BOB)
        message = await said(log, conversation, "hello")
        (refused,) = await log.append(conversation, [Pin(ALICE, message)])
        assert code(refused) is Code.PERMISSION_DENIED
        await log.append(conversation, [owner(BOB)])
        (pinned,) = await log.append(conversation, [Pin(BOB, message)])
    assert isinstance(pinned, Appended)
    with pytest.raises(RealChatError) as stranger:
        await room.details.pins(conversation, CAROL)
    assert stranger.value.code is Code.CONVERSATION_NOT_FOUND


async def test_between_blocked_people_nothing_is_pinned_or_forwarded(room: Room) -> None:
    async with room.writer() as log:
        conversation, source = await talk_of_two(log), await begun(log, ALICE)
        message, text = await said(log, conversation, "hello"), await said(log, source, "a secret spring")
        await log.append(conversation, [Pin(BOB, message)])
        await Relations(room.pool).set(ALICE, BOB, contacts=False, apart=True, version=1)
        for remove in (False, True):
            (pinned,) = await log.append(conversation, [Pin(BOB, message, remove)])
            assert code(pinned) is Code.CONTACT_REFUSED
        body, origin = await room.details.text(source, text, ALICE)
        (forwarded,) = await log.append(conversation, [NewMessage(ALICE, "1", body, origin=origin)])
        assert code(forwarded) is Code.CONTACT_REFUSED


async def test_in_announcement_mode_only_administrators_forward_and_pin(room: Room) -> None:
    async with room.writer() as log:
        group, source = await begun(log, ALICE, BOB), await begun(log, BOB)
        await log.append(group, [owner(ALICE), rule(admins_only=True)])
        message, text = await said(log, group, "hear"), await said(log, source, "a secret spring", BOB)
        body, origin = await room.details.text(source, text, BOB)
        (forwarded,) = await log.append(group, [NewMessage(BOB, "1", body, origin=origin)])
        (pinned,) = await log.append(group, [Pin(BOB, message)])
        assert [code(forwarded), code(pinned)] == [Code.PERMISSION_DENIED] * 2
        (by_owner,) = await log.append(group, [Pin(ALICE, message)])
        assert isinstance(by_owner, Appended)


async def test_a_thread_is_listed_in_pages_and_its_root_says_how_long_it_is(room: Room) -> None:
    async with room.writer() as log:
        conversation = await begun(log, ALICE, BOB)
        root = await said(log, conversation, "why?")
        answers = [await answered(log, conversation, root) for _ in range(3)]
        await answered(log, conversation, answers[0])
        await log.append(conversation, [Delete(BOB, answers[1])])
    message, first, after = await room.details.replies(conversation, root, ALICE, 2, 0)
    _, second, end = await room.details.replies(conversation, root, ALICE, 2, after)
    assert [event.event_id for event in (*first, *second)] == answers
    assert [event.message_sent.redacted for event in (*first, *second)] == [False, True, False]
    assert (message.message_sent.reply_count, message.message_sent.last_reply_seq, end) == (3, 5, 0)
    events = (await room.store.history(conversation, ALICE, "after", 1, 200)).events
    assert [event.message_sent.reply_count for event in events] == [3, 1, 0, 0, 0, 0]


async def test_replies_that_one_may_not_read_are_neither_listed_nor_counted(room: Room) -> None:
    async with room.writer() as log:
        conversation = await begun(log, ALICE, BOB)
        root = await said(log, conversation, "why?")
        await log.append(conversation, [removal(BOB)])
        await answered(log, conversation, root, ALICE)
        await log.append(conversation, [joining(BOB)])
        last = await answered(log, conversation, root, ALICE)
    message, replies, _ = await room.details.replies(conversation, root, BOB, 50, 0)
    assert ([event.event_id for event in replies], message.message_sent.reply_count) == ([last], 1)
    with pytest.raises(RealChatError) as unseen:
        await room.details.replies(conversation, new_id(), BOB, 50, 0)
    assert unseen.value.code is Code.MESSAGE_NOT_FOUND


async def test_a_forwarded_text_names_its_first_author_and_no_conversation(room: Room) -> None:
    async with room.writer() as log:
        source, middle, goal = await begun(log, ALICE, BOB), await begun(log, BOB), await begun(log, BOB, CAROL)
        message = await said(log, source, "a secret spring")
        body, origin = await room.details.text(source, message, BOB)
        (copy,) = await log.append(middle, [NewMessage(BOB, "1", body, origin=origin)])
        assert isinstance(copy, Appended)
        body, origin = await room.details.text(middle, copy.event_id, BOB)
        await log.append(goal, [NewMessage(BOB, "1", body, origin=origin)])
        original = (await room.store.history(source, ALICE, "before", None, 1)).events[0]
        (forwarded,) = (await room.store.history(goal, CAROL, "before", None, 1)).events
        assert forwarded.message_sent.body == "a secret spring"
        assert forwarded.message_sent.forwarded_from == pb.Origin(author_id=ALICE, sent_at_ms=original.occurred_at_ms)
        assert source.encode() not in forwarded.SerializeToString()
        for who, wanted, why in (
            (CAROL, message, Code.CONVERSATION_NOT_FOUND),
            (BOB, new_id(), Code.MESSAGE_NOT_FOUND),
        ):
            with pytest.raises(RealChatError) as refused:
                await room.details.text(source, wanted, who)
            assert refused.value.code is why
        await log.append(source, [Delete(ALICE, message)])
        with pytest.raises(RealChatError) as gone:
            await room.details.text(source, message, BOB)
        assert gone.value.code is Code.MESSAGE_NOT_FOUND
