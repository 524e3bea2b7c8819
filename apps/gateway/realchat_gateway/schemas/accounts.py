"""Accounts, sessions and tickets."""

from __future__ import annotations

import base64
from typing import Annotated, Literal

from pydantic import BaseModel, Field

from chat.auth.v1 import auth_pb2
from realchat_common.ids import rfc3339
from realchat_gateway.schemas.base import ALICE, AT, SESSION, Command, Id, Time, example


class Registration(Command):
    """A new account."""

    model_config = example(
        {
            "email": "alice@example.com",
            "password": "correct horse battery",
            "display_name": "Alice",
            "device_name": "Firefox on Linux",
        }
    )

    email: Annotated[str, Field(max_length=320)]
    password: Annotated[str, Field(max_length=1024)]
    display_name: Annotated[str, Field(max_length=256)]
    device_name: Annotated[str, Field(max_length=256)] = ""


class Login(Command):
    """Proof of who one is."""

    model_config = example(
        {"email": "alice@example.com", "password": "correct horse battery", "device_name": "Firefox on Linux"}
    )

    email: Annotated[str, Field(max_length=320)]
    password: Annotated[str, Field(max_length=1024)]
    device_name: Annotated[str, Field(max_length=256)] = ""
    code: Annotated[
        str, Field(max_length=64, description="Of the second factor, or a recovery code, when it is asked for.")
    ] = ""


class RefreshToken(Command):
    """A refresh token."""

    model_config = example({"refresh_token": "rt_8Jq2…"})

    refresh_token: Annotated[str, Field(min_length=1, max_length=1024)]


_ACCESS = {
    "user_id": ALICE,
    "session_id": SESSION,
    "access_token": "eyJhbGciOiJFZERTQSIs…",
    "token_type": "Bearer",
    "expires_in": 900,
}


class AccessToken(BaseModel):
    """A session's access token."""

    model_config = example({**_ACCESS})

    user_id: Id
    session_id: Id
    access_token: str
    token_type: Literal["Bearer"] = "Bearer"  # noqa: S105
    expires_in: Annotated[int, Field(description="Seconds.")]


class Tokens(AccessToken):
    """A session's tokens."""

    model_config = example({**_ACCESS, "refresh_token": "rt_8Jq2…"})

    refresh_token: Annotated[str, Field(description="30 days; each use gives a new one.")]

    @classmethod
    def of(cls, pair: auth_pb2.TokenPair) -> Tokens:
        """From the auth service."""
        return cls(
            user_id=pair.user_id,
            session_id=pair.session_id,
            access_token=pair.access_token,
            expires_in=pair.expires_in,
            refresh_token=pair.refresh_token,
        )


class Session(BaseModel):
    """A device that is logged in."""

    session_id: Id
    device_name: str
    created_at: Time
    last_seen_at: Time
    current: Annotated[bool, Field(description="The session that asks.")]

    @classmethod
    def of(cls, session: auth_pb2.Session, current: str) -> Session:
        """From the auth service."""
        return cls(
            session_id=session.session_id,
            device_name=session.device_name,
            created_at=rfc3339(session.created_at_ms),
            last_seen_at=rfc3339(session.last_seen_at_ms),
            current=session.session_id == current,
        )


class Sessions(BaseModel):
    """Newest first."""

    model_config = example(
        {
            "sessions": [
                {
                    "session_id": SESSION,
                    "device_name": "Firefox on Linux",
                    "created_at": AT,
                    "last_seen_at": AT,
                    "current": True,
                }
            ]
        }
    )

    sessions: list[Session]


class SessionName(Command):
    """What a device is called."""

    model_config = example({"device_name": "Alice's laptop"})

    device_name: Annotated[str, Field(max_length=256)]


class SocketTicket(BaseModel):
    """Lets one WebSocket in, once."""

    model_config = example({"ticket": "eyJhbGciOiJIUzI1NiIs…", "expires_in": 30, "url": "wss://chat.example/v1/socket"})

    ticket: str
    expires_in: Annotated[int, Field(description="Seconds.")]
    url: Annotated[str, Field(description="Where to connect, with sub-protocol `realchat.v1`.")]


class Key(BaseModel):
    """A public key (RFC 8037)."""

    kid: str
    x: str
    kty: Literal["OKP"] = "OKP"
    crv: Literal["Ed25519"] = "Ed25519"
    alg: Literal["EdDSA"] = "EdDSA"
    use: Literal["sig"] = "sig"

    @classmethod
    def of(cls, kid: str, raw: bytes) -> Key:
        """From the key's 32 bytes."""
        return cls(kid=kid, x=base64.urlsafe_b64encode(raw).rstrip(b"=").decode())


class KeySet(BaseModel):
    """The keys that access tokens are signed with (RFC 7517)."""

    keys: list[Key]
