"""A conversation service on a real PostgreSQL, called directly and over gRPC."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import TYPE_CHECKING

import grpc
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat
from realchat_conversation.rpc import ConversationServicer
from service.conversation.town import Town

from chat.conversation.v1.conversation_pb2_grpc import (
    ConversationServiceStub,
    add_ConversationServiceServicer_to_server,
)
from realchat_common.database import migrate, open_engine
from realchat_common.identity import Callers, Identity
from realchat_common.rpc import Peer, rpc_server

if TYPE_CHECKING:
    from chat.conversation.v1.conversation_pb2_grpc import ConversationServiceAsyncStub

TOKEN = "app-api-token"


@pytest.fixture
async def town(postgres_url: str) -> AsyncIterator[Town]:
    engine = open_engine(postgres_url)
    await migrate(engine, "realchat_conversation")
    yield Town(engine)
    await engine.dispose()


@pytest.fixture
async def gateway(town: Town) -> AsyncIterator[Peer[ConversationServiceAsyncStub]]:
    """The service over gRPC, as the gateway calls it."""
    key = Ed25519PrivateKey.generate()
    public = key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()
    private = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()
    server = rpc_server(TOKEN, Callers("conversation", {"gateway": public}))
    add_ConversationServiceServicer_to_server(ConversationServicer(town.conversations, town.invites), server)
    port = server.add_insecure_port("127.0.0.1:0")
    await server.start()
    async with grpc.aio.insecure_channel(f"127.0.0.1:{port}") as channel:
        yield Peer("conversation", ConversationServiceStub, channel, TOKEN, Identity("gateway", private))
    await server.stop(grace=None)
