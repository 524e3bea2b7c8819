"""Tickets for the WebSocket."""

from __future__ import annotations

import jwt
import pytest
from realchat_gateway.tickets import AUDIENCE, LIFETIME_SECONDS, socket_ticket

from realchat_common.identity import User

KEY = "a key of at least thirty-two bytes"
NOW = 4_000_000_000


def test_a_ticket_names_user_session_and_end() -> None:
    ticket = socket_ticket(User("alice", "phone"), KEY, ticket_id="t1", now=NOW)
    assert jwt.decode(ticket, KEY, algorithms=["HS256"], audience=AUDIENCE, options={"verify_iat": False}) == {
        "aud": AUDIENCE,
        "sub": "alice",
        "sid": "phone",
        "jti": "t1",
        "iat": NOW,
        "exp": NOW + LIFETIME_SECONDS,
    }


def test_a_ticket_is_no_access_token() -> None:
    ticket = socket_ticket(User("alice", "phone"), KEY, ticket_id="t1", now=NOW)
    with pytest.raises(jwt.InvalidAudienceError):
        jwt.decode(ticket, KEY, algorithms=["HS256"], audience="realchat", options={"verify_iat": False})
