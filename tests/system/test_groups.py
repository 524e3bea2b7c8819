"""Groups on the whole system: rules, invitations, histories."""

from __future__ import annotations

import asyncio

import pytest
from support.chat import ApiError, Device, eventually, online
from support.fixtures import NewPerson


async def test_a_group_is_joined_by_invitation_with_its_history_and_only_administrators_write(
    person: NewPerson, socket_urls: list[str]
) -> None:
    alice, bob = await asyncio.gather(person("Alice"), person("Bob"))
    group = await alice.makes_group("Open house")
    alices, bobs = Device(alice, [socket_urls[0]]), Device(bob, [socket_urls[1]])
    async with online(alices, bobs):
        await alices.sends(group, "before Bob")
        path = f"/v1/conversations/{group}"
        await alice.asks("PATCH", path, json={"description": "Come in", "open_history": True, "admins_only": True})
        token = (await alice.asks("POST", f"{path}/invites", json={"max_uses": 1}))["token"]
        assert (await bob.asks("POST", "/v1/invites/preview", json={"token": token}))["title"] == "Open house"
        joined = await bob.asks("POST", "/v1/invites/join", json={"token": token})
        assert (joined["description"], joined["role"], joined["member_count"]) == ("Come in", "member", 2)
        kinds = [event["kind"] for event in await bob.history(group)]
        assert kinds == ["conversation.created", "message.sent", "group.changed", "members.added"]
        with pytest.raises(ApiError) as refused:
            await bob.asks("POST", f"{path}/messages", json={"body": "me too"})
        assert refused.value.code == "permission_denied"
        await alices.sends(group, "only I write")
        await bobs.reaches(group, 5)
        await alices.reaches(group, 5)
    assert [event["kind"] for event in alices.received[group]][-3:] == [
        "group.changed",
        "members.added",
        "message.sent",
    ]


async def test_settings_and_a_draft_are_on_all_devices_of_their_owner_and_in_the_one_list(
    person: NewPerson, socket_urls: list[str]
) -> None:
    alice, bob = await asyncio.gather(person("Alice"), person("Bob"))
    talk = await alice.talks_to(bob)
    alices, bobs = Device(alice, [socket_urls[0]]), Device(bob, [socket_urls[1]])
    async with online(alices, bobs):
        await bobs.sends(talk, "hi Alice")
        path = f"/v1/conversations/{talk}/settings"
        await alice.asks("PATCH", path, json={"muted_until": "9999-12-31T23:59:59Z", "pinned": True, "draft": "hi"})

        def told() -> bool:
            return any(frame["type"] == "settings" and frame["pinned"] for frame in alices.other)

        await eventually(told, "Alice's other device is told")
        assert not any(frame["type"] == "settings" for frame in bobs.other)
    (mine,) = (await alice.asks("GET", "/v1/conversations"))["conversations"]
    assert (mine["settings"]["draft"], mine["settings"]["muted_until"]) == ("hi", "9999-12-31T23:59:59.000Z")
    assert (mine["last_message"]["data"]["body"], mine["unread_count"], mine["member_count"]) == ("hi Alice", 1, 2)
    first = await bob.asks("GET", "/v1/bootstrap")
    assert first["conversations"][0]["settings"]["draft"] == ""
    assert first["privacy"]["last_seen"] == "everyone"
