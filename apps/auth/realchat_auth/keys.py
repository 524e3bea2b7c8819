"""The keys that sign access tokens: made, sealed, listed, rotated.

All replicas read the same keys from the database, and each knows from their times alone which one signs. A key is
made an hour before it signs, so that every replica and every cache of the list has seen it by then.
"""

from __future__ import annotations

import asyncio
import base64
import hashlib
from collections.abc import Callable
from dataclasses import dataclass

import jwt
from cryptography.fernet import InvalidToken
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from sqlalchemy import delete, func
from sqlalchemy.ext.asyncio import AsyncEngine
from sqlmodel import col, select

from realchat_auth.domain import ACCESS_SECONDS, SECOND_MS, KeyPeriod, finished_kids, next_key_from, signing_kid
from realchat_auth.sealing import sealing
from realchat_auth.tables import Key
from realchat_common.database import transaction
from realchat_common.ids import new_id
from realchat_common.telemetry import log
from realchat_common.tokens import ALGORITHM, AUDIENCE

ROTATION_SECONDS = 60.0
"""How often a replica looks: far more often than an hour, the lead of a new key."""
_LOCK = 7_274_284  # any number: one replica at a time decides whether a key is due


@dataclass(frozen=True, slots=True)
class SigningKey:
    """A key with both its parts."""

    period: KeyPeriod
    private: Ed25519PrivateKey

    @property
    def public_bytes(self) -> bytes:
        """The raw public key, 32 bytes."""
        return self.private.public_key().public_bytes_raw()


def thumbprint(public_key: bytes) -> str:
    """The id of a key, which is its JWK thumbprint (RFC 7638)."""
    x = base64.urlsafe_b64encode(public_key).rstrip(b"=").decode()
    digest = hashlib.sha256(f'{{"crv":"Ed25519","kty":"OKP","x":"{x}"}}'.encode()).digest()
    return base64.urlsafe_b64encode(digest).rstrip(b"=").decode()


class SigningKeys:
    """Signs access tokens, and lists the public keys by which they are checked.

    Args:
        engine: auth's database.
        sealing_keys: as `sealing` takes them.
        issuer: the tokens' `iss`.
        clock: milliseconds since the Unix epoch.
    """

    def __init__(self, engine: AsyncEngine, sealing_keys: str, issuer: str, clock: Callable[[], int]) -> None:
        self._engine = engine
        self._seal = sealing(sealing_keys)
        self._issuer = issuer
        self._clock = clock
        self._keys: list[SigningKey] = []

    async def rotate(self) -> None:
        """Makes a key where one is due, drops those that are finished, and takes over what the database then has.

        Raises:
            InvalidToken: the keys were sealed with another key-encryption-key.
        """
        async with transaction(self._engine) as session:
            await session.exec(select(func.pg_advisory_xact_lock(_LOCK)))
            rows = list(await session.exec(select(Key).order_by(col(Key.active_from_ms))))
            periods = [KeyPeriod(row.kid, row.active_from_ms) for row in rows]
            now_ms = self._clock()
            finished = finished_kids(periods, now_ms)
            await session.exec(delete(Key).where(col(Key.kid).in_(finished)))
            rows = [row for row in rows if row.kid not in finished]
            active_from_ms = next_key_from(periods, now_ms)
            if active_from_ms is not None:
                rows.append(self._new_key(active_from_ms))
                session.add(rows[-1])
                log.info("signing key made", kid=rows[-1].kid, active_from_ms=active_from_ms)
            keys = [self._opened(row) for row in rows]
        self._keys = keys  # only what is committed signs

    async def run(self) -> None:
        """Rotates again and again."""
        while True:
            await asyncio.sleep(ROTATION_SECONDS)
            await self.rotate()

    def listed(self) -> list[tuple[str, bytes]]:
        """Key ids and raw public keys, newest first: those that sign, will sign, or have signed what is still valid."""
        return [(key.period.kid, key.public_bytes) for key in reversed(self._keys)]

    def access_token(self, user_id: str, session_id: str) -> str:
        """A JWT for a session, good for 15 minutes."""
        now_ms = self._clock()
        kid = signing_kid([key.period for key in self._keys], now_ms)
        private = next(key.private for key in self._keys if key.period.kid == kid)
        issued_at = now_ms // SECOND_MS
        claims = {
            "iss": self._issuer,
            "aud": AUDIENCE,
            "sub": user_id,
            "sid": session_id,
            "jti": new_id(),
            "iat": issued_at,
            "exp": issued_at + ACCESS_SECONDS,
        }
        return jwt.encode(claims, private, algorithm=ALGORITHM, headers={"kid": kid})

    def _new_key(self, active_from_ms: int) -> Key:
        private = Ed25519PrivateKey.generate()
        sealed = self._seal.encrypt(private.private_bytes_raw())
        kid = thumbprint(private.public_key().public_bytes_raw())
        return Key(kid=kid, sealed_private_key=sealed, active_from_ms=active_from_ms)

    def _opened(self, row: Key) -> SigningKey:
        try:
            private = Ed25519PrivateKey.from_private_bytes(self._seal.decrypt(row.sealed_private_key))
        except InvalidToken:
            log.exception("signing key cannot be opened: has key-encryption-key changed?", kid=row.kid)
            raise
        return SigningKey(KeyPeriod(row.kid, row.active_from_ms), private)
