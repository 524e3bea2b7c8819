"""One WebSocket of the protocol `realchat.v1` (contracts/asyncapi.yaml)."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Callable, Mapping
from typing import Any

import msgspec
from websockets.asyncio.client import ClientConnection
from websockets.exceptions import ConnectionClosed

from realchat.errors import ConnectionLostError, error_of
from realchat.models import Event, Frame, Shown, Signal

ANSWER_SECONDS = 15.0
"""After that a frame counts as unanswered."""
SILENCE_SECONDS = 15.0
"""Beyond the server's ping interval, and while there is none yet."""
MOST_UNANSWERED = 100
"""Frames at once; the server takes 200."""
MOST_FRAME_BYTES = 2**22

_OWN = frozenset({"ready", "resumed", "event", "ack", "error", "ping", "pong", "reconnect"})
_decode_frame = msgspec.json.Decoder(Frame).decode
_decode_object = msgspec.json.Decoder(dict[str, Any]).decode
_encode = msgspec.json.Encoder().encode


class ClosedError(Exception):
    """The socket has ended.

    Args:
        code: says what to do next; 1006 when there was no goodbye.
        reason: as the server gave it.
    """

    def __init__(self, code: int, reason: str = "") -> None:
        super().__init__(f"{code} {reason}")
        self.code = code
        self.reason = reason


class Socket:
    """A connection. `run` reads it; requests wait for the frame with their id.

    Args:
        connection: the WebSocket, open.
        on_event: gets each event; this and the others are called in the order in which frames come, and do not wait.
        on_resumed: gets `resumed`.
        on_signal: gets each frame that is neither an event nor part of the protocol's own, answers among them, too.
    """

    def __init__(
        self,
        connection: ClientConnection,
        on_event: Callable[[Event], None],
        on_resumed: Callable[[Frame], None],
        on_signal: Callable[[Signal], None],
    ) -> None:
        self._connection = connection
        self._on_event = on_event
        self._on_resumed = on_resumed
        self._on_signal = on_signal
        self._answers: dict[str, asyncio.Future[bytes]] = {}
        self._ids = itertools.count(1)
        self._turns = asyncio.Semaphore(MOST_UNANSWERED)
        self._silence = SILENCE_SECONDS
        self.is_leaving = False
        """The server has asked to connect anew."""

    async def run(self) -> None:
        """Reads until the socket ends. Raises ClosedError."""
        try:
            async with asyncio.timeout(None) as self._scope:
                while True:
                    await self._read()
        except ConnectionClosed as closed:
            ended = ClosedError(closed.rcvd.code, closed.rcvd.reason) if closed.rcvd else ClosedError(1006)
            raise ended from closed
        except TimeoutError:  # the time that `reconnect` named
            raise ClosedError(4000) from None
        finally:
            for answer in self._answers.values():
                if not answer.done():
                    answer.set_exception(ConnectionLostError("the socket has closed"))
                    answer.exception()  # whoever still waits gets it; nobody may

    async def _read(self) -> None:
        try:
            async with asyncio.timeout(self._silence):
                data = await self._connection.recv(decode=False)
        except TimeoutError:
            self._connection.transport.abort()  # a dead peer would not answer a close either
            raise ClosedError(1006, "nothing came") from None
        frame = _decode_frame(data)
        answer = self._answers.get(frame.id)
        if frame.event:
            self._on_event(frame.event)
        elif frame.type == "resumed" and answer is not None:
            self._on_resumed(frame)
        elif frame.type == "ping":
            await self._connection.send('{"type":"pong"}')
        elif frame.type == "reconnect":
            self.is_leaving = True
            self._scope.reschedule(asyncio.get_running_loop().time() + frame.after_ms / 1000)
        elif frame.type not in _OWN:
            content = _decode_object(data)
            self._on_signal(Signal(type=str(content.pop("type")), data=content))
        if answer is not None and not answer.done():
            answer.set_result(data)

    async def ask(self, frame: Mapping[str, Any]) -> bytes:
        """Sends a frame and waits for its answer, in JSON.

        Raises:
            ConnectionLostError: none came.
            RealChatError: it was an `error` frame.
        """
        async with self._turns:
            identifier = f"c{next(self._ids)}"
            answer: asyncio.Future[bytes] = asyncio.get_running_loop().create_future()
            self._answers[identifier] = answer
            try:
                async with asyncio.timeout(ANSWER_SECONDS):
                    await self._connection.send(_encode({**frame, "id": identifier}), text=True)
                    data = await answer
            except TimeoutError:
                raise ConnectionLostError("no answer came over the socket") from None
            except ConnectionClosed as closed:
                raise ConnectionLostError("the socket has closed") from closed
            finally:
                del self._answers[identifier]
        if _decode_frame(data).type == "error":
            raise error_of(_decode_object(data))
        return data

    async def tell(self, frame: Mapping[str, Any]) -> None:
        """Sends a frame that has no answer. Raises ConnectionLostError."""
        try:
            await self._connection.send(_encode(frame), text=True)
        except ConnectionClosed as closed:
            raise ConnectionLostError("the socket has closed") from closed

    async def greet(self, ticket: str, shown: Shown) -> Frame:
        """Authenticates, to be seen so from the start. Returns `ready`. Raises as `ask` does."""
        ready = _decode_frame(await self.ask({"type": "auth", "ticket": ticket, "presence": shown}))
        self._silence = SILENCE_SECONDS + ready.ping_interval_ms / 1000
        return ready

    async def resume(self, positions: Mapping[str, int]) -> None:
        """Says what is held; what was missed comes before the answer. Raises as `ask` does."""
        await self.ask({"type": "resume", "conversations": positions})

    def drop(self) -> None:
        """Ends it without a goodbye, as a network does."""
        self._connection.transport.abort()
