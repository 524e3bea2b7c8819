"""Wires the profile service."""

from __future__ import annotations

from fastapi import FastAPI

from chat.auth.v1.auth_pb2_grpc import AuthServiceStub
from chat.message.v1.message_pb2_grpc import MessageServiceStub
from chat.profile.v1.profile_pb2_grpc import add_ProfileServiceServicer_to_server
from realchat_common.database import migrate, open_engine, ping
from realchat_common.rpc import rpc_server
from realchat_common.runtime import start, starting
from realchat_common.tokens import AccessTokens, auth_keys
from realchat_profile.api import public_app
from realchat_profile.privacy_store import PrivacyStore
from realchat_profile.relation_store import RelationStore
from realchat_profile.rpc import ProfileServicer
from realchat_profile.settings import ProfileSettings
from realchat_profile.store import ProfileStore
from realchat_profile.teller import SidecarListeners, Teller


async def main() -> None:
    """Runs until told to stop."""
    settings = ProfileSettings()
    async with starting(settings) as runtime:
        sidecar = runtime.sidecar
        engine = open_engine(sidecar.secrets["database-url"])
        runtime.resources.push_async_callback(engine.dispose)
        await migrate(engine, "realchat_profile")

        store, relations, privacies = ProfileStore(engine), RelationStore(engine), PrivacyStore(engine)
        teller = Teller(relations, privacies, SidecarListeners(sidecar, sidecar.peer("message", MessageServiceStub)))
        runtime.background("teller", teller.run)
        tokens = AccessTokens(auth_keys(sidecar.peer("auth", AuthServiceStub)), settings.issuer)
        server = rpc_server(settings.app_api_token.get_secret_value(), sidecar.callers)
        add_ProfileServiceServicer_to_server(ProfileServicer(store, relations, privacies, teller), server)
        runtime.serve_rpc(server, settings.grpc_port)
        runtime.serve_http(public_app(store, tokens), settings.http_port)
        runtime.health.add("database", lambda: ping(engine))
        runtime.serve_internal(FastAPI(title="RealChat profile, internal", openapi_url=None))
        await runtime.run()


if __name__ == "__main__":
    start(main)
