"""Errors over HTTP: problem+json (RFC 9457), in one place."""

from __future__ import annotations

from time import perf_counter
from typing import Any

import msgspec
from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel, ConfigDict
from starlette.datastructures import Headers
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from realchat_common.errors import Code, RealChatError
from realchat_common.telemetry import REQUESTS, log, server_span

_FROM_STATUS = {
    400: Code.MALFORMED_REQUEST,
    401: Code.UNAUTHENTICATED,
    404: Code.NOT_FOUND,
    405: Code.METHOD_NOT_ALLOWED,
    413: Code.PAYLOAD_TOO_LARGE,
    415: Code.UNSUPPORTED_MEDIA_TYPE,
}


class Problem(BaseModel):
    """RFC 9457 problem details. Switch on `code`, never on text."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [RealChatError(Code.CONVERSATION_NOT_FOUND).problem()]},
    )

    type: str
    title: str
    status: int
    detail: str
    code: str
    temporary: bool
    """The same request may succeed later, unchanged."""
    field: str | None = None
    retry_after: float | None = None


class Described(FastAPI):
    """An application whose description has our problems, for whatever fails, in the place of FastAPI's own."""

    def openapi(self) -> dict[str, Any]:
        """The description in OpenAPI 3.1."""
        if self.openapi_schema is None:
            described = super().openapi()
            parts = described.setdefault("components", {})
            schemas = parts.setdefault("schemas", {})
            schemas["Problem"] = Problem.model_json_schema()
            for name in ("HTTPValidationError", "ValidationError"):
                schemas.pop(name, None)
            content = {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}}
            parts["responses"] = {"Problem": {"description": "What went wrong", "content": content}}
            for operations in described["paths"].values():
                for operation in operations.values():
                    operation["responses"].pop("422", None)
                    operation["responses"]["default"] = {"$ref": "#/components/responses/Problem"}
        assert self.openapi_schema is not None
        return self.openapi_schema


def problem_response(error: RealChatError) -> Response:
    """The error as an answer, with `Retry-After` where it is known."""
    headers = {}
    if error.retry_after is not None:
        headers["Retry-After"] = str(max(1, round(error.retry_after)))
    if error.code.http == 401:
        headers["WWW-Authenticate"] = "Bearer"
    return Response(
        msgspec.json.encode(error.problem()),
        status_code=error.code.http,
        headers=headers,
        media_type="application/problem+json",
    )


def _validation_problem(error: RequestValidationError) -> RealChatError:
    first = error.errors()[0]
    if first["type"] == "json_invalid":
        return RealChatError(Code.MALFORMED_REQUEST, "the body is not valid JSON")
    location = ".".join(str(part) for part in first["loc"][1:])
    return RealChatError(Code.INVALID_ARGUMENT, str(first["msg"]), field=location or None)


def add_problem_handlers(app: FastAPI) -> None:
    """Makes every failure of an application a problem+json answer, measures and traces each request."""

    @app.exception_handler(RealChatError)
    async def known(_: Request, error: RealChatError) -> Response:
        return problem_response(error)

    @app.exception_handler(RequestValidationError)
    async def invalid(_: Request, error: RequestValidationError) -> Response:
        return problem_response(_validation_problem(error))

    @app.exception_handler(HTTPException)
    async def refused(_: Request, error: HTTPException) -> Response:
        code = _FROM_STATUS.get(error.status_code, Code.INVALID_ARGUMENT)
        return problem_response(RealChatError(code, str(error.detail)))

    app.add_middleware(_Observed)


class _Observed:
    """Measures and traces each request, and answers for failures that nobody has caught.

    Plain ASGI: Starlette's BaseHTTPMiddleware costs as much as the rest of a small request, for every event too.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        started = begun = perf_counter()
        method, status = scope["method"], 0

        async def note(message: Message) -> None:
            nonlocal status, begun
            if message["type"] == "http.response.start":
                status, begun = message["status"], perf_counter()
            await send(message)

        with server_span(f"{method} {scope['path']}", dict(Headers(scope=scope))) as work:
            try:
                await self._app(scope, receive, note)
            except Exception:
                log.exception("request failed", method=method)
                if status:
                    raise  # the answer has begun: only the connection can still tell that it is not whole
                await problem_response(RealChatError(Code.INTERNAL))(scope, receive, note)
            operation = f"{method} {getattr(scope.get('route'), 'path', 'unmatched')}"
            work.name = operation
            work.span.update_name(operation)
            work.span.set_attribute("http.response.status_code", status)
            if status >= 500:
                work.failure = str(status)
        REQUESTS.labels("http", operation, str(status)).observe(begun - started)  # answers may be without end
