"""The fall-backs: server-sent events and long polls over real HTTP."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import httpx
import msgspec
import pytest
from realchat_delivery.frames import Close
from service.delivery.client import connected
from service.delivery.logs import Conversation
from service.delivery.world import DeliveryNode, World
from support.contract import TO_CLIENTS

from chat.event.v1 import event_pb2 as pb

Frame = dict[str, Any]


def resume(*held: tuple[Conversation, int]) -> Frame:
    return {"type": "resume", "conversations": {talk.conversation_id: seq for talk, seq in held}}


def checked(data: bytes) -> Frame:
    frame: Frame = msgspec.json.decode(data)
    if frame["type"] not in ("ready", "session", "event"):  # the names of people here are no ids
        assert TO_CLIENTS[frame["type"]].violations(frame) == []
    return frame


class Stream:
    """An open stream of server-sent events."""

    def __init__(self, answer: httpx.Response) -> None:
        self._chunks = answer.aiter_bytes()
        self._buffer = b""

    async def data(self) -> bytes:
        """The next frame as it came."""
        async with asyncio.timeout(5):
            while b"\n\n" not in self._buffer:
                self._buffer += await anext(self._chunks)
        line, _, self._buffer = self._buffer.partition(b"\n\n")
        assert line.startswith(b"data: ")
        return line.removeprefix(b"data: ")

    async def hears(self, kind: str) -> Frame:
        frame = checked(await self.data())
        assert frame["type"] == kind, frame
        return frame

    async def rest(self) -> bytes:
        """What comes until the end."""
        async with asyncio.timeout(5):
            return self._buffer + b"".join([chunk async for chunk in self._chunks])


@asynccontextmanager
async def streaming(node: DeliveryNode, token: str, frame: Frame | None = None, **more: Any) -> AsyncIterator[Stream]:
    headers = {"Authorization": f"Bearer {token}"}
    async with node.http.stream("POST", "/v1/events/stream", json=frame, headers=headers, timeout=10, **more) as answer:
        assert answer.status_code == 200, await answer.aread()
        assert answer.headers["content-type"] == "text/event-stream"
        stream = Stream(answer)
        assert (await stream.hears("ready"))["protocol"] == "realchat.v1"
        yield stream


async def polls(node: DeliveryNode, token: str, frame: Frame) -> list[Frame]:
    headers = {"Authorization": f"Bearer {token}"}
    answer = await node.http.post("/v1/events/poll", json=frame, headers=headers, timeout=10)
    assert answer.status_code == 200, answer.text
    return [checked(line) for line in answer.content.splitlines()]


async def test_a_stream_gives_the_bytes_that_a_socket_gives(world: World, node: DeliveryNode) -> None:
    other = await world.node()
    talk = world.logs.conversation("alice", "bob")
    talk.says("bob", "missed")
    async with connected(other, "alice/laptop") as laptop, streaming(node, "alice/phone", resume((talk, 1))) as phone:
        missed = await phone.hears("event")
        assert missed["event"]["data"]["body"] == "missed"
        assert (await phone.hears("resumed"))["conversations"][talk.conversation_id]["status"] == "recovered"
        for body in ("hello", "h\u00e9\u2028\r\n\n"):
            await node.segment(talk, talk.says("bob", body))
            sent = await laptop.connection.recv()
            assert (await phone.data()).decode() == sent


async def test_polls_one_after_the_other_lose_nothing(world: World, node: DeliveryNode) -> None:
    other = await world.node()
    talk = world.logs.conversation("alice", "bob")
    bodies: list[str] = []
    held, cursor = resume(), 0
    async with asyncio.TaskGroup() as group:

        async def speak() -> None:
            for number in range(30):
                await node.segment(talk, talk.says("bob", str(number)))
                await asyncio.sleep(0.005 * (number % 4))

        group.create_task(speak())
        while bodies[-1:] != ["29"]:
            for frame in await polls(other, "alice/phone", held):
                if frame["type"] == "event":
                    assert frame["event"]["seq"] == cursor + 1
                    bodies.append(frame["event"]["data"]["body"])
                    cursor += 1
                elif frame["type"] == "resumed":
                    place = frame["conversations"][talk.conversation_id]
                    if place["status"] == "history":
                        cursor = place["last_seq"]
                        bodies = [event.message_sent.body for event in talk.events[1:cursor]]
            held = resume((talk, cursor))
    assert bodies == [str(number) for number in range(30)]


async def test_a_poll_that_has_nothing_to_say_waits_and_ends(world: World) -> None:
    node = await world.node(poll_seconds=0.2)
    talk = world.logs.conversation("alice", "bob")
    assert [frame["type"] for frame in await polls(node, "alice/phone", resume((talk, 1)))] == ["ready", "resumed"]
    assert not node.hub.sockets


async def test_who_polls_stays_present_in_between(world: World, node: DeliveryNode) -> None:
    talk = world.logs.conversation("alice", "bob")
    for seq in (1, 2):
        talk.says("bob", "more")
        await polls(node, "alice/phone", resume((talk, seq)))
    async with asyncio.timeout(5):
        while not world.house.there:
            await asyncio.sleep(0.01)
    assert {device.connection_id for device in world.house.there} == {"phone"}


async def test_the_positions_may_be_in_the_query_with_a_ticket(world: World, node: DeliveryNode) -> None:
    talk = world.logs.conversation("alice", "bob")
    talk.says("bob", "missed")
    query = {"ticket": "alice/phone", "resume": msgspec.json.encode(resume((talk, 1))).decode()}
    answer = await node.http.get("/v1/events/poll", params=query)
    assert [checked(line)["type"] for line in answer.content.splitlines()] == ["ready", "event", "resumed"]
    assert answer.headers["cache-control"] == "no-store"


async def test_any_page_may_ask_for_events(node: DeliveryNode) -> None:
    asked = {"Origin": "https://chat.example", "Access-Control-Request-Method": "POST"}
    asked["Access-Control-Request-Headers"] = "authorization,content-type"
    answer = await node.http.options("/v1/events/poll", headers=asked)
    assert (answer.status_code, answer.headers["access-control-allow-origin"]) == (200, "*")
    assert "access-control-allow-credentials" not in answer.headers


@pytest.mark.parametrize(
    ("headers", "content", "code", "status"),
    [
        ({}, b"", "unauthenticated", 401),
        ({"Authorization": "Bearer nobody"}, b"", "unauthenticated", 401),
        ({"Authorization": "Bearer alice/phone"}, b"{", "malformed_request", 400),
        ({"Authorization": "Bearer alice/phone"}, b"\xff", "malformed_request", 400),
        ({"Authorization": "Bearer alice/phone"}, b'{"type":"ping"}', "invalid_argument", 422),
        ({"Authorization": "Bearer alice/phone"}, b" " * 65_537, "payload_too_large", 413),
    ],
)
@pytest.mark.parametrize("form", ["stream", "poll"])
async def test_what_cannot_be_served_is_a_problem(
    node: DeliveryNode, form: str, headers: dict[str, str], content: bytes, code: str, status: int
) -> None:
    answer = await node.http.post(f"/v1/events/{form}", content=content, headers=headers)
    assert (answer.status_code, answer.json()["code"]) == (status, code)
    assert not node.hub.sockets


async def test_a_revoked_session_ends_its_streams_and_gets_no_other(world: World, node: DeliveryNode) -> None:
    revoked = pb.AccountEvent(user_id="alice", session_revoked=pb.SessionRevoked(session_id="phone"))
    async with streaming(node, "alice/phone") as phone:
        await phone.hears("resumed")
        await node.comes(revoked.SerializeToString(), "chat.account", route="account")
        assert (await phone.hears("session"))["status"] == "revoked"
        assert (await phone.hears("closed"))["code"] == Close.SESSION_REVOKED
        assert await phone.rest() == b""
    headers = {"Authorization": "Bearer alice/phone"}
    answer = await node.http.post("/v1/events/stream", headers=headers)
    assert (answer.status_code, answer.json()["code"]) == (401, "session_revoked")


async def test_a_user_has_so_many_connections_of_any_kind(world: World) -> None:
    node = await world.node(user_sockets_most=1)
    async with streaming(node, "alice/phone"):
        answer = await node.http.post("/v1/events/poll", headers={"Authorization": "Bearer alice/laptop"})
        assert (answer.status_code, answer.json()["code"]) == (429, "rate_limited")


async def test_a_resume_that_fails_ends_the_stream_as_temporary(world: World, node: DeliveryNode) -> None:
    async with connected(node, "alice/laptop"):
        world.logs.away = True
        async with streaming(node, "alice/phone") as phone:
            assert (await phone.hears("error"))["code"] == "unavailable"
            assert (await phone.hears("closed"))["code"] == Close.SERVER_ERROR


async def test_a_stream_ends_with_the_drain(world: World, node: DeliveryNode) -> None:
    async with streaming(node, "alice/phone") as phone:
        await phone.hears("resumed")
        await node.hub.drain()
        assert (await phone.hears("reconnect"))["after_ms"] >= 0
        assert (await phone.hears("closed"))["code"] == Close.DRAIN
        assert await phone.rest() == b""


async def test_a_client_that_goes_is_forgotten_and_one_that_stays_is_pinged(world: World) -> None:
    node = await world.node(ping_seconds=0.3, pong_seconds=0.5)
    async with streaming(node, "alice/phone") as phone:
        await phone.hears("resumed")
        for _ in range(3):
            await phone.hears("ping")
        assert node.hub.sockets
    async with asyncio.timeout(5):
        while node.hub.sockets:
            await asyncio.sleep(0.01)


async def test_a_stream_that_is_not_read_is_given_up(world: World) -> None:
    node = await world.node(pong_seconds=1, queue_bytes=100_000)
    talk = world.logs.conversation("alice", "bob")
    async with streaming(node, "alice/phone") as phone:
        await phone.hears("resumed")
        async with asyncio.timeout(20):
            while node.hub.sockets:
                event = talk.says("bob", "x" * 4_000)
                node.hub.deliver(talk.segment(event), talk.audience.recipients(event.seq, event.seq))
                await asyncio.sleep(0)
            while node.connections:
                await asyncio.sleep(0.01)
        with pytest.raises(httpx.HTTPError):
            await phone.rest()
