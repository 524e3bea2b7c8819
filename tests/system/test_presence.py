"""Who is there and what they do, seen by others: through sockets on two delivery replicas."""

from __future__ import annotations

import asyncio

from support.chat import Device, Person, eventually, online
from support.fixtures import NewPerson


async def test_the_others_see_who_types(person: NewPerson, socket_urls: list[str]) -> None:
    alice, bob = await person("Alice"), await person("Bob")
    conversation = await alice.talks_to(bob)
    phone, bobs = Device(alice, [socket_urls[0]]), Device(bob, [socket_urls[1]])
    async with online(phone, bobs):
        for state in ("start", "stop"):
            await phone.posts({"type": "typing", "conversation_id": conversation, "state": state})

        def seen() -> list[str]:
            return [frame["state"] for frame in bobs.other if frame["type"] == "typing"]

        await eventually(lambda: seen() == ["start", "stop"], "Bob sees Alice begin and stop")
    assert [frame for frame in phone.other if frame["type"] == "typing"] == []


async def test_who_blocks_and_who_is_blocked_go_dark_for_each_other_at_once(
    person: NewPerson, socket_urls: list[str]
) -> None:
    alice, bob, carol = await person("Alice"), await person("Bob"), await person("Carol")
    await alice.makes_group("Team", bob, carol)
    alices, bobs = Device(alice, [socket_urls[0]]), Device(bob, [socket_urls[1]])
    carols = Device(carol, [socket_urls[0]])

    def seen(by: Device, whom: Person) -> list[str]:
        """The presence of somebody as it was told a device, one after the other."""
        told = [one for frame in by.other if frame["type"] == "presence" for one in frame["presences"]]
        return [one["status"] for one in told if one["user_id"] == whom.user_id]

    async with online(alices, bobs, carols):
        for device, watched in ((alices, bob), (bobs, alice), (carols, bob)):
            answer = await device.asks({"type": "watch", "user_ids": [watched.user_id]})
            assert [one["status"] for one in answer["presences"]] == ["online"]
        assert (await bob.asks("POST", "/v1/blocks", json={"user_id": alice.user_id}))["blocked"]
        async with asyncio.timeout(2):  # of 7 s between two heartbeats
            await eventually(lambda: seen(alices, bob) == ["hidden"], "Bob is dark for Alice")
            await eventually(lambda: seen(bobs, alice) == ["hidden"], "Alice is dark for Bob")
        await bobs.posts({"type": "presence", "status": "away"})
        await eventually(lambda: seen(carols, bob) == ["away"], "Carol still sees what Bob does")
        assert seen(alices, bob) == ["hidden"]


async def test_a_friend_is_seen_to_come_and_go_by_whoever_watches(person: NewPerson, socket_urls: list[str]) -> None:
    alice, bob, carol = await person("Alice"), await person("Bob"), await person("Carol")
    await alice.talks_to(bob)
    phone, bobs = Device(alice, [socket_urls[0]]), Device(bob, [socket_urls[1]])

    def seen() -> list[tuple[str, str]]:
        told = [frame for frame in phone.other if frame["type"] == "presence"]
        return [(one["user_id"], one["status"]) for frame in told for one in frame["presences"]]

    async with online(phone):
        answer = await phone.asks({"type": "watch", "user_ids": [bob.user_id, carol.user_id]})
        assert [one["status"] for one in answer["presences"]] == ["offline", "hidden"]
        async with online(bobs):
            await eventually(lambda: seen() == [(bob.user_id, "online")], "Alice sees Bob come")
            await bobs.posts({"type": "presence", "status": "away"})
            await eventually(lambda: seen()[-1] == (bob.user_id, "away"), "Alice sees Bob away")
        await eventually(lambda: seen()[-1] == (bob.user_id, "offline"), "Alice sees Bob go")
    last = [frame for frame in phone.other if frame["type"] == "presence"][-1]
    assert last["presences"][0]["last_seen_at"]
