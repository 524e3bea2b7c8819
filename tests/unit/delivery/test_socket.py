"""One connection: authentication, heartbeat, close codes."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from realchat_delivery.frames import Close
from unit.delivery.peer import Peer, event, ready, running

from realchat_common.errors import Code, RealChatError


async def test_the_first_frame_authenticates_and_the_answer_says_who_is_there() -> None:
    async with running(Peer()) as peer:
        answer = await peer.asks({"type": "auth", "token": "good"})
        assert answer == {
            "type": "ready",
            "id": "1",
            "protocol": "realchat.v1",
            "user_id": "alice",
            "session_id": "phone",
            "connection_id": peer.socket.connection_id,
            "epoch": "epoch",
            "ping_interval_ms": 25_000,
        }


async def test_a_token_that_came_with_the_upgrade_is_enough() -> None:
    async with running(Peer(), bearer="good") as peer:
        answer = await peer.hears()
        assert answer["type"] == "ready"
        assert "id" not in answer


@pytest.mark.parametrize(
    ("refusal", "code"),
    [
        (RealChatError(Code.SESSION_REVOKED), Close.SESSION_REVOKED),
        (RealChatError(Code.RATE_LIMITED), Close.TOO_MANY_SOCKETS),
        (RealChatError(Code.UNAVAILABLE), Close.SERVER_ERROR),
    ],
)
async def test_whoever_cannot_join_is_told_why_and_what_to_do(refusal: RealChatError, code: Close) -> None:
    async with running(Peer(refusal=refusal)) as peer:
        answer = await peer.asks({"type": "auth", "token": "good"})
        assert (answer["type"], answer["code"]) == ("error", refusal.code.value)
        assert await peer.closed() == code


async def test_a_bad_token_closes_the_socket() -> None:
    async with running(Peer()) as peer:
        assert (await peer.asks({"type": "auth", "token": "bad"}))["code"] == "unauthenticated"
        assert await peer.closed() == Close.UNAUTHENTICATED


async def test_nothing_but_auth_is_served_before() -> None:
    async with running(Peer()) as peer:
        assert (await peer.asks({"type": "ping"}))["code"] == "unauthenticated"
        assert (await peer.asks({"type": "auth", "token": "good"}))["type"] == "ready"
        assert (await peer.asks({"type": "auth", "token": "good"}))["code"] == "invalid_argument"


@pytest.mark.parametrize("frame", [{"type": "auth"}, {"type": "auth", "token": "good", "ticket": "t"}])
async def test_auth_takes_a_token_or_a_ticket(frame: dict[str, Any]) -> None:
    async with running(Peer()) as peer:
        assert (await peer.asks(frame))["code"] == "invalid_argument"
        assert (await peer.asks({"type": "auth", "token": "good"}))["type"] == "ready"


async def test_who_does_not_authenticate_in_time_is_closed() -> None:
    async with running(Peer()) as peer:
        await asyncio.sleep(0)
        peer.socket.tick(9.9)
        peer.socket.tick(10.1)
        assert await peer.closed() == Close.AUTH_TIMEOUT


async def test_wrong_frames_are_answered_and_only_ten_in_a_row_close() -> None:
    async with ready() as peer:
        for _ in range(9):
            peer.says("no json")
            assert (await peer.hears())["code"] == "malformed_request"
        await peer.hears_nothing_more()
        for _ in range(10):
            peer.says('{"type":"dance","id":"7"}')
            answer = await peer.hears()
            assert (answer["code"], answer["id"]) == ("invalid_argument", "7")
        assert await peer.closed() == Close.MALFORMED_FRAMES


@pytest.mark.parametrize(
    ("message", "code"),
    [
        (b"binary", Close.BINARY_FRAME),
        ("x" * 65_537, Close.FRAME_TOO_LARGE),
        ("é" * 32_769, Close.FRAME_TOO_LARGE),
    ],
)
async def test_what_the_protocol_does_not_have_closes(message: str | bytes, code: Close) -> None:
    async with ready() as peer:
        peer.says(message)
        assert await peer.closed() == code


async def test_the_server_pings_and_any_frame_is_a_sign_of_life() -> None:
    async with ready() as peer:
        for sign in ("pong", "ping"):
            peer.now += 25
            await peer.ticks()
            assert await peer.hears() == {"type": "ping"}
            await peer.ticks()
            peer.now += 7
            peer.says({"type": sign})
            await peer.ticks()
            peer.now += 2
            await peer.ticks()
            if sign == "ping":
                assert await peer.hears() == {"type": "pong"}
        peer.now += 25
        await peer.ticks()
        await peer.ticks()
        peer.now += 7.9
        await peer.ticks()
        assert not peer.left
        peer.now += 0.2
        await peer.ticks()
        assert await peer.closed() == Close.HEARTBEAT_MISSED


async def test_a_ping_that_waits_behind_much_else_is_not_counted_as_missed() -> None:
    async with ready() as peer:
        peer.wire.reads.clear()
        peer.socket.deliver(event(1))
        await asyncio.sleep(0.001)
        peer.now = 25
        peer.socket._queue.writing_since = peer.now  # the peer reads, but slowly
        await peer.ticks()
        peer.now = 33
        await peer.ticks()
        assert not peer.left
        peer.wire.reads.set()
        assert [(await peer.hears())["type"] for _ in range(2)] == ["event", "ping"]
        await peer.ticks()
        peer.now = 42
        await peer.ticks()
        assert await peer.closed() == Close.HEARTBEAT_MISSED


async def test_a_write_that_is_stuck_ends_the_socket() -> None:
    async with ready() as peer:
        peer.wire.reads.clear()
        peer.socket.deliver(event(1))
        await asyncio.sleep(0.01)
        peer.now = 9
        peer.socket.tick(peer.now)
        await asyncio.sleep(0)
        assert await peer.closed() == 0  # not even the close could be written: the transport is given up


async def test_a_bug_closes_with_a_code() -> None:
    peer = Peer()

    def broken(pending: object, other: object) -> None:
        raise ZeroDivisionError

    object.__setattr__(peer.socket._node, "append", broken)
    async with ready(peer):
        peer.sends("a")
        assert await peer.closed() == Close.SERVER_ERROR
