"""One connection: authentication, pipelining, limits, heartbeat, close codes."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import msgspec
import pytest
from realchat_delivery.append import Appended, Outcome, Pending
from realchat_delivery.codec import EventFrame, JsonCodec
from realchat_delivery.connection import Connection
from realchat_delivery.domain import Missing
from realchat_delivery.frames import Auth, Change, Close, React, Resume, Resumed, Seen
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


async def test_sends_are_pipelined_and_answered_as_they_come_back() -> None:
    async with ready() as peer:
        for name in "abc":
            peer.sends(name)
        await peer.hears_nothing_more()
        answers: list[Outcome] = [
            Appended("m1", 8, 1_764_000_000_123, False),
            RealChatError(Code.INVALID_ARGUMENT, "too long", field="body"),
            Appended("m2", 9, 0, True),
        ]
        for index in (0, 2, 1):
            peer.pendings[index].answer(answers[index])
        assert await peer.hears() == {
            "type": "ack",
            "id": "a",
            "conversation_id": TALK,
            "client_message_id": "a",
            "message_id": "m1",
            "seq": 8,
            "at": "2025-11-24T16:00:00.123Z",
            "duplicate": False,
        }
        assert (await peer.hears())["duplicate"]
        assert await peer.hears() == {
            "type": "error",
            "id": "b",
            "code": "invalid_argument",
            "detail": "too long",
            "temporary": False,
            "field": "body",
        }


async def test_an_answer_after_the_end_is_forgotten() -> None:
    async with ready() as peer:
        peer.sends("a")
        await peer.hears_nothing_more()
    peer.pendings[0].answer(Appended("m1", 8, 0, False))


@pytest.mark.parametrize("change", [{"conversation_id": "x"}, {"reply_to": "x"}])
async def test_ids_are_checked_before_anything_is_sent(change: dict[str, str]) -> None:
    async with ready() as peer:
        answer = await peer.asks({**send("a"), **change})
        assert (answer["code"], answer["field"]) == ("invalid_argument", next(iter(change)))
        assert peer.pendings == []


async def test_who_sends_too_fast_is_told_when_to_go_on() -> None:
    async with ready() as peer:
        for number in range(6):
            peer.sends(str(number))
            if peer.pendings:
                peer.pendings.pop().answer(Appended("m", 1, 0, False))
            await asyncio.sleep(0)
        await asyncio.sleep(0)
        answers = [await peer.hears() for _ in range(peer.wire.outgoing.qsize())]
        (refusal,) = (answer for answer in answers if answer["type"] == "error")
        assert (refusal["id"], refusal["code"], refusal["temporary"]) == ("5", "rate_limited", True)
        peer.now += refusal["retry_after"] + 0.001
        before = len(peer.pendings)
        peer.sends("5")
        await peer.hears_nothing_more()
        assert len(peer.pendings) == before + 1


def react(name: str, **fields: Any) -> dict[str, Any]:
    return {"type": "react", "id": name, "conversation_id": TALK, "message_id": TALK, "emoji": name, **fields}


async def test_changes_of_messages_go_one_after_the_other_and_are_acknowledged_with_their_seq() -> None:
    async with ready() as peer:
        peer.says(react("a"))
        peer.says(react("b", remove=True))
        peer.sends("c")
        await peer.hears_nothing_more()
        assert [change.id for change in peer.changes] == ["a"]
        assert len(peer.pendings) == 1
        peer.changed.put_nowait(Appended(TALK, 8, 1_764_000_000_123, False))
        assert await peer.hears() == {
            "type": "ack",
            "id": "a",
            "conversation_id": TALK,
            "message_id": TALK,
            "seq": 8,
            "at": "2025-11-24T16:00:00.123Z",
            "duplicate": False,
        }
        peer.changed.put_nowait(RealChatError(Code.TOO_MANY_REACTIONS))
        refused = await peer.hears()
        assert (refused["type"], refused["id"], refused["code"]) == ("error", "b", "too_many_reactions")
        second = peer.changes[1]
        assert isinstance(second, React)
        assert second.remove


@pytest.mark.parametrize(
    ("frame", "field"),
    [
        (react("a", message_id="x"), "message_id"),
        (react("a", conversation_id="x"), "conversation_id"),
        (react("a" * 65, id="a"), "emoji"),
        ({"type": "edit", "id": "a", "conversation_id": TALK, "message_id": TALK}, "body"),
        ({"type": "delete", "id": "a", "conversation_id": TALK, "message_id": TALK, "body": ""}, "body"),
    ],
)
async def test_a_change_with_a_wrong_field_is_refused(frame: dict[str, Any], field: str) -> None:
    async with ready() as peer:
        peer.says(frame)
        refused = await peer.hears()
        assert (refused["code"], refused["field"]) == ("invalid_argument", field)


async def test_changes_count_as_sends() -> None:
    async with ready() as peer:
        for name in "abcd":
            peer.says(react(name))
        peer.sends("e")
        assert (await peer.hears())["code"] == "rate_limited"
        for _ in "abcd":
            peer.changed.put_nowait(Appended(TALK, 8, 0, False))
            assert (await peer.hears())["type"] == "ack"


async def test_too_many_unanswered_sends_are_refused() -> None:
    async with ready() as peer:
        for number in range(4):
            peer.sends(str(number))
        assert (await peer.asks(send("5")))["code"] == "rate_limited"
        peer.pendings[0].answer(Appended("m", 1, 0, False))
        assert (await peer.hears())["type"] == "ack"
        peer.now += 1
        peer.sends("6")
        await peer.hears_nothing_more()
        assert len(peer.pendings) == 5


async def test_an_overloaded_node_refuses_and_keeps_the_socket() -> None:
    async with ready(Peer(append_refusal=RealChatError(Code.OVERLOADED, retry_after=1))) as peer:
        answer = await peer.asks(send("a"))
        assert (answer["code"], answer["retry_after"]) == ("overloaded", 1)
        await peer.hears_nothing_more()


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


async def test_typing_is_told_in_turn_and_refused_where_the_user_is_no_member() -> None:
    async with ready() as peer:
        for state in ("start", "start", "stop", "stop"):
            peer.says({"type": "typing", "conversation_id": TALK, "state": state})
        await peer.hears_nothing_more()
        assert peer.types == [("alice", TALK, "start"), ("alice", TALK, "stop")]
        answer = await peer.asks({"type": "typing", "conversation_id": new_id(), "state": "start"})
        assert (answer["code"], answer["id"]) == ("conversation_not_found", "1")
