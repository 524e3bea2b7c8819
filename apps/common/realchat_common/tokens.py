"""Access tokens, as everybody but auth sees them: a JWT to be checked against auth's public keys.

What is accepted is narrow on purpose (RFC 8725): one algorithm, one audience, one issuer, a known key.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable

import jwt
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from chat.auth.v1 import auth_pb2, auth_pb2_grpc
from realchat_common.errors import Code, RealChatError
from realchat_common.identity import User
from realchat_common.rpc import Peer
from realchat_common.telemetry import log

AUDIENCE = "realchat"
"""The `aud` of every access token."""
ALGORITHM = "EdDSA"
CLAIMS = ["iss", "aud", "sub", "sid", "iat", "exp"]
LEEWAY_SECONDS = 60
"""How far apart two machines' clocks may be."""
REFETCH_SECONDS = 3.0
"""Keys are asked for at most this often, however many tokens name a key that does not exist."""
FRESH_SECONDS = 300.0
"""Keys older than this are asked for again. Auth lists a new key for longer than this before it signs with it."""

FetchKeys = Callable[[], Awaitable[dict[str, bytes]]]
"""Asks for the public keys: key id to raw Ed25519 key, 32 bytes."""


def auth_keys(peer: Peer[auth_pb2_grpc.AuthServiceAsyncStub]) -> FetchKeys:
    """The signing keys as auth lists them, through the sidecar."""

    async def fetch() -> dict[str, bytes]:
        answer = await peer.call(peer.stub.ListSigningKeys, auth_pb2.ListSigningKeysRequest())
        return {key.kid: key.public_key for key in answer.keys}

    return fetch


class AccessTokens:
    """Verifies access tokens with auth's keys, which it caches.

    Args:
        fetch_keys: asks for the keys, for example `auth_keys(peer)`.
        issuer: the only `iss` that is accepted.
        clock: seconds of a monotonic clock.
    """

    def __init__(self, fetch_keys: FetchKeys, issuer: str, clock: Callable[[], float] = time.monotonic) -> None:
        self._fetch = fetch_keys
        self._issuer = issuer
        self._clock = clock
        self._keys: dict[str, Ed25519PublicKey] = {}
        self._fetched_at = self._asked_at = float("-inf")
        self._fetching = asyncio.Lock()

    async def verify(self, token: str) -> User:
        """The user and session that a token names.

        Raises:
            RealChatError: unauthenticated for anything but a valid token; unavailable or deadline_exceeded when
                the key that it names is not at hand and cannot be had, which says nothing about the token.
        """
        try:
            key = await self._key(str(jwt.get_unverified_header(token).get("kid")))
            claims = jwt.decode(
                token,
                key,
                algorithms=[ALGORITHM],
                audience=AUDIENCE,
                issuer=self._issuer,
                leeway=LEEWAY_SECONDS,
                options={"require": CLAIMS},
            )
        except (jwt.InvalidTokenError, ValueError) as error:  # ValueError: a text that UTF-8 cannot carry
            raise RealChatError(Code.UNAUTHENTICATED, "the access token is not valid") from error
        return User(str(claims["sub"]), str(claims["sid"]))

    async def _key(self, kid: str) -> Ed25519PublicKey:
        if kid not in self._keys:
            await self._refresh()
        elif self._clock() - self._fetched_at > FRESH_SECONDS and not self._fetching.locked():
            try:
                await self._refresh()
            except RealChatError as error:
                log.warning("signing keys not refreshed", error=str(error))  # those at hand are still good
        try:
            return self._keys[kid]
        except KeyError:
            raise jwt.InvalidTokenError("no such signing key") from None

    async def _refresh(self) -> None:
        async with self._fetching:
            if self._clock() - self._asked_at < REFETCH_SECONDS:
                if self._fetched_at < self._asked_at:
                    raise RealChatError(Code.UNAVAILABLE, "the signing keys could not be had")
                return
            try:
                fetched = await self._fetch()
            finally:  # after the answer, so that those who waited for the lock do not ask again one by one
                self._asked_at = self._clock()
            self._keys = {kid: Ed25519PublicKey.from_public_bytes(raw) for kid, raw in fetched.items()}
            self._fetched_at = self._asked_at
