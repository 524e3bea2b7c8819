"""Clients to connect to a node."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import msgspec
from service.delivery.logs import Frame
from service.delivery.world import DeliveryNode
from websockets.asyncio.client import ClientConnection, connect


class Client:
    """A WebSocket client that sees every frame in order."""

    def __init__(self, connection: ClientConnection) -> None:
        self.connection = connection
        self._ids = itertools.count(1)

    async def says(self, frame: Frame) -> None:
        await self.connection.send(msgspec.json.encode(frame).decode())

    async def hears(self, kind: str | None = None) -> Frame:
        """The next frame, which has to be of a kind."""
        async with asyncio.timeout(5):
            frame: Frame = msgspec.json.decode(await self.connection.recv())
        assert kind is None or frame["type"] == kind, frame
        return frame

    async def events(self, count: int) -> list[tuple[str, int]]:
        """The next frames, which have to be events: conversation and seq."""
        frames = [(await self.hears("event"))["event"] for _ in range(count)]
        return [(event["conversation_id"], event["seq"]) for event in frames]

    async def seqs(self, count: int) -> list[int]:
        return [seq for _, seq in await self.events(count)]

    async def asks(self, frame: Frame) -> Frame:
        """Sends a frame with an id and gives the next frame, which has to carry it."""
        identifier = str(next(self._ids))
        await self.says({**frame, "id": identifier})
        answer = await self.hears()
        assert answer.get("id") == identifier, answer
        return answer

    async def hears_nothing_more(self) -> None:
        """Asks for a pong: whatever was queued before comes before."""
        assert (await self.asks({"type": "ping"}))["type"] == "pong"

    async def close_code(self) -> int:
        async with asyncio.timeout(5):
            await self.connection.wait_closed()
        return self.connection.close_code or 0


@asynccontextmanager
async def connected(
    node: DeliveryNode, token: str | None = None, *, follows: bool = True, **options: Any
) -> AsyncIterator[Client]:
    """A socket; authenticated when there is a token, and then past its first, empty resume."""
    options = {"subprotocols": ["realchat.v1"], "compression": None, "ping_interval": None, **options}
    async with connect(node.url, **options) as connection:
        client = Client(connection)
        if token is not None:
            assert (await client.asks({"type": "auth", "token": token}))["type"] == "ready"
            if follows:
                assert (await client.asks({"type": "resume", "conversations": {}}))["type"] == "resumed"
        yield client
