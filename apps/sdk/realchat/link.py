"""Staying connected: sockets one after the other, each going on where the last one ended."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from contextlib import suppress
from time import monotonic
from typing import Any, NoReturn, Protocol

from websockets.asyncio.client import connect
from websockets.exceptions import InvalidHandshake, InvalidStatus

from realchat.api import Api
from realchat.backoff import delay
from realchat.errors import ConnectionLostError, RealChatError, SocketRefusedError
from realchat.models import Event, Frame, Shown, Signal, Ticket
from realchat.socket import MOST_FRAME_BYTES, ClosedError, Socket
from realchat.tasks import ended

OPEN_SECONDS = 10.0
CLOSE_SECONDS = 2.0
SETTLED_SECONDS = 10.0
"""A connection that lasted so long was a good one: the back-off begins anew."""
MOST_RESUMED = 1_000
"""Conversations in one resume; the server names the others as ones to page through."""
_FOR_GOOD = frozenset({1007, 1009})


class Listener(Protocol):
    """Who gets what comes over the sockets."""

    def positions(self) -> Mapping[str, int]:
        """The last `seq` that is held of each conversation, the most important first."""
        ...

    async def greeted(self, epoch: str) -> None:
        """A socket is authenticated; events have not come yet."""
        ...

    def resumed(self, frame: Frame) -> None:
        """What was missed has come, or `frame` says that it has to be read."""
        ...

    def offer(self, event: Event) -> None:
        """An event has come."""
        ...

    def hear(self, signal: Signal) -> None:
        """Something ephemeral has come."""
        ...


class Link:
    """Keeps a socket connected.

    Args:
        api: gives tickets.
        listener: gets what comes.
        socket_url: to connect there instead of where the gateway says.
    """

    def __init__(self, api: Api, listener: Listener, socket_url: str | None = None) -> None:
        self._api = api
        self._listener = listener
        self._url = socket_url
        self._socket: Socket | None = None
        self._shown: Shown = "online"
        self.connections = 0
        """How often it has connected."""

    @property
    def is_up(self) -> bool:
        """A socket is connected and has resumed."""
        return self._socket is not None

    async def ask(self, frame: Mapping[str, Any]) -> bytes:
        """Sends a frame and waits for its answer, in JSON. Raises ConnectionLostError, also without a socket."""
        return await self._up().ask(frame)

    async def tell(self, frame: Mapping[str, Any]) -> None:
        """Sends a frame that has no answer. Raises ConnectionLostError."""
        await self._up().tell(frame)

    async def show(self, status: Shown) -> None:
        """Is to be seen so by this socket, if there is one, and by all that follow."""
        self._shown = status
        if self._socket:
            with suppress(ConnectionLostError):
                await self._tell_shown(self._socket, status)

    async def _tell_shown(self, socket: Socket, status: Shown) -> None:
        await socket.tell({"type": "presence", "status": status})

    def _up(self) -> Socket:
        if self._socket is None:
            raise ConnectionLostError("there is no socket")
        return self._socket

    def drop(self) -> None:
        """Ends the connection without a goodbye, as a network does; the next one follows."""
        if self._socket:
            self._socket.drop()

    async def run(self) -> NoReturn:
        """Stays connected until cancelled.

        Raises:
            LoggedOutError: the session has ended.
            SocketRefusedError: the server does not want this client.
        """
        attempt = 0
        while True:
            began, wait = monotonic(), 0.0
            try:
                await self._serve()
            except ClosedError as closed:
                await self._obey(closed)
            except InvalidStatus as refusal:
                after = refusal.response.headers.get("Retry-After", "")
                wait = float(after) if after.isdecimal() else 0.0
            except RealChatError as error:
                if not error.temporary:
                    raise
                wait = error.retry_after or 0.0
            except (OSError, InvalidHandshake):
                pass
            except _PlannedError:
                attempt = 0
                continue
            attempt = 1 if monotonic() - began > SETTLED_SECONDS else attempt + 1
            await asyncio.sleep(delay(attempt, wait))

    async def _obey(self, closed: ClosedError) -> None:
        """Does what a close code asks for before the next connection."""
        if 4200 <= closed.code < 4300 or closed.code in _FOR_GOOD:
            raise SocketRefusedError(closed.code, closed.reason)
        if 4100 <= closed.code < 4200:
            try:
                await self._api.refreshed(self._api.tokens.access_token)
            except RealChatError as error:
                if not error.temporary:
                    raise

    async def _serve(self) -> None:
        ticket = await self._api.ask("POST", "/v1/socket-tickets", Ticket)
        async with connect(
            self._url or ticket.url,
            subprotocols=["realchat.v1"],  # type: ignore[list-item]
            compression=None,
            max_size=MOST_FRAME_BYTES,
            ping_interval=None,
            open_timeout=OPEN_SECONDS,
            close_timeout=CLOSE_SECONDS,
        ) as connection:
            socket = Socket(
                connection, self._listener.offer, lambda frame: self._resumed(socket, frame), self._listener.hear
            )
            reader = asyncio.create_task(socket.run())
            try:
                try:
                    await self._begin(socket, ticket.ticket)
                    await asyncio.wait([reader])
                except RealChatError:
                    await asyncio.wait([reader], timeout=CLOSE_SECONDS)
                    if not reader.done():
                        raise
                reader.result()  # its end says why
            except ClosedError:
                if socket.is_leaving:
                    raise _PlannedError from None
                raise
            finally:
                self._socket = None
                await ended(reader)

    async def _begin(self, socket: Socket, ticket: str) -> None:
        shown = self._shown
        ready = await socket.greet(ticket, shown)
        await self._listener.greeted(ready.epoch)
        positions = self._listener.positions()
        await socket.resume(dict(list(positions.items())[:MOST_RESUMED]))
        if self._shown != shown:  # somebody has changed their mind meanwhile
            await self._tell_shown(socket, self._shown)

    def _resumed(self, socket: Socket, frame: Frame) -> None:
        self._socket = socket
        self.connections += 1
        self._listener.resumed(frame)


class _PlannedError(Exception):
    """The server has asked to connect anew; it has spread its clients over time itself."""
