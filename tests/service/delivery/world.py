"""Delivery nodes on a real Redis, before a log in memory: conversations to write in, clients to connect."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import AsyncIterator, Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from typing import Any

import httpx
import msgspec
import uvicorn
from fastapi import FastAPI
from realchat_delivery.api import internal_app, public_app
from realchat_delivery.append import Appended, Appender, Outcome, Pending
from realchat_delivery.domain import Audience, Reader
from realchat_delivery.fanout import Fanout
from realchat_delivery.frames import Auth, Change, Seen
from realchat_delivery.hub import Hub
from realchat_delivery.log import Log
from realchat_delivery.messages import InboxEntry, InboxPage, LogPage, Synced
from realchat_delivery.notices import Notices
from realchat_delivery.ports import Node
from realchat_delivery.presence import Beacon, Device
from realchat_delivery.receipts import Mark, Marks, Who
from realchat_delivery.registry import Registry, open_subscriber
from realchat_delivery.resume import CatchUp
from realchat_delivery.settings import DeliverySettings
from realchat_delivery.transport import HttpProtocol, SocketProtocol
from realchat_delivery.watch import Watches
from websockets.asyncio.client import ClientConnection, connect

from chat.event.v1 import event_pb2 as pb
from realchat_common.errors import Code, RealChatError
from realchat_common.identity import User
from realchat_common.ids import new_id, now_ms
from realchat_common.problems import add_problem_handlers
from realchat_common.redis import open_redis
from realchat_common.telemetry import trace_headers

APP_API_TOKEN = "token of the sidecar"
EPOCH = "epoch-1"

Frame = dict[str, Any]


@dataclass
class Conversation:
    """A log in memory, with its readers' spans."""

    conversation_id: str = field(default_factory=new_id)
    events: list[pb.Event] = field(default_factory=list)
    readers: list[Reader] = field(default_factory=list)
    members_seq: int = 0
    apart: bool = False

    @property
    def last_seq(self) -> int:
        return len(self.events)

    def _append(self, actor_id: str, **payload: Any) -> pb.Event:
        event = pb.Event(
            conversation_id=self.conversation_id,
            seq=self.last_seq + 1,
            event_id=new_id(),
            actor_id=actor_id,
            occurred_at_ms=now_ms(),
            **payload,
        )
        self.events.append(event)
        return event

    def says(self, sender_id: str, body: str, client_message_id: str = "") -> pb.Event:
        message = pb.MessageSent(message_id=new_id(), client_message_id=client_message_id or new_id(), body=body)
        return self._append(sender_id, message_sent=message)

    def adds(self, *user_ids: str) -> pb.Event:
        event = self._append(
            user_ids[0],
            members_added=pb.MembersAdded(
                members=[pb.Member(user_id=user_id, role=pb.ROLE_MEMBER) for user_id in user_ids]
            ),
        )
        self.readers += [Reader(user_id, event.seq, 0) for user_id in user_ids]
        self.members_seq = event.seq
        return event

    def removes(self, user_id: str) -> pb.Event:
        event = self._append(user_id, member_removed=pb.MemberRemoved(user_id=user_id))
        self.readers = [
            reader._replace(until_seq=event.seq) if (reader.user_id, reader.until_seq) == (user_id, 0) else reader
            for reader in self.readers
        ]
        self.members_seq = event.seq
        return event

    @property
    def audience(self) -> Audience:
        return Audience.of(self.members_seq, self.readers, apart=self.apart)

    def segment(self, *events: pb.Event) -> pb.Segment:
        return pb.Segment(
            conversation_id=self.conversation_id,
            first_seq=events[0].seq,
            last_seq=events[-1].seq,
            members_seq=self.members_seq,
            events=events,
        )


class Logs:
    """The message service, as delivery's port has it."""

    def __init__(self) -> None:
        self.conversations: dict[str, Conversation] = {}
        self.away = False
        self.appending = asyncio.Event()
        self.appending.set()
        self.reading = asyncio.Event()
        self.reading.set()
        self.synced = 0
        self.pages_read: list[tuple[str, int, int]] = []
        self.batches: list[int] = []
        self.traceparent = ""
        """Of the newest append."""
        self.moves: list[dict[Who, Mark]] = []
        self.moves_asked = 0
        self.appended: asyncio.Queue[tuple[Conversation, list[pb.Event]]] = asyncio.Queue()

    def conversation(self, *user_ids: str) -> Conversation:
        conversation = Conversation()
        conversation.adds(*user_ids)
        self.conversations[conversation.conversation_id] = conversation
        return conversation

    def _answer(self) -> None:
        if self.away:
            raise RealChatError(Code.UNAVAILABLE)

    async def append(self, conversation_id: str, batch: Sequence[Pending], seconds: float) -> Sequence[Outcome]:
        await self.appending.wait()
        self._answer()
        self.batches.append(len(batch))
        self.traceparent = trace_headers().get("traceparent", "")
        conversation = self.conversations.get(conversation_id)
        outcomes: list[Outcome] = []
        new: list[pb.Event] = []
        for pending in batch:
            if conversation is None or not conversation.audience.may_read(pending.sender_id, 2**52):
                outcomes.append(RealChatError(Code.CONVERSATION_NOT_FOUND))
                continue
            key = (pending.sender_id, pending.client_message_id)
            event = next(
                (e for e in conversation.events if (e.actor_id, e.message_sent.client_message_id) == key), None
            )
            duplicate = event is not None
            if event is None:
                event = conversation.says(pending.sender_id, pending.body, pending.client_message_id)
                new.append(event)
            outcomes.append(Appended(event.message_sent.message_id, event.seq, event.occurred_at_ms, duplicate))
        if conversation is not None and new:
            self.appended.put_nowait((conversation, new))
        return outcomes

    async def change(self, user: User, change: Change) -> Appended:
        raise RealChatError(Code.MESSAGE_NOT_FOUND)

    async def sync(self, user: User, positions: Mapping[str, int]) -> tuple[Sequence[Synced], str]:
        self._answer()
        self.synced += 1
        answers = []
        for conversation_id, seq in positions.items():
            conversation = self.conversations.get(conversation_id)
            if conversation is None or not conversation.audience.may_read(user.user_id, 2**52):
                answers.append(Synced(conversation_id, [], 0, False, True))
                continue
            missed = [
                event for event in conversation.events[seq:] if conversation.audience.may_read(user.user_id, event.seq)
            ]
            truncated = len(missed) > 200
            answers.append(
                Synced(conversation_id, [] if truncated else missed, conversation.last_seq, truncated, False)
            )
        await self.reading.wait()  # after the look: what is appended meanwhile is not in the answer
        return answers, EPOCH

    async def inbox(self, user: User, cursor: str) -> InboxPage:
        self._answer()
        mine = [
            InboxEntry(conversation.conversation_id, conversation.last_seq, conversation.events[-1].occurred_at_ms)
            for conversation in self.conversations.values()
            if conversation.audience.may_read(user.user_id, 2**52)
        ]
        mine.sort(key=lambda entry: -entry.last_activity_ms)
        start = int(cursor or 0)
        return InboxPage(mine[start : start + 2], str(start + 2) if start + 2 < len(mine) else "", EPOCH)

    async def read_log(self, conversation_id: str, first_seq: int, limit: int) -> LogPage:
        self.pages_read.append((conversation_id, first_seq, limit))
        await self.reading.wait()
        self._answer()
        conversation = self.conversations[conversation_id]
        return LogPage(conversation.events[first_seq - 1 : first_seq - 1 + limit], conversation.members_seq)

    async def audience(self, conversation_id: str) -> Audience:
        self._answer()
        if conversation_id not in self.conversations:
            raise RealChatError(Code.CONVERSATION_NOT_FOUND)
        return self.conversations[conversation_id].audience

    async def move(self, marks: Mapping[Who, Mark]) -> None:
        self.moves_asked += 1
        self._answer()
        self.moves.append(dict(marks))


class House:
    """Presence, as delivery's port has it: one state of many devices, and everybody may see whoever is no stranger."""

    def __init__(self) -> None:
        self.devices: dict[Device, bool] = {}
        self.strangers: set[str] = set()
        self.away = False
        self.answers = asyncio.Event()
        """Questions who is seen are answered as of when they were asked, once this is set."""
        self.answers.set()
        self.asked = 0
        self.answered = 0
        self.forgets = False
        """Nobody is told what has changed."""

    @property
    def there(self) -> set[Device]:
        return set(self.devices)

    def of(self, user_id: str) -> Seen:
        states = [away for device, away in self.devices.items() if device.user_id == user_id]
        return Seen(user_id, "online" if False in states else "away" if states else "offline")

    def _answer(self) -> None:
        if self.away:
            raise RealChatError(Code.UNAVAILABLE)

    def _changes(self, user_ids: Iterable[str], change: Callable[[], None]) -> Sequence[Seen]:
        self._answer()
        before = {user_id: self.of(user_id) for user_id in user_ids}
        change()
        after = [self.of(user_id) for user_id in before]
        return [] if self.forgets else [one for one in after if one != before[one.user_id]]

    async def heartbeat(self, devices: Mapping[Device, bool]) -> Sequence[Seen]:
        return self._changes((device.user_id for device in devices), lambda: self.devices.update(devices))

    async def disconnect(self, device: Device) -> Sequence[Seen]:
        return self._changes([device.user_id], lambda: void(self.devices.pop(device, None)))

    async def seen_by(self, user: User, user_ids: Sequence[str]) -> Sequence[Seen]:
        self._answer()
        seen = [Seen(one, "hidden") if one in self.strangers else self.of(one) for one in dict.fromkeys(user_ids)]
        self.asked += 1
        await self.answers.wait()
        self.answered += 1
        return seen

    async def differing(self, known: Sequence[Seen]) -> Sequence[Seen]:
        self._answer()
        return [self.of(one.user_id) for one in known if self.of(one.user_id).status != one.status]


def void(_: object) -> None:
    """For a lambda that has nothing to say."""


async def known_by_name(frame: Auth) -> User:
    """Who shows the token `alice/phone` is alice on the session phone."""
    user_id, _, session_id = (frame.token or frame.ticket or "").partition("/")
    if not session_id:
        raise RealChatError(Code.UNAUTHENTICATED)
    return User(user_id, session_id)


@dataclass
class DeliveryNode:
    """One replica: its parts, its public address, its callbacks."""

    hub: Hub
    registry: Registry
    watches: Watches
    url: str
    sidecar: httpx.AsyncClient
    http: httpx.AsyncClient
    tasks: dict[str, asyncio.Task[None]]
    connections: set[Any]
    """uvicorn's TCP connections."""

    async def comes(self, data: bytes | Frame, kind: str, route: str = "conversation", **more: Any) -> str:
        """An event of the topic comes; the answer to Dapr."""
        return str((await self._is_told(route, cloud_event(data, kind, **more)))["status"])

    async def bulk(self, *events: Frame) -> list[str]:
        """A bulk of pointers comes; the answer to Dapr for each; without one, Dapr brings all of them again."""
        entries = [{"entryId": str(number), "event": event} for number, event in enumerate(events)]
        answer = await self._is_told("pointers", {"id": new_id(), "entries": entries})
        if "statuses" not in answer:
            return ["RETRY" for _ in events]
        statuses = {entry["entryId"]: entry["status"] for entry in answer["statuses"]}
        return [statuses[entry["entryId"]] for entry in entries]

    async def _is_told(self, route: str, body: Frame) -> Frame:
        answer = await self.sidecar.post(
            f"/events/{route}",
            content=msgspec.json.encode(body),
            headers={"dapr-api-token": APP_API_TOKEN, "content-type": "application/json"},
        )
        told: Frame = answer.json()
        return told

    async def segment(self, conversation: Conversation, *events: pb.Event) -> str:
        return await self.comes(conversation.segment(*events).SerializeToString(), "chat.segment")

    async def pointer(self, conversation: Conversation, first_seq: int, last_seq: int) -> str:
        (status,) = await self.bulk(pointer(conversation, first_seq, last_seq))
        return status


def cloud_event(data: bytes | Frame, kind: str, **more: Any) -> Frame:
    event: Frame = {"id": new_id(), "type": kind, "specversion": "1.0", "source": "message", **more}
    return event | ({"data_base64": data} if isinstance(data, bytes) else {"data": data})


def pointer(conversation: Conversation, first_seq: int, last_seq: int) -> Frame:
    seqs = {"first_seq": str(first_seq), "last_seq": str(last_seq)}
    return cloud_event({"conversation_id": conversation.conversation_id, **seqs}, "chat.pointer")


@dataclass
class World:
    """A log, presence, Redis, and any number of nodes."""

    redis_url: str
    logs: Logs
    house: House
    stack: AsyncExitStack
    base: DeliverySettings

    async def node(self, **settings: Any) -> DeliveryNode:
        """Starts a replica."""
        return await self.stack.enter_async_context(_running(self, self.base.model_copy(update=settings)))


@asynccontextmanager
async def world_on(redis_url: str) -> AsyncIterator[World]:
    base = DeliverySettings.model_validate(
        {
            "APP_ID": "delivery",
            "DAPR_API_TOKEN": "",
            "APP_API_TOKEN": APP_API_TOKEN,
            "DAPR_GRPC_PORT": 1,
            "internal_port": 1,
            "http_port": 1,
        }
    )
    async with AsyncExitStack() as stack:
        yield World(redis_url, Logs(), House(), stack, base)


class _Server(uvicorn.Server):
    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


@asynccontextmanager
async def _serving(app: FastAPI, **options: Any) -> AsyncIterator[uvicorn.Server]:
    server = _Server(
        uvicorn.Config(app, port=0, log_config=None, lifespan="off", timeout_graceful_shutdown=1, **options)
    )
    task = asyncio.ensure_future(server.serve())
    while not server.started:
        await asyncio.sleep(0.01)
    yield server
    server.should_exit = True
    await task


@asynccontextmanager
async def _running(world: World, settings: DeliverySettings) -> AsyncIterator[DeliveryNode]:
    async with AsyncExitStack() as stack:
        redis, subscriber = open_redis(world.redis_url), open_subscriber(world.redis_url)
        stack.push_async_callback(redis.aclose)
        stack.push_async_callback(subscriber.aclose)
        registry = Registry(redis, subscriber, new_id())
        log = Log(world.logs, settings.audiences_cached)
        catch_up = CatchUp(world.logs, log)
        beacon, watches = Beacon(world.house, registry.broadcast), Watches(world.house)
        group = await stack.enter_async_context(asyncio.TaskGroup())
        hub = Hub(settings, registry, log, beacon, watches, group)
        appender = Appender(world.logs.append, group, settings.appends_waiting, settings.append_seconds)
        notices = Notices(hub, registry, log)
        fanout = Fanout(hub, registry, log, notices)
        marks = Marks(world.logs.move)
        node = Node(
            authenticate=known_by_name,
            opened=hub.opened,
            epoch=catch_up.epoch,
            join=hub.join,
            left=hub.left,
            append=appender.submit,
            change=world.logs.change,
            resume=catch_up.resume,
            mark=marks.add,
            typing=notices.typing,
            show=hub.show,
            watch=watches.watch,
            repair=hub.repair,
        )
        public = public_app(settings, node, hub.admit)
        internal = internal_app(APP_API_TOKEN, fanout)
        add_problem_handlers(internal)
        server = await stack.enter_async_context(
            _serving(
                public,
                http=HttpProtocol,
                ws=SocketProtocol,
                ws_max_size=256 * 1024,
                ws_ping_interval=None,
                ws_per_message_deflate=False,
            )
        )
        port = server.servers[0].sockets[0].getsockname()[1]
        sidecar = await stack.enter_async_context(
            httpx.AsyncClient(transport=httpx.ASGITransport(internal), base_url="http://internal")
        )
        http = await stack.enter_async_context(httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}"))
        jobs = {
            "tick": hub.tick,
            "refresh": hub.refresh,
            "departures": hub.unregister,
            "listen": hub.listen,
            "catch-up": lambda: catch_up.run(hub, settings.resync_parallel),
            "presence": beacon.run,
            "watches": watches.run,
            "receipts": marks.run,
        }

        async def keep(job: Any) -> None:
            while True:
                try:
                    await job()
                except (RealChatError, ExceptionGroup):
                    await asyncio.sleep(0.05)

        tasks = {name: asyncio.ensure_future(keep(job)) for name, job in jobs.items()}
        try:
            async with asyncio.timeout(5):
                while True:
                    try:
                        hub.admit()
                        break
                    except RealChatError:
                        await asyncio.sleep(0.01)
            yield DeliveryNode(
                hub,
                registry,
                watches,
                f"ws://127.0.0.1:{port}/v1/socket",
                sidecar,
                http,
                tasks,
                server.server_state.connections,
            )
        finally:
            for task in tasks.values():
                task.cancel()
            await asyncio.gather(*tasks.values(), return_exceptions=True)


class Client:
    """A WebSocket client that sees every frame in order."""

    def __init__(self, connection: ClientConnection) -> None:
        self.connection = connection
        self._ids = itertools.count(1)

    async def says(self, frame: Frame) -> None:
        await self.connection.send(msgspec.json.encode(frame).decode())

    async def hears(self, kind: str | None = None) -> Frame:
        """The next frame, which has to be of a kind."""
        async with asyncio.timeout(5):
            frame: Frame = msgspec.json.decode(await self.connection.recv())
        assert kind is None or frame["type"] == kind, frame
        return frame

    async def events(self, count: int) -> list[tuple[str, int]]:
        """The next frames, which have to be events: conversation and seq."""
        frames = [(await self.hears("event"))["event"] for _ in range(count)]
        return [(event["conversation_id"], event["seq"]) for event in frames]

    async def seqs(self, count: int) -> list[int]:
        return [seq for _, seq in await self.events(count)]

    async def asks(self, frame: Frame) -> Frame:
        """Sends a frame with an id and gives the next frame, which has to carry it."""
        identifier = str(next(self._ids))
        await self.says({**frame, "id": identifier})
        answer = await self.hears()
        assert answer.get("id") == identifier, answer
        return answer

    async def hears_nothing_more(self) -> None:
        """Asks for a pong: whatever was queued before comes before."""
        assert (await self.asks({"type": "ping"}))["type"] == "pong"

    async def close_code(self) -> int:
        async with asyncio.timeout(5):
            await self.connection.wait_closed()
        return self.connection.close_code or 0


@asynccontextmanager
async def connected(
    node: DeliveryNode, token: str | None = None, *, follows: bool = True, **options: Any
) -> AsyncIterator[Client]:
    """A socket; authenticated when there is a token, and then past its first, empty resume."""
    options = {"subprotocols": ["realchat.v1"], "compression": None, "ping_interval": None, **options}
    async with connect(node.url, **options) as connection:
        client = Client(connection)
        if token is not None:
            assert (await client.asks({"type": "auth", "token": token}))["type"] == "ready"
            if follows:
                assert (await client.asks({"type": "resume", "conversations": {}}))["type"] == "resumed"
        yield client
