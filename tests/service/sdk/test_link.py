"""Staying connected, against a server that does on purpose what servers seldom do: each close code is obeyed."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from http import HTTPStatus
from typing import Any

import httpx
import msgspec
import pytest
from realchat import (
    Client,
    ConnectionLostError,
    InvalidRequestError,
    LoggedOutError,
    MemoryStore,
    RateLimitedError,
    SocketRefusedError,
)
from realchat.models import Tokens
from websockets.asyncio.server import ServerConnection, serve
from websockets.datastructures import Headers
from websockets.http11 import Request, Response

TALK = "talk"
AT = "2026-01-01T00:00:00.000Z"
Script = Callable[["Server", ServerConnection], Awaitable[None]]


def event(seq: int) -> dict[str, Any]:
    data = {"message_id": f"m{seq}", "client_message_id": "", "body": f"body {seq}", "reply_to": None, "deleted": False}
    about = {"conversation_id": TALK, "seq": seq, "event_id": f"e{seq}", "kind": "message.sent", "actor_id": "bob"}
    return {**about, "at": AT, "data": data}


class Server:
    """A gateway and a socket. Each connection is resumed and then has the next script; the last one stays for good."""

    def __init__(self, *scripts: Script) -> None:
        self.scripts = list(scripts)
        self.epoch = "1"
        self.resumes: list[dict[str, int]] = []
        self.shown: list[str] = []
        self.refreshes = 0
        self.session_ended = False
        self.last_seq = 5
        self.refusals: list[Response] = []
        self.url = ""

    def answer(self, request: httpx.Request) -> httpx.Response:
        path = request.url.path
        if path == "/v1/auth/refresh":
            self.refreshes += 1
            if self.session_ended:
                return httpx.Response(401, json={"code": "session_revoked", "detail": "", "temporary": False})
            return httpx.Response(200, json={**msgspec.to_builtins(TOKENS), "access_token": f"a{self.refreshes}"})
        if path == "/v1/conversations":
            return httpx.Response(200, json={"conversations": [self.entry()], "next_cursor": None, "epoch": self.epoch})
        if path == f"/v1/conversations/{TALK}/events":
            after = int(request.url.params["after"])
            events = [event(seq) for seq in range(after + 1, self.last_seq + 1)]
            return httpx.Response(200, json={"events": events, "last_seq": self.last_seq, "has_more": False})
        return httpx.Response(200, json={"ticket": "t", "url": self.url})

    def entry(self) -> dict[str, Any]:
        return {
            "conversation_id": TALK, "kind": "group", "title": "Tea", "created_at": AT, "member_count": 2,
            "role": "member", "members": [{"user_id": "me", "role": "member"}, {"user_id": "bob", "role": "owner"}],
            "last_seq": self.last_seq, "last_activity_at": AT, "last_message": event(self.last_seq),
            "receipt": {"user_id": "me", "delivered_up_to": 0, "read_up_to": 0}, "unread_count": self.last_seq,
        }  # fmt: skip

    async def handle(self, connection: ServerConnection) -> None:
        auth = msgspec.json.decode(await connection.recv())
        assert auth["type"] == "auth"
        self.shown.append(auth["presence"])
        await self.say(connection, type="ready", id=auth["id"], epoch=self.epoch, ping_interval_ms=25_000)
        resume = msgspec.json.decode(await connection.recv())
        self.resumes.append(resume["conversations"])
        position = {"status": "recovered", "last_seq": self.last_seq}
        for seq in range(resume["conversations"].get(TALK, self.last_seq) + 1, self.last_seq + 1):
            await self.say(connection, type="event", event=event(seq))
        await self.say(connection, type="resumed", id=resume["id"], epoch=self.epoch, conversations={TALK: position})
        if self.scripts:
            await self.scripts.pop(0)(self, connection)
        await connection.wait_closed()

    async def refuse(self, connection: ServerConnection, request: Request) -> Response | None:
        return self.refusals.pop(0) if self.refusals else None

    async def say(self, connection: ServerConnection, **frame: Any) -> None:
        await connection.send(msgspec.json.encode(frame).decode())

    async def news(self, connection: ServerConnection) -> None:
        self.last_seq += 1
        await self.say(connection, type="event", event=event(self.last_seq))


TOKENS = Tokens(user_id="me", session_id="s", access_token="a0", refresh_token="r0", expires_in=900)


@asynccontextmanager
async def client_of(server: Server) -> AsyncIterator[Client]:
    async with (
        serve(server.handle, "127.0.0.1", 0, process_request=server.refuse) as listener,
        asyncio.timeout(20),
    ):
        server.url = f"ws://127.0.0.1:{listener.sockets[0].getsockname()[1]}/v1/socket"
        transport = httpx.MockTransport(server.answer)
        async with Client("http://chat.test", store=MemoryStore(TOKENS), transport=transport) as client:
            yield client


@pytest.fixture(autouse=True)
def _hasty(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("realchat.backoff.FIRST_SECONDS", 0.01)


def closes(code: int) -> Script:
    async def close(server: Server, connection: ServerConnection) -> None:
        server.last_seq += 1  # it happens while nobody is connected
        await connection.close(code)

    return close


@pytest.mark.parametrize("code", [4000, 4001, 4003, 1001, 1012])
async def test_codes_that_say_resume_are_followed_by_a_resume_from_what_is_held(code: int) -> None:
    server = Server(both(Server.news, closes(code)), Server.news)
    async with client_of(server) as client:
        events = client.events()
        assert [(await anext(events)).seq for _ in range(3)] == [6, 7, 8]
        assert server.resumes == [{TALK: 5}, {TALK: 6}]
        assert (server.refreshes, client.connections) == (0, 2)
        assert client.view[TALK].last_seq == 8
        assert client.view[TALK].unread_count == 8


def both(first: Script, second: Script) -> Script:
    async def run(server: Server, connection: ServerConnection) -> None:
        await first(server, connection)
        await second(server, connection)

    return run


async def test_codes_about_tokens_are_followed_by_new_ones() -> None:
    server = Server(closes(4101), Server.news)
    async with client_of(server) as client:
        events = client.events()
        assert [(await anext(events)).seq for _ in range(2)] == [6, 7]
        assert server.refreshes == 1


async def test_a_session_that_has_ended_ends_everything_that_waits() -> None:
    server = Server(closes(4102))
    server.session_ended = True
    async with client_of(server) as client:
        events = client.events()
        with pytest.raises(LoggedOutError):
            await anext(events)
        with pytest.raises(LoggedOutError):
            await client.connect()


@pytest.mark.parametrize("code", [4200, 4203, 1009])
async def test_codes_that_say_never_are_obeyed(code: int) -> None:
    async with client_of(Server(closes(code))) as client:
        with pytest.raises(SocketRefusedError) as caught:
            await anext(client.events())
        assert caught.value.close_code == code
        assert client.connections == 1


async def test_a_server_that_restarts_is_left_when_it_says() -> None:
    async def leaving(server: Server, connection: ServerConnection) -> None:
        await server.say(connection, type="reconnect", after_ms=20)

    async with client_of(Server(leaving, Server.news)) as client:
        assert (await anext(client.events())).seq == 6
        assert client.connections == 2


async def test_an_upgrade_that_is_refused_for_now_comes_again() -> None:
    server = Server(Server.news)
    headers = Headers({"Retry-After": "0", "Content-Length": "0"})
    for _ in range(2):
        server.refusals.append(Response(HTTPStatus.SERVICE_UNAVAILABLE, "later", headers, b""))
    async with client_of(server) as client:
        assert (await anext(client.events())).seq == 6
        assert client.connections == 1


async def test_a_gap_in_what_comes_is_read_from_the_log() -> None:
    async def skips(server: Server, connection: ServerConnection) -> None:
        server.last_seq = 9
        await server.say(connection, type="event", event=event(9))

    async with client_of(Server(skips)) as client:
        events = client.events()
        assert [(await anext(events)).seq for _ in range(4)] == [6, 7, 8, 9]
        while client.view[TALK].last_seq < 9:
            await asyncio.sleep(0.01)
        assert [message.seq for message in client.view[TALK].timeline()] == [6, 7, 8, 9]


async def test_a_log_that_was_restored_is_begun_anew() -> None:
    async def restores(server: Server, connection: ServerConnection) -> None:
        server.epoch, server.last_seq = "2", 3
        await connection.close(4000)

    async with client_of(Server(restores, Server.news)) as client:
        assert (await anext(client.events())).seq == 4
        assert client.view.epoch == "2"
        assert client.view[TALK].last_seq == 4


async def test_a_refusal_of_a_frame_is_an_exception_and_no_answer_is_a_lost_connection() -> None:
    async def refuses(server: Server, connection: ServerConnection) -> None:
        frame = msgspec.json.decode(await connection.recv())
        limited = {"code": "rate_limited", "detail": "slowly", "temporary": True, "retry_after": 60}
        await server.say(connection, type="error", id=frame["id"], **limited)
        await connection.recv()
        connection.transport.abort()

    async with client_of(Server(refuses)) as client:
        await client.connect()
        with pytest.raises(RateLimitedError):
            await client.send(TALK, "hello")
        with pytest.raises(ConnectionLostError):
            await client._synced().link.ask({"type": "send"})


def watching(*then: str) -> Script:
    """Answers a watch, tells at once how Bob is seen next, and closes."""

    async def serve(server: Server, connection: ServerConnection) -> None:
        frame = msgspec.json.decode(await connection.recv())
        assert (frame["type"], frame["user_ids"]) == ("watch", ["bob"])
        for number, status in enumerate(then):
            presence = {"user_id": "bob", "status": status, "last_seen_at": None}
            await server.say(
                connection, type="presence", presences=[presence], **({} if number else {"id": frame["id"]})
            )
        if len(then) > 1:
            await connection.close(4000)

    return serve


async def test_who_is_watched_is_in_the_view_as_told_last_and_watched_again_by_the_next_socket() -> None:
    async with client_of(Server(watching("online", "away"), watching("offline"))) as client:
        signals = client.signals()
        first = asyncio.ensure_future(anext(signals))
        await client.watch("bob")
        told = [await first, await anext(signals), await anext(signals)]
        assert [signal.data["presences"][0]["status"] for signal in told] == ["online", "away", "offline"]
        assert client.connections == 2
        assert client.view.presences["bob"].status == "offline"


async def tells_presence(server: Server, connection: ServerConnection) -> None:
    frame = msgspec.json.decode(await connection.recv())
    assert frame == {"type": "presence", "status": "invisible"}
    await connection.close(4000)


async def test_how_one_is_to_be_seen_is_said_at_once_and_again_by_each_new_socket() -> None:
    server = Server(tells_presence, Server.news)
    async with client_of(server) as client:
        await client.set_presence("away")
        events = client.events()
        await client.connect()
        await client.set_presence("invisible")
        await anext(events)
        with pytest.raises(InvalidRequestError, match="one of online"):
            await client.set_presence("busy")  # type: ignore[arg-type]
    assert server.shown == ["away", "invisible"]


async def test_a_presence_that_is_set_while_a_socket_connects_is_said_over_it() -> None:
    greeted, go, said = asyncio.Event(), asyncio.Event(), asyncio.Event()

    class Slow(Server):
        async def say(self, connection: ServerConnection, **frame: Any) -> None:
            if frame["type"] == "resumed":
                greeted.set()
                await go.wait()
            await super().say(connection, **frame)

    async def hears(server: Server, connection: ServerConnection) -> None:
        assert msgspec.json.decode(await connection.recv()) == {"type": "presence", "status": "away"}
        said.set()

    server = Slow(hears)
    async with client_of(server) as client:
        connecting = asyncio.ensure_future(client.connect())
        await greeted.wait()
        await client.set_presence("away")
        go.set()
        await connecting
        await said.wait()
    assert server.shown == ["online"]


async def test_a_watch_ends_with_the_session() -> None:
    server = Server(closes(4102))
    server.session_ended = True
    async with client_of(server) as client:
        with pytest.raises(LoggedOutError):
            await client.watch("bob")
        with pytest.raises(LoggedOutError):
            await client.watch("bob")


async def test_everything_can_be_cancelled() -> None:
    async with client_of(Server()) as client:
        async with asyncio.TaskGroup() as group:

            async def listens() -> None:
                async for _ in client.events():
                    pass

            listening = group.create_task(listens())
            await client.connect()
            sending = group.create_task(client.send(TALK, "nobody answers"))
            await asyncio.sleep(0.05)
            listening.cancel()
            sending.cancel()
        assert client.is_connected
