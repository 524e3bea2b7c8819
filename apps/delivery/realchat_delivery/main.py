"""Wires the delivery service."""

from __future__ import annotations

import asyncio
from functools import partial

from chat.auth.v1.auth_pb2_grpc import AuthServiceStub
from chat.message.v1.message_pb2_grpc import MessageServiceStub
from chat.presence.v1.presence_pb2_grpc import PresenceServiceStub
from realchat_common.ids import new_id
from realchat_common.redis import open_redis
from realchat_common.runtime import start, starting
from realchat_common.tokens import AccessTokens, auth_keys
from realchat_delivery.api import internal_app, public_app
from realchat_delivery.append import Appender
from realchat_delivery.fanout import Fanout
from realchat_delivery.frames import MOST_FRAME_BYTES
from realchat_delivery.hub import Hub
from realchat_delivery.log import Log
from realchat_delivery.messages import RpcMessages
from realchat_delivery.notices import Notices
from realchat_delivery.ports import Node
from realchat_delivery.presence import Beacon, RpcPresence
from realchat_delivery.receipts import Marks
from realchat_delivery.registry import Registry, open_subscriber
from realchat_delivery.resume import CatchUp
from realchat_delivery.settings import DeliverySettings
from realchat_delivery.shortcut import Shortcut
from realchat_delivery.tickets import Credentials, Tickets
from realchat_delivery.transport import HttpProtocol, SocketProtocol
from realchat_delivery.watch import Watches


async def main() -> None:
    """Runs until told to stop."""
    settings = DeliverySettings()
    async with starting(settings) as runtime:
        sidecar = runtime.sidecar
        redis, subscriber = (open_(sidecar.secrets["redis-url"]) for open_ in (open_redis, open_subscriber))
        for client in (redis, subscriber):
            runtime.resources.push_async_callback(client.aclose)
        registry = Registry(redis, subscriber, node_id=new_id())
        messages = RpcMessages(sidecar.peer("message", MessageServiceStub))
        log = Log(messages, settings.audiences_cached)
        catch_up = CatchUp(messages, log)
        marks = Marks(messages.move)
        presence = RpcPresence(sidecar.peer("presence", PresenceServiceStub))
        beacon, watches = Beacon(presence, registry.broadcast), Watches(presence)
        credentials = Credentials(
            AccessTokens(auth_keys(sidecar.peer("auth", AuthServiceStub)), settings.issuer),
            Tickets(sidecar.secrets["ticket-key"], registry.burn),
        )
        # Appends that are under way are finished before the sidecar is left.
        async with asyncio.TaskGroup() as group:
            hub = Hub(settings, registry, log, beacon, watches, group)
            notices = Notices(hub, registry, log)
            fanout = Fanout(hub, registry, log, notices)
            shortcut = Shortcut(fanout.written)
            appender = Appender(
                messages.append, shortcut.offer, group, settings.appends_waiting, settings.append_seconds
            )
            node = Node(
                authenticate=credentials.authenticate,
                opened=hub.opened,
                epoch=catch_up.epoch,
                join=hub.join,
                left=hub.left,
                append=appender.submit,
                change=messages.change,
                resume=catch_up.resume,
                mark=marks.add,
                typing=notices.typing,
                show=hub.show,
                watch=watches.watch,
                repair=hub.repair,
            )
            runtime.background("heartbeats", hub.tick)
            runtime.background("registration", hub.refresh)
            runtime.background("departures", hub.unregister)
            runtime.background("channel", hub.listen)
            runtime.background("catch-up", partial(catch_up.run, hub, settings.resync_parallel))
            runtime.background("presence", beacon.run)
            runtime.background("watches", watches.run)
            runtime.background("receipts", marks.run)
            runtime.background("shortcut", shortcut.run)
            runtime.on_drain(hub.drain)
            runtime.health.add("redis", registry.ping)
            runtime.serve_http(
                public_app(settings, node, hub.admit),
                settings.http_port,
                http=HttpProtocol,
                ws=SocketProtocol,
                # Frames that are a little too large get our close code, larger ones the protocol's own (1009).
                ws_max_size=4 * MOST_FRAME_BYTES,
                ws_ping_interval=None,
                ws_per_message_deflate=False,
            )
            runtime.serve_internal(internal_app(settings.app_api_token.get_secret_value(), fanout))
            await runtime.run()


if __name__ == "__main__":
    start(main)
