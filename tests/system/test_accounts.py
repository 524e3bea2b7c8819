"""Accounts and sessions on the whole system."""

from __future__ import annotations

import asyncio
import uuid
from dataclasses import replace

import httpx
import pytest
from stack import Stack
from support import mails
from support.chat import PASSWORD, ApiError, Person, eventually, opened
from support.confidential import confide
from support.fixtures import NewPerson

REVOKED = 4102


async def _logs_in(http: httpx.AsyncClient, person: Person, password: str = PASSWORD) -> Person:
    """Somebody on another device."""
    body = {"email": person.email, "password": password, "device_name": "Phone"}
    answer = await http.post("/v1/auth/login", json=body)
    if answer.is_error:
        raise ApiError(answer.status_code, answer.json())
    tokens = answer.json()
    confide(tokens["access_token"], tokens["refresh_token"])
    names = ("access_token", "refresh_token", "session_id")
    return replace(person, http=http, **{name: tokens[name] for name in names})


async def test_a_changed_password_closes_the_sockets_of_all_other_sessions_within_a_second(
    http: httpx.AsyncClient, person: NewPerson, socket_urls: list[str]
) -> None:
    alice = await person("Alice")
    phone = await _logs_in(http, alice)
    confide(new := "staple at dawn")
    async with opened(socket_urls[0], alice.access_token) as own, opened(socket_urls[1], phone.access_token) as other:
        await alice.asks("POST", "/v1/me/password", json={"current_password": PASSWORD, "new_password": new})
        async with asyncio.timeout(1):
            await other.connection.wait_closed()
        assert other.connection.close_code == REVOKED
        assert (await own.ask({"type": "ping"}))["type"] == "pong"
    with pytest.raises(ApiError) as refusal:
        await phone.asks("GET", "/v1/me")
    assert refusal.value.code == "session_revoked"
    with pytest.raises(ApiError) as refusal:
        await _logs_in(http, alice)
    assert refusal.value.code == "invalid_credentials"
    again = await _logs_in(http, alice, new)
    await again.asks("PATCH", f"/v1/sessions/{again.session_id}", json={"device_name": "Kitchen"})
    await again.asks("DELETE", "/v1/sessions")
    (left,) = (await again.asks("GET", "/v1/sessions"))["sessions"]
    assert (left["device_name"], left["current"]) == ("Kitchen", True)


async def test_mails_verify_an_address_and_bring_another_password(
    stack: Stack, http: httpx.AsyncClient, person: NewPerson
) -> None:
    alice = await person("Alice")
    asked = await http.post("/v1/auth/password-resets", json={"email": alice.email})
    token = mails.token_of(await mails.link(stack, alice.email, "verify"))
    confirmed = await http.post("/v1/auth/email-confirmations", json={"token": token})
    assert (confirmed.status_code, confirmed.json()) == (200, {"email": alice.email})
    assert (await alice.asks("GET", "/v1/me/account"))["email_verified"] is True
    unknown = await http.post("/v1/auth/password-resets", json={"email": f"x{alice.email}"})
    assert (asked.status_code, asked.content) == (unknown.status_code, unknown.content)
    confide(new := "staple at dusk")
    body = {"token": mails.token_of(await mails.link(stack, alice.email, "reset")), "new_password": new}
    assert (await http.post("/v1/auth/password-resets/confirm", json=body)).status_code == 204
    with pytest.raises(ApiError) as refusal:
        await alice.asks("GET", "/v1/me")
    assert refusal.value.code == "session_revoked"
    await _logs_in(http, alice, new)


async def test_a_deleted_account_is_gone_everywhere_and_its_messages_stay(
    http: httpx.AsyncClient, person: NewPerson, socket_urls: list[str]
) -> None:
    alice, bob = await person("Alice"), await person("Bob")
    group = await alice.makes_group("Team", bob)
    direct = await alice.talks_to(bob)
    path = f"/v1/conversations/{group}/messages"
    await alice.asks("POST", path, json={"body": "I was here", "client_message_id": "1"})
    async with opened(socket_urls[0], alice.access_token) as socket:
        await alice.asks("POST", "/v1/me/deletion", json={"password": PASSWORD})
        async with asyncio.timeout(1):
            await socket.connection.wait_closed()
        assert socket.connection.close_code == REVOKED

    async def left() -> bool:
        members = [await bob.asks("GET", f"/v1/conversations/{each}/members") for each in (group, direct)]
        return all([member["user_id"] for member in each["members"]] == [bob.user_id] for each in members)

    await eventually(left, "Alice has left both conversations", 15)
    events = await bob.history(group)
    assert [event["kind"] for event in events] == ["conversation.created", "message.sent", "member.left"]
    assert events[1]["data"]["body"] == "I was here"
    assert events[2]["data"]["new_owner_id"] == bob.user_id
    with pytest.raises(ApiError) as refusal:
        await bob.asks("GET", f"/v1/users/{alice.user_id}")
    assert refusal.value.code == "user_not_found"
    body = {"email": alice.email, "password": PASSWORD, "display_name": "Another"}
    assert (await http.post("/v1/auth/register", json=body)).status_code == 201


async def test_who_is_away_is_reminded_of_what_waits_once_until_they_have_read(
    stack: Stack, http: httpx.AsyncClient, person: NewPerson, socket_urls: list[str]
) -> None:
    alice, bob, carol, dave = [await person(name) for name in ("Alice", "Bob", "Carol", "Dave")]
    for one in (bob, carol, dave):
        token = mails.token_of(await mails.link(stack, one.email, "verify"))
        await http.post("/v1/auth/email-confirmations", json={"token": token})
    assert (await dave.asks("PATCH", "/v1/me/account", json={"reminders": False}))["reminders"] is False
    unread = "You have unread messages"

    async def writes(to: Person) -> None:
        body = {"body": "nobody else's business", "client_message_id": uuid.uuid4().hex}
        await alice.asks("POST", f"/v1/conversations/{await alice.talks_to(to)}/messages", json=body)

    team = await alice.makes_group("Team", bob, carol, dave)
    for one in (bob, carol, dave):
        await alice.talks_to(one)  # before anything waits, so that all of it waits for the same mail
    async with opened(socket_urls[0], bob.access_token):
        mention = {"body": "look", "client_message_id": "1", "mention_all": True}
        await asyncio.gather(
            alice.asks("POST", f"/v1/conversations/{team}/messages", json=mention),
            *(writes(one) for one in (bob, carol, dave)),
        )
        (mail,) = await mails.arrived(stack, carol.email, unread)
        assert "<li>Alice: 1 message</li>" in mail
        assert "<li>Team: 1 mention</li>" in mail
        assert await mails.arrived(stack, bob.email, unread, 0) == []
    await mails.arrived(stack, bob.email, unread)
    assert len(await mails.arrived(stack, carol.email, unread)) == 1
    assert await mails.arrived(stack, dave.email, unread, 0) == []
    back = await _logs_in(http, carol)
    await back.asks("POST", f"/v1/conversations/{team}/read", json={"up_to_seq": 2})
    await writes(carol)
    assert len(await mails.arrived(stack, carol.email, unread, 2)) == 2
