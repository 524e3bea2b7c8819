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
