"""Who is called by webhooks: a real server on this machine."""

from __future__ import annotations

import asyncio
import hmac
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from typing import Any

from support.chat import Person
from support.confidential import confide


@dataclass
class Receiver:
    """Takes calls, with 204."""

    url: str = ""
    calls: list[tuple[str, bytes]] = field(default_factory=list)
    """Each one's signature and body."""

    def heard(self, secret: str) -> list[dict[str, Any]]:
        """The events told so far, each of which is signed by a secret."""
        for signature, body in self.calls:
            at, _, digest = signature.partition(",v1=")
            signed = at.removeprefix("t=").encode() + b"." + body
            assert digest == hmac.new(secret.encode(), signed, "sha256").hexdigest()
        return [json.loads(body)["event"] for _, body in self.calls]

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = (await reader.readuntil(b"\r\n\r\n")).decode()
        headers = dict(line.lower().split(": ", 1) for line in head.split("\r\n")[1:] if line)
        body = await reader.readexactly(int(headers["content-length"]))
        self.calls.append((headers["realchat-signature"], body))
        writer.write(b"HTTP/1.1 204 No Content\r\n\r\n")
        await writer.drain()
        writer.close()


@asynccontextmanager
async def receiving() -> AsyncIterator[Receiver]:
    """A receiver that listens."""
    receiver = Receiver()
    server = await asyncio.start_server(receiver._serve, "127.0.0.1", 0)
    receiver.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/hook"
    async with server:
        yield receiver


async def bot_of(owner: Person, receiver: Receiver) -> tuple[Person, str]:
    """A bot of somebody's that is told what happens, and the secret by which that is signed."""
    made = await owner.asks("POST", "/v1/bots", json={"display_name": "Weather"})
    webhook = await owner.asks("POST", f"/v1/bots/{made['bot_id']}/webhooks", json={"url": receiver.url})
    confide(webhook["secret"])
    return replace(owner, name="Weather", user_id=made["bot_id"]), webhook["secret"]
