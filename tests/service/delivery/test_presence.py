"""Presence: who is watched is seen as they come, go and are away, on whatever nodes they and the watchers are."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import pytest
from realchat_delivery.presence import Device
from service.delivery.client import Client, connected
from service.delivery.world import DeliveryNode, World

from chat.event.v1 import event_pb2 as pb
from realchat_common.ids import new_id

ALICE, BOB, CAROL = new_id(), new_id(), new_id()


async def watches(client: Client, *user_ids: str) -> dict[str, str]:
    answer = await client.asks({"type": "watch", "user_ids": user_ids})
    assert answer["type"] == "presence", answer
    return {one["user_id"]: one["status"] for one in answer["presences"]}


async def sees(client: Client) -> tuple[str, str]:
    """The next frame, which has to tell of one user."""
    ((user_id, status),) = [(one["user_id"], one["status"]) for one in (await client.hears("presence"))["presences"]]
    return user_id, status


async def shows(client: Client, status: str) -> None:
    await client.says({"type": "presence", "status": status})


async def blocks(world: World, node: DeliveryNode, one: str, other: str) -> None:
    """They are strangers from now on, and both accounts tell of it."""
    world.house.strangers |= {one, other}
    for user_id, peer_id in ((one, other), (other, one)):
        changed = pb.AccountEvent(user_id=user_id, relation_changed=pb.RelationChanged(peer_id=peer_id, apart=True))
        assert await node.comes(changed.SerializeToString(), "chat.account", route="account") == "SUCCESS"


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(5):
        while not condition():
            await asyncio.sleep(0.01)


async def test_who_is_watched_is_seen_as_they_come_go_and_are_away(world: World, node: DeliveryNode) -> None:
    other = await world.node()
    async with connected(node, f"{ALICE}/phone") as alice:
        assert await watches(alice, BOB, CAROL) == {BOB: "offline", CAROL: "offline"}
        async with connected(other, f"{BOB}/phone") as phone:
            assert await sees(alice) == (BOB, "online")
            await shows(phone, "away")
            assert await sees(alice) == (BOB, "away")
            async with connected(node, f"{BOB}/laptop"):
                assert await sees(alice) == (BOB, "online")
            assert await sees(alice) == (BOB, "away")
            await shows(phone, "invisible")
            assert await sees(alice) == (BOB, "offline")
            await shows(phone, "online")
            assert await sees(alice) == (BOB, "online")
        assert await sees(alice) == (BOB, "offline")
        await alice.hears_nothing_more()


async def test_who_comes_invisible_is_never_seen(node: DeliveryNode) -> None:
    async with connected(node, f"{ALICE}/phone") as alice, connected(node) as bob:
        await watches(alice, BOB)
        answer = await bob.asks({"type": "auth", "token": f"{BOB}/phone", "presence": "invisible"})
        assert answer["type"] == "ready"
        await shows(bob, "away")
        assert await sees(alice) == (BOB, "away")


async def test_whoever_is_not_watched_any_more_is_not_told(world: World, node: DeliveryNode) -> None:
    async with connected(node, f"{ALICE}/phone") as alice:
        await watches(alice, BOB)
        assert await watches(alice, CAROL) == {CAROL: "offline"}
        async with connected(node, f"{BOB}/phone"), connected(node, f"{CAROL}/phone"):
            assert await sees(alice) == (CAROL, "online")
        assert await sees(alice) == (CAROL, "offline")
        assert await watches(alice) == {}


async def test_strangers_are_hidden(world: World, node: DeliveryNode) -> None:
    world.house.strangers = {CAROL}
    async with connected(node, f"{ALICE}/phone") as alice, connected(node, f"{CAROL}/phone"):
        assert await watches(alice, BOB, CAROL) == {BOB: "offline", CAROL: "hidden"}
        async with connected(node, f"{BOB}/phone"):
            assert await sees(alice) == (BOB, "online")


async def test_who_leaves_the_last_conversation_with_somebody_is_hidden_from_them(
    world: World, node: DeliveryNode
) -> None:
    talk = world.logs.conversation(ALICE, BOB, CAROL)
    async with connected(node, f"{ALICE}/phone") as alice, connected(node, f"{BOB}/phone") as bob:
        await until(lambda: {world.house.of(one).status for one in (ALICE, BOB)} == {"online"})
        assert await watches(alice, BOB, CAROL) == {BOB: "online", CAROL: "offline"}
        assert await watches(bob, ALICE) == {ALICE: "online"}
        await node.segment(talk, talk.removes(BOB))
        world.house.strangers = {ALICE, BOB}
        await alice.hears("event")
        await bob.hears("event")
        await node.watches.compare()
        assert await sees(alice) == (BOB, "hidden")
        assert await sees(bob) == (ALICE, "hidden")
        await alice.hears_nothing_more()


async def test_people_of_whom_one_blocks_the_other_are_hidden_from_each_other_at_once(
    world: World, node: DeliveryNode, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def never() -> None:
        await asyncio.Event().wait()

    monkeypatch.setattr(node.watches, "compare", never)
    async with connected(node, f"{ALICE}/phone") as alice, connected(node, f"{BOB}/phone") as bob:
        assert await watches(bob, ALICE, CAROL) == {ALICE: "online", CAROL: "offline"}
        assert await watches(alice, BOB) == {BOB: "online"}
        await blocks(world, node, ALICE, BOB)
        assert await sees(alice) == (BOB, "hidden")
        assert await sees(bob) == (ALICE, "hidden")
        await shows(bob, "away")
        await alice.hears_nothing_more()


async def test_what_was_lost_is_made_good(world: World, node: DeliveryNode) -> None:
    async with connected(node, f"{ALICE}/phone") as alice:
        await watches(alice, BOB)
        world.house.forgets = True
        world.house.devices[Device(BOB, "on a node that crashed next")] = False
        await node.watches.compare()
        assert await sees(alice) == (BOB, "online")
        del world.house.devices[Device(BOB, "on a node that crashed next")]
        await node.watches.compare()
        assert await sees(alice) == (BOB, "offline")
        await node.watches.compare()
        await alice.hears_nothing_more()


async def test_without_presence_a_watch_is_refused_and_can_be_repeated(world: World, node: DeliveryNode) -> None:
    async with connected(node, f"{ALICE}/phone") as alice:
        world.house.away = True
        refusal = await alice.asks({"type": "watch", "user_ids": [BOB]})
        assert (refusal["code"], refusal["temporary"]) == ("unavailable", True)
        world.house.away = False
        assert await watches(alice, BOB) == {BOB: "offline"}


async def test_wishes_are_checked_and_bounded(node: DeliveryNode) -> None:
    wrong: list[dict[str, Any]] = [
        {"type": "watch", "user_ids": ["nobody"]},
        {"type": "watch", "user_ids": [new_id() for _ in range(201)]},
        {"type": "presence", "status": "sleepy"},
    ]
    async with connected(node, f"{ALICE}/phone") as alice:
        for frame in wrong:
            assert (await alice.asks(frame))["code"] == "invalid_argument"
        for _ in range(30):
            await shows(alice, "away")
        refusal = await alice.hears("error")
        assert (refusal["code"], refusal["temporary"]) == ("rate_limited", True)


async def test_a_state_that_changes_while_a_watch_is_asked_is_not_shown_old(world: World, node: DeliveryNode) -> None:
    async with connected(node, f"{ALICE}/phone") as alice, connected(node, f"{CAROL}/phone") as carol:
        await watches(carol, BOB)
        world.house.answers.clear()
        await alice.says({"type": "watch", "user_ids": [BOB]})
        async with connected(node, f"{BOB}/phone"):
            assert await sees(carol) == (BOB, "online")
            world.house.answers.set()
            assert await sees(alice) == (BOB, "online")
        assert await sees(alice) == (BOB, "offline")


async def test_who_is_blocked_while_a_watch_is_asked_is_hidden_at_once(world: World, node: DeliveryNode) -> None:
    async with connected(node, f"{ALICE}/phone") as alice, connected(node, f"{BOB}/phone") as bob:
        await until(lambda: {world.house.of(one).status for one in (ALICE, BOB)} == {"online"})
        world.house.answers.clear()
        await alice.says({"type": "watch", "user_ids": [BOB, CAROL]})
        await bob.says({"type": "watch", "user_ids": [ALICE]})
        await until(lambda: world.house.asked == 2)
        await blocks(world, node, BOB, ALICE)
        world.house.answers.set()
        for client, other in ((alice, BOB), (bob, ALICE)):
            answer = await client.hears("presence")
            assert {one["user_id"] for one in answer["presences"]} >= {other}
            assert await sees(client) == (other, "hidden")
            await client.hears_nothing_more()


async def test_who_leaves_while_a_watch_is_asked_is_hidden_by_the_comparison(world: World, node: DeliveryNode) -> None:
    talk = world.logs.conversation(ALICE, BOB)
    async with connected(node, f"{ALICE}/phone") as alice:
        world.house.answers.clear()
        await alice.says({"type": "watch", "user_ids": [BOB]})
        await until(lambda: world.house.asked == 1)
        world.house.strangers = {BOB}
        await node.segment(talk, talk.removes(BOB))
        world.house.answers.set()
        await alice.hears("event")
        assert await sees(alice) == (BOB, "offline")
        await node.watches.compare()
        assert await sees(alice) == (BOB, "hidden")


async def test_a_question_asked_again_does_not_bring_back_a_list_that_was_replaced(
    world: World, node: DeliveryNode
) -> None:
    async with connected(node, f"{ALICE}/phone") as alice:
        await watches(alice, BOB)
        world.house.answers.clear()
        await blocks(world, node, ALICE, CAROL)
        await blocks(world, node, ALICE, BOB)
        await until(lambda: world.house.asked == 2)
        before, world.house.answers = world.house.answers, asyncio.Event()
        world.house.answers.set()
        world.house.strangers = set()
        assert await watches(alice, CAROL) == {CAROL: "offline"}
        before.set()
        await until(lambda: world.house.answered == world.house.asked)
        async with connected(node, f"{CAROL}/phone"):
            assert await sees(alice) == (CAROL, "online")
        await blocks(world, node, ALICE, CAROL)
        assert await sees(alice) == (CAROL, "hidden")


async def test_questions_may_be_answered_in_another_order_than_they_were_asked(
    world: World, node: DeliveryNode
) -> None:
    async with connected(node, f"{ALICE}/phone") as alice, connected(node, f"{CAROL}/phone") as carol:
        world.house.answers.clear()
        await alice.says({"type": "watch", "user_ids": [BOB]})
        await until(lambda: world.house.asked == 1)
        first, world.house.answers = world.house.answers, asyncio.Event()
        world.house.answers.set()
        assert await watches(carol, BOB) == {BOB: "offline"}
        async with connected(node, f"{BOB}/phone"):
            assert await sees(carol) == (BOB, "online")
            first.set()
            assert await sees(alice) == (BOB, "online")
