"""What API keys open."""

from __future__ import annotations

from typing import Any

import jwt
import pytest
from fastapi import FastAPI
from realchat_gateway.apikeys import GOOD_SECONDS, ApiKeys
from realchat_gateway.tickets import AUDIENCE
from service.gateway.backends import Backends
from service.gateway.door import TICKET_KEY, Client, MakeApp, visitor

from chat.auth.v1 import bot_pb2 as pb
from realchat_common.errors import Code, RealChatError
from realchat_common.ids import new_id

SECRET = "rck_" + "s" * 43
TALK = new_id()


def key(*scopes: str) -> pb.VerifyApiKeyResponse:
    return pb.VerifyApiKeyResponse(bot_id=new_id(), key_id=new_id(), scopes=scopes)


async def test_a_key_opens_what_its_scopes_say_and_nothing_else(app: FastAPI, backends: Backends) -> None:
    known = key("messages:read", "people:read")
    backends.answer("VerifyApiKey", known)
    async with visitor(app, authorization=f"Bearer {SECRET}") as bot:
        for path in (f"/v1/conversations/{TALK}/events", "/v1/users?prefix=a"):
            assert (await bot.get(path)).status_code == 200
        refused = [
            await bot.post(f"/v1/conversations/{TALK}/messages", json={"body": "x"}),
            await bot.post(
                "/v1/conversations", json={"title": "T", "member_ids": []}, headers={"Idempotency-Key": "1"}
            ),
            await bot.patch("/v1/me", json={"bio": "x"}),
            await bot.get("/v1/sessions"),
            await bot.get("/v1/me/account"),
            await bot.get("/v1/bots"),
            await bot.post("/v1/auth/logout"),
        ]
    assert [(answer.status_code, answer.json()["code"]) for answer in refused] == [(403, "permission_denied")] * 7
    caller = backends.caller("GetHistory")
    assert caller.user
    assert (caller.user.user_id, caller.user.session_id) == (known.bot_id, known.key_id)
    assert backends.times("VerifyApiKey") == 1


async def test_a_socket_ticket_allows_what_the_key_does(app: FastAPI, backends: Backends) -> None:
    backends.answer("VerifyApiKey", key("messages:read", "messages:write"))
    async with visitor(app, authorization=f"Bearer {SECRET}") as bot:
        ticket = (await bot.post("/v1/socket-tickets")).json()["ticket"]
    claims = jwt.decode(ticket, TICKET_KEY, algorithms=["HS256"], audience=AUDIENCE)
    assert claims["scp"] == ["messages:read", "messages:write"]


async def test_a_ticket_takes_a_key_that_reads(app: FastAPI, backends: Backends) -> None:
    backends.answer("VerifyApiKey", key("messages:write"))
    async with visitor(app, authorization=f"Bearer {SECRET}") as bot:
        assert (await bot.post("/v1/socket-tickets")).json()["code"] == "permission_denied"


async def test_a_persons_ticket_has_no_scopes(alice: Client) -> None:
    ticket = (await alice.ask("POST", "/v1/socket-tickets")).json()["ticket"]
    assert "scp" not in jwt.decode(ticket, TICKET_KEY, algorithms=["HS256"], audience=AUDIENCE)


async def test_a_key_that_ends_opens_nothing_from_then_on(app: FastAPI, alice: Client, backends: Backends) -> None:
    known = key("messages:read")
    backends.answer("VerifyApiKey", known)
    async with visitor(app, authorization=f"Bearer {SECRET}") as bot:
        path = f"/v1/conversations/{TALK}/events"
        assert (await bot.get(path)).status_code == 200
        assert (await alice.ask("DELETE", f"/v1/bots/{known.bot_id}/keys/{known.key_id}")).status_code == 204
        assert (await bot.get(path)).json()["code"] == "session_revoked"


async def test_wrong_keys_are_refused_remembered_and_counted(make_app: MakeApp, backends: Backends) -> None:
    backends.answer("VerifyApiKey", RealChatError(Code.UNAUTHENTICATED))
    async with visitor(make_app({"address": "3/minute"}), authorization=f"Bearer {SECRET}") as bot:
        codes = [(await bot.get("/v1/me")).json()["code"] for _ in range(4)]
    assert codes == ["unauthenticated"] * 3 + ["rate_limited"]
    assert backends.times("VerifyApiKey") == 1


async def test_a_good_key_is_asked_for_again_after_a_minute(backends: Backends) -> None:
    now = 0.0
    keys = ApiKeys(backends.peers["bot"], lambda: now)
    known = key("messages:read")
    backends.answer("VerifyApiKey", known)
    assert (await keys.verify(SECRET)).scopes == frozenset({"messages:read"})
    now += GOOD_SECONDS + 1
    backends.answer("VerifyApiKey", RealChatError(Code.UNAVAILABLE))
    with pytest.raises(RealChatError) as refusal:
        await keys.verify(SECRET)
    assert refusal.value.code is Code.UNAVAILABLE  # which says nothing about the key
    backends.answer("VerifyApiKey", known)
    await keys.verify(SECRET)


async def test_bots_are_made_and_given_keys_by_their_owner(alice: Client, backends: Backends) -> None:
    created = pb.ApiKey(key_id=new_id(), name="production", prefix="rck_12345678", scopes=["messages:read"])
    bot = pb.Bot(bot_id=new_id(), display_name="Weather", created_at_ms=1, keys=[created])
    backends.answer("CreateBot", pb.CreateBotResponse(bot=bot))
    backends.answer("ListBots", pb.ListBotsResponse(bots=[bot]))
    backends.answer("CreateApiKey", pb.CreateApiKeyResponse(key=created, secret=SECRET))
    made = await alice.ask("POST", "/v1/bots", json={"display_name": "Weather"})
    assert (made.status_code, made.json()["bot_id"]) == (201, bot.bot_id)
    body: dict[str, Any] = {"name": "production", "scopes": ["messages:read"], "days": 90}
    answer = await alice.ask("POST", f"/v1/bots/{bot.bot_id}/keys", json=body)
    assert (answer.status_code, answer.json()["secret"]) == (201, SECRET)
    assert backends.asked("CreateApiKey") == pb.CreateApiKeyRequest(bot_id=bot.bot_id, **body)
    listed = (await alice.ask("GET", "/v1/bots")).json()["bots"]
    assert SECRET not in str(listed)
    assert listed[0]["keys"][0]["expires_at"] is None
