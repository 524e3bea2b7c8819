"""Who is where, and how far each conversation was fanned out."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest
from realchat_delivery.registry import Registry, open_redis, open_subscriber
from redis.asyncio import Redis

from realchat_common.errors import Code, RealChatError
from realchat_common.identity import User


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


async def test_a_user_is_found_on_every_node_but_ones_own(registry: Registry, other: Registry) -> None:
    await registry.register(user("alice"))
    await other.register(user("alice"))
    await other.register(user("bob"))
    assert await registry.locate("talk", ["bob", "carol", "alice"]) == (None, {"node-b": [0, 2]})
    assert await other.locate("talk", ["alice", "bob"]) == (None, {"node-a": [0]})


async def test_a_group_of_a_thousand_is_located_in_one_command(
    registry: Registry, other: Registry, redis: Redis
) -> None:
    members = [f"user{number}" for number in range(1_000)]
    await other.refresh(members[::2])
    before = (await redis.info("stats"))["total_commands_processed"]
    _, nodes = await registry.locate("talk", members)
    after = (await redis.info("stats"))["total_commands_processed"]
    assert nodes == {"node-b": list(range(0, 1_000, 2))}
    assert after - before <= 1_000 + 4  # what the one script calls inside counts too


async def test_a_removed_user_is_not_found(registry: Registry, other: Registry) -> None:
    await other.register(user("alice"))
    await other.remove("alice")
    assert await registry.locate("talk", ["alice"]) == (None, {})


async def test_a_removal_that_comes_after_a_new_registration_removes_nothing(
    registry: Registry, other: Registry
) -> None:
    await other.register(user("alice"))
    removal = other.remove("alice")  # the last socket went
    task = asyncio.ensure_future(removal)
    await asyncio.gather(task, *(other.register(user("alice")) for _ in range(5)))  # while another one came
    assert await registry.locate("talk", ["alice"]) == (None, {"node-b": [0]})


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


async def test_the_watermark_only_rises(registry: Registry, other: Registry, redis: Redis) -> None:
    assert await registry.watermark("talk") is None
    for seq in (3, 7, 5):
        await registry.fanned_out("talk", seq, {})
    assert await other.watermark("talk") == 7
    assert await other.locate("talk", []) == (7, {})
    assert await redis.ttl("delivery:watermark:talk") > 80_000


async def test_packets_come_before_the_watermark_rises(registry: Registry, other: Registry) -> None:
    async with asyncio.timeout(5):
        packets = other.packets()
        assert await anext(packets) is None
        await registry.fanned_out("talk", 1, {"node-b": b"\x00one", "node-c": b"for nobody"})
        assert await anext(packets) == b"\x00one"
        await packets.aclose()


async def test_a_lost_channel_is_noticed(registry: Registry, redis: Redis) -> None:
    packets = registry.packets()
    assert await anext(packets) is None
    for client in await redis.client_list(_type="pubsub"):
        await redis.client_kill_filter(_id=client["id"])
    with pytest.raises(RealChatError) as lost:
        await anext(packets)
    assert lost.value.code is Code.UNAVAILABLE


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
    for call in (registry.register(user("alice")), registry.watermark("talk"), registry.locate("talk", ["alice"])):
        with pytest.raises(RealChatError) as away:
            await call
        assert away.value.code is Code.UNAVAILABLE
    with pytest.raises(RealChatError):
        await anext(registry.packets())
