"""Connections on a real server: how they come, what they may, how they end."""

from __future__ import annotations

import asyncio
import socket as sockets
import time
from typing import Any

import jwt
import msgspec
import pytest
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from realchat_delivery.frames import Close
from realchat_delivery.tickets import Tickets
from service.delivery.client import connected
from service.delivery.world import DeliveryNode, World
from support.chat import eventually
from websockets.asyncio.client import connect
from websockets.exceptions import InvalidStatus
from websockets.frames import Frame, Opcode
from websockets.typing import Subprotocol

from chat.event.v1 import event_pb2 as pb
from realchat_common.errors import Code, RealChatError
from realchat_common.identity import User
from realchat_common.ids import new_id

KEY = "a key that gateway and delivery share"


# Coming


async def test_other_paths_answer_problems(node: DeliveryNode) -> None:
    for path, status in (("/", 404), ("/v1/socket", 400), ("/v1/nothing", 404)):
        answer = await node.http.get(path)
        assert answer.status_code == status
        assert answer.headers["content-type"] == "application/problem+json"
    assert (await node.http.post("/v1/socket")).status_code == 405


@pytest.mark.parametrize(
    ("offered", "selected"),
    [(["realchat.v1"], "realchat.v1"), (["other", "realchat.v1"], "realchat.v1"), (None, None)],
)
async def test_the_sub_protocol_is_selected(
    node: DeliveryNode, offered: list[str] | None, selected: str | None
) -> None:
    async with connected(node, "alice/phone", subprotocols=offered) as client:
        assert client.connection.subprotocol == selected


async def test_messagepack_carries_the_same_frames(world: World, node: DeliveryNode) -> None:
    talk = world.logs.conversation("alice", "bob")
    pack, unpack = msgspec.msgpack.encode, msgspec.msgpack.decode
    async with (
        connect(node.url, subprotocols=[Subprotocol("realchat.v1.msgpack")], compression=None) as packed,
        connected(node, "alice/laptop") as laptop,
    ):
        await packed.send(pack({"type": "auth", "id": "1", "token": "alice/phone"}))
        ready = unpack(await packed.recv(decode=False))
        assert (ready["type"], ready["id"], ready["protocol"]) == ("ready", "1", "realchat.v1.msgpack")
        await packed.send(pack({"type": "resume", "conversations": {}}))
        assert unpack(await packed.recv(decode=False))["type"] == "resumed"
        await node.segment(talk, talk.says("bob", "h\u00e9llo " * 100))
        assert unpack(await packed.recv(decode=False)) == await laptop.hears("event")
        await packed.send(pack({"type": "typing", "id": "2", "conversation_id": 7, "state": "start"}))
        refusal = unpack(await packed.recv(decode=False))
        assert (refusal["code"], refusal["id"], refusal["field"]) == ("invalid_argument", "2", "conversation_id")
        await packed.send(b"\xc1")
        assert unpack(await packed.recv(decode=False))["code"] == "malformed_request"
        await packed.send("text")
        await packed.wait_closed()
        assert packed.close_code == Close.TEXT_FRAME


async def test_an_unknown_sub_protocol_is_closed_with_its_code(node: DeliveryNode) -> None:
    async with connected(node, subprotocols=["realchat.v9"]) as client:
        assert await client.close_code() == Close.UNSUPPORTED_PROTOCOL


async def test_a_token_in_the_sub_protocols_authenticates_and_is_not_echoed(node: DeliveryNode) -> None:
    async with connected(node, subprotocols=["realchat.v1", "bearer.alice/phone".replace("/", "~")]) as client:
        assert (await client.hears("error"))["code"] == "unauthenticated"  # a token like any other
        assert await client.close_code() == Close.UNAUTHENTICATED
        assert client.connection.subprotocol == "realchat.v1"


async def test_a_wrong_token_is_closed_with_its_code(node: DeliveryNode) -> None:
    async with connected(node) as client:
        assert (await client.asks({"type": "auth", "token": "nobody"}))["code"] == "unauthenticated"
        assert await client.close_code() == Close.UNAUTHENTICATED


async def test_a_ticket_lets_in_once(node: DeliveryNode) -> None:
    tickets = Tickets(KEY, node.registry.burn)
    ticket = signed()
    assert await tickets.redeem(ticket) == User("alice", "phone")
    with pytest.raises(RealChatError) as again:
        await tickets.redeem(ticket)
    assert again.value.code is Code.UNAUTHENTICATED


@pytest.mark.parametrize(
    "change",
    [{"exp": int(time.time()) - 60}, {"aud": "realchat"}, {"sub": None}, {"sid": None}, {"jti": None}, {"exp": None}],
)
async def test_a_ticket_that_is_not_for_us_lets_nobody_in(node: DeliveryNode, change: dict[str, Any]) -> None:
    with pytest.raises(RealChatError) as refusal:
        await Tickets(KEY, node.registry.burn).redeem(signed(**change))
    assert refusal.value.code is Code.UNAUTHENTICATED


@pytest.mark.parametrize("ticket", ["", "a.b.c", "\ud800", jwt.encode({}, "", algorithm="none"), "x" * 60_000])
async def test_no_ticket_at_all_lets_nobody_in(node: DeliveryNode, ticket: str) -> None:
    with pytest.raises(RealChatError) as refusal:
        await Tickets(KEY, node.registry.burn).redeem(ticket)
    assert refusal.value.code is Code.UNAUTHENTICATED


def signed(**change: Any) -> str:
    claims = {
        "aud": "realchat.socket",
        "sub": "alice",
        "sid": "phone",
        "jti": new_id(),
        "exp": int(time.time()) + 30,
        **change,
    }
    return jwt.encode({name: value for name, value in claims.items() if value is not None}, KEY, algorithm="HS256")


async def test_connects_beyond_the_rate_come_again_later(world: World, caplog: pytest.LogCaptureFixture) -> None:
    node = await world.node(connects_per_second=4.0)
    refused = [await refusal(node) for _ in range(6)]
    (status, headers) = next(answer for answer in refused if answer)
    assert status == 503
    assert 1 <= int(headers["Retry-After"]) <= 5
    assert headers["Content-Type"] == "application/problem+json"
    assert caplog.records == []


async def refusal(node: DeliveryNode) -> tuple[int, Any] | None:
    try:
        async with connect(node.url):
            return None
    except InvalidStatus as status:
        return status.response.status_code, status.response.headers


async def test_a_user_has_a_limited_number_of_sockets(world: World) -> None:
    node = await world.node(user_sockets_most=2)
    async with connected(node, "alice/phone"), connected(node, "alice/laptop"), connected(node) as third:
        assert (await third.asks({"type": "auth", "token": "alice/tablet"}))["code"] == "rate_limited"
        assert await third.close_code() == Close.TOO_MANY_SOCKETS
        async with connected(node, "bob/phone"):
            pass
    async with connected(node, "alice/tablet"):
        pass


async def test_who_does_not_say_who_they_are_is_closed(world: World) -> None:
    node = await world.node(auth_seconds=0.5)
    async with connected(node) as client:
        assert await client.close_code() == Close.AUTH_TIMEOUT


# Sending


async def test_a_message_is_acknowledged_and_reaches_the_other_side(world: World, node: DeliveryNode) -> None:
    talk = world.logs.conversation("alice", "bob")
    async with connected(node, "alice/phone") as alice, connected(node, "bob/phone") as bob:
        ack = await alice.asks(message(talk.conversation_id, "m1", "hello"))
        assert (ack["type"], ack["seq"], ack["duplicate"]) == ("ack", 2, False)
        await node.segment(*await appended(world))
        assert (await bob.hears("event"))["event"]["data"]["body"] == "hello"
        assert (await alice.hears("event"))["event"]["data"]["client_message_id"] == "m1"
        again = await alice.asks(message(talk.conversation_id, "m1", "hello"))
        assert (again["seq"], again["message_id"], again["duplicate"]) == (2, ack["message_id"], True)


async def test_a_send_is_one_trace_as_far_as_another_nodes_sockets(
    world: World, node: DeliveryNode, spans: InMemorySpanExporter
) -> None:
    other = await world.node()
    talk = world.logs.conversation("alice", "bob")
    async with connected(node, "alice/phone") as alice, connected(other, "bob/phone") as bob:
        await alice.asks(message(talk.conversation_id, "m1", "hello"))
        conversation, said = await appended(world)
        segment = conversation.segment(said).SerializeToString()
        await node.comes(segment, "chat.segment", traceparent=world.logs.traceparent)
        await bob.hears("event")

        def names() -> set[str]:
            finished = spans.get_finished_spans()
            (trace_id,) = (span.context.trace_id for span in finished if span.name == "frame send")
            return {span.name for span in finished if span.context.trace_id == trace_id}

        wanted = {"frame send", "event chat.segment", "redis EVAL", "deliver", "socket write"}
        await eventually(lambda: names() == wanted, "the write is in the trace too")


async def appended(world: World) -> Any:
    conversation, events = await world.logs.appended.get()
    return (conversation, *events)


def message(conversation_id: str, client_message_id: str, body: str) -> dict[str, Any]:
    return {
        "type": "send",
        "conversation_id": conversation_id,
        "client_message_id": client_message_id,
        "body": body,
    }


async def test_many_sends_of_many_people_go_in_few_appends_and_keep_their_order(
    world: World, node: DeliveryNode
) -> None:
    talk = world.logs.conversation("alice", "bob")
    async with connected(node, "alice/phone") as alice, connected(node, "bob/phone") as bob:
        world.logs.appending.clear()
        for number in range(40):
            for client in (alice, bob):
                await client.says({**message(talk.conversation_id, str(number), str(number)), "id": str(number)})
        for client in (alice, bob):
            await client.says({"type": "ping", "id": "last"})
            assert await client.hears() == {"type": "pong", "id": "last"}
        world.logs.appending.set()
        for client in (alice, bob):
            acks = [await client.hears("ack") for _ in range(40)]
            assert [ack["id"] for ack in acks] == [str(number) for number in range(40)]
            assert [ack["seq"] for ack in acks] == sorted(ack["seq"] for ack in acks)
    assert sum(world.logs.batches) == 80
    assert len(world.logs.batches) == 2


async def test_an_append_completes_although_its_socket_has_gone(world: World, node: DeliveryNode) -> None:
    talk = world.logs.conversation("alice", "bob")
    async with connected(node, "alice/phone") as alice:
        world.logs.appending.clear()
        await alice.says(message(talk.conversation_id, "m1", "last words"))
        await alice.hears_nothing_more()
    world.logs.appending.set()
    _, said = await appended(world)
    assert said.message_sent.body == "last words"


async def test_errors_of_the_log_come_back_with_their_code(world: World, node: DeliveryNode) -> None:
    talk = world.logs.conversation("bob")
    async with connected(node, "alice/phone") as alice:
        answer = await alice.asks(message(talk.conversation_id, "m1", "let me in"))
        assert (answer["type"], answer["code"], answer["temporary"]) == ("error", "conversation_not_found", False)
        world.logs.away = True
        answer = await alice.asks(message(talk.conversation_id, "m1", "let me in"))
        assert (answer["code"], answer["temporary"]) == ("unavailable", True)


# Ending


async def test_a_revoked_session_is_told_so_and_closed_on_all_nodes(world: World, node: DeliveryNode) -> None:
    other = await world.node()
    revoked = pb.AccountEvent(user_id="alice", session_revoked=pb.SessionRevoked(session_id="phone"))
    async with connected(node, "alice/phone") as phone, connected(node, "alice/laptop") as laptop:
        for each in (other, node):
            answer = await each.comes(revoked.SerializeToString(), "chat.account", route="account")
            assert answer == "SUCCESS"
        assert await phone.hears() == {"type": "session", "session_id": "phone", "status": "revoked"}
        assert await phone.close_code() == Close.SESSION_REVOKED
        await laptop.hears_nothing_more()
        async with connected(other) as back:
            assert (await back.asks({"type": "auth", "token": "alice/phone"}))["code"] == "session_revoked"
            assert await back.close_code() == Close.SESSION_REVOKED


async def test_a_drain_tells_everybody_when_to_come_back_and_spreads_them(world: World) -> None:
    node = await world.node(drain_seconds=1.0)
    async with connected(node, "alice/phone") as alice, connected(node, "bob/phone") as bob:
        draining = asyncio.ensure_future(node.hub.drain())
        after = [(await client.hears("reconnect"))["after_ms"] for client in (alice, bob)]
        assert len(set(after)) == 2
        assert max(after) <= 1_000
        assert await refusal(node) is not None
        assert [await client.close_code() for client in (alice, bob)] == [Close.DRAIN, Close.DRAIN]
        await draining


@pytest.mark.parametrize(
    ("opcode", "data", "codes"),
    [
        (Opcode.BINARY, b"{}", {int(Close.BINARY_FRAME)}),
        (Opcode.TEXT, b"\xff\xfe", {1007}),
        (Opcode.TEXT, b"x" * 70_000, {int(Close.FRAME_TOO_LARGE)}),
        (Opcode.TEXT, b"x" * 300_000, {1009}),
    ],
)
async def test_what_is_no_frame_of_ours_is_closed_with_a_code(
    node: DeliveryNode, opcode: Opcode, data: bytes, codes: set[int]
) -> None:
    async with connected(node, "alice/phone") as client:
        connection = client.connection
        connection.transport.write(Frame(opcode, data).serialize(mask=True))
        assert await client.close_code() in codes


async def test_garbage_is_answered_and_the_socket_lives_on(node: DeliveryNode) -> None:
    async with connected(node, "alice/phone") as client:
        for text in ("", "{", "[" * 60_000, '{"type":"send","id":"1e999"}', '{"id":' * 5_000, "\x00"):
            await client.connection.send(text)
            assert (await client.hears("error"))["code"] in {"malformed_request", "invalid_argument"}
        await client.hears_nothing_more()


async def test_fragments_are_put_together(node: DeliveryNode) -> None:
    async with connected(node, "alice/phone") as client:
        await client.connection.send(['{"type":', '"ping",', '"id":"f"}'])
        assert await client.hears() == {"type": "pong", "id": "f"}


async def test_a_client_that_does_not_read_is_closed_and_its_connection_given_up(world: World) -> None:
    node = await world.node(queue_bytes=400_000, queue_frames=1_000_000)
    talk = world.logs.conversation("alice", "bob")
    with await deaf_client(node):
        while node.hub.sockets and talk.last_seq < 10_000:
            event = talk.says("alice", "x" * 4_000)
            node.hub.deliver(talk.segment(event), talk.audience.recipients(event.seq, event.seq))
            await asyncio.sleep(0)
        await until(lambda: not node.connections)
    async with connected(node, "bob/phone") as bob:
        resumed = await bob.asks({"type": "resume", "conversations": {talk.conversation_id: 1}})
        assert resumed["conversations"][talk.conversation_id]["status"] == "history"


async def deaf_client(node: DeliveryNode) -> sockets.socket:
    """Bob on a bare TCP connection with a small buffer, who hears `resumed` and then reads no more."""
    host, port = node.url.split("/")[2].split(":")
    raw = sockets.socket()
    raw.setsockopt(sockets.SOL_SOCKET, sockets.SO_RCVBUF, 4_096)
    raw.setblocking(False)
    loop = asyncio.get_running_loop()

    async def until_seen(text: bytes) -> None:
        received = b""
        while text not in received:
            more = await loop.sock_recv(raw, 512)
            assert more, received
            received += more

    await loop.sock_connect(raw, (host, int(port)))
    await loop.sock_sendall(
        raw,
        f"GET /v1/socket HTTP/1.1\r\nHost: {host}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n".encode(),
    )
    await until_seen(b"101")
    await loop.sock_sendall(raw, Frame(Opcode.TEXT, b'{"type":"auth","token":"bob/phone"}').serialize(mask=True))
    await until_seen(b"ready")
    await loop.sock_sendall(raw, Frame(Opcode.TEXT, b'{"type":"resume","conversations":{}}').serialize(mask=True))
    await until_seen(b"resumed")
    return raw


async def test_half_open_connections_end_by_the_heartbeat(world: World) -> None:
    node = await world.node(ping_seconds=0.3, pong_seconds=0.5)
    async with connected(node, "alice/phone") as alice, connected(node, "bob/phone") as bob:
        for _ in range(6):
            await alice.hears("ping")
            await alice.says({"type": "pong"})
        assert (await bob.hears("ping"))["type"] == "ping"
        assert await bob.close_code() == Close.HEARTBEAT_MISSED


async def test_presence_knows_who_is_connected_and_its_absence_does_not_matter(
    world: World, node: DeliveryNode
) -> None:
    async with connected(node, "alice/phone"):
        await until(lambda: {device.user_id for device in world.house.there} == {"alice"})
    await until(lambda: not world.house.there)
    world.house.away = True
    async with connected(node, "alice/phone") as alice:
        await alice.hears_nothing_more()


async def until(condition: Any) -> None:
    async with asyncio.timeout(10):
        while not condition():
            await asyncio.sleep(0.01)


async def test_a_node_without_redis_lets_nobody_in_until_it_is_back(world: World, node: DeliveryNode) -> None:
    async with connected(node, "alice/phone") as alice:
        node.tasks["listen"].cancel()
        await until(lambda: not node.hub.online)
        answer = await refusal(node)
        assert answer is not None
        assert answer[0] == 503
        await alice.hears_nothing_more()
