"""Reactions on the whole system."""

from __future__ import annotations

from support.chat import Device, online
from support.fixtures import NewPerson


async def test_reactions_given_over_a_socket_or_a_route_are_counted_and_listed(
    person: NewPerson, socket_urls: list[str]
) -> None:
    alice, bob = await person("Alice"), await person("Bob")
    conversation = await alice.talks_to(bob)
    phone, bobs = Device(alice, [socket_urls[0]]), Device(bob, [socket_urls[1]])
    async with online(phone, bobs):
        sent = await phone.sends(conversation, "look at this")
        message = {"conversation_id": conversation, "message_id": sent["message_id"]}
        given = [await bobs.asks({"type": "react", **message, "emoji": "❤"}) for _ in range(2)]
        assert [(ack["type"], ack["seq"], ack["duplicate"]) for ack in given] == [("ack", 3, False), ("ack", 2, True)]
        path = f"/v1/conversations/{conversation}/messages/{sent['message_id']}/reactions"
        assert (await alice.asks("PUT", f"{path}/❤️"))["seq"] == 4
        edited = await phone.asks({"type": "edit", **message, "body": "look at that"})
        assert edited["seq"] == 5
        await bobs.reaches(conversation, 5)
        counts = [event["data"]["count"] for event in bobs.received[conversation][2:4]]
        assert counts == [1, 2]
        history = await bob.history(conversation)
        assert history[1]["data"]["reactions"] == [{"emoji": "❤️", "count": 2, "mine": True}]
        listed = (await alice.asks("GET", path))["reactions"]
        assert [(each["user_id"], each["emoji"]) for each in listed] == [(bob.user_id, "❤️"), (alice.user_id, "❤️")]
        assert (await phone.asks({"type": "delete", **message}))["seq"] == 6
        refused = await bobs.asks({"type": "react", **message, "emoji": "👍"})
        assert (refused["type"], refused["code"]) == ("error", "message_not_found")
