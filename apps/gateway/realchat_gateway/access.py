"""Who may ask, and how often: authentication and rate limits as annotations of the routes' parameters."""

from __future__ import annotations

import hashlib
from collections.abc import Awaitable, Callable
from typing import Annotated, Literal

import structlog
from fastapi import Depends, Request, Security
from fastapi.routing import APIRoute
from fastapi.security import HTTPBearer

from realchat_common.errors import Code, RealChatError
from realchat_common.identity import User
from realchat_common.telemetry import pseudonym
from realchat_gateway.apikeys import PREFIX as KEY_PREFIX
from realchat_gateway.gateway import gateway_of
from realchat_gateway.limits import address_group

_bearer = HTTPBearer(auto_error=False, bearerFormat="JWT", description="The access token of a session, or an API key.")


async def current_user(request: Request) -> User:
    """The user whom the access token, or the bot whom the API key names. Raises unauthenticated, session_revoked."""
    gateway = gateway_of(request)
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() != "bearer" or not token:
        raise RealChatError(Code.UNAUTHENTICATED)
    token = token.strip()
    user = await (gateway.keys if token.startswith(KEY_PREFIX) else gateway.tokens).verify(token)
    if user.session_id in gateway.revoked:
        raise RealChatError(Code.SESSION_REVOKED)
    structlog.contextvars.bind_contextvars(user=pseudonym(user.user_id))
    return user


async def admit(request: Request, policy: Literal["read", "write"]) -> User:
    """The user, after the request has been counted: once, however often this is called for it.

    Raises:
        RealChatError: unauthenticated, session_revoked, rate_limited; permission_denied for an API key without the
            scope of the route.
    """
    admitted: User | None = getattr(request.state, "user", None)
    if admitted:
        return admitted
    address = ("address", client_address(request))
    try:
        user = await current_user(request)
    except RealChatError:
        await _spend(request, address)  # guessing tokens is not free
        raise
    await _spend(request, (policy, user.user_id), address)
    user.require(_scope(request, policy))
    request.state.user = user
    return user


async def count_anonymous(request: Request) -> None:
    """Counts a request without an access token. Raises rate_limited."""
    await _spend(request, ("anonymous", client_address(request)))


async def count_login(request: Request, email: str) -> None:
    """Counts an attempt to open an account, from whoever is at this address. Raises rate_limited."""
    who = hashlib.sha256(f"{client_address(request)}\n{email.strip().casefold()}".encode()).hexdigest()
    await _spend(request, ("login", who))


async def count_export(request: Request, user: User) -> None:
    """Counts an export, which costs as much as many requests. Raises rate_limited."""
    await _spend(request, ("export", user.user_id))


def _scope(request: Request, policy: str) -> str:
    """What an API key needs for a route: its tag and what is done, unless the route says something else."""
    route: APIRoute = request.scope["route"]
    named = (route.openapi_extra or {}).get("x-scope")
    return str(named or f"{route.tags[0]}:{policy}")


def client_address(request: Request) -> str:
    """What counts as one address of clients."""
    return address_group(request.client.host) if request.client else "unknown"


async def _spend(request: Request, *charges: tuple[str, str]) -> None:
    quota = await gateway_of(request).limits.spend(*charges)
    request.state.quota = quota
    if quota and not quota.granted:
        raise RealChatError(Code.RATE_LIMITED, retry_after=quota.reset)


def _admission(policy: Literal["read", "write"]) -> Callable[..., Awaitable[User]]:
    async def admission(request: Request, _: Annotated[object, Security(_bearer)]) -> User:
        return await admit(request, policy)

    return admission


Reader = Annotated[User, Depends(_admission("read"))]
"""A user who looks at something."""
Writer = Annotated[User, Depends(_admission("write"))]
"""A user who changes something."""
