"""Typing: to the other members, wherever they are, and to nobody else."""

from __future__ import annotations

from typing import Any

from service.delivery.client import Client, connected
from service.delivery.world import DeliveryNode, World

from chat.event.v1 import event_pb2 as pb


async def types(client: Client, conversation_id: str, state: str = "start") -> None:
    await client.says({"type": "typing", "conversation_id": conversation_id, "state": state})


def typing(conversation_id: str, user_id: str, **more: Any) -> dict[str, Any]:
    return {"type": "typing", "conversation_id": conversation_id, "user_id": user_id, **more}


async def test_the_other_members_on_all_nodes_see_who_types_and_nobody_else(world: World, node: DeliveryNode) -> None:
    other = await world.node()
    talk = world.logs.conversation("alice", "bob").conversation_id
    async with (
        connected(node, "alice/phone") as alice,
        connected(node, "bob/phone") as bob,
        connected(other, "bob/laptop") as bobs_laptop,
        connected(other, "carol/phone") as carol,
    ):
        await types(alice, talk)
        started = typing(talk, "alice", state="start", expires_in_ms=6000)
        assert await bob.hears() == await bobs_laptop.hears() == started
        await types(alice, talk, "stop")
        assert await bob.hears() == await bobs_laptop.hears() == typing(talk, "alice", state="stop")
        for client in (alice, carol):
            await client.hears_nothing_more()


async def test_who_is_no_member_any_more_neither_tells_nor_is_told(world: World, node: DeliveryNode) -> None:
    other = await world.node()
    talk = world.logs.conversation("alice", "bob", "carol")
    async with connected(node, "alice/phone") as alice, connected(other, "bob/phone") as bob:
        await types(alice, talk.conversation_id)
        assert (await bob.hears("typing"))["state"] == "start"
        await node.segment(talk, talk.removes("bob"))
        await bob.hears("event")
        await types(bob, talk.conversation_id)
        assert (await bob.hears("error"))["code"] == "conversation_not_found"
        await types(alice, talk.conversation_id, "stop")
        await alice.hears("event")
        await alice.hears_nothing_more()
        await bob.hears_nothing_more()


async def test_in_a_large_group_nobody_is_told_who_types(world: World, node: DeliveryNode) -> None:
    talk = world.logs.conversation(*(f"user {number}" for number in range(101))).conversation_id
    async with connected(node, "user 1/phone") as one, connected(node, "user 2/phone") as two:
        await types(one, talk)
        await one.hears_nothing_more()
        await two.hears_nothing_more()


async def test_typing_is_dropped_while_it_cannot_be_told(world: World, node: DeliveryNode) -> None:
    talk = world.logs.conversation("alice", "bob").conversation_id
    async with connected(node, "alice/phone") as alice, connected(node, "bob/phone") as bob:
        world.logs.away = True
        await types(alice, talk)
        await alice.hears_nothing_more()
        world.logs.away = False
        await bob.hears_nothing_more()


async def test_between_blocked_people_nobody_is_told_who_types(world: World, node: DeliveryNode) -> None:
    talk = world.logs.conversation("alice", "bob")

    async def are(apart: bool) -> None:
        talk.apart = apart
        changed = pb.AccountEvent(user_id="alice", relation_changed=pb.RelationChanged(peer_id="bob", apart=apart))
        assert await node.comes(changed.SerializeToString(), "chat.account", route="account") == "SUCCESS"

    async with (
        connected(node, "alice/phone") as phone,
        connected(node, "alice/laptop") as laptop,
        connected(node, "bob/phone") as bob,
    ):
        await types(phone, talk.conversation_id)
        assert (await bob.hears("typing"))["state"] == "start"
        await are(apart=True)
        await types(laptop, talk.conversation_id)
        await laptop.hears_nothing_more()
        await bob.hears_nothing_more()
        await are(apart=False)
        await types(phone, talk.conversation_id, "stop")
        assert (await bob.hears("typing"))["state"] == "stop"
