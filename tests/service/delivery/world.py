"""Delivery nodes on a real Redis, before a log and presence in memory."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from dataclasses import dataclass
from typing import Any

import httpx
import msgspec
import uvicorn
from fastapi import FastAPI
from realchat_delivery.api import internal_app, public_app
from realchat_delivery.append import Appender
from realchat_delivery.fanout import Fanout
from realchat_delivery.frames import Auth
from realchat_delivery.hub import Hub
from realchat_delivery.log import Log
from realchat_delivery.notices import Notices
from realchat_delivery.ports import Node
from realchat_delivery.presence import Beacon
from realchat_delivery.receipts import Marks
from realchat_delivery.registry import Registry, open_subscriber
from realchat_delivery.resume import CatchUp
from realchat_delivery.settings import DeliverySettings
from realchat_delivery.shortcut import Shortcut
from realchat_delivery.transport import HttpProtocol, SocketProtocol
from realchat_delivery.watch import Watches
from service.delivery.house import House
from service.delivery.logs import Conversation, Frame, Logs, cloud_event, pointer

from chat.event.v1 import event_pb2 as pb
from realchat_common.errors import Code, RealChatError
from realchat_common.identity import User
from realchat_common.ids import new_id
from realchat_common.problems import add_problem_handlers
from realchat_common.redis import open_redis

APP_API_TOKEN = "token of the sidecar"


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
        notices = Notices(hub, registry, log)
        fanout = Fanout(hub, registry, log, notices)
        shortcut = Shortcut(fanout.written)
        appender = Appender(world.logs.append, shortcut.offer, group, settings.appends_waiting, settings.append_seconds)
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
            "shortcut": shortcut.run,
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
