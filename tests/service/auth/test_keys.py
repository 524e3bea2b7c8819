"""Signing keys in the database, and how they are listed."""

from __future__ import annotations

import asyncio
import base64
import time

import httpx
import jwt
import pytest
from cryptography.fernet import Fernet, InvalidToken
from realchat_auth.api import public_app
from realchat_auth.domain import KEY_LEAD_MS, KEY_OVERLAP_MS, KEY_USE_MS
from realchat_auth.keys import SigningKeys, thumbprint
from service.auth.office import Office
from sqlalchemy import text

LEAD, USE, OVERLAP = KEY_LEAD_MS / 1000, KEY_USE_MS / 1000, KEY_OVERLAP_MS / 1000


def _kid(token: str) -> str:
    return str(jwt.get_unverified_header(token)["kid"])


async def test_replicas_that_start_together_agree_on_one_key(office: Office) -> None:
    async with office.engine.begin() as connection:
        await connection.execute(text("DELETE FROM key"))
    replicas = [office.replica_keys() for _ in range(4)]
    await asyncio.gather(*(replica.rotate() for replica in replicas))
    assert await office.rows("key") == 1
    assert len({replica.listed()[0] for replica in replicas}) == 1


async def test_rotation_logs_nobody_out(office: Office) -> None:
    """A token signed at any time is verifiable by the list as it was an hour before, until it expires."""
    [(first, _)] = office.keys.listed()
    office.passes(USE - LEAD - 1)
    await office.keys.rotate()
    assert len(office.keys.listed()) == 1
    office.passes(1)
    await office.keys.rotate()
    (second, _), _ = office.keys.listed()
    assert _kid(office.keys.access_token("u", "s")) == first  # listed, not yet used
    office.passes(LEAD - 1)
    last_of_first = office.keys.access_token("u", "s")
    office.passes(1)
    assert _kid(last_of_first) == first
    assert _kid(office.keys.access_token("u", "s")) == second  # by its time, without another look at the database
    office.passes(OVERLAP - 1)
    await office.keys.rotate()
    assert [kid for kid, _ in office.keys.listed()] == [second, first]
    office.passes(1)
    await office.keys.rotate()
    assert [kid for kid, _ in office.keys.listed()] == [second]
    assert await office.rows("key") == 1


async def test_another_replica_rotates_and_this_one_follows(office: Office) -> None:
    other = office.replica_keys()
    office.passes(USE)
    await asyncio.gather(other.rotate(), office.keys.rotate())
    assert other.listed() == office.keys.listed()
    assert await office.rows("key") == 2


async def test_private_keys_are_sealed_and_the_sealing_key_can_be_changed(office: Office) -> None:
    newer = Fernet.generate_key().decode()
    async with office.engine.connect() as connection:
        sealed = bytes((await connection.execute(text("SELECT sealed_private_key FROM key"))).scalar_one())
    private = Fernet(office.sealing_key).decrypt(sealed)
    assert len(private) == 32
    assert private not in sealed

    stranger = SigningKeys(office.engine, newer, "realchat", lambda: office.now_ms)
    with pytest.raises(InvalidToken):
        await stranger.rotate()
    successor = SigningKeys(office.engine, f"{newer},{office.sealing_key}", "realchat", lambda: office.now_ms)
    await successor.rotate()
    assert successor.listed() == office.keys.listed()


async def test_a_token_says_what_it_must(office: Office) -> None:
    alice = await office.registers()
    claims = jwt.decode(alice.access_token, options={"verify_signature": False})
    header = jwt.get_unverified_header(alice.access_token)
    assert header["alg"] == "EdDSA"
    assert claims["exp"] - claims["iat"] == 900
    assert abs(claims["iat"] - time.time()) < 60
    assert (claims["iss"], claims["aud"], claims["sub"]) == ("realchat", "realchat", alice.user_id)
    assert claims["sid"] == alice.session_id
    assert claims["jti"]


async def test_anybody_can_check_a_token_by_the_jwk_set(office: Office) -> None:
    alice = await office.registers()
    app = public_app(office.keys, "realchat", "https://auth.example.com/")
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://auth") as http:
        discovery = (await http.get("/.well-known/openid-configuration")).json()
        assert discovery == {"issuer": "realchat", "jwks_uri": "https://auth.example.com/.well-known/jwks.json"}
        answer = await http.get("/.well-known/jwks.json")
        missing = await http.get("/.well-known/nothing")
    assert "max-age=300" in answer.headers["cache-control"]
    [key] = jwt.PyJWKSet.from_dict(answer.json()).keys
    assert key.key_id == _kid(alice.access_token)
    assert key.key_id == thumbprint(base64.urlsafe_b64decode(answer.json()["keys"][0]["x"] + "="))
    assert jwt.decode(alice.access_token, key, algorithms=["EdDSA"], audience="realchat")["sub"] == alice.user_id
    assert (missing.status_code, missing.json()["code"]) == (404, "not_found")
