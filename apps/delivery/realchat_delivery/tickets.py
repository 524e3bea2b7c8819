"""Who connects: an access token, or a one-use ticket that the gateway gave."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable

import jwt

from realchat_common.errors import Code, RealChatError
from realchat_common.identity import User
from realchat_common.tokens import AccessTokens
from realchat_delivery.frames import Auth

AUDIENCE = "realchat.socket"
"""The `aud` of every ticket."""
LEEWAY_SECONDS = 5

Burn = Callable[[str, int], Awaitable[bool]]
"""Uses up a ticket by its id, to be remembered for so many seconds. False when it was used before."""


class Tickets:
    """Verifies tickets: JWT (HS256) with `sub`, `sid`, `jti` and `exp`, of which each is good once. One with `scp` is
    an API key's, and does not allow more than the key.

    Args:
        key: the secret that gateway and delivery share (`ticket-key`).
        burn: remembers the tickets that were used.
    """

    def __init__(self, key: str, burn: Burn) -> None:
        self._key = key
        self._burn = burn

    async def redeem(self, ticket: str) -> User:
        """The user and session that a ticket names. Raises unauthenticated, or unavailable."""
        try:
            claims = jwt.decode(
                ticket,
                self._key,
                algorithms=["HS256"],
                audience=AUDIENCE,
                leeway=LEEWAY_SECONDS,
                options={"require": ["sub", "sid", "jti", "exp", "aud"]},
            )
        except (jwt.InvalidTokenError, ValueError) as error:
            raise RealChatError(Code.UNAUTHENTICATED, "the ticket is not valid") from error
        left = int(claims["exp"] - time.time()) + 2 * LEEWAY_SECONDS
        if not await self._burn(str(claims["jti"]), left):
            raise RealChatError(Code.UNAUTHENTICATED, "the ticket was used before")
        scopes = frozenset(map(str, claims["scp"])) if "scp" in claims else None
        return User(str(claims["sub"]), str(claims["sid"]), scopes)


class Credentials:
    """Authenticates sockets by either."""

    def __init__(self, tokens: AccessTokens, tickets: Tickets) -> None:
        self._tokens = tokens
        self._tickets = tickets

    async def authenticate(self, frame: Auth) -> User:
        """The user and session. Raises unauthenticated, or a temporary error that says nothing about them."""
        if frame.ticket is not None:
            return await self._tickets.redeem(frame.ticket)
        return await self._tokens.verify(frame.token or "")
