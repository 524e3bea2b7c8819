"""Tickets: what a browser shows at the WebSocket, where it can send no header. Delivery lets each in once."""

from __future__ import annotations

import jwt

from realchat_common.identity import User

AUDIENCE = "realchat.socket"
LIFETIME_SECONDS = 30


def socket_ticket(user: User, key: str, *, ticket_id: str, now: int) -> str:
    """A signed ticket (JWT, HS256).

    Args:
        user: whom it lets in.
        key: the secret that gateway and delivery share.
        ticket_id: unique; delivery remembers it until the ticket has expired.
        now: seconds since the epoch.
    """
    claims: dict[str, object] = {
        "aud": AUDIENCE,
        "sub": user.user_id,
        "sid": user.session_id,
        "jti": ticket_id,
        "iat": now,
        "exp": now + LIFETIME_SECONDS,
    }
    if user.scopes is not None:
        claims["scp"] = sorted(user.scopes)
    return jwt.encode(claims, key, algorithm="HS256")
