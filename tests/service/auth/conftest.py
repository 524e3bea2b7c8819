"""An auth service on a real PostgreSQL, called directly and over gRPC."""

from __future__ import annotations

from collections.abc import AsyncIterator

import grpc
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat
from dapr.proto import appcallback_service_v1
from realchat_auth.callbacks import Callbacks
from realchat_auth.credentials.rpc import AccountServicer
from realchat_auth.rpc import AuthServicer
from service.auth.office import TOKEN, Line, Office, office_on

from chat.auth.v1.account_pb2_grpc import add_AccountServiceServicer_to_server
from chat.auth.v1.auth_pb2_grpc import AuthServiceStub, add_AuthServiceServicer_to_server
from realchat_common.identity import Callers, Identity
from realchat_common.rpc import Peer, rpc_server


@pytest.fixture
async def office(postgres_url: str) -> AsyncIterator[Office]:
    async with office_on(postgres_url) as office:
        yield office


@pytest.fixture
async def line(office: Office) -> AsyncIterator[Line]:
    """The service over gRPC, as the gateway and the sidecar call it."""
    key = Ed25519PrivateKey.generate()
    public = key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()
    private = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()
    server = rpc_server(TOKEN, Callers("auth", {"gateway": public}))
    add_AuthServiceServicer_to_server(AuthServicer(office.accounts, office.keys), server)
    add_AccountServiceServicer_to_server(AccountServicer(office.credentials), server)
    callbacks = Callbacks(office.accounts.purge, office.follower.take_up, office.administration.keep)
    appcallback_service_v1.add_AppCallbackServicer_to_server(callbacks, server)  # type: ignore[no-untyped-call]
    port = server.add_insecure_port("127.0.0.1:0")
    await server.start()
    async with grpc.aio.insecure_channel(f"127.0.0.1:{port}") as channel:
        gateway = Peer("auth", AuthServiceStub, channel, TOKEN, Identity("gateway", private))
        yield Line(gateway, appcallback_service_v1.AppCallbackStub(channel), channel)  # type: ignore[no-untyped-call]
    await server.stop(grace=None)
