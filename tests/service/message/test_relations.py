"""Blocks, as the log and the receipts know them."""

from __future__ import annotations

import asyncio

import asyncpg
from realchat_message.acts import Delete, Edit
from realchat_message.departed import Departed
from realchat_message.domain import Appended
from realchat_message.receipts import Mark, Receipts
from realchat_message.relations import Relations
from service.message.room import ALICE, BOB, CAROL, Room, begun, code, direct, hello, seq
from sqlalchemy.ext.asyncio import create_async_engine

from chat.event.v1 import event_pb2 as pb
from chat.profile.v1 import profile_pb2 as pb_profile
from realchat_common.database import migrate
from realchat_common.errors import Code
from realchat_common.ids import new_id, now_ms


class Told:
    """A lane that only remembers."""

    def __init__(self) -> None:
        self.private: list[bool] = []
        self.hidden_from: list[list[str]] = []

    def offer(self, moved: pb.ReceiptsMoved) -> None:
        self.private += [receipt.private for receipt in moved.receipts]
        self.hidden_from += [list(receipt.hidden_from) for receipt in moved.receipts]


async def test_between_blocked_people_nothing_is_said_until_the_block_ends(room: Room) -> None:
    relations, talk = Relations(room.pool), new_id()
    async with room.writer() as log, room.writer() as other:
        (_, sent) = await log.append(talk, [direct(talk, ALICE, BOB), hello()])
        assert isinstance(sent, Appended)
        group = await begun(log, ALICE, BOB)
        assert not (await room.store.audience(talk)).apart
        await relations.set(BOB, ALICE, contacts=False, apart=True, version=2)
        assert (await room.store.audience(talk)).apart
        await relations.set(ALICE, BOB, contacts=True, apart=False, version=1)  # late, and old
        for writer in (log, other):
            for sender in (ALICE, BOB):
                assert code((await writer.append(talk, [hello(sender)]))[0]) is Code.CONTACT_REFUSED
        assert code((await log.append(talk, [Edit(ALICE, sent.event_id, "x")]))[0]) is Code.CONTACT_REFUSED
        assert seq((await log.append(talk, [Delete(ALICE, sent.event_id)]))[0]) == 3
        assert seq((await log.append(group, [hello()]))[0]) == 2
        await relations.set(ALICE, BOB, contacts=False, apart=False, version=3)
        assert seq((await other.append(talk, [hello(BOB)]))[0]) == 4


async def test_a_retry_of_what_was_said_before_the_block_has_its_first_answer(room: Room) -> None:
    talk, said = new_id(), hello()
    async with room.writer() as log:
        await log.append(talk, [direct(talk, ALICE, BOB), said])
        await Relations(room.pool).set(ALICE, BOB, contacts=False, apart=True, version=1)
        (again,) = await log.append(talk, [said])
        assert isinstance(again, Appended)
        assert (again.seq, again.duplicate) == (2, True)


async def test_blocked_people_do_not_see_each_others_receipts(room: Room) -> None:
    talk, told = new_id(), Told()
    receipts = Receipts(room.pool, told)
    async with room.writer() as log:
        await log.append(talk, [direct(talk, ALICE, BOB)])
        group = await begun(log, ALICE, BOB, CAROL)
        (sent,) = await log.append(group, [hello()])
        assert isinstance(sent, Appended)
    await Relations(room.pool).set(ALICE, BOB, contacts=False, apart=True, version=1)
    await receipts.move({(talk, BOB): Mark(read_up_to=1)})
    await receipts.move({(group, BOB): Mark(read_up_to=2), (group, CAROL): Mark(read_up_to=2)})
    assert told.private == [True, False, False]
    assert told.hidden_from[0] == [ALICE]
    assert sorted(told.hidden_from[1:]) == [[], [ALICE]]
    for conversation, shown in ((talk, {ALICE}), (group, {ALICE, CAROL})):
        listed, _ = await room.store.receipts(conversation, ALICE, 50, "")
        assert {receipt.user_id for receipt in listed} == shown
    assert list((await room.store.message_receipts(group, sent.event_id, ALICE)).read_by) == [CAROL]
    assert list((await room.store.message_receipts(group, sent.event_id, CAROL)).read_by) == sorted([BOB, CAROL])


async def test_nothing_is_kept_of_somebody_whose_account_was_deleted(room: Room) -> None:
    relations = Relations(room.pool)
    for user_id, peer_id in ((ALICE, BOB), (CAROL, ALICE), (BOB, CAROL)):
        await relations.set(user_id, peer_id, contacts=False, apart=True, version=1)
    for user_id in (ALICE, BOB):
        await relations.set_receipt_privacy(user_id, pb_profile.AUDIENCE_NOBODY, 1)
    for _ in range(2):
        await Departed(room.pool).forget(ALICE, now_ms())
    rows = await room.pool.fetch("SELECT low_id, high_id FROM relation")
    assert [{str(user_id) for user_id in row} for row in rows] == [{BOB, CAROL}]
    assert [str(row["user_id"]) for row in await room.pool.fetch("SELECT user_id FROM receipt_privacy")] == [BOB]


async def test_what_is_told_late_of_somebody_whose_account_was_deleted_is_not_kept(room: Room) -> None:
    relations, departed = Relations(room.pool), Departed(room.pool)
    peers = [new_id() for _ in range(20)]

    async def told(peer_id: str) -> None:
        await relations.set(ALICE, peer_id, contacts=True, apart=False, version=1)
        await relations.set_receipt_privacy(ALICE, pb_profile.AUDIENCE_NOBODY, 1)

    crossing = [told(peer_id) for peer_id in peers]
    await asyncio.gather(*crossing[:10], departed.forget(ALICE, now_ms()), *crossing[10:])
    await told(BOB)
    await relations.set(BOB, CAROL, contacts=True, apart=False, version=1)
    rows = await room.pool.fetch("SELECT low_id, high_id FROM relation")
    assert [{str(user_id) for user_id in row} for row in rows] == [{BOB, CAROL}]
    assert await room.pool.fetch("SELECT user_id FROM receipt_privacy") == []


async def test_receipts_are_seen_by_whom_their_owner_lets_see_them(room: Room) -> None:
    talk, told, relations = new_id(), Told(), Relations(room.pool)
    receipts = Receipts(room.pool, told)
    async with room.writer() as log:
        await log.append(talk, [direct(talk, ALICE, BOB), hello(), hello(), hello()])
    sent = (await room.store.history(talk, ALICE, "after", 0, 9)).events[1].event_id

    async def seen(seq: int, audience: int, version: int) -> list[bool]:
        """Whether Alice sees that Bob has read: live, in the list, and of a message."""
        await relations.set_receipt_privacy(BOB, audience, version)
        await receipts.move({(talk, BOB): Mark(read_up_to=seq)})
        listed, _ = await room.store.receipts(talk, ALICE, 50, "")
        read = (await room.store.message_receipts(talk, sent, ALICE)).read_by
        return [not told.private[-1], BOB in {receipt.user_id for receipt in listed}, list(read) == [BOB]]

    assert await seen(2, pb_profile.AUDIENCE_NOBODY, 2) == [False] * 3
    assert await seen(3, pb_profile.AUDIENCE_EVERYONE, 1) == [False] * 3  # late, and old
    await relations.set(ALICE, BOB, contacts=True, apart=False, version=1)
    assert await seen(4, pb_profile.AUDIENCE_CONTACTS, 3) == [True] * 3
    await relations.set(ALICE, BOB, contacts=False, apart=False, version=2)
    listed, _ = await room.store.receipts(talk, ALICE, 50, "")
    assert {receipt.user_id for receipt in listed} == {ALICE}


async def test_direct_conversations_from_before_are_known_after_the_migration(postgres_url: str) -> None:
    engine = create_async_engine(postgres_url.replace("postgresql:", "postgresql+asyncpg:"))
    await migrate(engine, "realchat_message", "0008")
    pair, groups = new_id(), new_id()
    async with asyncpg.create_pool(postgres_url, min_size=1, max_size=2) as pool:
        for talk, kind in ((pair, pb.CONVERSATION_KIND_DIRECT), (groups, pb.CONVERSATION_KIND_GROUP)):
            event = direct(talk, ALICE, BOB).event
            event.conversation_created.kind = kind
            await pool.execute("INSERT INTO head (conversation_id, last_seq) VALUES ($1, 1)", talk)
            await pool.execute(
                "INSERT INTO entry (conversation_id, seq, event_id, actor_id, occurred_at_ms, change)"
                " VALUES ($1, 1, $2, $3, 0, $4)",
                *(talk, event.event_id, ALICE, event.SerializeToString()),
            )
        await migrate(engine, "realchat_message")
        rows = await pool.fetch("SELECT conversation_id, direct_low_id, direct_high_id FROM head")
    found = {str(row[0]): {str(user) for user in row[1:] if user} for row in rows}
    assert found == {pair: {ALICE, BOB}, groups: set()}
    await migrate(engine, "realchat_message", "base")
    await migrate(engine, "realchat_message")
    await engine.dispose()
