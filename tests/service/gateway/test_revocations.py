"""Sessions that have ended, shared through a real Redis and told by the sidecar."""

from __future__ import annotations

import base64
from typing import Any

import httpx
import pytest
from realchat_gateway import revocations
from realchat_gateway.events import PUBSUB, internal_app
from realchat_gateway.revocations import KEEP_SECONDS, KEY, RevokedSessions
from redis.asyncio import Redis

from chat.event.v1 import event_pb2
from realchat_common.topics import ACCOUNTS

TOKEN = "token of the sidecar"


async def test_a_replica_that_starts_takes_over_what_the_others_know(redis: Redis) -> None:
    old, new = RevokedSessions(redis), RevokedSessions(redis)
    await old.add("phone")
    assert "phone" in old
    assert "phone" not in new
    await new.load()
    assert "phone" in new
    assert "laptop" not in new


async def test_a_session_is_remembered_as_long_as_its_tokens_live(redis: Redis) -> None:
    now = [1_000_000.0]
    revoked = RevokedSessions(redis, clock=lambda: now[0])
    await revoked.add("phone")
    now[0] += KEEP_SECONDS - 1
    assert "phone" in revoked
    now[0] += 2
    assert "phone" not in revoked
    await revoked.add("laptop")
    assert await redis.zrange(KEY, 0, -1) == [b"laptop"]
    assert 0 < await redis.ttl(KEY) <= KEEP_SECONDS


async def test_memory_is_bounded_and_keeps_the_newest(redis: Redis, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(revocations, "MOST", 3)
    now = [1_000_000.0]
    revoked, late = (RevokedSessions(redis, clock=lambda: now[0]) for _ in range(2))
    for number in range(5):
        now[0] += 1
        await revoked.add(str(number))
    await late.load()
    for replica in (revoked, late):
        assert [str(number) in replica for number in range(5)] == [False, False, True, True, True]


async def test_a_session_ends_here_even_without_redis() -> None:
    async with Redis(port=9) as away:
        revoked = RevokedSessions(away)
        await revoked.add("phone")
    assert "phone" in revoked


def event(payload: bytes) -> dict[str, Any]:
    """A CloudEvent as daprd sends it."""
    return {
        "specversion": "1.0",
        "id": "1",
        "source": "auth",
        "type": "chat.account",
        "topic": ACCOUNTS,
        "pubsubname": PUBSUB,
        "datacontenttype": "application/octet-stream",
        "data_base64": base64.b64encode(payload).decode(),
    }


@pytest.fixture
def sidecar(revoked: RevokedSessions) -> httpx.AsyncClient:
    """Calls the internal application as the sidecar does."""
    transport = httpx.ASGITransport(internal_app(TOKEN, revoked))
    return httpx.AsyncClient(transport=transport, base_url="http://gateway", headers={"dapr-api-token": TOKEN})


async def deliver(sidecar: httpx.AsyncClient, body: dict[str, Any], **headers: str) -> httpx.Response:
    headers = {"Content-Type": "application/cloudevents+json", **headers}
    return await sidecar.post("/dapr/account-events", json=body, headers=headers)


async def test_the_sidecar_is_told_what_to_deliver(sidecar: httpx.AsyncClient) -> None:
    (subscription,) = (await sidecar.get("/dapr/subscribe")).json()
    assert (subscription["pubsubname"], subscription["topic"], subscription["route"]) == (
        "account-broadcast",
        "account-events",
        "/dapr/account-events",
    )


async def test_an_event_ends_a_session(sidecar: httpx.AsyncClient, revoked: RevokedSessions) -> None:
    ended = event_pb2.AccountEvent(user_id="alice", session_revoked=event_pb2.SessionRevoked(session_id="phone"))
    assert (await deliver(sidecar, event(ended.SerializeToString()))).json() == {"status": "SUCCESS"}
    assert "phone" in revoked


async def test_events_of_other_kinds_are_passed_over(sidecar: httpx.AsyncClient) -> None:
    other = event_pb2.AccountEvent(user_id="alice").SerializeToString()
    assert (await deliver(sidecar, event(other))).json() == {"status": "SUCCESS"}


@pytest.mark.parametrize("data", ["?", "AAA", "/////w=="])
async def test_what_cannot_be_read_is_dropped(sidecar: httpx.AsyncClient, data: str) -> None:
    assert (await deliver(sidecar, event(b"") | {"data_base64": data})).json() == {"status": "DROP"}


@pytest.mark.parametrize("token", ["", "another", TOKEN + "x", "ä"])
async def test_nobody_but_the_sidecar_may_tell(
    sidecar: httpx.AsyncClient, revoked: RevokedSessions, token: str
) -> None:
    ended = event_pb2.AccountEvent(session_revoked=event_pb2.SessionRevoked(session_id="phone"))
    headers = {"dapr-api-token": token.encode()}
    body = event(ended.SerializeToString())
    answer = await sidecar.post("/dapr/account-events", json=body, headers=headers)  # type: ignore[arg-type]
    assert (answer.status_code, answer.json()["code"]) == (401, "unauthenticated")
    assert "phone" not in revoked
    assert (await sidecar.get("/dapr/subscribe", headers=headers)).status_code == 401  # type: ignore[arg-type]
