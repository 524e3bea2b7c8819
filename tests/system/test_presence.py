"""Who is there and what they do, seen by others: through sockets on two delivery replicas."""

from __future__ import annotations

from support.chat import Device, eventually, online
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
