"""What a client gets: events in order from its resume on, through a bounded queue."""

from __future__ import annotations

import asyncio

import pytest
from realchat_delivery.connection import Connection
from realchat_delivery.domain import Missing
from realchat_delivery.frames import Close
from unit.delivery.peer import TALK, Peer, event, ready, running

from realchat_common.errors import Code, RealChatError


async def test_events_reach_a_socket_only_once_it_has_resumed_and_then_in_order() -> None:
    async with running(Peer()) as peer:
        await asyncio.sleep(0)
        assert not peer.socket.deliver(event(1))
        assert (await peer.asks({"type": "auth", "token": "good"}))["type"] == "ready"
        assert not peer.socket.deliver(event(2))
        assert (await peer.asks({"type": "resume", "conversations": {}}))["type"] == "resumed"
        for seq in (5, 6, 6, 5):
            peer.socket.deliver(event(seq))
        assert [(await peer.hears())["event"]["seq"] for _ in range(2)] == [5, 6]
        await peer.hears_nothing_more()


async def test_a_gap_is_repaired_before_the_stream_goes_on() -> None:
    async with ready() as peer:
        for seq in (1, 4, 5):
            peer.socket.deliver(event(seq))
        assert (await peer.hears())["event"]["seq"] == 1
        await peer.hears_nothing_more()
        assert peer.repairs == [Missing(TALK, 2, 3)]
        peer.socket.fill(peer.repairs[0], [event(2), event(3)])
        assert [(await peer.hears())["event"]["seq"] for _ in range(4)] == [2, 3, 4, 5]


async def test_live_events_wait_for_a_resume() -> None:
    async def resuming(socket: Connection) -> None:
        socket.deliver(event(8))
        await socket.put_in_turn(event(7).event)
        socket.merge.place(TALK, 7)

    async with ready(Peer(resuming=resuming)) as peer:
        peer.says({"type": "resume", "conversations": {TALK: 6}})
        heard = [await peer.hears() for _ in range(3)]
        assert [frame["type"] for frame in heard] == ["event", "resumed", "event"]
        assert [heard[0]["event"]["seq"], heard[2]["event"]["seq"]] == [7, 8]


async def test_a_second_resume_waits_for_the_first_to_end() -> None:
    gate = asyncio.Event()

    async def resuming(socket: Connection) -> None:
        await gate.wait()

    async with ready(Peer(resuming=resuming)) as peer:
        peer.says({"type": "resume", "conversations": {}})
        assert (await peer.asks({"type": "resume", "conversations": {}}))["code"] == "request_in_progress"
        gate.set()
        assert (await peer.hears())["type"] == "resumed"
        assert (await peer.asks({"type": "resume", "conversations": {}}))["type"] == "resumed"


@pytest.mark.parametrize("failure", [RealChatError(Code.UNAVAILABLE), ValueError("a bug")])
async def test_a_resume_that_fails_is_answered_and_live_events_wait_for_the_next(failure: Exception) -> None:
    failures = [failure, None, failure]

    async def resuming(socket: Connection) -> None:
        socket.deliver(event(3 + len(failures)))
        if trouble := failures.pop():
            raise trouble

    async with ready(Peer(resuming=resuming)) as peer:
        answer = await peer.asks({"type": "resume", "conversations": {}})
        assert (answer["type"], answer["temporary"]) == ("error", True)
        await peer.hears_nothing_more()
        assert (await peer.asks({"type": "resume", "conversations": {}}))["type"] == "resumed"
        assert (await peer.hears())["event"]["seq"] == 5
        assert (await peer.asks({"type": "resume", "conversations": {}}))["type"] == "error"
        peer.socket.deliver(event(6))
        assert (await peer.hears())["event"]["seq"] == 6


async def test_a_peer_that_does_not_read_is_closed_to_resume_when_its_queue_is_full() -> None:
    async with ready() as peer:
        peer.wire.reads.clear()
        for seq in range(1, 60):
            peer.socket.deliver(event(seq, "x" * 500))
        await asyncio.sleep(0.01)
        peer.wire.reads.set()
        assert await peer.closed() == Close.SLOW_CONSUMER


async def test_one_large_frame_fits_into_an_empty_queue() -> None:
    async with ready() as peer:
        peer.socket.deliver(event(1, "x" * 20_000))
        assert (await peer.hears())["event"]["seq"] == 1


async def test_a_resume_that_brings_more_than_the_queue_waits_for_the_peer_to_read() -> None:
    async def resuming(socket: Connection) -> None:
        for seq in range(1, 200):
            await socket.put_in_turn(event(seq, "x" * 500).event)

    async with ready(Peer(resuming=resuming)) as peer:
        peer.wire.reads.clear()
        peer.says({"type": "resume", "conversations": {}})
        await asyncio.sleep(0.01)
        peer.wire.reads.set()
        assert [(await peer.hears())["event"]["seq"] for _ in range(199)] == list(range(1, 200))
        assert (await peer.hears())["type"] == "resumed"
