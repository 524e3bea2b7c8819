"""From the topic to the sockets: both lanes, two nodes, losses."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from functools import partial
from typing import Any

import pytest
from redis.asyncio import Redis
from service.delivery.client import connected
from service.delivery.logs import cloud_event, pointer
from service.delivery.world import APP_API_TOKEN, DeliveryNode, World

from chat.event.v1 import event_pb2 as pb
from realchat_common.errors import Code, RealChatError


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


async def test_what_comes_again_by_either_lane_costs_a_comparison(world: World, node: DeliveryNode) -> None:
    talk = world.logs.conversation("alice", "bob")
    async with connected(node, "bob/phone") as bob:
        hello = talk.says("alice", "hello")
        for _ in range(2):
            assert await node.segment(talk, hello) == "SUCCESS"
        assert await node.pointer(talk, 1, hello.seq) == "SUCCESS"
        assert await bob.seqs(1) == [hello.seq]
        await bob.hears_nothing_more()
    assert world.logs.pages_read == []


async def test_a_pointer_brings_what_the_fast_lane_lost(world: World, node: DeliveryNode) -> None:
    talk = world.logs.conversation("alice", "bob")
    async with connected(node, "bob/phone") as bob:
        await node.segment(talk, talk.says("alice", "one"))
        talk.says("alice", "lost")
        talk.says("alice", "lost too")
        assert await node.pointer(talk, 4, 4) == "SUCCESS"  # the pointer to 3 comes later
        assert await node.pointer(talk, 3, 3) == "SUCCESS"
        assert await bob.seqs(3) == [2, 3, 4]
        await bob.hears_nothing_more()


async def test_a_segment_that_jumps_over_a_lost_one_brings_it_along(world: World, node: DeliveryNode) -> None:
    talk = world.logs.conversation("alice", "bob")
    async with connected(node, "bob/phone") as bob:
        await node.segment(talk, talk.says("alice", "one"))
        talk.says("alice", "lost")
        assert await node.segment(talk, talk.says("alice", "three")) == "SUCCESS"
        assert await bob.seqs(3) == [2, 3, 4]


async def test_a_phantom_is_found_nowhere(world: World, node: DeliveryNode) -> None:
    talk = world.logs.conversation("alice", "bob")
    async with connected(node, "bob/phone") as bob:
        await node.segment(talk, talk.says("alice", "one"))
        assert await bob.seqs(1) == [2]
        assert await node.pointer(talk, 3, 9) == "SUCCESS"
        await bob.hears_nothing_more()
        await node.segment(talk, talk.says("alice", "real"))
        assert await bob.seqs(1) == [3]


async def test_without_a_watermark_events_go_out_again_and_sockets_drop_what_they_have(
    world: World, node: DeliveryNode
) -> None:
    talk = world.logs.conversation("alice", "bob")
    async with connected(node, "bob/phone") as bob, Redis.from_url(world.redis_url) as redis:
        one = talk.says("alice", "one")
        await node.segment(talk, one)
        await redis.delete(f"delivery:watermark:{talk.conversation_id}")
        assert await node.pointer(talk, 1, 2) == "SUCCESS"
        await redis.delete(f"delivery:watermark:{talk.conversation_id}")
        assert await node.segment(talk, talk.says("alice", "two")) == "SUCCESS"
        assert await bob.seqs(2) == [2, 3]
        await bob.hears_nothing_more()


async def test_a_long_loss_is_made_good_page_by_page(world: World, node: DeliveryNode) -> None:
    talk = world.logs.conversation("alice", "bob")
    async with connected(node, "bob/phone") as bob:
        await node.segment(talk, talk.says("alice", "one"))
        for number in range(450):
            talk.says("alice", str(number))
        assert await node.pointer(talk, 452, 452) == "SUCCESS"
        assert await bob.seqs(451) == list(range(2, 453))


async def test_who_is_removed_gets_that_and_nothing_after_it(world: World, node: DeliveryNode) -> None:
    other = await world.node()
    talk = world.logs.conversation("alice", "bob")
    async with connected(node, "alice/phone") as alice, connected(other, "bob/phone") as bob:
        await node.segment(talk, talk.says("alice", "one"))
        removal = talk.removes("bob")
        secret = talk.says("alice", "secret")
        await node.segment(talk, removal, secret)  # of one segment, each gets their part
        assert await alice.seqs(3) == [2, removal.seq, secret.seq]
        assert await bob.seqs(2) == [2, removal.seq]
        await bob.hears_nothing_more()


async def test_who_is_added_gets_what_follows(world: World, node: DeliveryNode) -> None:
    talk = world.logs.conversation("alice", "bob")
    async with connected(node, "carol/phone") as carol:
        before = talk.says("alice", "before")
        added = talk.adds("carol")
        after = talk.says("alice", "hello Carol")
        await node.segment(talk, before, added, after)
        assert await carol.seqs(2) == [added.seq, after.seq]


async def test_a_gap_of_one_socket_is_repaired_with_one_read_for_all(world: World, node: DeliveryNode) -> None:
    talk = world.logs.conversation("alice", "bob")
    async with connected(node, "alice/phone") as alice, connected(node, "bob/phone") as bob:
        one, two, three = (talk.says("alice", body) for body in "123")
        node.hub.deliver(talk.segment(one, three), talk.audience.recipients(one.seq, three.seq))
        for client in (alice, bob):
            assert await client.seqs(3) == [one.seq, two.seq, three.seq]
        assert world.logs.pages_read == [(talk.conversation_id, two.seq, 1)]


async def test_a_repair_does_not_bring_what_was_said_in_somebodys_absence(world: World, node: DeliveryNode) -> None:
    talk = world.logs.conversation("alice", "bob")
    async with connected(node, "bob/phone") as bob:
        await node.segment(talk, talk.removes("bob"))
        talk.says("alice", "secret")
        back = talk.adds("bob")
        assert await node.segment(talk, back) == "SUCCESS"
        assert await bob.seqs(2) == [2, back.seq]
        node.hub.deliver(talk.segment(talk.says("alice", "again")), talk.audience.recipients(5, 5))
        assert await bob.seqs(1) == [5]


async def test_a_repair_that_fails_for_a_while_is_tried_again(world: World, node: DeliveryNode) -> None:
    talk = world.logs.conversation("alice", "bob")
    async with connected(node, "bob/phone") as bob:
        one, two, three = (talk.says("alice", body) for body in "123")
        world.logs.away = True
        node.hub.deliver(talk.segment(one, three), talk.audience.recipients(one.seq, three.seq))
        assert await bob.seqs(1) == [one.seq]
        while len(world.logs.pages_read) < 2:
            await asyncio.sleep(0.01)
        world.logs.away = False
        assert await bob.seqs(2) == [two.seq, three.seq]


async def test_events_missed_while_the_nodes_channel_was_lost_come_from_the_log(
    world: World, node: DeliveryNode
) -> None:
    other = await world.node()
    talk, quiet = world.logs.conversation("alice", "bob"), world.logs.conversation("carol", "bob")
    async with connected(node, "bob/phone") as bob, connected(node, "dave/phone") as dave:
        await other.segment(talk, talk.says("alice", "one"))
        await other.segment(quiet, quiet.says("carol", "one"))
        assert await bob.events(2) == [(talk.conversation_id, 2), (quiet.conversation_id, 2)]
        node.tasks["listen"].cancel()
        while node.hub.online:
            await asyncio.sleep(0.01)
        missed = [talk.says("alice", body) for body in ("two", "three")]
        await other.segment(talk, *missed)
        new = world.logs.conversation("alice", "bob")
        await other.segment(new, new.events[0])
        await listening_again(node)
        heard = await bob.events(3)
        assert [seq for conversation, seq in heard if conversation == talk.conversation_id] == [3, 4]
        assert (new.conversation_id, 1) in heard
        await other.segment(talk, talk.says("alice", "four"))
        assert await bob.events(1) == [(talk.conversation_id, 5)]
        await bob.hears_nothing_more()
        await dave.hears_nothing_more()


async def test_a_removal_missed_while_the_channel_was_lost_comes_too(world: World, node: DeliveryNode) -> None:
    other = await world.node()
    talk = world.logs.conversation("alice", "bob")
    async with connected(node, "bob/phone") as bob:
        await other.segment(talk, talk.says("alice", "one"))
        assert await bob.seqs(1) == [2]
        node.tasks["listen"].cancel()
        while node.hub.online:
            await asyncio.sleep(0.01)
        farewell, removal, secret = talk.says("alice", "bye"), talk.removes("bob"), talk.says("alice", "secret")
        await other.segment(talk, farewell, removal, secret)
        await listening_again(node)
        assert await bob.seqs(2) == [farewell.seq, removal.seq]
        await bob.hears_nothing_more()


async def test_a_redis_that_forgot_everything_costs_no_event(world: World, node: DeliveryNode) -> None:
    other = await world.node()
    talk = world.logs.conversation("alice", "bob")
    async with connected(node, "bob/phone") as bob, Redis.from_url(world.redis_url) as redis:
        await other.segment(talk, talk.says("alice", "one"))
        assert await bob.seqs(1) == [2]
        await redis.flushdb()
        await other.segment(talk, talk.says("alice", "two"))  # nobody knows where bob is
        for client in await redis.client_list(_type="pubsub"):
            await redis.client_kill_filter(_id=client["id"])
        assert await bob.seqs(1) == [3]
        await other.segment(talk, talk.says("alice", "three"))
        assert await bob.seqs(1) == [4]


async def test_a_conversation_under_fire_from_two_nodes_stays_in_order(world: World, node: DeliveryNode) -> None:
    other = await world.node()
    talk = world.logs.conversation("alice", "bob")
    async with connected(node, "bob/phone") as bob, connected(other, "alice/phone") as alice:
        await node.segment(talk, talk.says("alice", "first"))
        assert await bob.seqs(1) == [2]
        assert await alice.seqs(1) == [2]
        lanes = (node, other)
        async with asyncio.TaskGroup() as calls:
            for number in range(60):
                event = talk.says("alice", str(number))
                if number % 7:  # the others are lost on the fast lane
                    data = talk.segment(event).SerializeToString()
                    calls.create_task(until_taken(partial(lanes[number % 2].comes, data, "chat.segment")))
                calls.create_task(until_taken(partial(lanes[1 - number % 2].pointer, talk, event.seq, event.seq)))
        for client in (alice, bob):
            assert await client.seqs(60) == list(range(3, 63))
            await client.hears_nothing_more()


@pytest.mark.parametrize(
    ("data", "kind"),
    [
        (b"\xff\xff", "chat.segment"),
        (pb.Segment(conversation_id="c", first_seq=1, last_seq=2).SerializeToString(), "chat.segment"),
        (b"", "chat.segment"),
        ({}, "chat.unheard-of"),
    ],
)
async def test_what_cannot_be_read_goes_to_the_dead_letters(
    node: DeliveryNode, data: bytes | dict[str, object], kind: str
) -> None:
    assert await node.comes(data, kind) == "DROP"


async def test_a_bulk_has_a_status_for_each_of_its_pointers(world: World, node: DeliveryNode) -> None:
    talk = world.logs.conversation("alice", "bob")
    async with connected(node, "bob/phone") as bob:
        talk.says("alice", "hello")
        wrong = {"conversation_id": "c", "first_seq": "x", "last_seq": "2"}
        numbers = {"conversation_id": "c", "first_seq": 1, "last_seq": 2}
        assert await node.bulk(
            pointer(talk, 1, 2),
            cloud_event(wrong, "chat.pointer"),
            cloud_event(numbers, "chat.pointer"),
            cloud_event(b"", "chat.segment"),
            pointer(talk, 2, 2),
        ) == ["SUCCESS", "DROP", "DROP", "DROP", "SUCCESS"]
        assert await bob.seqs(1) == [2]
        await bob.hears_nothing_more()


async def test_what_is_no_bulk_is_refused_with_a_code(node: DeliveryNode) -> None:
    headers = {"dapr-api-token": APP_API_TOKEN}
    answer = await node.sidecar.post("/events/pointers", content=b'{"entries": 1}', headers=headers)
    assert (answer.status_code, answer.json()["code"]) == (400, "malformed_request")


async def test_what_cannot_be_handled_now_comes_again(world: World, node: DeliveryNode) -> None:
    talk = world.logs.conversation("alice", "bob")
    async with connected(node, "bob/phone") as bob:
        hello = talk.says("alice", "hello")
        world.logs.away = True
        assert await node.segment(talk, hello) == "RETRY"
        assert await node.pointer(talk, 1, 2) == "RETRY"
        world.logs.away = False
        assert await node.segment(talk, hello) == "SUCCESS"
        assert await bob.seqs(1) == [2]


async def test_a_fan_out_whose_answer_was_lost_reaches_everybody_once(
    world: World, node: DeliveryNode, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = await world.node()
    talk = world.logs.conversation("alice", "bob")
    fan_out = node.registry.fan_out

    async def done_but_not_heard_of(*arguments: Any) -> Any:
        await fan_out(*arguments)
        raise RealChatError(Code.UNAVAILABLE)

    async with connected(node, "bob/phone") as bob, connected(other, "alice/phone") as alice:
        hello = talk.says("alice", "hello")
        monkeypatch.setattr(node.registry, "fan_out", done_but_not_heard_of)
        assert await node.segment(talk, hello) == "RETRY"
        monkeypatch.undo()
        assert await node.segment(talk, hello) == "SUCCESS"
        for client in (alice, bob):
            assert await client.seqs(1) == [2]
            await client.hears_nothing_more()


async def test_an_audience_older_than_the_event_is_not_used(world: World, node: DeliveryNode) -> None:
    talk = world.logs.conversation("alice", "bob")
    added = talk.adds("carol")
    segment = talk.segment(added)
    segment.members_seq = 99
    assert await node.comes(segment.SerializeToString(), "chat.segment") == "RETRY"


async def test_a_trace_that_is_no_string_hurts_nobody(world: World, node: DeliveryNode) -> None:
    talk = world.logs.conversation("alice", "bob")
    data = talk.segment(talk.says("alice", "hello")).SerializeToString()
    assert await node.comes(data, "chat.segment", traceparent={"not": "a string"}) == "SUCCESS"


async def test_only_the_sidecar_calls_back(node: DeliveryNode) -> None:
    for headers in ({}, {"dapr-api-token": "wrong"}):
        for route in ("conversation", "receipt", "account", "pointers"):
            answer = await node.sidecar.post(f"/events/{route}", content=b"{}", headers=headers)
            assert answer.status_code == 401


async def test_the_sidecar_learns_what_to_subscribe_to(node: DeliveryNode) -> None:
    subscriptions = (await node.sidecar.get("/dapr/subscribe")).json()
    assert [(entry["pubsubname"], entry["topic"], entry["route"]) for entry in subscriptions] == [
        ("events", "conversation-events", "/events/conversation"),
        ("events", "receipt-events", "/events/receipt"),
        ("account-broadcast", "account-events", "/events/account"),
    ]
    assert subscriptions[0]["deadLetterTopic"] == "conversation-events-dead"


async def until_taken(comes: Callable[[], Awaitable[str]]) -> None:
    """As Dapr does it: what is put off comes again."""
    while await comes() == "RETRY":
        await asyncio.sleep(0.05)


async def listening_again(node: DeliveryNode) -> None:
    node.tasks["listen"] = asyncio.ensure_future(node.hub.listen())
