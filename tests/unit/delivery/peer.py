"""A client's end of a socket, without a network; what the node does is up to the test."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import msgspec
from realchat_delivery.append import Outcome, Pending
from realchat_delivery.codec import EventFrame, JsonCodec
from realchat_delivery.connection import Connection
from realchat_delivery.domain import Missing
from realchat_delivery.frames import Auth, Change, Resume, Resumed, Seen
from realchat_delivery.ports import Node
from realchat_delivery.settings import DeliverySettings
from realchat_delivery.socket import Socket
from websockets.frames import Frame
from websockets.streams import StreamReader

from chat.event.v1 import event_pb2 as pb
from realchat_common.errors import Code, RealChatError
from realchat_common.identity import User
from realchat_common.ids import new_id

TALK = new_id()
SETTINGS = DeliverySettings.model_validate(
    {
        "APP_ID": "delivery",
        "DAPR_API_TOKEN": "",
        "APP_API_TOKEN": "",
        "DAPR_GRPC_PORT": 1,
        "internal_port": 1,
        "http_port": 1,
        "sends_per_second": 10,
        "sends_burst": 5,
        "sends_unanswered": 4,
        "queue_bytes": 10_000,
        "queue_frames": 50,
    }
)


def event(seq: int, body: str = "b") -> EventFrame:
    message = pb.MessageSent(message_id=new_id(), body=body)
    return EventFrame(pb.Event(conversation_id=TALK, seq=seq, occurred_at_ms=1, message_sent=message))


class Wire:
    """The link of a socket whose peer reads when the test lets it."""

    def __init__(self) -> None:
        self.incoming: asyncio.Queue[str | bytes | None] = asyncio.Queue()
        self.reads = asyncio.Event()
        self.reads.set()
        self.outgoing: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
        self.closed: tuple[int, str] | None = None

    async def receive(self) -> str | bytes | None:
        return await self.incoming.get()

    async def send(self, frames: bytes) -> None:
        await self.reads.wait()
        reader = StreamReader()
        reader.feed_data(frames)
        reader.feed_eof()
        while not next_is_end(reader):
            self.outgoing.put_nowait(msgspec.json.decode(parsed(reader)))

    async def close(self, code: int, reason: str) -> None:
        await self.reads.wait()
        self.closed = (code, reason)


def next_is_end(reader: StreamReader) -> bool:
    try:
        next(reader.at_eof())
    except StopIteration as done:
        return bool(done.value)
    return False


def parsed(reader: StreamReader) -> bytes:
    try:
        next(Frame.parse(reader.read_exact, mask=False))
    except StopIteration as done:
        return bytes(done.value.data)
    raise AssertionError("half a frame")


@dataclass
class Peer:
    """A client's end, and what the node would do."""

    now: float = 0.0
    wire: Wire = field(default_factory=Wire)
    pendings: list[Pending] = field(default_factory=list)
    repairs: list[Missing] = field(default_factory=list)
    marks: list[object] = field(default_factory=list)
    types: list[tuple[str, str, str]] = field(default_factory=list)
    shown: list[str] = field(default_factory=list)
    left: int = 0
    refusal: RealChatError | None = None
    append_refusal: RealChatError | None = None
    changes: list[Change] = field(default_factory=list)
    changed: asyncio.Queue[Outcome] = field(default_factory=asyncio.Queue)
    resuming: Callable[[Connection], Awaitable[None]] | None = None
    socket: Socket = field(init=False)
    run: asyncio.Future[None] = field(init=False)

    def __post_init__(self) -> None:
        node = Node(
            authenticate=self._authenticate,
            opened=lambda _: None,
            epoch=self._epoch,
            join=self._join,
            left=self._left,
            append=self._append,
            change=self._change,
            resume=self._resume,
            mark=lambda who, mark: self.marks.append((who, mark)),
            typing=self._type,
            show=lambda _, status: self.shown.append(status),
            watch=self._watch,
            repair=lambda _, missing: self.repairs.append(missing),
        )
        self.socket = Socket(self.wire, JsonCodec(), node, SETTINGS, lambda: self.now)

    async def _authenticate(self, frame: Auth) -> User:
        if frame.token != "good":
            raise RealChatError(Code.UNAUTHENTICATED)
        return User("alice", "phone")

    async def _epoch(self, user: User) -> str:
        return "epoch"

    async def _join(self, socket: Connection) -> None:
        if self.refusal:
            raise self.refusal

    def _left(self, socket: Connection) -> None:
        self.left += 1

    def _append(self, conversation_id: str, pending: Pending) -> None:
        if self.append_refusal:
            raise self.append_refusal
        self.pendings.append(pending)

    async def _change(self, user: User, change: Change) -> Outcome:
        self.changes.append(change)
        outcome = await self.changed.get()
        if isinstance(outcome, RealChatError):
            raise outcome
        return outcome

    async def _resume(self, socket: Connection, frame: Resume) -> Resumed:
        if self.resuming:
            await self.resuming(socket)
        return Resumed(id=frame.id, epoch="epoch", conversations={})

    async def _watch(self, socket: Connection, user_ids: Sequence[str]) -> list[Seen]:
        if self.refusal:
            raise self.refusal
        return [Seen(user_id, "offline") for user_id in user_ids]

    async def _type(self, user_id: str, conversation_id: str, state: str) -> None:
        if conversation_id != TALK:
            raise RealChatError(Code.CONVERSATION_NOT_FOUND)
        self.types.append((user_id, conversation_id, state))

    def says(self, frame: dict[str, Any] | str | bytes) -> None:
        self.wire.incoming.put_nowait(msgspec.json.encode(frame).decode() if isinstance(frame, dict) else frame)

    async def hears(self) -> dict[str, Any]:
        async with asyncio.timeout(2):
            return await self.wire.outgoing.get()

    async def asks(self, frame: dict[str, Any]) -> dict[str, Any]:
        self.says({"id": "1", **frame})
        return await self.hears()

    async def ticks(self) -> None:
        """A second of the heartbeat, after what is under way."""
        await asyncio.sleep(0.005)
        self.socket.tick(self.now)
        await asyncio.sleep(0.005)

    def sends(self, name: str) -> None:
        self.says(send(name))

    async def hears_nothing_more(self) -> None:
        assert (await self.asks({"type": "ping", "id": "p"})) == {"type": "pong", "id": "p"}

    async def closed(self) -> int:
        async with asyncio.timeout(4):
            await asyncio.shield(self.run)
        return self.wire.closed[0] if self.wire.closed else 0


def send(name: str) -> dict[str, Any]:
    return {"type": "send", "id": name, "conversation_id": TALK, "client_message_id": name, "body": "hi"}


@asynccontextmanager
async def running(peer: Peer, bearer: str | None = None) -> AsyncIterator[Peer]:
    peer.run = asyncio.ensure_future(peer.socket.run(bearer))
    yield peer
    peer.wire.reads.set()
    peer.wire.incoming.put_nowait(None)
    async with asyncio.timeout(4):
        await peer.run


@asynccontextmanager
async def ready(peer: Peer | None = None) -> AsyncIterator[Peer]:
    """A peer that has authenticated; one of no special kind has also resumed, from nothing."""
    async with running(peer or Peer()) as connected:
        assert (await connected.asks({"type": "auth", "token": "good"}))["type"] == "ready"
        if peer is None:
            assert (await connected.asks({"type": "resume", "conversations": {}}))["type"] == "resumed"
        yield connected
