"""A poll on the whole system."""

from __future__ import annotations

from support.chat import Device, online
from support.fixtures import NewPerson


async def test_a_poll_is_asked_answered_and_closed(person: NewPerson, socket_urls: list[str]) -> None:
    alice, bob = await person("Alice"), await person("Bob")
    conversation = await alice.talks_to(bob)
    path = f"/v1/conversations/{conversation}/polls"
    bobs = Device(bob, [socket_urls[0]])
    async with online(bobs):
        made = await alice.asks("POST", path, json={"question": "Tea?", "options": ["Yes", "No"]})
        poll = f"{path}/{made['message_id']}"
        await bobs.reaches(conversation, made["seq"])
        await bob.asks("PUT", f"{poll}/vote", json={"choices": [1]})
        await bob.asks("PUT", f"{poll}/vote", json={"choices": [0]})
        await alice.asks("POST", f"{poll}/close")
        await bobs.reaches(conversation, made["seq"] + 3)
    sent, *changes = bobs.received[conversation][-4:]
    assert sent["data"]["poll"] == {"options": ["Yes", "No"], "multiple": False, "closed": False}
    assert [(event["kind"], event["data"].get("choices")) for event in changes] == [
        ("poll.voted", [1]),
        ("poll.voted", [0]),
        ("poll.closed", None),
    ]
    found = await alice.asks("GET", poll)
    assert (found["counts"], found["voters"], found["mine"], found["closed"]) == ([1, 0], 1, [], True)
