"""What every request meets, whatever its route: middleware, and how a request of the API is read and answered."""

from __future__ import annotations

import asyncio
import hashlib
import re
from collections.abc import AsyncGenerator, Callable, Coroutine
from typing import Annotated, Any
from urllib.parse import unquote_to_bytes

import msgspec
import structlog
from fastapi import Depends, Header, Request, Response
from fastapi.routing import APIRoute
from starlette.datastructures import MutableHeaders
from starlette.responses import StreamingResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from realchat_common.errors import Code, RealChatError
from realchat_common.ids import new_id
from realchat_common.problems import problem_response
from realchat_gateway.access import admit
from realchat_gateway.gateway import gateway_of
from realchat_gateway.idempotency import fingerprint, once, record_key

MOST_BODY_BYTES = 64 * 1024
MOST_DISCARDED_BYTES = 16 * 1024 * 1024
"""Of a body that is too large, so much is read before the connection is cut."""
BODY_SECONDS = 10.0
"""How long a client may take to send a body."""
MOST_FILE_BYTES = 10 * 1024 * 1024
FILE_SECONDS = 60.0

_REQUEST_ID = re.compile(r"[A-Za-z0-9._-]{1,64}")
_DOT_SEGMENT = re.compile(r"/\.\.?(/|$)")
"""Clients resolve these before they send (RFC 3986, section 5.2.4); static files would answer with a redirect."""
_IDEMPOTENCY_KEY = re.compile(r'"([!#-~ ]{1,255})"|([!#-~]{1,255})')

SECURITY_HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=(), payment=()",
}
NAMED_BY_CONTENT = "/assets/"
"""The web client's build names its files here by their hashes: they never change."""
API_CSP = "default-src 'none'; frame-ancestors 'none'"
WORKER = "/sw.js"
WORKER_CSP = "default-src 'none'; connect-src 'self'; frame-ancestors 'none'"
"""The web client's service worker keeps what the client is made of, and has the policy of its own script."""


class Edge:
    """Gives every answer its request id, quota and security headers, and bounds how much is worked on at once.

    Args:
        app: the application.
        most_in_flight: requests at once.
        page_csp: the content security policy of HTML that names no other.
    """

    def __init__(self, app: ASGIApp, most_in_flight: int, page_csp: str) -> None:
        self._app = app
        self._most = most_in_flight
        self._page_csp = page_csp
        self._in_flight = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serves one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        offered = dict(scope["headers"]).get(b"x-request-id", b"").decode("latin-1")
        request_id = offered if _REQUEST_ID.fullmatch(offered) else new_id()
        state = scope.setdefault("state", {})

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                headers["X-Request-Id"] = request_id
                if message["status"] == 204:
                    del headers["Content-Type"]  # FastAPI names one for every answer; there is no content
                self._secure(scope, message["status"], headers)
                if quota := state.get("quota"):
                    headers.update(quota.headers())
                if message["status"] == Code.PAYLOAD_TOO_LARGE.http:
                    headers["Connection"] = "close"  # rather than read the rest
            await send(message)

        with structlog.contextvars.bound_contextvars(request_id=request_id):
            if _DOT_SEGMENT.search(scope["path"]):
                await problem_response(RealChatError(Code.NOT_FOUND))(scope, receive, send_with_headers)
                return
            if self._in_flight >= self._most:
                await problem_response(RealChatError(Code.OVERLOADED, retry_after=1))(scope, receive, send_with_headers)
                return
            self._in_flight += 1
            try:
                await self._app(scope, receive, send_with_headers)
            finally:
                self._in_flight -= 1

    def _secure(self, scope: Scope, status: int, headers: MutableHeaders) -> None:
        headers.update(SECURITY_HEADERS)
        if status != 304:  # whose headers replace those that the browser has kept (RFC 9111, section 3.2)
            document = headers.get("content-type", "").startswith("text/html")
            other = WORKER_CSP if scope["path"] == WORKER else API_CSP
            headers.setdefault("Content-Security-Policy", self._page_csp if document else other)
        if status in (200, 304) and scope["path"].startswith(NAMED_BY_CONTENT):
            headers["Cache-Control"] = "public, max-age=31536000, immutable"
        headers.setdefault("Cache-Control", "no-cache" if "etag" in headers else "no-store")
        if scope["scheme"] == "https":
            headers["Strict-Transport-Security"] = "max-age=31536000; includeSubDomains"


class BoundedRequest(Request):
    """A request whose body has a bound and a deadline, and whose JSON is read strictly: UTF-8, no lone surrogates."""

    most_bytes = MOST_BODY_BYTES
    body_seconds = BODY_SECONDS

    async def stream(self) -> AsyncGenerator[bytes, None]:
        """The body in pieces. Raises payload_too_large."""
        received = 0
        async for chunk in super().stream():
            received += len(chunk)
            if received <= self.most_bytes:
                yield chunk
            elif received > MOST_DISCARDED_BYTES:
                break
        # A connection that is closed before the client has written all is reset, and the answer is lost with it;
        # so what is not outrageous is read and thrown away.
        if received > self.most_bytes:
            raise RealChatError(Code.PAYLOAD_TOO_LARGE, f"a body has at most {self.most_bytes} bytes")

    async def body(self) -> bytes:
        """The whole body. Raises payload_too_large, malformed_request."""
        try:
            async with asyncio.timeout(self.body_seconds):
                return await super().body()
        except TimeoutError as error:
            raise RealChatError(Code.MALFORMED_REQUEST, "the body did not come in time") from error

    async def json(self) -> Any:
        """The body's value. What it raises, FastAPI answers with 400."""
        return msgspec.json.decode(await self.body())


class Upload(BoundedRequest):
    """A request that brings a file."""

    most_bytes = MOST_FILE_BYTES
    body_seconds = FILE_SECONDS


Handler = Callable[[Request], Coroutine[Any, Any, Response]]


class ApiRoute(APIRoute):
    """Reads a request within bounds before its handler sees it, and lets GETs be answered with 304."""

    def get_route_handler(self) -> Handler:
        """The handler that FastAPI calls."""
        handle = super().get_route_handler()

        async def answer(incoming: Request) -> Response:
            request = BoundedRequest(incoming.scope, incoming.receive)
            _check_text(request)
            _check_media_type(request, await request.body())
            response = await self.work(request, handle)
            return _conditional(request, response) if request.method == "GET" else response

        return answer

    async def work(self, request: Request, handle: Handler) -> Response:
        """Answers the request."""
        return await handle(request)


class UploadRoute(ApiRoute):
    """Its handler reads the body, a file of any type, once it knows that it wants it."""

    def get_route_handler(self) -> Handler:
        """The handler that FastAPI calls."""
        handle = APIRoute.get_route_handler(self)

        async def answer(incoming: Request) -> Response:
            request = Upload(incoming.scope, incoming.receive)
            _check_text(request)
            return await handle(request)

        return answer


class RetryableRoute(ApiRoute):
    """A POST that is done once per Idempotency-Key, where the request has one."""

    async def work(self, request: Request, handle: Handler) -> Response:
        """Answers the request, or repeats the answer that it got before."""
        header = request.headers.get("idempotency-key")
        if header is None or request.method != "POST":
            return await handle(request)
        key = parse_idempotency_key(header)
        user = await admit(request, "write")
        asked = fingerprint(request.method, request.url.path, await request.body())
        return await once(gateway_of(request).records, record_key(user.user_id, key), asked, lambda: handle(request))


def parse_idempotency_key(header: str) -> str:
    """The key of the header, a string in quotes or, as many clients send it, without. Raises invalid_argument."""
    match = _IDEMPOTENCY_KEY.fullmatch(header)
    if match is None:
        raise RealChatError(Code.INVALID_ARGUMENT, "1 to 255 visible characters", field="Idempotency-Key")
    return match[1] or match[2]


async def _idempotency_key(
    header: Annotated[
        str | None,
        Header(
            alias="Idempotency-Key", description="The same key with the same request is done once.", examples=['"8e03"']
        ),
    ] = None,
) -> str | None:
    return parse_idempotency_key(header) if header is not None else None


IdempotencyKey = Annotated[str | None, Depends(_idempotency_key)]
"""What the client chose so that it can repeat the request, if anything."""


def _check_text(request: Request) -> None:
    try:
        for part in (request.scope.get("raw_path") or b"", request.scope["query_string"]):
            unquote_to_bytes(part).decode()
    except UnicodeDecodeError as error:
        raise RealChatError(Code.MALFORMED_REQUEST, "the address is not UTF-8") from error


def _check_media_type(request: Request, body: bytes) -> None:
    media_type = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if body and media_type != "application/json":
        raise RealChatError(Code.UNSUPPORTED_MEDIA_TYPE, "send application/json")


def _conditional(request: Request, response: Response) -> Response:
    """304 for a client that has this answer already (RFC 9110, 13.1.2). Weak, since compression may follow."""
    if response.status_code != 200 or isinstance(response, StreamingResponse):
        return response
    etag = f'W/"{hashlib.blake2b(response.body, digest_size=16).hexdigest()}"'
    headers = {"ETag": etag, "Cache-Control": "private, no-cache"}
    known = {tag.strip().removeprefix("W/") for tag in request.headers.get("if-none-match", "").split(",")}
    if etag.removeprefix("W/") in known:
        return Response(status_code=304, headers=headers)
    response.headers.update(headers)
    return response
