"""The gateway's application over HTTP, with the services behind it as a test wants them."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import httpx
import pytest
from fastapi import FastAPI
from limits import parse
from realchat_gateway.api import public_app
from realchat_gateway.apikeys import ApiKeys
from realchat_gateway.gateway import Gateway
from realchat_gateway.limits import Limits
from realchat_gateway.revocations import RevokedSessions
from realchat_gateway.settings import GatewaySettings
from redis.asyncio import Redis
from service.gateway.backends import Backends, serving
from service.gateway.door import (
    ISSUER,
    SIGNING_KEY,
    TICKET_KEY,
    Client,
    MakeApp,
    MemoryRecords,
    access_token,
    visitor,
)

from chat.auth.v1 import auth_pb2
from realchat_common.ids import new_id
from realchat_common.tokens import AccessTokens, auth_keys


@pytest.fixture(scope="session")
async def running_backends() -> AsyncIterator[Backends]:
    """One set of servers for all tests."""
    async with serving() as backends:
        yield backends


@pytest.fixture
def backends(running_backends: Backends) -> Backends:
    """The services behind the gateway, with no answers set but auth's keys."""
    running_backends.reset()
    key = auth_pb2.SigningKey(kid="k1", public_key=SIGNING_KEY.public_key().public_bytes_raw())
    running_backends.answer("ListSigningKeys", auth_pb2.ListSigningKeysResponse(keys=[key]))
    return running_backends


@pytest.fixture
async def redis(redis_url: str) -> AsyncIterator[Redis]:
    """A client of the real Redis."""
    async with Redis.from_url(redis_url) as client:
        yield client


@pytest.fixture
def settings(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> GatewaySettings:
    """What the Dapr command line and the operator would give, with limits that no test meets by accident."""
    for name, value in {
        "APP_ID": "gateway",
        "DAPR_API_TOKEN": "d",
        "APP_API_TOKEN": "a",
        "DAPR_GRPC_PORT": "1",
    }.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("REALCHAT_INTERNAL_PORT", "8090")
    (tmp_path / "index.html").write_text("<!doctype html><title>RealChat</title>")
    monkeypatch.setenv("REALCHAT_WEB_ROOT", str(tmp_path))
    for name in ("LOGIN", "ANONYMOUS", "READ", "WRITE", "ADDRESS"):
        monkeypatch.setenv(f"REALCHAT_RATE_{name}", "100000/minute")
    return GatewaySettings()


@pytest.fixture
def records() -> MemoryRecords:
    """What the gateway remembers by idempotency keys."""
    return MemoryRecords()


@pytest.fixture
def revoked(redis: Redis) -> RevokedSessions:
    """The sessions that have ended."""
    return RevokedSessions(redis)


@pytest.fixture
def make_app(
    backends: Backends, redis: Redis, settings: GatewaySettings, records: MemoryRecords, revoked: RevokedSessions
) -> MakeApp:
    """Makes the public application, with some settings or rates changed."""

    def make(rates: dict[str, str] | None = None, **changed: Any) -> FastAPI:
        auth = backends.peers["auth"]
        limits = settings.rates() | {name: parse(rate) for name, rate in (rates or {}).items()}
        return public_app(
            Gateway(
                **backends.peers,
                tokens=AccessTokens(auth_keys(auth), ISSUER),
                keys=ApiKeys(backends.peers["bot"]),
                revoked=revoked,
                limits=Limits(redis, limits),
                records=records,
                ticket_key=TICKET_KEY,
                settings=settings.model_copy(update=changed),
            )
        )

    return make


@pytest.fixture
def app(make_app: MakeApp) -> FastAPI:
    """The public application."""
    return make_app()


@pytest.fixture
async def log_in() -> AsyncIterator[Callable[..., Client]]:
    """Logs new people in."""
    clients: list[httpx.AsyncClient] = []

    def make(app: FastAPI, address: str = "192.0.2.1") -> Client:
        user_id, session_id = new_id(), new_id()
        http = visitor(app, address, authorization=f"Bearer {access_token(user_id, session_id)}")
        clients.append(http)
        return Client(user_id, session_id, http)

    yield make
    for http in clients:
        await http.aclose()


@pytest.fixture
def alice(app: FastAPI, log_in: Callable[..., Client]) -> Client:
    """Somebody who is logged in."""
    return log_in(app)


@pytest.fixture
async def nobody(app: FastAPI) -> AsyncIterator[httpx.AsyncClient]:
    """Somebody who is not."""
    async with visitor(app) as http:
        yield http
