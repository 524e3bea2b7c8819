"""The fall-backs for networks that break WebSockets: what a socket's client gets, over plain HTTP.

A feed is a connection whose client says only at the beginning who it is and what it holds. As server-sent events it
goes on; as a long poll it ends once there was something to say, and the client comes back with what it holds then:
the log is what is between two polls. Each `data:` of the one, each line of the other is a frame as on the socket.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass

from opentelemetry import context as tracing
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from realchat_common.errors import RealChatError
from realchat_common.identity import User
from realchat_common.problems import problem_response
from realchat_delivery.codec import Codec, JsonCodec
from realchat_delivery.connection import Connection
from realchat_delivery.frames import Close, Closed, Resume, Resumed
from realchat_delivery.ports import Node
from realchat_delivery.settings import DeliverySettings
from realchat_delivery.transport import ABORT

LINGER_SECONDS = 0.02
"""What a poll waits for more of the same once it has something to say."""


@dataclass(frozen=True, slots=True)
class Form:
    """A form of the fall-back."""

    codec: Codec
    media_type: str
    once: bool
    """It ends when there was something to say."""


def _server_sent(frame: bytes) -> bytes:
    return b"data: %b\n\n" % frame


def _line(frame: bytes) -> bytes:
    return frame + b"\n"


STREAM = Form(JsonCodec(_server_sent), "text/event-stream", once=False)
POLL = Form(JsonCodec(_line), "application/x-ndjson", once=True)


class _HttpLink:
    """The body of an answer as the link of a feed."""

    def __init__(self, form: Form, scope: Scope, receive: Receive, send: Send) -> None:
        self._form = form
        self._scope = scope
        self._receive = receive
        self._send = send
        self._begun = False

    async def receive(self) -> None:
        """Returns when the client is gone."""
        while (await self._receive())["type"] != "http.disconnect":
            pass

    async def send(self, frames: bytes) -> None:
        await self._write(frames, more=True)

    async def close(self, code: int, reason: str) -> None:
        if code == Close.SLOW_CONSUMER:
            self._scope[ABORT]()
        else:
            await self._write(self._form.codec.encode(Closed(code=code, reason=reason)), more=False)

    async def finish(self) -> None:
        """Ends the body."""
        await self._write(b"", more=False)

    async def refuse(self, error: RealChatError) -> None:
        """Answers by a problem instead."""
        await problem_response(error)(self._scope, self._receive, self._send)

    async def _write(self, data: bytes, *, more: bool) -> None:
        if not self._begun:
            self._begun = True
            headers = [
                (b"content-type", self._form.media_type.encode()),
                (b"cache-control", b"no-store"),
                (b"x-accel-buffering", b"no"),  # nginx would collect the frames
            ]
            await self._send({"type": "http.response.start", "status": 200, "headers": headers})
        await self._send({"type": "http.response.body", "body": data, "more_body": more})


class _Feed(Connection):
    """The connection. Nobody answers its pings: they only show a line that is dead, and keep it from being cut."""

    answers_pings = False

    def __init__(self, link: _HttpLink, form: Form, node: Node, settings: DeliverySettings) -> None:
        super().__init__(link, form.codec, node, settings)
        self._http = link
        self._once = form.once
        self._said = asyncio.Event()
        self._refused: RealChatError | None = None

    async def run(self, user: User, frame: Resume) -> None:
        """Serves until either side ends it."""
        if self._once:
            # The client comes back at once, so it is neither seen to go nor to be another device.
            self.device_id, self.fleeting = user.session_id, True
        await self._live(lambda: self._serve(user, frame))
        if self._refused:
            await self._http.refuse(self._refused)
        elif self._closing is None:
            await self._http.finish()

    async def _serve(self, user: User, frame: Resume) -> None:
        try:
            await self._enter(user)
        except RealChatError as error:
            self._refused = error
            return
        self._tasks.create_task(self._end_with_client())
        answer = await self._resume(frame)
        if not isinstance(answer, Resumed):
            self.close(Close.SERVER_ERROR)
        elif not self._once:
            await asyncio.Event().wait()  # until the client or the server ends it
        elif self._queue.queued == 2 and all(place.status == "recovered" for place in answer.conversations.values()):
            await self._something_said()  # so far only `ready` and `resumed`
        await self._queue.flushed()

    async def _end_with_client(self) -> None:
        await self._http.receive()
        self._end()

    async def _something_said(self) -> None:
        self._said.clear()
        try:
            async with asyncio.timeout(self._settings.poll_seconds):
                await self._said.wait()
        except TimeoutError:
            return
        await asyncio.sleep(LINGER_SECONDS)

    def _put(self, frame: bytes) -> None:
        super()._put(frame)
        self._said.set()


class FeedResponse(Response):
    """The answer that is a feed.

    Args:
        form: stream or poll.
        user: who asks.
        frame: what they hold.
        node: the process.
        settings: the limits.
    """

    def __init__(self, form: Form, user: User, frame: Resume, node: Node, settings: DeliverySettings) -> None:
        super().__init__()
        self._form = form
        self._user = user
        self._frame = frame
        self._node = node
        self._settings = settings

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """As ASGI says."""
        link = _HttpLink(self._form, scope, receive, send)
        token = tracing.attach(tracing.Context())  # not one trace of all that ever happens on it
        try:
            await _Feed(link, self._form, self._node, self._settings).run(self._user, self._frame)
        finally:
            tracing.detach(token)
