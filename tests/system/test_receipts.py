"""Receipts and unread counts: through sockets, sidecars, Kafka and HTTP."""

from __future__ import annotations

from typing import Any

from support.chat import Device, Person, eventually, online
from support.fixtures import NewPerson


async def shown(person: Person, conversation: str) -> dict[str, Any]:
    """A conversation as the person's bootstrap shows it."""
    conversations = (await person.asks("GET", "/v1/bootstrap"))["conversations"]
    return next(entry for entry in conversations if entry["conversation_id"] == conversation)


def receipts(device: Device, user: Person) -> list[tuple[int, int]]:
    return [
        (frame["delivered_up_to"], frame["read_up_to"])
        for frame in device.other
        if frame["type"] == "receipt" and frame["user_id"] == user.user_id
    ]


async def test_a_reader_is_seen_by_the_sender_and_counts_follow(person: NewPerson, socket_urls: list[str]) -> None:
    alice, bob = await person("Alice"), await person("Bob")
    conversation = await alice.talks_to(bob)
    phone, bobs = Device(alice, [socket_urls[0]]), Device(bob, [socket_urls[1]])
    async with online(phone, bobs):
        mentioned = {"type": "send", "client_message_id": "1", "body": "@bob one", "mentions": [bob.user_id]}
        assert (await phone.asks({**mentioned, "conversation_id": conversation}))["type"] == "ack"
        sent = await phone.sends(conversation, "two")
        await bobs.reaches(conversation, 3)
        assert bobs.received[conversation][1]["data"]["mentions"] == [bob.user_id]
        before = await shown(bob, conversation)
        assert (before["unread_count"], before["mention_count"]) == (2, 1)
        assert (await shown(alice, conversation))["unread_count"] == 0
        await bobs.posts({"type": "delivered", "conversation_id": conversation, "up_to_seq": 3})
        await eventually(lambda: (3, 0) in receipts(phone, bob), "Alice sees that Bob has got it")
        await bobs.posts({"type": "read", "conversation_id": conversation, "up_to_seq": 2})
        await eventually(lambda: (3, 2) in receipts(phone, bob), "Alice sees how far Bob has read")
        after = await shown(bob, conversation)
        assert (after["unread_count"], after["mention_count"]) == (1, 0)
        await bob.asks("POST", f"/v1/conversations/{conversation}/read", json={"up_to_seq": 3})
        await eventually(lambda: (3, 3) in receipts(phone, bob), "Alice sees that Bob has read all")
        await eventually(lambda: (3, 3) in receipts(bobs, bob), "Bob's other devices see it too")
    assert receipts(phone, bob) == sorted(receipts(phone, bob))
    assert (await shown(bob, conversation))["unread_count"] == 0
    who = await alice.asks("GET", f"/v1/conversations/{conversation}/messages/{sent['message_id']}/receipts")
    assert who == {"delivered_to": [bob.user_id], "read_by": [bob.user_id]}


async def test_people_of_whom_one_blocks_the_other_see_none_of_each_others_receipts_in_a_group(
    person: NewPerson, socket_urls: list[str]
) -> None:
    alice, bob, carol = await person("Alice"), await person("Bob"), await person("Carol")
    group = await carol.makes_group("Team", alice, bob)
    alices, carols = Device(alice, [socket_urls[0]]), Device(carol, [socket_urls[1]])
    async with online(alices, carols):
        sent = await alices.sends(group, "one")
        assert (await bob.asks("POST", "/v1/blocks", json={"user_id": alice.user_id}))["blocked"]
        await bob.asks("POST", f"/v1/conversations/{group}/read", json={"up_to_seq": 2})
        await eventually(lambda: (2, 2) in receipts(carols, bob), "Carol sees that Bob has read")
        await carol.asks("POST", f"/v1/conversations/{group}/read", json={"up_to_seq": 2})
        await eventually(lambda: (2, 2) in receipts(alices, carol), "Alice sees that Carol has read")
        assert receipts(alices, bob) == []
        who = await alice.asks("GET", f"/v1/conversations/{group}/messages/{sent['message_id']}/receipts")
        assert who["read_by"] == [carol.user_id]
        await bob.asks("DELETE", f"/v1/blocks/{alice.user_id}")
        last = await alices.sends(group, "two")
        await bob.asks("POST", f"/v1/conversations/{group}/read", json={"up_to_seq": last["seq"]})
        await eventually(lambda: (3, 3) in receipts(alices, bob), "Alice sees Bob's receipts again")


async def test_a_conversation_marked_as_unread_is_so_until_it_is_read(person: NewPerson) -> None:
    alice, bob = await person("Alice"), await person("Bob")
    conversation = await alice.talks_to(bob)
    await bob.asks("POST", f"/v1/conversations/{conversation}/unread")
    assert (await shown(bob, conversation))["receipt"]["marked_unread"] is True
    assert (await shown(alice, conversation))["receipt"]["marked_unread"] is False
    await bob.asks("POST", f"/v1/conversations/{conversation}/read", json={"up_to_seq": 1})
    assert (await shown(bob, conversation))["receipt"]["marked_unread"] is False
