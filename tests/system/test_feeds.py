"""The fall-backs for networks that break WebSockets."""

from __future__ import annotations

import asyncio

import httpx
import msgspec
from support import contract
from support.chat import Device, online
from support.fixtures import NewPerson


async def test_fall_backs_receive_what_sockets_do(person: NewPerson, socket_urls: list[str]) -> None:
    alice, bob = await person("Alice"), await person("Bob")
    conversation = await alice.talks_to(bob)
    phone = Device(alice, [socket_urls[0]])
    base = socket_urls[1].replace("ws:", "http:").removesuffix("/v1/socket")
    headers = {"Authorization": f"Bearer {bob.access_token}"}
    held = {"type": "resume", "conversations": {conversation: 1}}
    async with online(phone), httpx.AsyncClient(base_url=base, headers=headers, timeout=30) as http:
        poll = asyncio.ensure_future(http.post("/v1/events/poll", json=held))
        async with http.stream("POST", "/v1/events/stream", json=held) as stream:
            data = (line.removeprefix("data: ") async for line in stream.aiter_lines() if line)
            while msgspec.json.decode(await anext(data))["type"] != "resumed":
                pass
            await phone.sends(conversation, "by any way")
            streamed = await anext(data)
        polled = (await poll).text.split("\n")[:-1]
        missed = (await http.post("/v1/events/poll", json=held)).text.split("\n")[:-1]
    for line in (streamed, *polled, *missed):
        contract.heard(msgspec.json.decode(line))
    assert msgspec.json.decode(streamed)["event"]["data"]["body"] == "by any way"
    assert streamed in polled
    assert streamed in missed
