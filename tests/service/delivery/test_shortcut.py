"""What a node had appended reaches everybody from the log's answer; the pointer to it then costs a comparison."""

from __future__ import annotations

import pytest
from redis.asyncio import Redis
from service.delivery.client import Client, connected
from service.delivery.logs import Conversation
from service.delivery.world import DeliveryNode, World


@pytest.fixture
def talk(world: World) -> Conversation:
    world.logs.answers_with_segments = True
    return world.logs.conversation("alice", "bob")


async def sends(client: Client, talk: Conversation, body: str) -> None:
    """Sends a message; the next frame is the answer to it."""
    await client.says(
        {"type": "send", "conversation_id": talk.conversation_id, "client_message_id": body, "body": body}
    )
    await client.hears("ack")


async def says(client: Client, talk: Conversation, body: str) -> None:
    """Sends a message; the next frames are the answer to it and the message itself."""
    await sends(client, talk, body)
    assert await client.seqs(1) == [talk.last_seq]


async def test_nobody_waits_for_a_topic(world: World, node: DeliveryNode, talk: Conversation) -> None:
    other = await world.node()
    async with (
        connected(node, "alice/phone") as alice,
        connected(node, "bob/phone") as phone,
        connected(other, "bob/laptop") as laptop,
    ):
        for seq, body in enumerate("abc", start=2):
            await says(alice, talk, body)
            for bob in (phone, laptop):
                assert await bob.seqs(1) == [seq]


async def test_what_two_nodes_have_appended_by_turns_comes_in_order_without_any_topic(
    world: World, node: DeliveryNode, talk: Conversation
) -> None:
    other = await world.node()
    async with (
        connected(node, "alice/phone") as phone,
        connected(other, "alice/laptop") as laptop,
        connected(node, "bob/phone") as one,
        connected(other, "bob/laptop") as two,
    ):
        for number in range(30):
            for sender in (phone, laptop):
                name = f"{number} {sender is phone}"
                message = {"conversation_id": talk.conversation_id, "client_message_id": name, "body": name}
                await sender.says({"type": "send", **message})
        for bob in (one, two):
            assert await bob.seqs(60) == list(range(2, 62))


async def test_no_lane_brings_it_twice(world: World, node: DeliveryNode, talk: Conversation) -> None:
    other = await world.node()
    async with connected(node, "alice/phone") as alice, connected(other, "bob/phone") as bob:
        for body in "ab":
            await says(alice, talk, body)
            for each in (node, other):
                assert await each.segment(talk, talk.events[-1]) == "SUCCESS"
                assert await each.pointer(talk, talk.last_seq, talk.last_seq) == "SUCCESS"
        assert await bob.seqs(2) == [2, 3]
        for client in (alice, bob):
            await client.hears_nothing_more()
    assert world.logs.pages_read == []


async def test_what_another_node_had_appended_and_not_fanned_out_goes_with_it(
    world: World, node: DeliveryNode, talk: Conversation
) -> None:
    async with connected(node, "alice/phone") as alice, connected(node, "bob/phone") as bob:
        await says(alice, talk, "a")
        lost = talk.says("bob", "by another node, which has ended")
        await sends(alice, talk, "c")
        assert await bob.seqs(3) == [2, 3, 4]
        assert await alice.seqs(2) == [3, 4]
        assert await node.pointer(talk, lost.seq, lost.seq) == "SUCCESS"
        for client in (alice, bob):
            await client.hears_nothing_more()


async def test_what_is_ahead_of_a_log_that_cannot_be_read_is_left_to_the_pointers(
    world: World, node: DeliveryNode, talk: Conversation
) -> None:
    async with connected(node, "alice/phone") as alice, connected(node, "bob/phone") as bob:
        await says(alice, talk, "a")
        assert await bob.seqs(1) == [2]
        talk.says("bob", "by another node, which has ended")
        world.logs.reading.clear()
        await sends(alice, talk, "c")
        world.logs.away = True
        world.logs.reading.set()
        await alice.hears_nothing_more()
        world.logs.away = False
        assert await node.pointer(talk, 4, 4) == "SUCCESS"
        for client in (alice, bob):
            assert await client.seqs(2) == [3, 4]


async def test_without_redis_the_pointer_does_it(world: World, node: DeliveryNode, talk: Conversation) -> None:
    other = await world.node()
    async with (
        connected(node, "alice/phone") as alice,
        connected(other, "bob/phone") as bob,
        Redis.from_url(world.redis_url) as redis,
    ):
        await says(alice, talk, "a")
        assert await bob.seqs(1) == [2]
        watermark = f"delivery:watermark:{talk.conversation_id}"
        await redis.delete(watermark)
        await redis.lpush(watermark, "no number")  # so the script fails
        await says(alice, talk, "b")  # its own sockets have it nevertheless
        assert await node.pointer(talk, 3, 3) == "RETRY"
        await redis.set(watermark, 2)
        assert await node.pointer(talk, 3, 3) == "SUCCESS"
        assert await bob.seqs(1) == [3]
        await alice.hears_nothing_more()
