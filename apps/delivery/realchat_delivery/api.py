"""The edges: WebSocket and its fall-backs for clients, HTTP callbacks for the sidecar."""

from __future__ import annotations

import asyncio
import hmac
from collections.abc import Callable

from dapr.ext.fastapi import DaprApp
from fastapi import FastAPI, Request, Response, WebSocket
from fastapi.telemetry import TelemetryConfig
from starlette.middleware.cors import CORSMiddleware
from starlette.requests import ClientDisconnect
from starlette.websockets import WebSocketDisconnect

from realchat_common.errors import Code, RealChatError
from realchat_common.problems import add_problem_handlers, problem_response
from realchat_common.topics import ACCOUNTS, CONVERSATIONS, DEAD_LETTERS, RECEIPTS
from realchat_delivery.codec import CODECS, BadFrameError, Codec
from realchat_delivery.fanout import Fanout, Status
from realchat_delivery.feed import POLL, STREAM, FeedResponse, Form
from realchat_delivery.frames import MOST_FRAME_BYTES, Auth, Close, Resume
from realchat_delivery.ports import Node
from realchat_delivery.settings import DeliverySettings
from realchat_delivery.socket import Socket
from realchat_delivery.transport import PREPARED

BEARER = "bearer."
"""Begins the sub-protocol that carries an access token: browsers can send no header of their own."""
DEFAULT_PROTOCOL = "realchat.v1"
OWN_TELEMETRY: TelemetryConfig = {"tracing": False, "metrics": False, "logs": False}
"""FastAPI's own would make one trace of all that ever happens on a socket."""

_STATUSES = {
    status: Response(f'{{"status":"{status.value}"}}', media_type="application/json").body for status in Status
}


class _WebSocketLink:
    """Starlette's WebSocket as the link of a socket."""

    def __init__(self, websocket: WebSocket) -> None:
        self._websocket = websocket

    async def receive(self) -> str | bytes | None:
        message = await self._websocket.receive()
        if message["type"] == "websocket.disconnect":
            return None
        text: str | None = message.get("text")
        return text if text is not None else bytes(message["bytes"])

    async def send(self, frames: bytes) -> None:
        try:
            await self._websocket.send({"type": "websocket.send", PREPARED: frames})
        except WebSocketDisconnect as error:
            raise ConnectionError from error

    async def close(self, code: int, reason: str) -> None:
        try:
            await self._websocket.close(code, reason)
        except WebSocketDisconnect as error:
            raise ConnectionError from error


def public_app(settings: DeliverySettings, node: Node, admit: Callable[[], None]) -> FastAPI:
    """The application of the public port.

    Args:
        settings: the limits.
        node: what sockets need.
        admit: raises RealChatError for an upgrade that has to come back later.
    """
    app = FastAPI(title="RealChat delivery", openapi_url=None, telemetry=OWN_TELEMETRY)
    add_problem_handlers(app)
    # Any page may ask, as with WebSockets, which know no origins: what lets in is a token, and no cookie.
    app.add_middleware(
        CORSMiddleware,
        allow_origins=["*"],
        allow_methods=["GET", "POST"],
        allow_headers=["authorization", "content-type"],
    )

    @app.websocket("/v1/socket")
    async def socket(websocket: WebSocket) -> None:
        try:
            admit()
        except RealChatError as error:
            await websocket.send_denial_response(problem_response(error))
            return
        offered: list[str] = websocket.scope["subprotocols"]
        bearer = next((text.removeprefix(BEARER) for text in offered if text.startswith(BEARER)), None)
        codec = _negotiate([text for text in offered if not text.startswith(BEARER)])
        await websocket.accept(codec.protocol if codec and codec.protocol in offered else None)
        if codec is None:
            await websocket.close(Close.UNSUPPORTED_PROTOCOL, Close.UNSUPPORTED_PROTOCOL.reason)
            return
        await Socket(_WebSocketLink(websocket), codec, node, settings).run(bearer)

    async def feed(request: Request, form: Form) -> Response:
        admit()
        credentials = _credentials(request)
        frame = await _positions(request, form.codec, settings.auth_seconds)
        return FeedResponse(form, await node.authenticate(credentials), frame, node, settings)

    @app.api_route("/v1/events/stream", methods=["GET", "POST"])
    async def stream(request: Request) -> Response:
        return await feed(request, STREAM)

    @app.api_route("/v1/events/poll", methods=["GET", "POST"])
    async def poll(request: Request) -> Response:
        return await feed(request, POLL)

    @app.get("/v1/socket")
    async def not_an_upgrade() -> None:
        raise RealChatError(Code.MALFORMED_REQUEST, "this address speaks WebSocket")

    return app


def _credentials(request: Request) -> Auth:
    """An access token in `Authorization`, or, since an EventSource sends no header, a ticket in the query.

    A ticket is good once and for seconds, so it may be in an address; a token may not.
    """
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    ticket = request.query_params.get("ticket")
    if scheme.lower() == "bearer" and token:
        return Auth(token=token.strip())
    if ticket:
        return Auth(ticket=ticket)
    raise RealChatError(Code.UNAUTHENTICATED)


async def _body(request: Request) -> bytes:
    body = b""
    async for chunk in request.stream():
        body += chunk
        if len(body) > MOST_FRAME_BYTES:
            raise RealChatError(Code.PAYLOAD_TOO_LARGE, f"at most {MOST_FRAME_BYTES} bytes")
    return body


async def _positions(request: Request, codec: Codec, seconds: float) -> Resume:
    """The `resume` frame in the body, which has to come in so many seconds, or in the query. Raises RealChatError."""
    text = request.query_params.get("resume", "")
    if request.method == "POST":
        try:
            async with asyncio.timeout(seconds):
                text = (await _body(request)).decode()
        except (UnicodeDecodeError, ClientDisconnect) as error:
            raise RealChatError(Code.MALFORMED_REQUEST, "the body is not whole, or not UTF-8") from error
        except TimeoutError as error:
            raise RealChatError(Code.DEADLINE_EXCEEDED, "the body did not come in time") from error
    if not text:
        return Resume(conversations={})
    try:
        frame = codec.decode(text)
    except BadFrameError as bad:
        raise bad.error from bad
    if not isinstance(frame, Resume):
        raise RealChatError(Code.INVALID_ARGUMENT, "a resume frame is needed", field="type")
    return frame


def _negotiate(offered: list[str]) -> Codec | None:
    """The codec of the first protocol that we speak; who offers none speaks realchat.v1."""
    return next((CODECS[text] for text in offered if text in CODECS), None) if offered else CODECS[DEFAULT_PROTOCOL]


def internal_app(app_api_token: str, fanout: Fanout) -> FastAPI:
    """The application that the sidecar calls back.

    Args:
        app_api_token: what the sidecar sends with every call.
        fanout: handles the events.
    """
    app = FastAPI(title="RealChat delivery, internal", openapi_url=None, telemetry=OWN_TELEMETRY)
    dapr = DaprApp(app)
    expected = app_api_token.encode()

    def admit(request: Request) -> None:
        if not hmac.compare_digest(request.headers.get("dapr-api-token", "").encode(), expected):
            raise RealChatError(Code.UNAUTHENTICATED, "the call did not come through the sidecar")

    async def take(request: Request) -> Response:
        admit(request)
        status = await fanout.take(await request.body())
        return Response(_STATUSES[status], media_type="application/json")

    # The subscription is components/pointers.yaml: the decorator of dapr-ext-fastapi knows no bulk.
    @app.post("/events/pointers")
    async def take_pointers(request: Request) -> dict[str, object]:
        admit(request)
        statuses = await fanout.take_pointers(await request.body())
        return {"statuses": [{"entryId": entry, "status": status.value} for entry, status in statuses.items()]}

    dapr.subscribe(
        pubsub="events",
        topic=CONVERSATIONS,
        route="/events/conversation",
        dead_letter_topic=DEAD_LETTERS,
    )(take)
    dapr.subscribe(pubsub="events", topic=RECEIPTS, route="/events/receipt")(take)
    dapr.subscribe(pubsub="account-broadcast", topic=ACCOUNTS, route="/events/account")(take)
    return app
