"""Who calls: assertions by which applications prove themselves to each other.

Nobody is trusted because of where a call comes from. Each application signs a short JWT (EdDSA, RFC 8037)
with its own key, for one audience; only the edges, which have seen the user's credentials, may name a user in it.
"""

from __future__ import annotations

import time
from collections import OrderedDict
from dataclasses import dataclass

import jwt
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import load_pem_private_key, load_pem_public_key

from realchat_common.errors import Code, RealChatError

EDGES = frozenset({"gateway", "delivery"})
"""The applications that authenticate users."""

LIFETIME_SECONDS = 60
CACHE_SIZE = 10_000


@dataclass(frozen=True, slots=True)
class User:
    """A user as an edge has authenticated them."""

    user_id: str
    session_id: str
    scopes: frozenset[str] | None = None
    """What they may do, where they came in by an API key; None for a person, who may do everything. Only the edges
    know: what they let through, other services do not ask about again."""

    def require(self, scope: str) -> None:
        """Raises permission_denied for an API key without the scope."""
        if self.scopes is not None and scope not in self.scopes:
            raise RealChatError(Code.PERMISSION_DENIED, f"the API key lacks the scope {scope}")


@dataclass(frozen=True, slots=True)
class Caller:
    """The application at the other end of a call, and the user on whose behalf it acts, if any."""

    app_id: str
    user: User | None

    def require_user(self) -> User:
        """The user. Raises unauthenticated when the call is on nobody's behalf."""
        if self.user is None:
            raise RealChatError(Code.UNAUTHENTICATED)
        return self.user


class Identity:
    """Signs this application's assertions.

    Args:
        app_id: this application.
        private_key_pem: its Ed25519 key, PKCS 8.
    """

    def __init__(self, app_id: str, private_key_pem: str) -> None:
        key = load_pem_private_key(private_key_pem.encode(), password=None)
        if not isinstance(key, Ed25519PrivateKey):
            raise TypeError("caller-key must be an Ed25519 key")
        self.app_id = app_id
        self._key = key
        self._signed: OrderedDict[tuple[str, User | None], tuple[str, float]] = OrderedDict()

    def assertion(self, audience: str, user: User | None) -> str:
        """A signed assertion for one other application, reused for half of its lifetime."""
        now = time.time()
        cached = self._signed.get((audience, user))
        if cached and cached[1] > now:
            return cached[0]
        claims: dict[str, str | int] = {
            "iss": self.app_id,
            "aud": audience,
            "iat": int(now),
            "exp": int(now) + LIFETIME_SECONDS,
        }
        if user:
            claims |= {"sub": user.user_id, "sid": user.session_id}
        token = jwt.encode(claims, self._key, algorithm="EdDSA")
        self._signed[audience, user] = (token, now + LIFETIME_SECONDS / 2)
        if len(self._signed) > CACHE_SIZE:
            self._signed.popitem(last=False)
        return token


class Callers:
    """Verifies other applications' assertions.

    Args:
        app_id: this application, the audience.
        public_keys_pem: app id to Ed25519 public key of every application.
    """

    def __init__(self, app_id: str, public_keys_pem: dict[str, str]) -> None:
        self._app_id = app_id
        self._keys: dict[str, Ed25519PublicKey] = {}
        for app, pem in public_keys_pem.items():
            key = load_pem_public_key(pem.encode())
            if not isinstance(key, Ed25519PublicKey):
                raise TypeError(f"the public key of {app} must be an Ed25519 key")
            self._keys[app] = key
        self._verified: OrderedDict[str, tuple[Caller, float]] = OrderedDict()

    def verify(self, assertion: str) -> Caller:
        """The caller. Raises unauthenticated for anything but a valid assertion for this application."""
        cached = self._verified.get(assertion)
        if cached and cached[1] > time.time():
            return cached[0]
        try:
            issuer = str(jwt.decode(assertion, options={"verify_signature": False}).get("iss"))
            claims = jwt.decode(
                assertion,
                self._keys[issuer],
                algorithms=["EdDSA"],
                audience=self._app_id,
                issuer=issuer,
                leeway=5,
                options={"require": ["iss", "aud", "iat", "exp"]},
            )
        except (jwt.InvalidTokenError, KeyError) as error:
            raise RealChatError(Code.UNAUTHENTICATED, "the caller's assertion is not valid") from error
        user = User(str(claims["sub"]), str(claims.get("sid", ""))) if "sub" in claims else None
        if user and issuer not in EDGES:
            raise RealChatError(Code.CALLER_NOT_ALLOWED, f"{issuer} may not act for a user")
        caller = Caller(issuer, user)
        self._verified[assertion] = (caller, float(claims["exp"]))
        if len(self._verified) > CACHE_SIZE:
            self._verified.popitem(last=False)
        return caller
