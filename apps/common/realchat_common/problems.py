"""Errors over HTTP: problem+json (RFC 9457), in one place."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from time import perf_counter

import msgspec
from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException

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

    @app.middleware("http")
    async def observe(request: Request, call_next: Callable[[Request], Awaitable[Response]]) -> Response:
        started = perf_counter()
        with server_span(f"{request.method} {request.url.path}", dict(request.headers)) as span:
            try:
                response = await call_next(request)
            except Exception:
                log.exception("request failed", method=request.method)
                response = problem_response(RealChatError(Code.INTERNAL))
            route = getattr(request.scope.get("route"), "path", "unmatched")
            span.update_name(f"{request.method} {route}")
            span.set_attribute("http.response.status_code", response.status_code)
        REQUESTS.labels("http", f"{request.method} {route}", str(response.status_code)).observe(
            perf_counter() - started
        )
        return response
