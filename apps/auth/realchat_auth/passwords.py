"""Password hashing: Argon2id (RFC 9106), off the event loop, a few at a time."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Callable
from typing import TypeVar

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from realchat_common.errors import Code, RealChatError

MOST_WAITING = 32

T = TypeVar("T")


class Passwords:
    """Hashes and checks passwords.

    Args:
        hasher: the parameters.
        at_once: hashes at a time: each takes a core and the hasher's memory. Past 32 that wait, more are refused.
    """

    def __init__(self, hasher: PasswordHasher, at_once: int = 2) -> None:
        self._hasher = hasher
        self._slots = asyncio.Semaphore(at_once)
        self._waiting = 0
        self._nobodys = hasher.hash(secrets.token_urlsafe())

    async def hash(self, password: str) -> str:
        """The password's hash, with parameters and salt. Raises overloaded."""
        return await self._off_loop(lambda: self._hasher.hash(password))

    async def matches(self, password_hash: str | None, password: str) -> bool:
        """Whether it is the password. Without a hash it is not, which takes as long to say. Raises overloaded."""
        return await self._off_loop(lambda: self._verify(password_hash or self._nobodys, password))

    def outdated(self, password_hash: str) -> bool:
        """Whether the hash was made with other parameters than are asked for now."""
        return self._hasher.check_needs_rehash(password_hash)

    def _verify(self, password_hash: str, password: str) -> bool:
        try:
            return self._hasher.verify(password_hash, password)
        except (VerificationError, InvalidHashError):
            return False

    async def _off_loop(self, work: Callable[[], T]) -> T:
        if self._waiting >= MOST_WAITING:
            raise RealChatError(Code.OVERLOADED, retry_after=1)
        self._waiting += 1
        try:
            await self._slots.acquire()
        finally:
            self._waiting -= 1
        # A thread cannot be cancelled: who gives up waiting leaves it its slot until it ends.
        running = asyncio.ensure_future(asyncio.to_thread(work))
        running.add_done_callback(lambda _: self._slots.release())
        return await asyncio.shield(running)
