"""What people do with their second factor."""

from __future__ import annotations

import secrets
from collections.abc import Callable
from uuid import UUID

from cryptography.fernet import MultiFernet

from realchat_auth.credentials.factor_store import FactorStore
from realchat_auth.credentials.totp import (
    RECOVERY_CODES,
    is_totp,
    matching_step,
    new_recovery_code,
    new_secret,
    normalise_code,
    provisioning_uri,
)
from realchat_auth.domain import digest
from realchat_auth.tables import Account, SecondFactor
from realchat_common.errors import Code, RealChatError


class SecondFactors:
    """The use cases. Whoever calls them has checked the password, and counts attempts.

    Args:
        store: second factors.
        seal: seals the secrets.
        clock: milliseconds since the Unix epoch.
    """

    def __init__(self, store: FactorStore, seal: MultiFernet, clock: Callable[[], int]) -> None:
        self._store = store
        self._seal = seal
        self._clock = clock

    async def begin(self, account: Account) -> tuple[str, str]:
        """Draws a secret; returns it, and as a URI for a QR code. Raises second_factor_on."""
        secret = new_secret(secrets.token_bytes)
        await self._store.begin(account.user_id, self._seal.encrypt(secret.encode()))
        return secret, provisioning_uri(secret, account.email)

    async def confirm(self, user_id: UUID, code: str) -> list[str]:
        """Turns the second factor on; returns its recovery codes.

        Raises:
            RealChatError: wrong_code, second_factor_on, second_factor_off.
        """
        factor = await self._store.find(user_id)
        if factor is None:
            raise RealChatError(Code.SECOND_FACTOR_OFF)
        if factor.confirmed_at_ms is not None:
            raise RealChatError(Code.SECOND_FACTOR_ON)
        if not await self._use_totp(factor, normalise_code(code)):
            raise RealChatError(Code.WRONG_CODE)
        codes = _recovery_codes()
        await self._store.confirm(user_id, map(_code_digest, codes), self._clock())
        return codes

    async def check(self, user_id: UUID, code: str) -> None:
        """Uses a code up, if the account asks for one.

        Raises:
            RealChatError: second_factor_required without a code, wrong_code.
        """
        factor = await self._store.find(user_id)
        if factor is None or factor.confirmed_at_ms is None:
            return
        if not code:
            raise RealChatError(Code.SECOND_FACTOR_REQUIRED)
        await self._use(factor, normalise_code(code))

    async def renew_codes(self, user_id: UUID, code: str) -> list[str]:
        """Other recovery codes. Raises wrong_code, second_factor_off."""
        await self._use(await self._on(user_id), normalise_code(code))
        codes = _recovery_codes()
        await self._store.replace_codes(user_id, map(_code_digest, codes))
        return codes

    async def remove(self, user_id: UUID, code: str) -> None:
        """Turns the second factor off. Raises wrong_code, second_factor_off."""
        await self._use(await self._on(user_id), normalise_code(code))
        await self._store.remove(user_id)

    async def state(self, user_id: UUID) -> tuple[bool, int]:
        """Whether a login needs a code, and how many recovery codes are left."""
        factor = await self._store.find(user_id)
        if factor is None or factor.confirmed_at_ms is None:
            return False, 0
        return True, await self._store.codes_left(user_id)

    async def _on(self, user_id: UUID) -> SecondFactor:
        factor = await self._store.find(user_id)
        if factor is None or factor.confirmed_at_ms is None:
            raise RealChatError(Code.SECOND_FACTOR_OFF)
        return factor

    async def _use(self, factor: SecondFactor, code: str) -> None:
        if is_totp(code):
            used = await self._use_totp(factor, code)
        else:
            used = await self._store.use_recovery_code(factor.user_id, _code_digest(code))
        if not used:
            raise RealChatError(Code.WRONG_CODE)

    async def _use_totp(self, factor: SecondFactor, code: str) -> bool:
        if not is_totp(code):
            return False
        secret = self._seal.decrypt(factor.sealed_secret).decode()
        step = matching_step(secret, code, self._clock(), factor.last_step)
        return step is not None and await self._store.use_step(factor, step)


def _recovery_codes() -> list[str]:
    return [new_recovery_code(secrets.token_bytes) for _ in range(RECOVERY_CODES)]


def _code_digest(code: str) -> bytes:
    return digest(normalise_code(code))
