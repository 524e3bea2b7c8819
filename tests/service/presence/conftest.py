"""A presence service on a real Redis, called directly and over gRPC."""

from __future__ import annotations

from collections.abc import AsyncIterator

import grpc
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat
from realchat_presence.rpc import PresenceServicer
from service.presence.house import House, Peers, house_on

from chat.presence.v1.presence_pb2_grpc import PresenceServiceStub, add_PresenceServiceServicer_to_server
from realchat_common.identity import Callers, Identity
from realchat_common.rpc import Peer, rpc_server

TOKEN = "app-api-token"


@pytest.fixture
async def house(redis_url: str) -> AsyncIterator[House]:
    async with house_on(redis_url) as house:
        yield house


@pytest.fixture
async def peers(house: House) -> AsyncIterator[Peers]:
    """The service over gRPC, as each of the applications calls it."""
    keys = {app: Ed25519PrivateKey.generate() for app in ("delivery", "gateway", "message")}
    public = {
        app: key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()
        for app, key in keys.items()
    }
    private = {
        app: key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode() for app, key in keys.items()
    }
    callers = Callers("presence", public)
    server = rpc_server(TOKEN, callers)
    add_PresenceServiceServicer_to_server(PresenceServicer(house.presence), server)
    port = server.add_insecure_port("127.0.0.1:0")
    await server.start()
    async with grpc.aio.insecure_channel(f"127.0.0.1:{port}") as channel:
        yield {
            app: Peer("presence", PresenceServiceStub, channel, TOKEN, Identity(app, pem))
            for app, pem in private.items()
        }
    await server.stop(grace=None)
