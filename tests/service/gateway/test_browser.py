"""Sessions of browsers: the refresh token is in a cookie that no script reads."""

from __future__ import annotations

from http.cookies import Morsel, SimpleCookie

import httpx
import pytest
from fastapi import FastAPI
from realchat_gateway.api.browser import COOKIE
from service.gateway.backends import Backends
from service.gateway.door import visitor
from service.gateway.test_accounts import PAIR, TOKENS

from chat.auth.v1 import auth_pb2 as pb

ACCESS = {name: value for name, value in TOKENS.items() if name != "refresh_token"}
LOGIN = {"email": "a@example.org", "password": "secret"}


def set_cookie(answer: httpx.Response) -> Morsel[str]:
    return SimpleCookie(answer.headers["set-cookie"])[COOKIE]


async def test_a_browser_gets_its_refresh_token_as_a_cookie_only(nobody: httpx.AsyncClient, backends: Backends) -> None:
    backends.answer("Register", pb.RegisterResponse(tokens=PAIR))
    backends.answer("Login", pb.LoginResponse(tokens=PAIR))
    registered = await nobody.post("/v1/auth/browser/register", json={**LOGIN, "display_name": "Alice"})
    logged_in = await nobody.post("/v1/auth/browser/login", json=LOGIN)
    assert (registered.status_code, logged_in.status_code) == (201, 200)
    for answer in (registered, logged_in):
        assert answer.json() == ACCESS
        cookie = set_cookie(answer)
        assert cookie.value == PAIR.refresh_token
        assert (cookie["httponly"], cookie["samesite"], cookie["path"]) == (True, "strict", "/v1/auth/browser")


async def test_a_browsers_cookie_is_traded_for_new_tokens(nobody: httpx.AsyncClient, backends: Backends) -> None:
    backends.answer(
        "Refresh",
        pb.RefreshResponse(
            tokens=pb.TokenPair(
                user_id=PAIR.user_id, session_id=PAIR.session_id, access_token="a", expires_in=900, refresh_token="r2"
            )
        ),
    )
    answer = await nobody.post("/v1/auth/browser/refresh", headers={"Cookie": f"{COOKIE}=r1"})
    assert (answer.status_code, answer.json()) == (200, ACCESS)
    assert backends.asked("Refresh").refresh_token == "r1"
    assert set_cookie(answer).value == "r2"


async def test_a_browser_without_a_cookie_has_to_log_in(nobody: httpx.AsyncClient) -> None:
    answer = await nobody.post("/v1/auth/browser/refresh")
    assert (answer.status_code, answer.json()["code"]) == (401, "invalid_refresh_token")


async def test_logging_a_browser_out_removes_the_cookie(nobody: httpx.AsyncClient, backends: Backends) -> None:
    answer = await nobody.post("/v1/auth/browser/logout", headers={"Cookie": f"{COOKIE}=r1"})
    assert answer.status_code == 204
    assert backends.asked("Logout").refresh_token == "r1"
    assert set_cookie(answer)["max-age"] == "0"
    assert (await nobody.post("/v1/auth/browser/logout")).status_code == 204


@pytest.mark.parametrize("site", ["cross-site", "same-site"])
async def test_pages_of_other_origins_cannot_use_the_cookie(nobody: httpx.AsyncClient, site: str) -> None:
    headers = {"Cookie": f"{COOKIE}=r1", "Sec-Fetch-Site": site}
    answer = await nobody.post("/v1/auth/browser/refresh", headers=headers)
    assert (answer.status_code, answer.json()["code"]) == (403, "permission_denied")


async def test_the_cookie_is_sent_over_https_only_where_there_is_https(app: FastAPI, backends: Backends) -> None:
    backends.answer("Login", pb.LoginResponse(tokens=PAIR))
    async with visitor(app) as http:
        plain = await http.post("/v1/auth/browser/login", json=LOGIN)
        secure = await http.post("https://gateway/v1/auth/browser/login", json=LOGIN)
    assert (set_cookie(plain)["secure"], set_cookie(secure)["secure"]) == ("", True)
