"""Hashing off the loop."""

from __future__ import annotations

import asyncio
import threading
from typing import Any

import pytest
from argon2 import PasswordHasher, Type, extract_parameters
from argon2.profiles import RFC_9106_LOW_MEMORY
from realchat_auth.passwords import MOST_WAITING, Passwords
from realchat_auth.settings import AuthSettings

from realchat_common.errors import Code, RealChatError

QUICK = PasswordHasher(1, 8, 1)


async def test_a_password_matches_its_own_hash_only() -> None:
    passwords = Passwords(QUICK)
    hashed = await passwords.hash("correct horse")
    assert extract_parameters(hashed).type is Type.ID
    assert await passwords.matches(hashed, "correct horse")
    assert not await passwords.matches(hashed, "wrong horse")
    assert not await passwords.matches("not a hash", "correct horse")


async def test_nobody_has_a_password_but_is_asked_all_the_same() -> None:
    asked = []

    class Watched(PasswordHasher):
        def verify(self, hash: Any, password: Any) -> Any:  # noqa: A002
            asked.append(extract_parameters(hash))
            return super().verify(hash, password)

    passwords = Passwords(Watched(1, 8, 1))
    somebodys = await passwords.hash("correct horse")
    assert not await passwords.matches(None, "correct horse")
    assert not await passwords.matches(somebodys, "wrong horse")
    assert asked[0] == asked[1]


async def test_a_hash_of_other_parameters_is_outdated() -> None:
    hashed = await Passwords(QUICK).hash("correct horse")
    assert not Passwords(QUICK).outdated(hashed)
    assert Passwords(PasswordHasher(2, 8, 1)).outdated(hashed)


def test_the_parameters_are_those_of_rfc_9106_for_little_memory() -> None:
    fields = AuthSettings.model_fields
    assert fields["argon2_time_cost"].default == RFC_9106_LOW_MEMORY.time_cost
    assert fields["argon2_memory_kib"].default == RFC_9106_LOW_MEMORY.memory_cost
    assert fields["argon2_parallelism"].default == RFC_9106_LOW_MEMORY.parallelism


class Slow(PasswordHasher):
    """Hashes when it is let."""

    def __init__(self) -> None:
        super().__init__(1, 8, 1)
        self.gate = threading.Semaphore(1)
        self.lock = threading.Lock()
        self.running = self.most = 0

    def hash(self, *args: Any, **options: Any) -> str:
        with self.lock:
            self.running += 1
            self.most = max(self.most, self.running)
        self.gate.acquire()
        with self.lock:
            self.running -= 1
        return super().hash(*args, **options)


async def test_only_so_many_hash_at_once_even_when_callers_give_up_and_more_than_can_wait_are_refused() -> None:
    hasher = Slow()
    passwords = Passwords(hasher, at_once=2)
    first = [asyncio.ensure_future(passwords.hash("correct horse")) for _ in range(2)]
    while hasher.running < 2:
        await asyncio.sleep(0)
    for task in first:
        task.cancel()
    await asyncio.gather(*first, return_exceptions=True)
    waiting = [asyncio.ensure_future(passwords.hash("correct horse")) for _ in range(MOST_WAITING)]
    await asyncio.sleep(0)
    with pytest.raises(RealChatError) as refusal:
        await passwords.hash("correct horse")
    assert refusal.value.code is Code.OVERLOADED
    hasher.gate.release(MOST_WAITING + 2)
    assert all(await asyncio.gather(*waiting))
    assert hasher.most == 2
