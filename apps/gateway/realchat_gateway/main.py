"""Starts the gateway."""

from __future__ import annotations

from chat.auth.v1.account_pb2_grpc import AccountServiceStub
from chat.auth.v1.administration_pb2_grpc import AdministrationServiceStub
from chat.auth.v1.auth_pb2_grpc import AuthServiceStub
from chat.auth.v1.bot_pb2_grpc import BotServiceStub
from chat.conversation.v1.conversation_pb2_grpc import ConversationServiceStub
from chat.message.v1.attachment_pb2_grpc import AttachmentServiceStub
from chat.message.v1.message_pb2_grpc import MessageServiceStub
from chat.message.v1.poll_pb2_grpc import PollServiceStub
from chat.message.v1.schedule_pb2_grpc import ScheduleServiceStub
from chat.message.v1.search_pb2_grpc import SearchServiceStub
from chat.presence.v1.presence_pb2_grpc import PresenceServiceStub
from chat.profile.v1.profile_pb2_grpc import ProfileServiceStub
from realchat_common.redis import open_redis
from realchat_common.runtime import start, starting
from realchat_common.tokens import AccessTokens, auth_keys
from realchat_gateway.api import public_app
from realchat_gateway.apikeys import ApiKeys
from realchat_gateway.events import internal_app
from realchat_gateway.gateway import Gateway
from realchat_gateway.idempotency import DaprRecords
from realchat_gateway.limits import Limits
from realchat_gateway.protocol import GuardedHttp
from realchat_gateway.revocations import RevokedSessions
from realchat_gateway.settings import GatewaySettings


async def main() -> None:
    """Wires the gateway together and serves until it is stopped."""
    settings = GatewaySettings()
    async with starting(settings) as runtime:
        sidecar = runtime.sidecar
        redis = open_redis(sidecar.secrets["redis-url"])
        runtime.resources.push_async_callback(redis.aclose)
        runtime.health.add("redis", redis.ping)
        revoked = RevokedSessions(redis)
        runtime.background("revoked sessions", revoked.follow)

        auth = sidecar.peer("auth", AuthServiceStub)
        bot = sidecar.peer("auth", BotServiceStub)
        gateway = Gateway(
            auth=auth,
            account=sidecar.peer("auth", AccountServiceStub),
            administration=sidecar.peer("auth", AdministrationServiceStub),
            bot=bot,
            keys=ApiKeys(bot),
            profile=sidecar.peer("profile", ProfileServiceStub),
            conversation=sidecar.peer("conversation", ConversationServiceStub),
            message=sidecar.peer("message", MessageServiceStub),
            search=sidecar.peer("message", SearchServiceStub),
            attachments=sidecar.peer("message", AttachmentServiceStub),
            schedule=sidecar.peer("message", ScheduleServiceStub),
            polls=sidecar.peer("message", PollServiceStub),
            presence=sidecar.peer("presence", PresenceServiceStub),
            tokens=AccessTokens(auth_keys(auth), settings.issuer),
            revoked=revoked,
            limits=Limits(redis, settings.rates()),
            records=DaprRecords(sidecar.client),
            ticket_key=sidecar.secrets["ticket-key"],
            settings=settings,
        )
        runtime.serve_http(
            public_app(gateway),
            settings.http_port,
            http=GuardedHttp,
            ws="none",
            proxy_headers=bool(settings.trusted_proxies),
            forwarded_allow_ips=settings.trusted_proxies,
            server_header=False,
        )
        runtime.serve_internal(internal_app(settings.app_api_token.get_secret_value(), revoked))
        await runtime.run()


if __name__ == "__main__":
    start(main)
