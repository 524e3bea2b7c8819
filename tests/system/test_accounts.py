"""Accounts and sessions on the whole system."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import httpx
import pytest
from support.chat import PASSWORD, ApiError, Person, opened
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
