"""The SDK's HTTP side: sessions that renew themselves, failures as exceptions, what is tried again."""

from __future__ import annotations

import asyncio
import stat
from collections.abc import Callable
from pathlib import Path

import httpx
import msgspec
import pytest
import yaml
from realchat import (
    Code,
    ConflictError,
    ConnectionLostError,
    FileStore,
    InvalidRequestError,
    LoggedOutError,
    MemoryStore,
    NotFoundError,
    RateLimitedError,
    TokenStore,
    UnavailableError,
)
from realchat.api import Api
from realchat.errors import RealChatError, error_of
from realchat.models import Tokens

CATALOGUE = yaml.safe_load((Path(__file__).parents[3] / "contracts" / "errors.yaml").read_text())
OLD = Tokens(user_id="u", session_id="s", access_token="old", refresh_token="r0", expires_in=900)


def problem(code: str, **more: object) -> httpx.Response:
    entry = CATALOGUE[code]
    content = {"code": code, "detail": "so it is", "temporary": entry["temporary"], **more}
    return httpx.Response(entry["http"], json=content)


class Gateway:
    """Takes one access token; a refresh gives the next."""

    def __init__(self) -> None:
        self.refreshes: list[str] = []
        self.good = "new 1"
        self.asked = 0
        self.answer: Callable[[int], httpx.Response] = lambda _: httpx.Response(200, json={"fine": True})

    async def __call__(self, request: httpx.Request) -> httpx.Response:
        await asyncio.sleep(0)
        if request.url.path == "/v1/auth/refresh":
            self.refreshes.append(msgspec.json.decode(request.content)["refresh_token"])
            if self.refreshes[-1] == "bad":
                return problem("session_revoked")
            fresh = msgspec.structs.replace(OLD, access_token=self.good, refresh_token=f"r{len(self.refreshes)}")
            return httpx.Response(200, content=msgspec.json.encode(fresh))
        if request.headers["Authorization"] != f"Bearer {self.good}":
            return problem("unauthenticated")
        self.asked += 1
        return self.answer(self.asked)

    def api(self, store: TokenStore | None = None, patience: float = 5) -> Api:
        http = httpx.AsyncClient(base_url="http://chat.test", transport=httpx.MockTransport(self))
        return Api(http, store or MemoryStore(OLD), patience)


def test_the_codes_are_those_of_the_catalogue() -> None:
    assert {code.value: code.http for code in Code} == {code: entry["http"] for code, entry in CATALOGUE.items()}


@pytest.mark.parametrize("code", CATALOGUE)
def test_every_code_becomes_an_exception_that_carries_it(code: str) -> None:
    error = error_of({"code": code, "detail": "d", "temporary": CATALOGUE[code]["temporary"]})
    assert error.code is Code[code.upper()]
    assert error.temporary is CATALOGUE[code]["temporary"]
    assert isinstance(error, UnavailableError) is (CATALOGUE[code]["http"] >= 500)


@pytest.mark.parametrize(
    ("code", "kind"),
    [
        ("not_found", NotFoundError),
        ("email_taken", ConflictError),
        ("rate_limited", RateLimitedError),
        ("invalid_argument", InvalidRequestError),
        ("a code of tomorrow", InvalidRequestError),
    ],
)
def test_the_class_says_what_to_do(code: str, kind: type[RealChatError]) -> None:
    assert type(error_of({"code": code})) is kind


async def test_who_asks_at_once_with_an_old_token_shares_one_refresh() -> None:
    gateway = Gateway()
    api = gateway.api()
    answers = await asyncio.gather(*(api.ask("GET", "/v1/me", dict[str, bool]) for _ in range(20)))
    assert answers == [{"fine": True}] * 20
    assert gateway.refreshes == ["r0"]
    assert api.tokens.access_token == "new 1"
    assert api.tokens.expires_at > 0


async def test_a_refresh_outlives_whoever_asked_for_it() -> None:
    gateway = Gateway()
    api = gateway.api()
    asking = asyncio.create_task(api.ask("GET", "/v1/me", dict[str, bool]))
    while not gateway.refreshes:
        await asyncio.sleep(0)
    asking.cancel()
    await api.close()
    assert api.tokens.refresh_token == "r1"


async def test_an_access_token_about_to_expire_is_renewed_first() -> None:
    gateway = Gateway()
    api = gateway.api(MemoryStore(msgspec.structs.replace(OLD, access_token="new 1", expires_at=1.0)))
    gateway.good = "new 2"
    await api.ask("GET", "/v1/me", dict[str, bool])
    assert (gateway.refreshes, gateway.asked) == (["r0"], 1)


async def test_a_session_that_has_ended_is_forgotten() -> None:
    store = MemoryStore(msgspec.structs.replace(OLD, refresh_token="bad"))
    api = Gateway().api(store)
    with pytest.raises(LoggedOutError) as caught:
        await api.ask("GET", "/v1/me", dict[str, bool])
    assert caught.value.code is Code.SESSION_REVOKED
    assert store.load() is None


async def test_programs_that_share_a_file_refresh_in_turns(tmp_path: Path) -> None:
    path = tmp_path / "realchat" / "session.json"
    FileStore(path).save(OLD)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    gateway = Gateway()
    programs = [gateway.api(FileStore(path)) for _ in range(3)]
    await asyncio.gather(*(api.ask("GET", "/v1/me", dict[str, bool]) for api in programs))
    assert gateway.refreshes == ["r0"]
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert FileStore(path).load() == programs[0].tokens


def test_a_file_that_is_not_ours_is_no_session(tmp_path: Path) -> None:
    path = tmp_path / "session.json"
    path.write_text("{")
    assert FileStore(path).load() is None


async def test_what_is_temporary_is_tried_again_if_it_may_be() -> None:
    gateway = Gateway()
    gateway.answer = lambda asked: problem("unavailable") if asked % 2 else httpx.Response(200, json={"fine": True})
    api = gateway.api()
    assert await api.ask("GET", "/v1/me", dict[str, bool]) == {"fine": True}
    assert await api.ask("POST", "/v1/conversations", dict[str, bool], json={}, key="k") == {"fine": True}
    with pytest.raises(UnavailableError):
        await api.ask("POST", "/v1/conversations", dict[str, bool], json={})
    assert gateway.asked == 5


async def test_nobody_waits_longer_than_they_have_patience_for() -> None:
    gateway = Gateway()
    gateway.answer = lambda _: problem("rate_limited", retry_after=60)
    with pytest.raises(RateLimitedError) as caught:
        await gateway.api(patience=1).ask("GET", "/v1/me", dict[str, bool])
    assert (caught.value.retry_after, gateway.asked) == (60, 1)


async def test_what_a_proxy_says_is_unavailable_and_nothing_is_a_lost_connection() -> None:
    gateway = Gateway()
    gateway.answer = lambda _: httpx.Response(502, text="<html>", headers={"Retry-After": "9"})
    with pytest.raises(UnavailableError) as caught:
        await gateway.api(patience=0).ask("GET", "/v1/me", dict[str, bool])
    assert (caught.value.code, caught.value.retry_after) == (Code.UNAVAILABLE, 9)

    gateway.answer = lambda _: httpx.Response(200, text="<html>")
    with pytest.raises(RealChatError) as unexpected:
        await gateway.api(patience=0).ask("GET", "/v1/me", dict[str, bool])
    assert unexpected.value.code == "unexpected_answer"

    def fails(request: httpx.Request) -> httpx.Response:
        raise httpx.ConnectError("refused", request=request)

    http = httpx.AsyncClient(base_url="http://chat.test", transport=httpx.MockTransport(fails))
    with pytest.raises(ConnectionLostError):
        await Api(http, MemoryStore(OLD), 0).ask("GET", "/v1/me", dict[str, bool])
