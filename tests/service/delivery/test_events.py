"""From the topic to the sockets: both lanes, two nodes, losses."""

from __future__ import annotations

from service.delivery.world import DeliveryNode, World, connected


async def test_an_event_reaches_all_sockets_of_all_members_on_all_nodes(world: World, node: DeliveryNode) -> None:
    other = await world.node()
    talk = world.logs.conversation("alice", "bob")
    async with (
        connected(node, "alice/phone") as phone,
        connected(other, "alice/laptop") as laptop,
        connected(other, "bob/phone") as bob,
        connected(other, "carol/phone") as carol,
    ):
        hello = talk.says("alice", "hello")
        assert await node.segment(talk, hello) == "SUCCESS"
        for client in (phone, laptop, bob):
            event = (await client.hears("event"))["event"]
            assert (event["seq"], event["data"]["body"]) == (hello.seq, "hello")
        await carol.hears_nothing_more()
