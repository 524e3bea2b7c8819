"""Who is where, and how far each conversation was fanned out."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable
from typing import Any

import pytest
from realchat_delivery.registry import Registry, open_subscriber
from redis.asyncio import Redis

from realchat_common.errors import Code, RealChatError
from realchat_common.identity import User
from realchat_common.ids import new_id
from realchat_common.redis import open_redis


@pytest.fixture
async def redis(redis_url: str) -> AsyncIterator[Redis]:
    redis = open_redis(redis_url)
    yield redis
    await redis.aclose()


@pytest.fixture
def registry(redis: Redis, redis_url: str) -> Registry:
    return Registry(redis, open_subscriber(redis_url), "node-a")


@pytest.fixture
def other(redis: Redis, redis_url: str) -> Registry:
    return Registry(redis, open_subscriber(redis_url), "node-b")


def user(name: str, session: str = "phone") -> User:
    return User(name, session)


async def heard(packets: AsyncGenerator[bytes | None, None]) -> bytes | None:
    async with asyncio.timeout(5):
        return await anext(packets)


async def open_channel(node: Registry) -> AsyncGenerator[bytes | None, None]:
    packets = node.packets()
    assert await heard(packets) is None
    return packets


async def reached(by: Registry, user_ids: list[str], *nodes: AsyncGenerator[bytes | None, None]) -> list[bool]:
    """Which of the nodes get a packet for these users; a last packet for nobody in particular ends the waiting."""
    talk, mark = new_id(), new_id().encode()
    assert await by.fan_out(talk, 1, 1, user_ids, b"one" + mark) is None
    async with asyncio.TaskGroup() as group:
        first = [group.create_task(heard(node)) for node in nodes]
        for name in ("node-a", "node-b", "node-c"):
            await by._redis.publish(f"delivery:node:{name}", b"end")
    answers = []
    for node, task in zip(nodes, first, strict=True):
        answers.append(task.result() == b"one" + mark)
        if answers[-1]:
            assert await heard(node) == b"end"
    return answers


async def test_an_event_goes_once_to_every_other_node_with_a_recipient(registry: Registry, other: Registry) -> None:
    await registry.register(user("alice"))
    await other.register(user("alice"))
    await other.register(user("bob"))
    here, there = await open_channel(registry), await open_channel(other)
    assert await reached(registry, ["alice", "bob"], here, there) == [False, True]
    assert await reached(other, ["alice", "bob"], here, there) == [True, False]
    assert await reached(other, ["bob", "carol"], here, there) == [False, False]


async def test_a_group_of_a_thousand_takes_one_round_trip(registry: Registry, other: Registry, redis: Redis) -> None:
    members = [f"user{number}" for number in range(1_000)]
    await other.refresh(members[::2])
    there = await open_channel(other)
    before = (await redis.info("commandstats"))["cmdstat_eval"]["calls"]
    assert await reached(registry, members, there) == [True]
    assert (await redis.info("commandstats"))["cmdstat_eval"]["calls"] == before + 1


async def test_a_removed_user_is_not_found(registry: Registry, other: Registry) -> None:
    there = await open_channel(other)
    await other.register(user("alice"))
    await other.remove(["alice"])
    assert await reached(registry, ["alice"], there) == [False]


async def test_a_removal_that_comes_after_a_new_registration_removes_nothing(
    registry: Registry, other: Registry, monkeypatch: pytest.MonkeyPatch
) -> None:
    there = await open_channel(other)
    await other.register(user("alice"))
    gate, at_once = asyncio.Event(), other._eval

    async def late(*arguments: Any) -> Any:
        await gate.wait()
        return await at_once(*arguments)

    monkeypatch.setattr(other, "_eval", late)
    removal = asyncio.ensure_future(other.remove(["alice"]))  # the last socket went
    await asyncio.sleep(0)
    monkeypatch.setattr(other, "_eval", at_once)
    await other.register(user("alice"))  # and another one came
    gate.set()
    await removal
    assert await reached(registry, ["alice"], there) == [True]


async def test_refreshing_tells_who_was_not_found_any_more(registry: Registry, redis: Redis) -> None:
    assert await registry.refresh(["alice", "bob"]) == ["alice", "bob"]
    assert await registry.refresh(["alice", "bob"]) == []
    await redis.delete("delivery:user:bob")
    assert await registry.refresh(["alice", "bob"]) == ["bob"]


async def test_an_entry_ends_by_itself_and_does_not_live_on_with_another_nodes(
    registry: Registry, other: Registry, redis: Redis
) -> None:
    await other.register(user("alice"))
    assert 0 < await redis.ttl("delivery:user:alice") <= 30
    await redis.zadd("delivery:user:alice", {"node-b": 1_000})  # its time is over
    await registry.register(user("alice"))
    assert await redis.zrange("delivery:user:alice", 0, -1) == [b"node-a"]


async def test_the_watermark_rises_without_gaps(registry: Registry, other: Registry, redis: Redis) -> None:
    assert await registry.watermarks(["talk"]) == [None]
    assert await registry.fan_out("talk", 3, 4, [], b"") is None  # nobody knows what was before
    assert await other.fan_out("talk", 4, 4, [], b"") == 4
    assert await other.fan_out("talk", 6, 6, [], b"") == 4
    assert await other.fan_out("talk", 4, 6, [], b"") is None
    assert await registry.watermarks(["talk", "another"]) == [6, None]
    assert await redis.ttl("delivery:watermark:talk") > 80_000


async def test_what_is_not_next_is_not_sent(registry: Registry, other: Registry) -> None:
    await other.register(user("alice"))
    there = await open_channel(other)
    for first_seq, last_seq in ((1, 2), (1, 2), (2, 2), (4, 4), (3, 3)):
        await registry.fan_out("talk", first_seq, last_seq, ["alice"], f"{first_seq}-{last_seq}".encode())
    assert [await heard(there) for _ in range(2)] == [b"1-2", b"3-3"]


async def test_a_lost_channel_is_noticed(registry: Registry, redis: Redis) -> None:
    packets = registry.packets()
    assert await anext(packets) is None
    for client in await redis.client_list(_type="pubsub"):
        await redis.client_kill_filter(_id=client["id"])
    with pytest.raises(RealChatError) as lost:
        await anext(packets)
    assert lost.value.code is Code.UNAVAILABLE


async def test_what_is_for_all_nodes_reaches_all(registry: Registry, other: Registry) -> None:
    channels = [await open_channel(registry), await open_channel(other)]
    await other.broadcast(b"news")
    assert [await heard(channel) for channel in channels] == [b"news", b"news"]


async def test_a_ticket_is_burnt_once(registry: Registry, other: Registry) -> None:
    assert sorted(await asyncio.gather(*(node.burn("t", 30) for node in (registry, other, registry)))) == [
        False,
        False,
        True,
    ]


async def test_a_revoked_session_cannot_register(registry: Registry, other: Registry) -> None:
    await other.revoke("phone")
    assert not await registry.register(user("alice", "phone"))
    assert await registry.register(user("alice", "laptop"))


async def test_redis_away_is_a_temporary_error() -> None:
    redis = open_redis("redis://127.0.0.1:1/0")
    registry = Registry(redis, open_subscriber("redis://127.0.0.1:1/0"), "node-a")
    calls: tuple[Awaitable[object], ...] = (
        registry.register(user("alice")),
        registry.watermarks(["talk"]),
        registry.fan_out("t", 1, 1, [], b""),
    )
    for call in calls:
        with pytest.raises(RealChatError) as away:
            await call
        assert away.value.code is Code.UNAVAILABLE
    with pytest.raises(RealChatError):
        await anext(registry.packets())


async def test_no_cancellation_is_lost_on_the_way(registry: Registry) -> None:
    """Or an application that stops would wait for ever for a job that goes on."""
    for steps in range(25):
        task = asyncio.ensure_future(registry.register(user("alice")))
        for _ in range(steps):
            await asyncio.sleep(0)
        if task.cancel():
            with pytest.raises(asyncio.CancelledError):
                await task
