"""What a node had appended reaches everybody from the log's answer; the topic then costs a comparison."""

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


async def test_nobody_waits_for_the_topic(world: World, node: DeliveryNode, talk: Conversation) -> None:
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


async def test_the_topic_brings_nothing_twice(world: World, node: DeliveryNode, talk: Conversation) -> None:
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


async def test_what_is_ahead_of_a_loss_is_left_to_the_topic(
    world: World, node: DeliveryNode, talk: Conversation
) -> None:
    async with connected(node, "alice/phone") as alice, connected(node, "bob/phone") as bob:
        await says(alice, talk, "a")
        lost = talk.says("bob", "by another node, which has ended")
        await sends(alice, talk, "c")
        await alice.hears_nothing_more()
        assert await node.segment(talk, lost) == "SUCCESS"
        assert await node.segment(talk, talk.events[-1]) == "SUCCESS"
        assert await bob.seqs(3) == [2, 3, 4]
        assert await alice.seqs(2) == [3, 4]


async def test_without_redis_the_topic_does_it(world: World, node: DeliveryNode, talk: Conversation) -> None:
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
        assert await node.segment(talk, talk.events[-1]) == "RETRY"
        await redis.set(watermark, 2)
        assert await node.segment(talk, talk.events[-1]) == "SUCCESS"
        assert await bob.seqs(1) == [3]
        await alice.hears_nothing_more()
