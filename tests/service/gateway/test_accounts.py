"""Accounts, sessions and tickets over HTTP."""

from __future__ import annotations

import base64
import time
from collections.abc import Callable
from typing import Any

import httpx
import jwt
import pytest
from fastapi import FastAPI
from realchat_gateway.tickets import AUDIENCE
from service.gateway.backends import Backends
from service.gateway.door import SIGNING_KEY, TICKET_KEY, Client, access_token, visitor

from chat.auth.v1 import account_pb2
from chat.auth.v1 import auth_pb2 as pb
from realchat_common.errors import Code, RealChatError
from realchat_common.ids import new_id

PAIR = pb.TokenPair(user_id=new_id(), session_id=new_id(), access_token="a", expires_in=900, refresh_token="r")
TOKENS = {
    "user_id": PAIR.user_id,
    "session_id": PAIR.session_id,
    "access_token": "a",
    "token_type": "Bearer",
    "expires_in": 900,
    "refresh_token": "r",
}


async def test_registering_makes_an_account_and_a_session(nobody: httpx.AsyncClient, backends: Backends) -> None:
    backends.answer("Register", pb.RegisterResponse(tokens=PAIR))
    body = {"email": "a@example.org", "password": "secret", "display_name": "Älice 🐇", "device_name": "phone"}
    answer = await nobody.post("/v1/auth/register", json=body)
    assert (answer.status_code, answer.json()) == (201, TOKENS)
    assert backends.asked("Register") == pb.RegisterRequest(**body)
    assert answer.headers["cache-control"] == "no-store"


async def test_logging_in_and_refreshing_give_tokens(nobody: httpx.AsyncClient, backends: Backends) -> None:
    backends.answer("Login", pb.LoginResponse(tokens=PAIR))
    backends.answer("Refresh", pb.RefreshResponse(tokens=PAIR))
    login = await nobody.post("/v1/auth/login", json={"email": "a@example.org", "password": "secret"})
    refresh = await nobody.post("/v1/auth/refresh", json={"refresh_token": "r0"})
    assert (login.status_code, login.json()) == (200, TOKENS)
    assert (refresh.status_code, refresh.json()) == (200, TOKENS)
    assert backends.asked("Refresh").refresh_token == "r0"


async def test_a_failure_of_a_service_is_the_answer(nobody: httpx.AsyncClient, backends: Backends) -> None:
    backends.answer("Login", RealChatError(Code.LOCKED_OUT, retry_after=30))
    answer = await nobody.post("/v1/auth/login", json={"email": "a@example.org", "password": "secret"})
    assert (answer.status_code, answer.json()["code"]) == (429, "locked_out")
    assert answer.headers["retry-after"] == "30"
    assert answer.headers["content-type"] == "application/problem+json"


async def test_logging_out_ends_the_access_token_at_once(alice: Client, backends: Backends) -> None:
    assert (await alice.ask("POST", "/v1/auth/logout")).status_code == 204
    caller = backends.caller("Logout")
    assert caller.user
    assert (caller.user.user_id, caller.user.session_id) == (alice.user_id, alice.session_id)
    after = await alice.ask("GET", "/v1/me")
    assert (after.status_code, after.json()["code"]) == (401, "session_revoked")


async def test_logging_out_by_refresh_token_needs_no_other(nobody: httpx.AsyncClient, backends: Backends) -> None:
    answer = await nobody.post("/v1/auth/logout", json={"refresh_token": "r"})
    assert answer.status_code == 204
    assert backends.asked("Logout").refresh_token == "r"
    assert (await nobody.post("/v1/auth/logout")).json()["code"] == "unauthenticated"


async def test_sessions_are_listed_with_the_own_one_marked(alice: Client, backends: Backends) -> None:
    own = pb.Session(
        session_id=alice.session_id, device_name="phone", created_at_ms=1, last_seen_at_ms=1_767_323_045_678
    )
    other = pb.Session(session_id=new_id(), device_name="laptop")
    backends.answer("ListSessions", pb.ListSessionsResponse(sessions=[own, other]))
    sessions = (await alice.ask("GET", "/v1/sessions")).json()["sessions"]
    assert [session["current"] for session in sessions] == [True, False]
    assert sessions[0]["last_seen_at"] == "2026-01-02T03:04:05.678Z"


async def test_revoking_a_session_ends_its_access_token(app: FastAPI, alice: Client, backends: Backends) -> None:
    other_session = new_id()
    async with visitor(app, authorization=f"Bearer {access_token(alice.user_id, other_session)}") as phone:
        backends.answer("GetPresence", RealChatError(Code.UNAVAILABLE))
        assert (await phone.get("/v1/sessions")).status_code == 200
        assert (await alice.ask("DELETE", f"/v1/sessions/{other_session}")).status_code == 204
        assert backends.asked("RevokeSession").session_id == other_session
        assert (await phone.get("/v1/sessions")).json()["code"] == "session_revoked"
    assert (await alice.ask("GET", "/v1/sessions")).status_code == 200


@pytest.mark.parametrize(
    ("method", "path", "body", "rpc", "answer"),
    [
        ("DELETE", "/v1/sessions", None, "RevokeOtherSessions", pb.RevokeOtherSessionsResponse),
        (
            "POST",
            "/v1/me/password",
            {"current_password": "old", "new_password": "new"},
            "ChangePassword",
            account_pb2.ChangePasswordResponse,
        ),
    ],
)
async def test_the_sessions_that_an_action_ends_lose_their_access_tokens(
    app: FastAPI, alice: Client, backends: Backends, method: str, path: str, body: object, rpc: str, answer: Any
) -> None:
    other_session = new_id()
    backends.answer(rpc, answer(session_ids=[other_session]))
    async with visitor(app, authorization=f"Bearer {access_token(alice.user_id, other_session)}") as phone:
        assert (await phone.get("/v1/sessions")).status_code == 200
        assert (await alice.ask(method, path, json=body)).status_code == 204
        assert (await phone.get("/v1/sessions")).json()["code"] == "session_revoked"
    assert (await alice.ask("GET", "/v1/sessions")).status_code == 200


async def test_a_login_tells_auth_where_it_comes_from(app: FastAPI, backends: Backends) -> None:
    async with visitor(app, "2001:db8:1:2:3:4:5:6") as nobody:
        await nobody.post("/v1/auth/login", json={"email": "a@example.org", "password": "secret"})
    assert backends.asked("Login").client_address == "2001:db8:1:2::/64"


async def test_a_session_is_renamed(alice: Client, backends: Backends) -> None:
    backends.answer("RenameSession", pb.RenameSessionResponse(session=pb.Session(session_id=alice.session_id)))
    answer = await alice.ask("PATCH", f"/v1/sessions/{alice.session_id}", json={"device_name": "Kitchen"})
    assert answer.json()["current"] is True
    assert backends.asked("RenameSession").device_name == "Kitchen"


async def test_somebody_elses_session_is_not_ended(alice: Client, backends: Backends, app: FastAPI) -> None:
    backends.answer("RevokeSession", RealChatError(Code.SESSION_NOT_FOUND))
    foreign = new_id()
    assert (await alice.ask("DELETE", f"/v1/sessions/{foreign}")).status_code == 404
    async with visitor(app, authorization=f"Bearer {access_token(new_id(), foreign)}") as bob:
        assert (await bob.get("/v1/sessions")).status_code == 200


async def test_a_socket_ticket_is_for_this_session_and_once(alice: Client) -> None:
    first, second = [await alice.ask("POST", "/v1/socket-tickets") for _ in range(2)]
    assert first.status_code == 201
    assert first.json()["expires_in"] == 30
    assert first.json()["url"].startswith("ws")
    claims = [
        jwt.decode(answer.json()["ticket"], TICKET_KEY, algorithms=["HS256"], audience=AUDIENCE)
        for answer in (first, second)
    ]
    assert claims[0]["sub"] == alice.user_id
    assert claims[0]["sid"] == alice.session_id
    assert claims[0]["jti"] != claims[1]["jti"]


async def test_the_signing_keys_are_public(nobody: httpx.AsyncClient) -> None:
    (key,) = (await nobody.get("/.well-known/jwks.json")).json()["keys"]
    raw = base64.urlsafe_b64decode(key.pop("x") + "=")
    assert raw == SIGNING_KEY.public_key().public_bytes_raw()
    assert key == {"kid": "k1", "kty": "OKP", "crv": "Ed25519", "alg": "EdDSA", "use": "sig"}


def _bearer(**claims: object) -> str:
    return "Bearer " + access_token(new_id(), new_id(), **claims)


@pytest.mark.parametrize(
    "authorization",
    [
        lambda: "",
        lambda: "Bearer",
        lambda: "Bearer ",
        lambda: "Bearer x.y.z",
        lambda: "Basic YTpi",
        lambda: _bearer(exp=int(time.time()) - 120),
        lambda: _bearer(aud=AUDIENCE),
        lambda: _bearer(iss="somebody else"),
        lambda: _bearer()[:-4] + "AAAA",
        lambda: "Bearer " + jwt.encode({"sub": new_id()}, TICKET_KEY, algorithm="HS256", headers={"kid": "k1"}),
    ],
)
async def test_nothing_but_a_valid_access_token_lets_in(app: FastAPI, authorization: Callable[[], str]) -> None:
    async with visitor(app, authorization=authorization()) as http:
        answer = await http.get("/v1/me")
    assert (answer.status_code, answer.json()["code"]) == (401, "unauthenticated")
    assert answer.headers["www-authenticate"] == "Bearer"
