"""Wires the auth service."""

from __future__ import annotations

from argon2 import PasswordHasher
from dapr.proto import appcallback_service_v1
from fastapi import FastAPI

from chat.auth.v1.account_pb2_grpc import add_AccountServiceServicer_to_server
from chat.auth.v1.administration_pb2_grpc import add_AdministrationServiceServicer_to_server
from chat.auth.v1.auth_pb2_grpc import add_AuthServiceServicer_to_server
from chat.auth.v1.bot_pb2_grpc import add_BotServiceServicer_to_server
from chat.conversation.v1.conversation_pb2_grpc import ConversationServiceStub
from chat.message.v1.message_pb2_grpc import MessageServiceStub
from chat.presence.v1.presence_pb2_grpc import PresenceServiceStub
from chat.profile.v1.profile_pb2_grpc import ProfileServiceStub
from realchat_auth.administration.dead_letters import replayer
from realchat_auth.administration.rpc import AdministrationServicer
from realchat_auth.administration.service import Administration
from realchat_auth.administration.store import REPLAY, AdministrationStore
from realchat_auth.api import public_app
from realchat_auth.bots.rpc import BotServicer
from realchat_auth.bots.service import Bots
from realchat_auth.bots.store import BotStore
from realchat_auth.callbacks import Callbacks
from realchat_auth.credentials.factor_store import FactorStore
from realchat_auth.credentials.factors import SecondFactors
from realchat_auth.credentials.letters import MAIL
from realchat_auth.credentials.mail import PACE, Mailroom, post
from realchat_auth.credentials.rpc import AccountServicer
from realchat_auth.credentials.service import Credentials
from realchat_auth.credentials.store import CredentialStore
from realchat_auth.events import ERASURE, ERASURE_PACE, couriers, eraser, event_reader, log_reader
from realchat_auth.keys import SigningKeys
from realchat_auth.outbox import Outbox
from realchat_auth.passwords import Passwords
from realchat_auth.reminders.elsewhere import Services
from realchat_auth.reminders.service import Reminders
from realchat_auth.reminders.store import ReminderStore
from realchat_auth.rpc import AuthServicer
from realchat_auth.sealing import sealing
from realchat_auth.service import Accounts
from realchat_auth.settings import AuthSettings
from realchat_auth.store import AuthStore
from realchat_auth.webhooks.follower import Follower
from realchat_auth.webhooks.outgoing import Outgoing
from realchat_auth.webhooks.service import PACE as WEBHOOK_PACE
from realchat_auth.webhooks.service import Webhooks
from realchat_auth.webhooks.store import WEBHOOK, WebhookStore
from realchat_common.database import migrate, open_engine, ping
from realchat_common.ids import now_ms
from realchat_common.rpc import rpc_server
from realchat_common.runtime import start, starting


async def main() -> None:
    """Runs until told to stop."""
    settings = AuthSettings()
    async with starting(settings) as runtime:
        sidecar = runtime.sidecar
        engine = open_engine(sidecar.secrets["database-url"])
        runtime.resources.push_async_callback(engine.dispose)
        await migrate(engine, "realchat_auth")

        keys = SigningKeys(engine, sidecar.secrets["key-encryption-key"], settings.issuer, now_ms)
        await keys.rotate()
        hasher = PasswordHasher(settings.argon2_time_cost, settings.argon2_memory_kib, settings.argon2_parallelism)
        profile, message = sidecar.peer("profile", ProfileServiceStub), sidecar.peer("message", MessageServiceStub)
        conversation = sidecar.peer("conversation", ConversationServiceStub)
        administration_store = AdministrationStore(engine)
        replay = replayer(administration_store, sidecar)
        outbox = Outbox(engine, {**couriers(sidecar, profile), REPLAY: replay}, now_ms)
        erase = eraser(profile, conversation)
        store, passwords = AuthStore(engine), Passwords(hasher, settings.hashes_at_once)
        seal = sealing(sidecar.secrets["key-encryption-key"])
        factors = SecondFactors(FactorStore(engine), seal, now_ms)
        accounts = Accounts(store, factors, passwords, keys, outbox, now_ms)
        credential_store = CredentialStore(engine)
        credentials = Credentials(credential_store, store, factors, passwords, outbox, now_ms)
        runtime.background("signing keys", keys.run)
        mailroom = Mailroom(credential_store, post(sidecar), settings.web_url, now_ms)
        bots = Bots(BotStore(engine), outbox, now_ms)
        outgoing = Outgoing(private=settings.webhooks_private)
        runtime.resources.push_async_callback(outgoing.close)
        read = log_reader(message)
        hooks = WebhookStore(engine)
        webhooks = Webhooks(hooks, seal, event_reader(read), outgoing, now_ms, private=settings.webhooks_private)
        follower = Follower(hooks, read, now_ms)
        administration = Administration(administration_store, outbox, now_ms)
        elsewhere = Services(sidecar.peer("presence", PresenceServiceStub), message, conversation, profile)
        after_ms = int(settings.remind_after_seconds * 1000)
        runtime.background("reminders", Reminders(ReminderStore(engine), elsewhere, after_ms, now_ms).run)
        runtime.background("outbox", outbox.run)
        runtime.background("webhooks", Outbox(engine, {WEBHOOK: webhooks.call}, now_ms, WEBHOOK_PACE).run)
        runtime.background("erasure", Outbox(engine, {ERASURE: erase}, now_ms, ERASURE_PACE).run)
        runtime.background("mail", Outbox(engine, {MAIL: mailroom.take}, now_ms, PACE).run)

        server = rpc_server(settings.app_api_token.get_secret_value(), sidecar.callers)
        add_AuthServiceServicer_to_server(AuthServicer(accounts, keys), server)
        add_AccountServiceServicer_to_server(AccountServicer(credentials), server)
        add_BotServiceServicer_to_server(BotServicer(bots, webhooks), server)
        add_AdministrationServiceServicer_to_server(AdministrationServicer(administration), server)

        async def purge() -> None:
            await accounts.purge()
            await hooks.purge(now_ms())
            await administration_store.purge_dead_letters(now_ms())

        callbacks = Callbacks(purge, follower.take_up, administration.keep)
        appcallback_service_v1.add_AppCallbackServicer_to_server(callbacks, server)  # type: ignore[no-untyped-call]
        runtime.serve_rpc(server, settings.grpc_port)
        runtime.serve_http(public_app(keys, settings.issuer, settings.public_url), settings.http_port)
        runtime.health.add("database", lambda: ping(engine))
        runtime.serve_internal(FastAPI(title="RealChat auth, internal", openapi_url=None))
        await runtime.run()


if __name__ == "__main__":
    start(main)
