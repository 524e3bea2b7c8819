"""A WebSocket: what its client says is read, checked and served; what it gets is in connection.py."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from time import monotonic

from prometheus_client import Counter

from realchat_common.errors import Code, RealChatError
from realchat_common.ids import parse_id
from realchat_delivery.codec import BadFrameError, Codec
from realchat_delivery.company import Company
from realchat_delivery.connection import Connection
from realchat_delivery.domain import TokenBucket
from realchat_delivery.frames import (
    MOST_FRAME_BYTES,
    Auth,
    Change,
    ClientFrame,
    Close,
    Delete,
    Delivered,
    Edit,
    Ephemeral,
    Ping,
    Presence,
    React,
    Read,
    Resume,
    Send,
    ServerPong,
    Typing,
    Watch,
    error_frame,
)
from realchat_delivery.ports import Link, Node
from realchat_delivery.receipts import Mark
from realchat_delivery.requests import Requests
from realchat_delivery.settings import DeliverySettings

MOST_BAD_FRAMES = 10
FRAMES_BETWEEN_YIELDS = 64
"""After so many frames in a row the reader lets the others work."""

RECEIVED = Counter("realchat_frames_received_total", "Frames from clients, by type and code.", ("type", "code"))

# What an authentication that failed means for the socket; any other failure is the server's.
_AUTH_CLOSES = {
    Code.UNAUTHENTICATED: Close.UNAUTHENTICATED,
    Code.SESSION_REVOKED: Close.SESSION_REVOKED,
    Code.RATE_LIMITED: Close.TOO_MANY_SOCKETS,
}


SCOPES: dict[type, str] = {
    Send: "messages:write",
    Edit: "messages:write",
    Delete: "messages:write",
    Typing: "messages:write",
    React: "reactions:write",
    Read: "receipts:write",
    Delivered: "receipts:write",
    Presence: "people:write",
    Watch: "people:read",
}
"""What an API key needs for a frame."""


class Socket(Connection):
    """A client's WebSocket. Arguments as of Connection."""

    def __init__(
        self,
        link: Link,
        codec: Codec,
        node: Node,
        settings: DeliverySettings,
        clock: Callable[[], float] = monotonic,
    ) -> None:
        super().__init__(link, codec, node, settings, clock)
        now = clock()
        self._pace = TokenBucket(settings.frames_per_second, 2 * settings.frames_per_second, now)
        self._requests = Requests(node, settings, self.reply, clock)
        self._company = Company(self, node, self._refuse, clock)
        self._bad_frames = 0
        self._resuming = False

    async def run(self, bearer: str | None = None) -> None:
        """Serves the connection until either side ends it.

        Args:
            bearer: an access token that came with the upgrade.
        """
        await self._live(lambda: self._converse(bearer))

    async def _converse(self, bearer: str | None) -> None:
        if bearer is not None:
            await self._authenticate(Auth(token=bearer))
        await self._read()

    async def _read(self) -> None:
        in_a_row = 0
        while (message := await self._link.receive()) is not None:
            self._ping_place = self._pong_due = None  # any frame is a sign of life
            if isinstance(message, bytes) is not self.codec.binary:
                self.close(Close.BINARY_FRAME if isinstance(message, bytes) else Close.TEXT_FRAME)
                return
            if len(message) > MOST_FRAME_BYTES or (
                isinstance(message, str) and not message.isascii() and len(message.encode()) > MOST_FRAME_BYTES
            ):
                self.close(Close.FRAME_TOO_LARGE)
                return
            await self._take(message)
            if self._ended:
                return
            in_a_row += 1
            if wait := self._pace.take(self._clock()):
                await asyncio.sleep(wait)
            elif in_a_row % FRAMES_BETWEEN_YIELDS == 0:
                await asyncio.sleep(0)

    async def _take(self, message: str | bytes) -> None:
        frame_id: str | None = None
        kind = "unknown"
        try:
            frame = self.codec.decode(message)
            frame_id, kind = frame.id, str(frame.__struct_config__.tag)
            await self._serve(frame)
        except BadFrameError as bad:
            self._refuse(bad.error, bad.frame_id, kind)
        except RealChatError as error:
            self._refuse(error, frame_id, kind)
        else:
            self._bad_frames = 0
            RECEIVED.labels(kind, "ok").inc()

    def _refuse(self, error: RealChatError, frame_id: str | None, kind: str) -> None:
        RECEIVED.labels(kind, error.code.value).inc()
        self.reply(error_frame(error, frame_id))
        if not error.code.temporary:
            self._bad_frames += 1
            if self._bad_frames >= MOST_BAD_FRAMES:
                self.close(Close.MALFORMED_FRAMES)

    async def _serve(self, frame: ClientFrame) -> None:
        if isinstance(frame, Auth):
            if self.ready:
                raise RealChatError(Code.INVALID_ARGUMENT, "the socket is authenticated already", field="type")
            if (frame.token is None) == (frame.ticket is None):
                raise RealChatError(Code.INVALID_ARGUMENT, "a token or a ticket is needed", field="token")
            await self._authenticate(frame)
            return
        if not self.ready:
            raise RealChatError(Code.UNAUTHENTICATED, "the first frame is auth")
        if scope := SCOPES.get(type(frame)):
            self.user.require(scope)
        if isinstance(frame, Send):
            self._requests.send(self.user, frame)
        elif isinstance(frame, Read | Delivered):
            self._mark(frame)
        elif isinstance(frame, Change):
            self._requests.change(self.user, frame, self._tasks)
        elif isinstance(frame, Ephemeral):
            self._company.take(frame, self._tasks)
        elif isinstance(frame, Ping):
            self.reply(ServerPong(id=frame.id))
        elif isinstance(frame, Resume):
            self._begin_resume(frame)

    async def _authenticate(self, frame: Auth) -> None:
        try:
            self.shown = frame.presence
            await self._enter(await self._node.authenticate(frame), frame.id)
        except RealChatError as error:
            self.reply(error_frame(error, frame.id))
            self.close(_AUTH_CLOSES.get(error.code, Close.SERVER_ERROR))

    def _mark(self, frame: Read | Delivered) -> None:
        who = (parse_id(frame.conversation_id, "conversation_id"), self.user.user_id)
        seq = frame.up_to_seq
        self._node.mark(who, Mark(seq, seq if isinstance(frame, Read) else 0))

    def _begin_resume(self, frame: Resume) -> None:
        if self._resuming:
            raise RealChatError(Code.REQUEST_IN_PROGRESS, "a resume is under way")
        self._resuming = True
        self._tasks.create_task(self._resume_once(frame))

    async def _resume_once(self, frame: Resume) -> None:
        try:
            await self._resume(frame)
        finally:
            self._resuming = False
