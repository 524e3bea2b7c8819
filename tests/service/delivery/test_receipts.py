"""Receipts: from sockets to the message service, and from the topic to sockets."""

from __future__ import annotations

import asyncio

from realchat_delivery.receipts import Mark
from service.delivery.client import connected
from service.delivery.world import DeliveryNode, World

from chat.event.v1 import event_pb2 as pb
from realchat_common.ids import now_ms


async def told(node: DeliveryNode, conversation_id: str, *receipts: pb.Receipt, at_ms: int | None = None) -> str:
    moved = pb.ReceiptsMoved(
        conversation_id=conversation_id, members_seq=1, at_ms=now_ms() if at_ms is None else at_ms, receipts=receipts
    )
    return await node.comes(moved.SerializeToString(), "chat.receipts", "receipt")


async def written(world: World, *expected: tuple[tuple[str, str], Mark]) -> None:
    """Waits until so much was written; in how many batches depends on the machine."""
    async with asyncio.timeout(5):
        while {who: mark for move in world.logs.moves for who, mark in move.items()} != dict(expected):
            await asyncio.sleep(0.01)


async def test_what_sockets_say_is_joined_and_written(world: World, node: DeliveryNode) -> None:
    talk = world.logs.conversation("alice", "bob").conversation_id
    async with connected(node, "alice/phone") as alice, connected(node, "bob/phone") as bob:
        for seq in (1, 3, 2):
            await alice.says({"type": "read", "conversation_id": talk, "up_to_seq": seq})
            await bob.says({"type": "delivered", "conversation_id": talk, "up_to_seq": seq})
        await alice.hears_nothing_more()
        await bob.hears_nothing_more()
        await written(world, ((talk, "alice"), Mark(3, 3)), ((talk, "bob"), Mark(3, 0)))


async def test_what_cannot_be_written_now_is_written_later(world: World, node: DeliveryNode) -> None:
    talk = world.logs.conversation("alice").conversation_id
    async with connected(node, "alice/phone") as alice:
        world.logs.away = True
        await alice.says({"type": "read", "conversation_id": talk, "up_to_seq": 1})
        async with asyncio.timeout(5):
            while not world.logs.moves_asked:
                await asyncio.sleep(0.01)
        world.logs.away = False
        await written(world, ((talk, "alice"), Mark(1, 1)))


async def test_a_receipt_reaches_all_members_on_all_nodes_and_nobody_else(world: World, node: DeliveryNode) -> None:
    other = await world.node()
    talk = world.logs.conversation("alice", "bob").conversation_id
    async with (
        connected(node, "alice/phone") as alice,
        connected(other, "bob/phone") as bob,
        connected(other, "carol/phone") as carol,
    ):
        receipt = pb.Receipt(user_id="bob", delivered_up_to=3, read_up_to=2, marked_unread=True)
        assert await told(node, talk, receipt) == "SUCCESS"
        frame = {
            "type": "receipt",
            "conversation_id": talk,
            "user_id": "bob",
            "delivered_up_to": 3,
            "read_up_to": 2,
        }
        assert await alice.hears() == frame
        assert await bob.hears() == {**frame, "marked_unread": True}  # a mark is one's own affair
        await carol.hears_nothing_more()


async def test_a_receipt_in_a_group_is_not_told_to_whom_a_block_is_between(world: World, node: DeliveryNode) -> None:
    talk = world.logs.conversation("alice", "bob", "carol").conversation_id
    async with (
        connected(node, "alice/phone") as alice,
        connected(node, "bob/phone") as bob,
        connected(node, "carol/phone") as carol,
    ):
        await told(node, talk, pb.Receipt(user_id="bob", read_up_to=2, delivered_up_to=2, hidden_from=["alice"]))
        for somebody in (bob, carol):
            assert (await somebody.hears("receipt"))["user_id"] == "bob"
        await alice.hears_nothing_more()


async def test_in_a_large_group_only_ones_own_devices_are_told(world: World, node: DeliveryNode) -> None:
    talk = world.logs.conversation(*(f"user {number}" for number in range(101))).conversation_id
    async with connected(node, "user 1/phone") as one, connected(node, "user 2/phone") as two:
        await told(node, talk, pb.Receipt(user_id="user 1", read_up_to=1, delivered_up_to=1))
        assert (await one.hears("receipt"))["user_id"] == "user 1"
        await two.hears_nothing_more()


async def test_old_news_and_news_that_cannot_be_told_are_dropped(world: World, node: DeliveryNode) -> None:
    talk = world.logs.conversation("alice").conversation_id
    receipt = pb.Receipt(user_id="alice", read_up_to=1, delivered_up_to=1)
    async with connected(node, "alice/phone") as alice:
        assert await told(node, talk, receipt, at_ms=now_ms() - 60_000) == "SUCCESS"
        world.logs.away = True
        assert await told(node, talk, receipt) == "SUCCESS"
        world.logs.away = False
        await alice.hears_nothing_more()
