"""Bots on the whole system."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import Any

import pytest
from support.chat import ApiError, eventually, opened
from support.confidential import confide
from support.fixtures import NewPerson
from support.hooks import bot_of, receiving


async def test_a_bot_does_over_http_and_socket_what_its_key_is_good_for(
    person: NewPerson, socket_urls: list[str]
) -> None:
    alice = await person("Alice")
    made = await alice.asks("POST", "/v1/bots", json={"display_name": "Weather"})
    keys = f"/v1/bots/{made['bot_id']}/keys"
    scopes = ["messages:read", "messages:write"]
    created = await alice.asks("POST", keys, json={"name": "test", "scopes": scopes})
    confide(created["secret"])
    bot = replace(alice, name="Weather", user_id=made["bot_id"], access_token=created["secret"])
    group = await alice.makes_group("Forecasts", bot)
    assert [(await alice.asks("GET", f"/v1/users/{each.user_id}"))["bot"] for each in (bot, alice)] == [True, False]
    await bot.asks("POST", f"/v1/conversations/{group}/messages", json={"body": "Rain.", "client_message_id": "1"})
    with pytest.raises(ApiError) as refusal:
        await bot.asks("PATCH", f"/v1/conversations/{group}", json={"title": "Mine"})
    assert refusal.value.code == "permission_denied"

    frames: list[dict[str, Any]] = []
    ticket = (await bot.asks("POST", "/v1/socket-tickets"))["ticket"]
    async with opened(socket_urls[0], "", frames.append, ticket=ticket) as socket:
        await socket.ask({"type": "resume", "conversations": {group: 2}})
        send = {"type": "send", "conversation_id": group, "client_message_id": "2", "body": "Sun."}
        assert (await socket.ask(send))["type"] == "ack"
        refused = await socket.post({"type": "read", "conversation_id": group, "up_to_seq": 2})
        async with asyncio.timeout(5):
            assert (await refused)["code"] == "permission_denied"
        await eventually(lambda: any(f.get("event", {}).get("seq") == 3 for f in frames), "the bot hears itself", 5)
        await alice.asks("DELETE", f"{keys}/{created['key']['key_id']}")
        async with asyncio.timeout(1):
            await socket.connection.wait_closed()
        assert socket.connection.close_code == 4102
    with pytest.raises(ApiError) as refusal:
        await bot.history(group)
    assert refusal.value.status == 401
    assert [event["data"].get("body") for event in (await alice.history(group))[1:]] == ["Rain.", "Sun."]


async def test_a_bot_is_called_for_what_others_do_in_its_conversations(person: NewPerson) -> None:
    alice = await person("Alice")
    async with receiving() as receiver:
        bot, secret = await bot_of(alice, receiver)
        group = await alice.makes_group("Forecasts", bot)
        path = f"/v1/conversations/{group}/messages"
        await alice.asks("POST", path, json={"body": "Will it rain?", "client_message_id": "1"})
        await eventually(lambda: len(receiver.calls) == 2, "the bot is told of both", 15)
    events = receiver.heard(secret)
    assert sorted(event["kind"] for event in events) == ["conversation.created", "message.sent"]
    assert max(events, key=lambda event: event["seq"]) == (await alice.history(group))[-1]
