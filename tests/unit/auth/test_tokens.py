"""What is taken for an access token, and when the keys are asked for."""

from __future__ import annotations

import asyncio
import time
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given
from hypothesis import strategies as st

from realchat_common.errors import Code, RealChatError
from realchat_common.identity import User
from realchat_common.tokens import FRESH_SECONDS, REFETCH_SECONDS, AccessTokens


class Auth:
    """The service that lists the keys."""

    def __init__(self) -> None:
        self.keys: dict[str, Ed25519PrivateKey] = {"first": Ed25519PrivateKey.generate()}
        self.asked = 0
        self.away = False
        self.now = 1000.0
        self.tokens = AccessTokens(self.list, "realchat", clock=lambda: self.now)

    async def list(self) -> dict[str, bytes]:
        self.asked += 1
        await asyncio.sleep(0)
        if self.away:
            raise RealChatError(Code.UNAVAILABLE)
        return {kid: key.public_key().public_bytes_raw() for kid, key in self.keys.items()}

    def token(
        self, kid: str = "first", *, without: str = "", key: Any = None, alg: str = "EdDSA", **claims: Any
    ) -> str:
        now = int(time.time())
        whole = {"iss": "realchat", "aud": "realchat", "sub": "u", "sid": "s", "jti": "j", "iat": now, "exp": now + 900}
        whole |= claims
        whole.pop(without, None)
        return jwt.encode(whole, key or self.keys[kid], algorithm=alg, headers={"kid": kid})

    async def refuses(self, token: str) -> Code:
        with pytest.raises(RealChatError) as refusal:
            await self.tokens.verify(token)
        return refusal.value.code


@pytest.fixture
def auth() -> Auth:
    return Auth()


async def test_a_valid_token_names_user_and_session(auth: Auth) -> None:
    assert await auth.tokens.verify(auth.token()) == User("u", "s")


@pytest.mark.parametrize("claim", ["iss", "aud", "sub", "sid", "iat", "exp"])
async def test_each_claim_is_needed(auth: Auth, claim: str) -> None:
    assert await auth.refuses(auth.token(without=claim)) is Code.UNAUTHENTICATED


async def test_other_issuers_audiences_and_times_are_refused(auth: Auth) -> None:
    now = int(time.time())
    for claims in ({"iss": "other"}, {"aud": "other"}, {"exp": now - 61}, {"iat": now + 120}, {"sub": 5}):
        assert await auth.refuses(auth.token(**claims)) is Code.UNAUTHENTICATED
    await auth.tokens.verify(auth.token(exp=now - 30, iat=now + 30))  # clocks differ


async def test_only_eddsa_by_a_listed_key_is_accepted(auth: Auth) -> None:
    public = auth.keys["first"].public_key().public_bytes_raw()
    assert await auth.refuses(auth.token(key=Ed25519PrivateKey.generate())) is Code.UNAUTHENTICATED
    assert await auth.refuses(auth.token(key=public * 2, alg="HS256")) is Code.UNAUTHENTICATED
    unsigned = jwt.encode({"sub": "u"}, "", algorithm="none", headers={"kid": "first"})
    assert await auth.refuses(unsigned) is Code.UNAUTHENTICATED


@given(st.text() | st.from_regex(r"[A-Za-z0-9_-]*\.[A-Za-z0-9_-]*\.[A-Za-z0-9_-]*", fullmatch=True))
def test_no_text_is_more_than_unauthenticated(text: str) -> None:
    assert asyncio.run(Auth().refuses(text)) is Code.UNAUTHENTICATED


async def test_a_new_key_is_found_and_unknown_ones_do_not_flood_auth(auth: Auth) -> None:
    await auth.tokens.verify(auth.token())
    auth.keys["second"] = Ed25519PrivateKey.generate()
    auth.now += REFETCH_SECONDS
    await auth.tokens.verify(auth.token("second"))
    auth.keys["third"] = Ed25519PrivateKey.generate()
    for _ in range(20):
        assert await auth.refuses(auth.token("third")) is Code.UNAUTHENTICATED
    assert auth.asked == 2


async def test_many_at_once_ask_once(auth: Auth) -> None:
    await asyncio.gather(*(auth.tokens.verify(auth.token()) for _ in range(20)))
    assert auth.asked == 1


async def test_without_keys_nothing_is_said_about_a_token(auth: Auth) -> None:
    auth.away = True
    codes = await asyncio.gather(*(auth.refuses(auth.token()) for _ in range(5)))
    assert set(codes) == {Code.UNAVAILABLE}
    assert auth.asked == 1
    auth.away, auth.now = False, auth.now + REFETCH_SECONDS
    await auth.tokens.verify(auth.token())


async def test_a_key_that_is_listed_no_more_is_forgotten(auth: Auth) -> None:
    token = auth.token()
    await auth.tokens.verify(token)
    auth.keys = {"second": Ed25519PrivateKey.generate()}
    auth.now += FRESH_SECONDS + 1
    assert await auth.refuses(token) is Code.UNAUTHENTICATED


async def test_while_auth_is_away_the_keys_at_hand_go_on(auth: Auth) -> None:
    await auth.tokens.verify(auth.token())
    auth.away, auth.now = True, auth.now + FRESH_SECONDS + 1
    assert await auth.tokens.verify(auth.token()) == User("u", "s")
