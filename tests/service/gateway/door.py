"""Who comes to the gateway's door: clients, tokens, and what it remembers of them."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import httpx
import jwt
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from fastapi import FastAPI
from realchat_gateway.idempotency import Record

from realchat_common.ids import new_id

ISSUER = "realchat"
TICKET_KEY = "ticket key of the tests, 32 bytes"
SIGNING_KEY = Ed25519PrivateKey.generate()


MakeApp = Callable[..., FastAPI]


class MemoryRecords:
    """Records in a dictionary."""

    def __init__(self) -> None:
        self.known: dict[str, Record] = {}

    async def insert(self, key: str, record: Record) -> Record | None:
        """See Records."""
        kept = self.known.setdefault(key, record)
        return None if kept is record else kept

    async def finish(self, key: str, record: Record) -> None:
        """See Records."""
        self.known[key] = record

    async def remove(self, key: str) -> None:
        """See Records."""
        self.known.pop(key, None)


@dataclass(frozen=True)
class Client:
    """Somebody who is logged in."""

    user_id: str
    session_id: str
    http: httpx.AsyncClient

    async def ask(self, method: str, path: str, **options: Any) -> httpx.Response:
        """Sends a request."""
        return await self.http.request(method, path, **options)


def access_token(user_id: str, session_id: str, **changed: Any) -> str:
    """A token as auth signs it, with some claims changed."""
    now = int(time.time())
    claims = {"iss": ISSUER, "aud": "realchat", "sub": user_id, "sid": session_id, "jti": new_id()}
    claims |= {"iat": now, "exp": now + 900} | changed
    return jwt.encode(claims, SIGNING_KEY, algorithm="EdDSA", headers={"kid": "k1"})


def visitor(app: FastAPI, address: str = "192.0.2.1", **headers: str) -> httpx.AsyncClient:
    """Somebody at an address, not logged in."""
    transport = httpx.ASGITransport(app, raise_app_exceptions=False, client=(address, 50000))
    return httpx.AsyncClient(transport=transport, base_url="http://gateway", headers=headers)
