"""An auth service whose clock, broker and peers the test holds in its hand."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import grpc
import pytest
from argon2 import PasswordHasher
from cryptography.fernet import Fernet
from realchat_auth.administration.service import Administration
from realchat_auth.administration.store import REPLAY, AdministrationStore
from realchat_auth.bots.service import Bots
from realchat_auth.bots.store import BotStore
from realchat_auth.credentials.domain import Mail, Purpose
from realchat_auth.credentials.factor_store import FactorStore
from realchat_auth.credentials.factors import SecondFactors
from realchat_auth.credentials.letters import MAIL
from realchat_auth.credentials.mail import PACE, Mailroom
from realchat_auth.credentials.service import Credentials
from realchat_auth.credentials.store import CredentialStore
from realchat_auth.events import ACCOUNT_EVENT, ERASURE, ERASURE_PACE, PROFILE, event_reader
from realchat_auth.keys import SigningKeys
from realchat_auth.outbox import Outbox
from realchat_auth.passwords import Passwords
from realchat_auth.sealing import sealing
from realchat_auth.service import Accounts, Tokens
from realchat_auth.store import AuthStore
from realchat_auth.webhooks.follower import Follower
from realchat_auth.webhooks.service import PACE as WEBHOOK_PACE
from realchat_auth.webhooks.service import Webhooks
from realchat_auth.webhooks.store import WEBHOOK, WebhookStore
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine

from chat.auth.v1 import auth_pb2_grpc
from chat.event.v1 import event_pb2
from chat.message.v1 import message_pb2
from chat.profile.v1 import profile_pb2
from realchat_common.database import migrate, open_engine
from realchat_common.errors import Code, RealChatError
from realchat_common.identity import User
from realchat_common.rpc import Peer
from realchat_common.tokens import AccessTokens

TOKEN = "app-api-token"
PASSWORD = "correct horse battery"
HASHER = PasswordHasher(1, 8, 1)


@dataclass
class Line:
    """The service over gRPC."""

    gateway: Peer[auth_pb2_grpc.AuthServiceAsyncStub]
    sidecar: Any
    """The stub by which the sidecar calls back."""
    channel: grpc.aio.Channel


@dataclass
class Receiver:
    """Another service, or the broker: takes what it is told, unless it is away."""

    taken: list[bytes] = field(default_factory=list)
    away: bool = False

    async def take(self, payload: bytes) -> None:
        if self.away:
            raise OSError("nobody answers")
        self.taken.append(payload)


@dataclass
class Postman:
    """The mail server: takes what it is given, unless it is away."""

    taken: list[Mail] = field(default_factory=list)
    away: bool = False

    async def take(self, mail: Mail) -> None:
        if self.away:
            raise OSError("nobody answers")
        self.taken.append(mail)


@dataclass
class Log:
    """The message service's log."""

    events: list[event_pb2.Event] = field(default_factory=list)
    page: int = 400
    """Events in an answer, at most."""
    reads: int = 0
    away_after: int | None = None
    """Answers until nobody answers any more."""

    async def read(self, conversation_id: str, first_seq: int, limit: int) -> message_pb2.ReadLogResponse:
        self.reads += 1
        if self.away_after is not None:
            if not self.away_after:
                raise RealChatError(Code.UNAVAILABLE)
            self.away_after -= 1
        events = [each for each in self.events if each.conversation_id == conversation_id]
        found = [each for each in events if each.seq >= first_seq][: min(limit, self.page)]
        return message_pb2.ReadLogResponse(events=found, last_seq=len(events))


@dataclass
class Web:
    """Whoever is called by webhooks: answers with a status, or not at all."""

    status: int = 200
    calls: list[tuple[str, dict[str, str], bytes]] = field(default_factory=list)

    async def post(self, url: str, headers: dict[str, str], body: bytes) -> int:
        self.calls.append((url, headers, body))
        if not self.status:
            raise OSError("nobody answers")
        return self.status


@dataclass
class Office:
    """One replica of auth and what surrounds it."""

    engine: AsyncEngine
    sealing_key: str
    broker: Receiver
    profile: Receiver
    elsewhere: Receiver = field(default_factory=Receiver)
    """Where accounts that are deleted have left something."""
    replayed: Receiver = field(default_factory=Receiver)
    """The topics of dead letters that are put back: takes their ids."""
    log: Log = field(default_factory=Log)
    web: Web = field(default_factory=Web)
    postman: Postman = field(default_factory=Postman)
    now_ms: int = field(default_factory=lambda: time.time_ns() // 1_000_000)

    def __post_init__(self) -> None:
        self.keys = self.replica_keys()
        self.outbox = Outbox(
            self.engine,
            {ACCOUNT_EVENT: self.broker.take, PROFILE: self.profile.take, REPLAY: self.replayed.take},
            lambda: self.now_ms,
        )
        self.factors = SecondFactors(FactorStore(self.engine), sealing(self.sealing_key), lambda: self.now_ms)
        self.accounts = self.with_hasher(HASHER)
        mailroom = Mailroom(CredentialStore(self.engine), self.postman.take, "http://web", lambda: self.now_ms)
        self.erasure = Outbox(self.engine, {ERASURE: self.elsewhere.take}, lambda: self.now_ms, ERASURE_PACE)
        self.post = Outbox(self.engine, {MAIL: mailroom.take}, lambda: self.now_ms, PACE)
        hooks = WebhookStore(self.engine)
        self.follower = Follower(hooks, self.log.read, lambda: self.now_ms)
        self.webhooks = Webhooks(
            hooks,
            sealing(self.sealing_key),
            event_reader(self.log.read),
            self.web,
            lambda: self.now_ms,
            private=False,
        )
        self.calls = Outbox(self.engine, {WEBHOOK: self.webhooks.call}, lambda: self.now_ms, WEBHOOK_PACE)
        self.administration = Administration(AdministrationStore(self.engine), self.outbox, lambda: self.now_ms)
        self.bots = Bots(BotStore(self.engine), self.outbox, lambda: self.now_ms)
        self.credentials = Credentials(
            CredentialStore(self.engine),
            AuthStore(self.engine),
            self.factors,
            Passwords(HASHER),
            self.outbox,
            lambda: self.now_ms,
        )

    def replica_keys(self) -> SigningKeys:
        """The keys as one more replica has them."""
        return SigningKeys(self.engine, self.sealing_key, "realchat", lambda: self.now_ms)

    def with_hasher(self, hasher: PasswordHasher) -> Accounts:
        """The service with other Argon2 parameters."""
        return Accounts(
            AuthStore(self.engine), self.factors, Passwords(hasher), self.keys, self.outbox, lambda: self.now_ms
        )

    def passes(self, seconds: float) -> None:
        self.now_ms += int(seconds * 1000)

    async def registers(self, email: str = "alice@example.com", name: str = "Alice") -> Tokens:
        return await self.accounts.register(email, PASSWORD, name, "Firefox on Linux")

    async def logs_in(self, email: str = "alice@example.com", password: str = PASSWORD) -> Tokens:
        return await self.accounts.log_in(email, password, "Safari on iPhone")

    async def refused(self, attempt: Any) -> RealChatError:
        """The error with which something is refused."""
        with pytest.raises(RealChatError) as refusal:
            await attempt
        return refusal.value

    async def mails(self) -> list[Mail]:
        """What is sent now, after all that was sent before."""
        before = len(self.postman.taken)
        while await self.post.deliver_due():
            pass
        return self.postman.taken[before:]

    async def brought(self, purpose: Purpose) -> str:
        """What the newest mail of a purpose brings."""
        *_, mail = [mail for mail in await self.mails() if f"#{purpose}=" in mail.html]
        return mail.html.split(f"#{purpose}=")[1].split('"')[0]

    async def rows(self, table: str) -> int:
        async with self.engine.connect() as connection:
            return int((await connection.execute(text(f"SELECT count(*) FROM {table}"))).scalar_one())

    def revoked(self) -> list[str]:
        """The sessions whose end was published, in order."""
        return [event_pb2.AccountEvent.FromString(raw).session_revoked.session_id for raw in self.broker.taken]

    def profiles(self) -> list[tuple[str, str]]:
        """Whose profile was asked for, and by which name."""
        requests = [profile_pb2.CreateProfileRequest.FromString(raw) for raw in self.profile.taken]
        return [(request.user_id, request.display_name) for request in requests]

    async def user_of(self, access_token: str) -> User:
        """Whom a token names to the other services."""

        async def listed() -> dict[str, bytes]:
            return dict(self.keys.listed())

        return await AccessTokens(listed, "realchat").verify(access_token)


@asynccontextmanager
async def office_on(postgres_url: str) -> AsyncIterator[Office]:
    """An office with a fresh database and its first signing key."""
    engine = open_engine(postgres_url)
    await migrate(engine, "realchat_auth")
    office = Office(engine, Fernet.generate_key().decode(), Receiver(), Receiver())
    await office.keys.rotate()
    yield office
    await engine.dispose()
