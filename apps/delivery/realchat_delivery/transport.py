"""uvicorn's connections, with what a server of many sockets needs besides."""

from __future__ import annotations

import asyncio
import socket
from typing import cast

from uvicorn._types import ASGISendEvent  # not exported
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol
from uvicorn.protocols.utils import ClientDisconnected
from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol

PREPARED = "realchat.prepared"
"""Key of a `websocket.send` message whose value is whole WebSocket frames."""
LINGER_SECONDS = 5.0
"""For a peer that neither reads nor answers a close, once the application is done with it."""

ABORT = "realchat.abort"
"""Key of an HTTP scope: ends the connection without waiting for a peer that does not read."""
DEAD_SECONDS = 30.0
"""A peer is gone that acknowledges nothing for so long, or takes nothing (Linux: RFC 5482, section 3.2)."""


class HttpProtocol(HttpToolsProtocol):
    """Notices dead peers, which answers without end have no other means for, and lets an answer be given up."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """As asyncio says."""
        super().connection_made(transport)
        if hasattr(socket, "TCP_USER_TIMEOUT"):
            transport.get_extra_info("socket").setsockopt(
                socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, int(1000 * DEAD_SECONDS)
            )

    def on_message_begin(self) -> None:
        """As httptools says."""
        super().on_message_begin()
        cast(dict[str, object], self.scope)[ABORT] = self.transport.abort


class SocketProtocol(WebSocketsSansIOProtocol):
    """Writes prepared frames as they are, and lets no connection outlive its application.

    An event goes to many sockets: its frame is made once, and many frames go out in one write (without it a frame
    costs 11 µs, with it 2). That is sound because a server's frames are unmasked and compression is off.
    """

    async def send(self, message: ASGISendEvent) -> None:
        """As ASGI says; waits while the peer does not read."""
        frames = message.get(PREPARED)
        if not isinstance(frames, bytes):
            await super().send(message)
            if self.initial_response is not None and self.close_sent:
                self.handshake_complete = True  # a refusal is complete; uvicorn would log it as an error
            return
        await self.writable.wait()
        if self.disconnected:
            raise ClientDisconnected
        if not self.close_sent:
            self.transport.write(frames)

    def on_task_complete(self, task: asyncio.Task[None]) -> None:
        """uvicorn closes by flushing first, which a peer that does not read can put off for ever."""
        super().on_task_complete(task)
        self.loop.call_later(LINGER_SECONDS, self.transport.abort)
