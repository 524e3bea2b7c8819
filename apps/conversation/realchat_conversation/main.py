"""Starts the conversation service."""

from __future__ import annotations

from fastapi import FastAPI

from chat.conversation.v1.conversation_pb2_grpc import add_ConversationServiceServicer_to_server
from chat.message.v1.message_pb2_grpc import MessageServiceStub
from chat.profile.v1.profile_pb2_grpc import ProfileServiceStub
from realchat_common.database import migrate, open_engine, ping
from realchat_common.ids import new_id, now_ms
from realchat_common.rpc import rpc_server
from realchat_common.runtime import start, starting
from realchat_conversation.invites import Invites
from realchat_conversation.outbox import Outbox
from realchat_conversation.peers import MessageLog, ProfileDirectory, TopicDevices
from realchat_conversation.pending import PendingChanges
from realchat_conversation.rpc import ConversationServicer
from realchat_conversation.service import Conversations
from realchat_conversation.settings import ConversationSettings
from realchat_conversation.store import Store


async def main() -> None:
    """Wires the service together and serves until it is stopped."""
    settings = ConversationSettings()
    async with starting(settings) as runtime:
        sidecar = runtime.sidecar
        engine = open_engine(sidecar.secrets["database-url"])
        runtime.resources.push_async_callback(engine.dispose)
        await migrate(engine, "realchat_conversation")
        runtime.health.add("database", lambda: ping(engine))

        outbox = Outbox(PendingChanges(engine), MessageLog(sidecar.peer("message", MessageServiceStub)), now_ms)
        directory = ProfileDirectory(sidecar.peer("profile", ProfileServiceStub))
        store = Store(engine)
        conversations = Conversations(store, outbox, directory, TopicDevices(sidecar), new_id, now_ms)
        runtime.background("relay", outbox.relay)

        server = rpc_server(settings.app_api_token.get_secret_value(), sidecar.callers)
        invites = Invites(store, outbox, new_id, now_ms)
        add_ConversationServiceServicer_to_server(ConversationServicer(conversations, invites), server)
        runtime.serve_rpc(server, settings.grpc_port)
        runtime.serve_internal(FastAPI(title="RealChat conversation, internal", openapi_url=None))
        await runtime.run()


if __name__ == "__main__":
    start(main)
