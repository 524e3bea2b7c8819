"""The public API: its application, and a module of routes per noun."""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit

from fastapi import FastAPI
from fastapi.openapi.docs import get_swagger_ui_html
from fastapi.responses import HTMLResponse
from fastapi.routing import APIRoute
from pydantic import BaseModel
from starlette.middleware.cors import CORSMiddleware
from starlette.middleware.gzip import GZipMiddleware
from starlette.types import Receive, Scope, Send

from realchat_common.problems import Described, add_problem_handlers
from realchat_gateway import schemas
from realchat_gateway.api import (
    accounts,
    administration,
    attachments,
    bots,
    browser,
    contacts,
    conversations,
    credentials,
    invites,
    messages,
    people,
    pins,
    polls,
    reactions,
    receipts,
    schedule,
    search,
    threads,
)
from realchat_gateway.edge import Edge
from realchat_gateway.gateway import Gateway

COMPRESSED_BYTES = 1024
"""Answers from this size on are compressed."""

_DESCRIPTION = """
People, conversations and their logs. Live events, and sending with the least delay, go over the WebSocket.

Times are RFC 3339 in UTC with milliseconds. Ids are UUIDs. Lists come in pages: pass `next_cursor` as `cursor`.
Every failure is `application/problem+json` with a stable `code`.
"""
_SWAGGER = "https://cdn.jsdelivr.net/npm/swagger-ui-dist@5.29.0"


class _Compressed(GZipMiddleware):
    """Compresses answers, but for files: those that are large are compressed by themselves, and it takes long."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serves one request."""
        if scope["type"] == "http" and scope["path"].startswith("/v1/attachments/"):
            await self.app(scope, receive, send)
        else:
            await super().__call__(scope, receive, send)


class _Api(Described):
    def openapi(self) -> dict[str, Any]:
        """The description, with whole examples: FastAPI takes nulls out of them."""
        if self.openapi_schema is None:
            schemas = super().openapi()["components"]["schemas"]
            for model in _models(BaseModel):
                extra = model.model_config.get("json_schema_extra")
                if model.__name__ in schemas and isinstance(extra, dict):
                    schemas[model.__name__].update(extra)
        return super().openapi()


def _models(base: type[BaseModel]) -> Iterator[type[BaseModel]]:
    """The models of the API that inherit from one."""
    for model in base.__subclasses__():
        if model.__module__.startswith(schemas.__name__):
            yield model
        yield from _models(model)


def public_app(gateway: Gateway) -> FastAPI:
    """The application that people, browsers and bots reach.

    Args:
        gateway: what its routes work with.
    """
    settings = gateway.settings
    app = _Api(
        title="RealChat",
        version="1",
        description=_DESCRIPTION,
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,
        generate_unique_id_function=_operation_id,
        telemetry={"tracing": False, "metrics": False},
    )
    app.state.gateway = gateway
    for module in (
        accounts,
        administration,
        bots,
        browser,
        people,
        conversations,
        messages,
        pins,
        threads,
        reactions,
        receipts,
        credentials,
        search,
        contacts,
        attachments,
        schedule,
        polls,
        invites,
    ):
        app.include_router(module.router)
    app.include_router(accounts.anonymous)
    app.include_router(administration.reports)
    app.include_router(credentials.anonymous)
    app.include_router(accounts.well_known)
    _add_docs(app)
    app.frontend("/", directory=settings.web_root, fallback=None, check_dir=True)

    # From the inside out.
    app.add_middleware(_Compressed, minimum_size=COMPRESSED_BYTES, compresslevel=5)
    add_problem_handlers(app)
    if settings.cors_origins:
        app.add_middleware(
            CORSMiddleware,
            allow_origins=settings.cors_origins,
            allow_methods=["GET", "POST", "PUT", "PATCH", "DELETE"],
            allow_headers=["Authorization", "Content-Type", "Idempotency-Key", "If-None-Match", "X-Request-Id"],
            expose_headers=["ETag", "RateLimit", "RateLimit-Policy", "Retry-After", "X-Request-Id"],
            max_age=600,
        )
    app.add_middleware(Edge, most_in_flight=settings.most_in_flight, page_csp=_page_csp(settings.socket_url))
    return app


def _operation_id(route: APIRoute) -> str:
    return route.name


def _page_csp(socket_url: str) -> str:
    socket = urlsplit(socket_url)
    return (
        "default-src 'none'; script-src 'self'; style-src 'self'; font-src 'self'; img-src 'self' data: blob:; "
        "manifest-src 'self'; worker-src 'self'; "
        f"connect-src 'self' {socket.scheme}://{socket.netloc}; "
        "base-uri 'none'; form-action 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'"
    )


def _add_docs(app: FastAPI) -> None:
    page = get_swagger_ui_html(
        openapi_url="/openapi.json",
        title="RealChat API",
        swagger_js_url=f"{_SWAGGER}/swagger-ui-bundle.js",
        swagger_css_url=f"{_SWAGGER}/swagger-ui.css",
        swagger_favicon_url="/icon.svg",
    )
    html = bytes(page.body).decode()
    scripts = re.findall(r"<script>(.*?)</script>", html, re.DOTALL)
    hashes = (base64.b64encode(hashlib.sha256(script.encode()).digest()).decode() for script in scripts)
    allowed = " ".join(f"'sha256-{digest}'" for digest in hashes)
    csp = (
        f"default-src 'none'; script-src {_SWAGGER}/ {allowed}; style-src {_SWAGGER}/ 'unsafe-inline'; "
        "img-src 'self' data:; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    )

    @app.get("/docs", include_in_schema=False)
    async def docs() -> HTMLResponse:
        return HTMLResponse(html, headers={"Content-Security-Policy": csp})
