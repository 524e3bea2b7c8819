"""A profile service on a real PostgreSQL, over gRPC as auth, the gateway and conversation call it."""

from __future__ import annotations

from collections.abc import AsyncIterator

import grpc
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat
from realchat_profile.privacy_store import PrivacyStore
from realchat_profile.relation_store import RelationStore
from realchat_profile.rpc import ProfileServicer
from realchat_profile.store import ProfileStore
from realchat_profile.teller import Teller
from service.profile.people import Heard, People
from sqlalchemy.ext.asyncio import AsyncEngine

from chat.profile.v1.profile_pb2_grpc import ProfileServiceStub, add_ProfileServiceServicer_to_server
from realchat_common.database import migrate, open_engine
from realchat_common.identity import Callers, Identity
from realchat_common.rpc import Peer, rpc_server

TOKEN = "app-api-token"


@pytest.fixture
async def engine(postgres_url: str) -> AsyncIterator[AsyncEngine]:
    engine = open_engine(postgres_url)
    await migrate(engine, "realchat_profile")
    yield engine
    await engine.dispose()


@pytest.fixture
async def people(engine: AsyncEngine) -> AsyncIterator[People]:
    keys = {app: Ed25519PrivateKey.generate() for app in ("auth", "gateway", "conversation")}
    callers = Callers(
        "profile",
        {
            app: key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()
            for app, key in keys.items()
        },
    )
    server = rpc_server(TOKEN, callers)
    relations, privacies, heard = RelationStore(engine), PrivacyStore(engine), Heard()
    teller = Teller(relations, privacies, heard)
    servicer = ProfileServicer(ProfileStore(engine), relations, privacies, teller)
    add_ProfileServiceServicer_to_server(servicer, server)
    port = server.add_insecure_port("127.0.0.1:0")
    await server.start()
    async with grpc.aio.insecure_channel(f"127.0.0.1:{port}") as channel:

        def peer(app: str) -> Peer[ProfileServiceStub]:
            pem = keys[app].private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()
            return Peer("profile", ProfileServiceStub, channel, TOKEN, Identity(app, pem))

        yield People(peer("auth"), peer("gateway"), peer("conversation"), heard, teller)
    await server.stop(grace=None)
