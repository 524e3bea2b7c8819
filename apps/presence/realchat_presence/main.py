"""Starts the presence service."""

from __future__ import annotations

from fastapi import FastAPI

from chat.conversation.v1.conversation_pb2_grpc import ConversationServiceStub
from chat.presence.v1.presence_pb2_grpc import add_PresenceServiceServicer_to_server
from chat.profile.v1.profile_pb2_grpc import ProfileServiceStub
from realchat_common.ids import now_ms
from realchat_common.redis import open_redis
from realchat_common.rpc import rpc_server
from realchat_common.runtime import start, starting
from realchat_presence.acquaintances import KnownPeople
from realchat_presence.rpc import PresenceServicer
from realchat_presence.service import Presence
from realchat_presence.settings import PresenceSettings
from realchat_presence.store import DaprLastSeen, Heartbeats


async def main() -> None:
    """Wires the service together and serves until it is stopped."""
    settings = PresenceSettings()
    async with starting(settings) as runtime:
        redis = open_redis(runtime.sidecar.secrets["redis-url"])
        runtime.resources.push_async_callback(redis.aclose)
        heartbeats = Heartbeats(redis)
        runtime.health.add("redis", heartbeats.ping)

        server = rpc_server(settings.app_api_token.get_secret_value(), runtime.sidecar.callers)
        sidecar = runtime.sidecar
        acquaintances = KnownPeople(
            sidecar.peer("conversation", ConversationServiceStub), sidecar.peer("profile", ProfileServiceStub)
        )
        presence = Presence(heartbeats, DaprLastSeen(runtime.sidecar.client), acquaintances, now_ms)
        add_PresenceServiceServicer_to_server(PresenceServicer(presence), server)

        runtime.serve_rpc(server, settings.grpc_port)
        runtime.serve_internal(FastAPI(title="RealChat presence, internal", openapi_url=None))
        await runtime.run()


if __name__ == "__main__":
    start(main)
