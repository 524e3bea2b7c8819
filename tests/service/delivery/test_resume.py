"""A client that comes back gets exactly what it missed."""

from __future__ import annotations

import asyncio
from typing import Any

from service.delivery.client import connected
from service.delivery.logs import EPOCH, Conversation
from service.delivery.world import DeliveryNode, World

from realchat_common.ids import new_id


def resume(**held: int) -> dict[str, Any]:
    return {"type": "resume", "conversations": held}


def states(resumed: dict[str, Any]) -> dict[str, tuple[str, int]]:
    return {talk: (state["status"], state["last_seq"]) for talk, state in resumed["conversations"].items()}


def talks(conversation: Conversation, *bodies: str) -> None:
    for body in bodies:
        conversation.says("alice", body)


async def test_what_was_missed_comes_in_order_before_the_end_of_the_resume(world: World, node: DeliveryNode) -> None:
    one, two = world.logs.conversation("alice", "bob"), world.logs.conversation("alice", "bob")
    talks(one, "a", "b", "c")
    talks(two, "d")
    async with connected(node, "bob/phone") as bob:
        await bob.says({**resume(**{one.conversation_id: 2, two.conversation_id: 2}), "id": "r"})
        assert await bob.events(2) == [(one.conversation_id, 3), (one.conversation_id, 4)]
        resumed = await bob.hears("resumed")
        assert (resumed["id"], resumed["epoch"]) == ("r", EPOCH)
        assert states(resumed) == {one.conversation_id: ("recovered", 4), two.conversation_id: ("recovered", 2)}


async def test_conversations_that_were_not_named_are_listed_and_go_on_without_a_gap(
    world: World, node: DeliveryNode
) -> None:
    known = [world.logs.conversation("alice", "bob") for _ in range(5)]
    talks(known[0], "a")
    async with connected(node, "bob/phone") as bob:
        resumed = await bob.asks(resume())
        assert states(resumed) == {talk.conversation_id: ("history", talk.last_seq) for talk in known}
        lost = known[0].says("alice", "lost on its way")
        assert lost.seq == 3
        node.hub.deliver(known[0].segment(known[0].says("alice", "four")), known[0].audience.recipients(4, 4))
        assert await bob.seqs(2) == [3, 4]


async def test_who_missed_too_much_gets_nothing_and_pages_through_the_history(world: World, node: DeliveryNode) -> None:
    talk = world.logs.conversation("alice", "bob")
    talks(talk, *map(str, range(300)))
    async with connected(node, "bob/phone") as bob:
        assert states(await bob.asks(resume(**{talk.conversation_id: 5}))) == {talk.conversation_id: ("history", 301)}
        await node.segment(talk, talk.says("alice", "live"))
        assert await bob.seqs(1) == [302]


async def test_who_is_no_member_learns_only_that(world: World, node: DeliveryNode) -> None:
    foreign, nowhere = world.logs.conversation("alice"), new_id()
    async with connected(node, "bob/phone") as bob:
        resumed = await bob.asks(resume(**{foreign.conversation_id: 0, nowhere: 3}))
        assert states(resumed) == {foreign.conversation_id: ("forbidden", 0), nowhere: ("forbidden", 0)}


async def test_who_holds_more_than_the_log_has_pages_through_the_history(world: World, node: DeliveryNode) -> None:
    talk = world.logs.conversation("alice", "bob")
    async with connected(node, "bob/phone") as bob:
        assert states(await bob.asks(resume(**{talk.conversation_id: 9}))) == {talk.conversation_id: ("history", 1)}
        await node.segment(talk, talk.says("alice", "two"))
        assert await bob.seqs(1) == [2]


async def test_what_happens_during_a_resume_comes_after_it_and_once(world: World, node: DeliveryNode) -> None:
    talk, other = world.logs.conversation("alice", "bob"), world.logs.conversation("alice", "bob")
    talks(talk, "missed")
    async with connected(node, "bob/phone") as bob:
        world.logs.reading.clear()
        await bob.says(resume(**{talk.conversation_id: 1}))
        while not world.logs.synced > 1:  # the first was for the epoch
            await asyncio.sleep(0.01)
        await node.segment(talk, talk.says("alice", "live"))
        await node.segment(other, other.says("alice", "live too"))
        world.logs.reading.set()
        assert await bob.seqs(1) == [2]
        assert states(await bob.hears("resumed")) == {
            talk.conversation_id: ("recovered", 2),
            other.conversation_id: ("history", 2),
        }
        assert await bob.events(1) == [(talk.conversation_id, 3)]
        await bob.hears_nothing_more()


async def test_many_conversations_are_asked_for_in_few_calls(world: World, node: DeliveryNode) -> None:
    held = {}
    for _ in range(450):
        talk = world.logs.conversation("alice", "bob")
        talks(talk, "missed")
        held[talk.conversation_id] = 1
    async with connected(node, "bob/phone") as bob:
        before = world.logs.synced
        await bob.says(resume(**held))
        assert {conversation for conversation, _ in await bob.events(450)} == set(held)
        assert set(states(await bob.hears("resumed")).values()) == {("recovered", 2)}
        assert world.logs.synced - before == 3


async def test_a_large_resume_does_not_overflow_the_queue(world: World) -> None:
    node = await world.node(queue_bytes=50_000, queue_frames=50)
    held = {}
    for _ in range(10):
        talk = world.logs.conversation("alice", "bob")
        talks(talk, *("x" * 1_000 for _ in range(100)))
        held[talk.conversation_id] = 1
    async with connected(node, "bob/phone") as bob:
        await bob.says(resume(**held))
        heard = await bob.events(1_000)
        for conversation_id in held:
            assert [seq for conversation, seq in heard if conversation == conversation_id] == list(range(2, 102))
        await bob.hears("resumed")


async def test_a_resume_without_the_log_is_a_temporary_error_and_can_be_repeated(
    world: World, node: DeliveryNode
) -> None:
    talk = world.logs.conversation("alice", "bob")
    talks(talk, "missed")
    async with connected(node, "bob/phone") as bob:
        world.logs.away = True
        answer = await bob.asks(resume(**{talk.conversation_id: 1}))
        assert (answer["code"], answer["temporary"]) == ("unavailable", True)
        world.logs.away = False
        await bob.says(resume(**{talk.conversation_id: 1}))
        assert await bob.seqs(1) == [2]
        await bob.hears("resumed")


async def test_ids_in_a_resume_are_checked(node: DeliveryNode) -> None:
    async with connected(node, "bob/phone") as bob:
        answer = await bob.asks(resume(nonsense=1))
        assert (answer["code"], answer["field"]) == ("invalid_argument", "conversations")


async def test_reconnecting_again_and_again_loses_nothing(world: World, node: DeliveryNode) -> None:
    """Somebody writes without pause, somebody else comes, resumes, hears a little and goes."""
    talk = world.logs.conversation("alice", "bob")
    last = 150

    async def writes() -> None:
        while talk.last_seq < last:
            event = talk.says("alice", "…")
            if event.seq % 5:
                await node.segment(talk, event)
            await asyncio.sleep(0.002)
        await node.pointer(talk, last, last)

    heard: list[int] = [1]
    async with asyncio.TaskGroup() as group:
        group.create_task(writes())
        async with asyncio.timeout(30):
            while heard[-1] < last:
                async with connected(node, "bob/phone") as bob:
                    await bob.says(resume(**{talk.conversation_id: heard[-1]}))
                    resumed = False
                    for _ in range(20):
                        if heard[-1] == last:
                            break
                        frame = await bob.hears()
                        if frame["type"] == "resumed":
                            resumed = True
                        elif frame["event"]["seq"] > heard[-1] and not (
                            frame["event"]["seq"] > heard[-1] + 1 and not resumed
                        ):
                            heard.append(frame["event"]["seq"])
    assert heard == list(range(1, last + 1))
