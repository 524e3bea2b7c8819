"""What people are to each other, on the whole system."""

from __future__ import annotations

import asyncio
import json

import pytest
from support.chat import ApiError, Device, Person, eventually, online
from support.fixtures import NewPerson


async def code_of(person: Person, method: str, path: str, **body: object) -> str:
    """The code with which a request is refused."""
    with pytest.raises(ApiError) as refusal:
        await person.asks(method, path, json=body)
    return refusal.value.code


async def test_a_block_stops_direct_messages_receipts_presence_and_invitations_and_groups_go_on(
    person: NewPerson, socket_urls: list[str]
) -> None:
    alice, bob, carol = await asyncio.gather(person("Alice"), person("Bob"), person("Carol"))
    talk, group = await alice.talks_to(bob), await carol.makes_group("All", alice, bob)
    await alice.asks("POST", "/v1/contacts", json={"user_id": bob.user_id})
    accepted = await bob.asks("POST", f"/v1/contacts/{alice.user_id}/accept")
    assert accepted["state"] == "contact"
    bobs, alices = Device(bob, socket_urls), Device(alice, socket_urls)

    async def shows(status: str) -> bool:
        answer = await alice.asks("GET", "/v1/presence", params={"user_ids": bob.user_id})
        return bool(answer["presences"][0]["status"] == status)

    async with online(alices, bobs):
        await alices.sends(talk, "before")
        await eventually(lambda: shows("online"), "Bob is online")
        assert (await bob.asks("POST", "/v1/blocks", json={"user_id": alice.user_id}))["blocked"]
        for somebody in (alice, bob):
            path = f"/v1/conversations/{talk}/messages"
            assert await code_of(somebody, "POST", path, body="after") == "contact_refused"
        await alices.posts({"type": "send", "conversation_id": talk, "client_message_id": "a", "body": "hi"})
        refused = ("error", "contact_refused", False)
        await eventually(
            lambda: refused in [(f["type"], f.get("code"), f.get("temporary")) for f in alices.other], "a refusal"
        )
        assert await shows("offline")
        new_group = {"title": "Both", "member_ids": [bob.user_id]}
        assert await code_of(alice, "POST", "/v1/conversations", **new_group) == "contact_refused"
        assert (await alice.asks("GET", "/v1/contacts"))["relations"] == []
        await alices.sends(group, "groups go on")
        await bobs.reaches(group, 2)
        await bob.asks("POST", f"/v1/conversations/{talk}/read", json={"up_to_seq": 2})
        seen = await alice.asks("GET", f"/v1/conversations/{talk}/receipts")
        assert [receipt["user_id"] for receipt in seen["receipts"]] == [alice.user_id]
        await bob.asks("DELETE", f"/v1/blocks/{alice.user_id}")
        assert (await alices.sends(talk, "made up"))["seq"] == 3


async def test_privacy_decides_who_writes_who_adds_and_who_sees_receipts(person: NewPerson) -> None:
    alice, bob = await asyncio.gather(person("Alice"), person("Bob"))
    settings = {"direct_messages": "contacts", "group_invitations": "nobody", "read_receipts": "contacts"}
    await bob.asks("PATCH", "/v1/me/privacy", json=settings)
    direct = ("POST", "/v1/conversations/direct")
    assert await code_of(alice, *direct, user_id=bob.user_id) == "contact_refused"
    new_group = {"title": "Both", "member_ids": [bob.user_id]}
    assert await code_of(alice, "POST", "/v1/conversations", **new_group) == "contact_refused"
    talk = await bob.talks_to(alice)
    await bob.asks("POST", f"/v1/conversations/{talk}/read", json={"up_to_seq": 1})

    async def seen() -> list[str]:
        receipts = (await alice.asks("GET", f"/v1/conversations/{talk}/receipts"))["receipts"]
        return [receipt["user_id"] for receipt in receipts if receipt["read_up_to"]]

    assert await seen() == []
    for one, other in ((alice, bob), (bob, alice)):  # crossing requests accept each other
        await one.asks("POST", "/v1/contacts", json={"user_id": other.user_id})
    assert await seen() == [bob.user_id]


async def test_the_export_of_my_data(person: NewPerson) -> None:
    alice, bob = await asyncio.gather(person("Alice"), person("Bob"))
    group, talk = await bob.makes_group("Left", alice), await alice.talks_to(bob)
    for conversation, body in ((group, "said where I was"), (talk, "said where I am")):
        await alice.asks("POST", f"/v1/conversations/{conversation}/messages", json={"body": body})
        await bob.asks("POST", f"/v1/conversations/{conversation}/messages", json={"body": "not hers"})
    await alice.asks("POST", f"/v1/conversations/{group}/leave")
    await alice.asks("POST", "/v1/contacts", json={"user_id": bob.user_id})
    answer = await alice.http.get("/v1/me/export", headers={"Authorization": f"Bearer {alice.access_token}"})
    head, *things, end = [json.loads(line) for line in answer.raise_for_status().text.splitlines()]
    assert (head["user_id"], end) == (alice.user_id, {"end": True, "things": len(things)})
    kinds = [kind for thing in things for kind in thing]
    assert kinds[:5] == ["account", "session", "profile", "privacy", "contact"]
    assert [thing["conversation"]["conversation_id"] for thing in things if "conversation" in thing] == [talk]
    said = {thing["message"]["data"]["body"] for thing in things if "message" in thing}
    assert said == {"said where I was", "said where I am"}
    assert "token" not in answer.text
    assert "password" not in answer.text
