"""Rate limits, counted in a real Redis."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import httpx
import pytest
from limits import parse
from prometheus_client import REGISTRY
from realchat_gateway import limits
from realchat_gateway.limits import PAUSE_SECONDS, Limits
from redis.asyncio import Redis
from service.gateway.door import Client, MakeApp, visitor

LogIn = Callable[..., Client]


@pytest.fixture(autouse=True)
def _patience(monkeypatch: pytest.MonkeyPatch) -> None:
    """On a busy machine an answer of Redis may come late; then everybody would be let through."""
    monkeypatch.setattr(limits, "ANSWER_SECONDS", 60)


async def test_a_user_who_asks_too_often_is_told_when_to_come_back(make_app: MakeApp, log_in: LogIn) -> None:
    alice = log_in(make_app({"read": "3/minute"}))
    answers = [await alice.ask("GET", "/v1/sessions") for _ in range(4)]
    assert [answer.status_code for answer in answers] == [200, 200, 200, 429]
    assert [answer.headers["ratelimit"].partition(";t=")[0] for answer in answers] == [
        '"read";r=2',
        '"read";r=1',
        '"read";r=0',
        '"read";r=0',
    ]
    assert answers[0].headers["ratelimit-policy"] == '"read";q=3;w=60'
    problem = answers[3].json()
    assert (problem["code"], problem["temporary"]) == ("rate_limited", True)
    assert 1 <= int(answers[3].headers["retry-after"]) <= 60


async def test_users_are_counted_one_by_one_on_all_their_addresses(make_app: MakeApp, log_in: LogIn) -> None:
    app = make_app({"read": "1/minute"})
    alice, bob = log_in(app), log_in(app)
    moved = visitor(app, "198.51.100.1", authorization=alice.http.headers["authorization"])
    async with moved:
        assert (await alice.ask("GET", "/v1/sessions")).status_code == 200
        assert (await moved.get("/v1/sessions")).status_code == 429
    assert (await bob.ask("GET", "/v1/sessions")).status_code == 200


async def test_reading_and_writing_are_counted_apart(make_app: MakeApp, log_in: LogIn) -> None:
    alice = log_in(make_app({"read": "1/minute", "write": "1/minute"}))
    assert (await alice.ask("GET", "/v1/sessions")).status_code == 200
    assert (await alice.ask("POST", "/v1/socket-tickets")).status_code == 201
    assert (await alice.ask("POST", "/v1/socket-tickets")).status_code == 429


async def test_replicas_count_together(make_app: MakeApp, log_in: LogIn) -> None:
    alice = log_in(make_app({"read": "1/minute"}))
    elsewhere = visitor(make_app({"read": "1/minute"}), authorization=alice.http.headers["authorization"])
    async with elsewhere:
        assert (await alice.ask("GET", "/v1/sessions")).status_code == 200
        assert (await elsewhere.get("/v1/sessions")).status_code == 429


async def test_an_address_has_a_limit_for_all_its_users(make_app: MakeApp, log_in: LogIn) -> None:
    app = make_app({"address": "2/minute"})
    answers = [await log_in(app, "2001:db8::1").ask("GET", "/v1/sessions") for _ in range(3)]
    assert [answer.status_code for answer in answers] == [200, 200, 429]
    assert answers[2].headers["ratelimit-policy"] == '"address";q=2;w=60'
    assert (await log_in(app, "2001:db8:0:1::1").ask("GET", "/v1/sessions")).status_code == 200


async def test_guessing_tokens_counts_too(make_app: MakeApp) -> None:
    async with visitor(make_app({"address": "2/minute"}), authorization="Bearer x.y.z") as mallory:
        statuses = [(await mallory.get("/v1/me")).status_code for _ in range(3)]
    assert statuses == [401, 401, 429]


async def test_passwords_are_tried_few_times_per_account_and_address(make_app: MakeApp) -> None:
    app = make_app({"login": "2/minute"})

    async def tries(http: httpx.AsyncClient, email: str) -> int:
        return (await http.post("/v1/auth/login", json={"email": email, "password": "x"})).status_code

    async with visitor(app) as mallory, visitor(app, "198.51.100.1") as alice:
        assert 429 not in [await tries(mallory, "alice@example.org") for _ in range(2)]
        assert await tries(mallory, " Alice@Example.ORG ") == 429
        assert await tries(mallory, "bob@example.org") != 429
        assert await tries(alice, "alice@example.org") != 429


async def test_whoever_is_not_logged_in_has_a_limit_per_address(make_app: MakeApp) -> None:
    async with visitor(make_app({"anonymous": "2/minute"})) as mallory:
        statuses = [(await mallory.post("/v1/auth/login", json={})).status_code for _ in range(3)]
    assert statuses == [422, 422, 429]


async def test_a_limit_holds_under_concurrency(make_app: MakeApp, log_in: LogIn) -> None:
    alice = log_in(make_app({"read": "10/minute"}))
    answers = await asyncio.gather(*(alice.ask("GET", "/v1/sessions") for _ in range(50)))
    assert sum(answer.status_code == 200 for answer in answers) == 10


async def test_emails_do_not_get_into_redis(nobody: httpx.AsyncClient, redis: Redis) -> None:
    await nobody.post("/v1/auth/login", json={"email": "alice@example.org", "password": "x"})
    keys = [key async for key in redis.scan_iter()]
    assert keys
    assert not any(b"alice" in key for key in keys)


def _uncounted() -> float:
    return REGISTRY.get_sample_value("realchat_rate_limit_unavailable_total") or 0.0


async def test_without_redis_everybody_is_let_through() -> None:
    before = _uncounted()
    async with Redis(port=9) as away:
        counted = Limits(away, {"read": parse("1/minute")})
        assert [await counted.spend(("read", "alice")) for _ in range(5)] == [None] * 5
    assert _uncounted() == before + 5


async def test_after_a_pause_limits_hold_again(redis: Redis, monkeypatch: pytest.MonkeyPatch) -> None:
    now = [1000.0]
    counted = Limits(redis, {"read": parse("1/minute")}, clock=lambda: now[0])
    with monkeypatch.context() as late:
        late.setattr(limits, "ANSWER_SECONDS", -1)
        assert await counted.spend(("read", "alice")) is None
    assert await counted.spend(("read", "alice")) is None
    now[0] += PAUSE_SECONDS
    quotas = [await counted.spend(("read", "alice")) for _ in range(2)]
    assert [quota.granted if quota else None for quota in quotas] == [True, False]
