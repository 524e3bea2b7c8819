"""People and their devices, as tests and the bench see them: real HTTP, real sockets."""

from __future__ import annotations

import asyncio
import itertools
import random
import uuid
from collections import defaultdict
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import httpx
import msgspec
from support import contract
from support.confidential import confide
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidHandshake

PASSWORD = "correct horse battery staple"
ANSWER_SECONDS = 15.0

Frame = dict[str, Any]


async def eventually(
    condition: Callable[[], bool] | Callable[[], Awaitable[bool]], what: str, seconds: float = 30
) -> None:
    """Waits until a condition holds. Fails with `what` after the deadline."""

    async def holds() -> bool:
        result = condition()
        return result if isinstance(result, bool) else await result

    async with asyncio.timeout(seconds) as deadline:
        try:
            while not await holds():
                await asyncio.sleep(0.05)
        except asyncio.CancelledError:
            if deadline.expired():
                raise AssertionError(f"not within {seconds} s: {what}") from None
            raise


class ApiError(Exception):
    """A problem+json answer."""

    def __init__(self, status: int, problem: dict[str, Any]) -> None:
        super().__init__(f"{status} {problem}")
        self.status = status
        self.problem = problem
        self.code: str = problem.get("code", "")


@dataclass
class Person:
    """Somebody with an account."""

    http: httpx.AsyncClient
    name: str
    user_id: str
    access_token: str
    refresh_token: str
    session_id: str
    email: str

    @classmethod
    async def registers(cls, http: httpx.AsyncClient, name: str) -> Person:
        email = f"{name.lower()}-{uuid.uuid4().hex[:12]}@example.org"
        answer = await http.post("/v1/auth/register", json={"email": email, "password": PASSWORD, "display_name": name})
        tokens = _checked(answer)
        confide(PASSWORD, email, tokens["access_token"], tokens["refresh_token"])
        return cls(
            http, name, tokens["user_id"], tokens["access_token"], tokens["refresh_token"], tokens["session_id"], email
        )

    async def asks(self, method: str, path: str, **options: Any) -> Any:
        """An authenticated request; the answer's JSON. Raises ApiError for a problem."""
        if isinstance(content := options.get("json"), dict):
            confide(content.get("body"), content.get("password"))
        headers = {"Authorization": f"Bearer {self.access_token}", **options.pop("headers", {})}
        return _checked(await self.http.request(method, path, headers=headers, **options))

    async def talks_to(self, peer: Person) -> str:
        """The direct conversation with somebody."""
        answer = await self.asks("POST", "/v1/conversations/direct", json={"user_id": peer.user_id})
        return str(answer["conversation_id"])

    async def makes_group(self, title: str, *others: Person) -> str:
        answer = await self.asks(
            "POST", "/v1/conversations", json={"title": title, "member_ids": [other.user_id for other in others]}
        )
        return str(answer["conversation_id"])

    async def history(self, conversation_id: str) -> list[dict[str, Any]]:
        """All events of a conversation, in order."""
        events: list[dict[str, Any]] = []
        while True:
            after = events[-1]["seq"] if events else 0
            page = await self.asks(
                "GET", f"/v1/conversations/{conversation_id}/events", params={"after": after, "limit": 200}
            )
            events += page["events"]
            if not page["has_more"]:
                return events


def _checked(answer: httpx.Response) -> Any:
    if answer.is_error:
        assert answer.headers["content-type"] == "application/problem+json", answer.text
        raise ApiError(answer.status_code, answer.json())
    return answer.json() if answer.content else None


class Closed(Exception):
    """The socket was closed; `code` says why."""

    def __init__(self, code: int, reason: str) -> None:
        super().__init__(f"{code} {reason}")
        self.code = code


class Socket:
    """One authenticated WebSocket: requests are answered by their id, everything else goes to `on_frame`."""

    def __init__(self, connection: ClientConnection, on_frame: Callable[[Frame], None]) -> None:
        self.connection = connection
        self._on_frame = on_frame
        self._answers: dict[str, asyncio.Future[Frame]] = {}
        self._asked: dict[str, Frame] = {}
        self._ids = itertools.count(1)
        self.ready: Frame = {}

    async def run(self) -> None:
        """Reads until the socket closes. Raises Closed."""
        try:
            while True:
                frame: Frame = msgspec.json.decode(await self.connection.recv())
                contract.heard(frame)
                asked = self._asked.pop(frame.get("id", ""), None)
                if asked and frame["type"] != "error":
                    contract.accepted(asked)
                answer = self._answers.pop(frame.get("id", ""), None)
                if answer and not answer.done():
                    answer.set_result(frame)
                elif frame["type"] == "ping":
                    await self.connection.send('{"type":"pong"}')
                else:
                    self._on_frame(frame)
        except ConnectionClosed as closed:
            code = closed.rcvd.code if closed.rcvd else 1006
            error = Closed(code, closed.rcvd.reason if closed.rcvd else "")
            for answer in self._answers.values():
                if not answer.done():
                    answer.set_exception(error)
                    answer.exception()  # whoever still waits gets it; nobody may
            raise error from closed

    def expects(self, identifier: str) -> asyncio.Future[Frame]:
        """The answer to the frame with an id."""
        answer: asyncio.Future[Frame] = asyncio.get_running_loop().create_future()
        self._answers[identifier] = answer
        return answer

    async def post(self, frame: Frame) -> asyncio.Future[Frame]:
        """Sends a frame; the future is its answer."""
        identifier = f"n{next(self._ids)}"
        answer = self.expects(identifier)
        self._asked[identifier] = {**frame, "id": identifier}
        await self.connection.send(msgspec.json.encode(self._asked[identifier]).decode())
        return answer

    async def ask(self, frame: Frame) -> Frame:
        """Sends a frame and waits for its answer."""
        async with asyncio.timeout(ANSWER_SECONDS):
            return await (await self.post(frame))


@asynccontextmanager
async def opened(
    url: str, token: str, on_frame: Callable[[Frame], None] = lambda _: None, *, ticket: str = ""
) -> AsyncIterator[Socket]:
    """A socket that has authenticated, by an access token or by a ticket; its reader runs inside."""
    async with connect(url, subprotocols=["realchat.v1"], max_size=2**22, ping_interval=None) as connection:  # type: ignore[list-item]
        socket = Socket(connection, on_frame)
        async with asyncio.TaskGroup() as group:
            reader = group.create_task(_quietly(socket.run()))
            socket.ready = await socket.ask({"type": "auth", **({"ticket": ticket} if ticket else {"token": token})})
            if socket.ready["type"] != "ready":
                raise ApiError(0, socket.ready)
            try:
                yield socket
            finally:
                await connection.close()
                reader.cancel()


async def _quietly(run: Awaitable[None]) -> None:
    try:
        await run
    except Closed:
        pass


@dataclass
class Device:
    """A client as it should be: reconnects with back-off, resumes, repairs gaps, repeats what was not acknowledged.

    `received` has, for each conversation, the events in the order in which this device came to know them, and
    `violations` what a correct server never does: an event out of order or twice.
    """

    person: Person
    urls: list[str]
    received: dict[str, list[dict[str, Any]]] = field(default_factory=lambda: defaultdict(list))
    violations: list[str] = field(default_factory=list)
    acknowledged: dict[str, Frame] = field(default_factory=dict)
    connections: int = 0
    other: list[Frame] = field(default_factory=list)
    on_event: Callable[[dict[str, Any]], None] = lambda _: None
    _socket: Socket | None = None
    _connected: asyncio.Event = field(default_factory=asyncio.Event)

    def cursor(self, conversation_id: str) -> int:
        events = self.received[conversation_id]
        return int(events[-1]["seq"]) if events else 0

    async def reaches(self, conversation_id: str, seq: int, seconds: float = 60) -> None:
        """Waits until this device has the events up to a seq."""
        await eventually(
            lambda: self.cursor(conversation_id) >= seq, f"{self.person.name} has {seq} of {conversation_id}", seconds
        )

    def bodies(self, conversation_id: str) -> list[str]:
        return [e["data"]["body"] for e in self.received[conversation_id] if e["kind"] == "message.sent"]

    def _on_frame(self, frame: Frame) -> None:
        if frame["type"] != "event":
            self.other.append(frame)
            return
        event = frame["event"]
        conversation_id, seq = event["conversation_id"], event["seq"]
        expected = self.cursor(conversation_id) + 1
        if seq != expected and not (expected == 1 and conversation_id not in self.known):
            self.violations.append(f"{self.person.name}: {conversation_id} got {seq}, expected {expected}")
        self.received[conversation_id].append(event)
        self.on_event(event)

    @property
    def known(self) -> set[str]:
        return {conversation for conversation, events in self.received.items() if events}

    async def run(self) -> None:
        """Stays connected until cancelled."""
        attempts = 0
        while True:
            try:
                async with connect(
                    random.choice(self.urls),
                    subprotocols=["realchat.v1"],  # type: ignore[list-item]
                    max_size=2**22,
                    ping_interval=None,
                    open_timeout=5,
                ) as connection:
                    await self._serve(Socket(connection, self._on_frame))
            except (OSError, TimeoutError, InvalidHandshake, Closed, ConnectionClosed, ExceptionGroup):
                attempts += 1
            finally:
                self._connected.clear()
                self._socket = None
            await asyncio.sleep(random.uniform(0, min(2.0, 0.1 * 2 ** min(attempts, 6))))

    async def _serve(self, socket: Socket) -> None:
        async with asyncio.TaskGroup() as group:
            reader = group.create_task(socket.run())
            ready = await socket.ask({"type": "auth", "token": self.person.access_token})
            if ready["type"] != "ready":
                raise Closed(0, str(ready))
            resumed = await socket.ask({"type": "resume", "conversations": {c: self.cursor(c) for c in self.received}})
            if resumed["type"] != "resumed":
                raise Closed(0, str(resumed))
            for conversation_id, state in resumed["conversations"].items():
                if state["status"] == "history":
                    await self._page(conversation_id)
            self._socket = socket
            self.connections += 1
            self._connected.set()
            await reader

    async def _page(self, conversation_id: str) -> None:
        """Reads what a resume left to the history; live events that came meanwhile are put behind it."""
        events = {event["seq"]: event for event in await self.person.history(conversation_id)}
        for event in self.received[conversation_id]:
            events.setdefault(event["seq"], event)
        self.received[conversation_id][:] = [events[seq] for seq in sorted(events)]

    async def sends(self, conversation_id: str, body: str, client_message_id: str | None = None) -> Frame:
        """Sends until it is acknowledged; repeats with the same id over any trouble."""
        confide(body)
        identifier = client_message_id or uuid.uuid4().hex
        while True:
            await self._connected.wait()
            try:
                answer = await self.asks(
                    {
                        "type": "send",
                        "conversation_id": conversation_id,
                        "client_message_id": identifier,
                        "body": body,
                    }
                )
            except (Closed, ConnectionClosed, TimeoutError):
                await asyncio.sleep(random.uniform(0.05, 0.3))
                continue
            if answer["type"] == "ack":
                self.acknowledged[identifier] = answer
                return answer
            if not answer["temporary"]:
                raise AssertionError(answer)
            await asyncio.sleep(answer.get("retry_after") or random.uniform(0.1, 0.5))

    async def posts(self, frame: Frame) -> None:
        """Sends a frame that is answered only when it is refused."""
        async with asyncio.timeout(ANSWER_SECONDS):
            await self._connected.wait()
            assert self._socket
            contract.accepted(frame)
            await self._socket.connection.send(msgspec.json.encode(frame).decode())

    async def asks(self, frame: Frame) -> Frame:
        """Sends a frame and waits for its answer. Raises Closed when there is no connection."""
        if self._socket is None:
            raise Closed(1006, "not connected")
        return await self._socket.ask(frame)

    async def drops(self) -> None:
        """Loses its connection, without a close."""
        if self._socket:
            self._socket.connection.transport.abort()


@asynccontextmanager
async def online(*devices: Device) -> AsyncIterator[None]:
    """Keeps devices connected inside."""
    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(device.run()) for device in devices]
        try:
            async with asyncio.timeout(60):
                for device in devices:
                    await device._connected.wait()
            yield
        finally:
            for task in tasks:
                task.cancel()
