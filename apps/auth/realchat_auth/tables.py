"""The auth service's tables, made by the migrations."""

from __future__ import annotations

from typing import Annotated
from uuid import UUID

from sqlalchemy import ARRAY, BigInteger, Column, Text
from sqlalchemy.orm import registry
from sqlmodel import Field, SQLModel

Milliseconds = Annotated[int, Field(sa_type=BigInteger)]
"""Since the Unix epoch."""


class Table(SQLModel, registry=registry()):
    """The tables of this service."""


class Account(Table, table=True):
    """Somebody who can log in."""

    user_id: UUID = Field(primary_key=True)
    email: str
    email_key: str
    """Unique; what two addresses are compared by."""
    password_hash: str
    """Argon2id, in its standard form with parameters and salt."""
    created_at_ms: Milliseconds
    email_verified_at_ms: Annotated[int | None, Field(sa_type=BigInteger)] = None
    role: str = "member"
    """Or "admin"."""
    suspended_at_ms: Annotated[int | None, Field(sa_type=BigInteger)] = None
    suspension_reason: str = ""
    reminders: bool = True
    """Whether its owner is reminded by mail of what waits unread while they are away."""
    remind_at_ms: Annotated[int, Field(sa_type=BigInteger)] = 0
    """When to look whether to."""
    reminded_at_ms: Annotated[int | None, Field(sa_type=BigInteger)] = None
    """When that was done last."""
    reminded_read_mark: Annotated[int | None, Field(sa_type=BigInteger)] = None
    """As it was then: another one after its owner has read anything."""


class Confirmation(Table, table=True):
    """What a mail brings, for whoever gets it to show that the address is theirs. Good once: its use removes it."""

    digest: bytes = Field(primary_key=True)
    """SHA-256 of 256 random bits."""
    user_id: UUID = Field(foreign_key="account.user_id")
    purpose: str
    """credentials.domain.Purpose."""
    email: str
    email_key: str
    """Where it was sent."""
    created_at_ms: Milliseconds
    expires_at_ms: Milliseconds


class SecondFactor(Table, table=True):
    """An authenticator's secret."""

    user_id: UUID = Field(primary_key=True, foreign_key="account.user_id")
    sealed_secret: bytes
    """Encrypted (Fernet)."""
    last_step: Annotated[int, Field(sa_type=BigInteger)] = 0
    """The time step of the newest code that was used: no code is good twice (RFC 6238, section 5.2)."""
    confirmed_at_ms: Annotated[int | None, Field(sa_type=BigInteger)] = None
    """Since when it is asked for; None while its owner has not shown to have it."""

    __tablename__ = "second_factor"


class RecoveryCode(Table, table=True):
    """What opens an account once without its authenticator. Its use removes it."""

    user_id: UUID = Field(primary_key=True, foreign_key="account.user_id")
    digest: bytes = Field(primary_key=True)
    """SHA-256 of 80 random bits."""

    __tablename__ = "recovery_code"


class Bot(Table, table=True):
    """A program that takes part. Its id is that of a user, who cannot log in."""

    bot_id: UUID = Field(primary_key=True)
    owner_id: UUID = Field(foreign_key="account.user_id")
    display_name: str
    created_at_ms: Milliseconds


class ApiKey(Table, table=True):
    """By which a bot comes in."""

    __tablename__ = "api_key"

    key_id: UUID = Field(primary_key=True)
    bot_id: UUID = Field(foreign_key="bot.bot_id")
    name: str
    prefix: str
    """How the secret begins."""
    digest: bytes
    """SHA-256; the secret itself has 256 random bits."""
    scopes: list[str] = Field(sa_column=Column(ARRAY(Text), nullable=False))
    created_at_ms: Milliseconds
    last_used_at_ms: Annotated[int | None, Field(sa_type=BigInteger)] = None
    expires_at_ms: Annotated[int | None, Field(sa_type=BigInteger)] = None


class Report(Table, table=True):
    """A message that somebody finds wrong, as they saw it."""

    report_id: UUID = Field(primary_key=True)
    reporter_id: UUID
    conversation_id: UUID
    message_id: UUID
    sender_id: UUID
    body: str
    sent_at_ms: Milliseconds
    reason: str
    reported_at_ms: Annotated[int, Field(sa_type=BigInteger)] = 0
    resolved_at_ms: Annotated[int | None, Field(sa_type=BigInteger)] = None
    resolved_by: UUID | None = None
    resolution: str = ""


class Audit(Table, table=True):
    """Something that an administrator did. A trigger refuses every change."""

    entry_id: UUID = Field(primary_key=True)
    at_ms: Milliseconds
    actor: str
    """The administrator's id, or how else it came about."""
    action: str
    subject_id: UUID
    detail: str


class Webhook(Table, table=True):
    """Where a bot is told of what happens in its conversations."""

    webhook_id: UUID = Field(primary_key=True)
    bot_id: UUID = Field(foreign_key="bot.bot_id")
    url: str
    sealed_secret: bytes
    """Encrypted (Fernet): it signs, so a digest would not do."""
    created_at_ms: Milliseconds
    failing_since_ms: Annotated[int | None, Field(sa_type=BigInteger)] = None
    disabled_at_ms: Annotated[int | None, Field(sa_type=BigInteger)] = None


class BotMember(Table, table=True):
    """That a bot is in a conversation, as the log says."""

    __tablename__ = "bot_member"

    conversation_id: UUID = Field(primary_key=True)
    bot_id: UUID = Field(primary_key=True, foreign_key="bot.bot_id")


class Followed(Table, table=True):
    """How far the log of a conversation was taken up that has, or had, a bot."""

    conversation_id: UUID = Field(primary_key=True)
    seq: Annotated[int, Field(sa_type=BigInteger)]
    """Of the last event that was; 0 before the first."""


class WebhookSeen(Table, table=True):
    """That an event was taken up for a webhook.

    By the version before, which follows segments and may still run beside this one; `Followed` says it to this one.
    The next version can do without.
    """

    __tablename__ = "webhook_seen"

    webhook_id: UUID = Field(primary_key=True, foreign_key="webhook.webhook_id")
    event_id: UUID = Field(primary_key=True)
    at_ms: Milliseconds


class DeadLetter(Table, table=True):
    """An event that could not be read."""

    __tablename__ = "dead_letter"

    letter_id: UUID = Field(primary_key=True)
    digest: bytes
    """Of the event's place on its topic: whoever brings it, and however often, it is one letter."""
    at_ms: Milliseconds
    """When it was published."""
    topic: str
    """That it was for."""
    key: bytes
    event_type: str
    event_id: str
    size: int
    """Of the content, in bytes."""
    content: bytes
    replayed_at_ms: Annotated[int | None, Field(sa_type=BigInteger)] = None


class Lockout(Table, table=True):
    """Logins to an email, whether or not it has an account, since the last that succeeded; or from one client."""

    subject_digest: bytes = Field(primary_key=True)
    """SHA-256, so that neither what people mistype nor where they are is kept."""
    count: int
    last_at_ms: Milliseconds
    locked_until_ms: Milliseconds


class Session(Table, table=True):
    """A device that is logged in: a family of refresh tokens."""

    session_id: UUID = Field(primary_key=True)
    user_id: UUID = Field(foreign_key="account.user_id")
    device_name: str
    created_at_ms: Milliseconds
    last_seen_at_ms: Milliseconds
    expires_at_ms: Milliseconds
    """When its newest refresh token expires."""
    ended_at_ms: Annotated[int | None, Field(sa_type=BigInteger)] = None
    generation: int = 0
    """How often its refresh token was rotated."""


class Token(Table, table=True):
    """A refresh token that was given out."""

    digest: bytes = Field(primary_key=True)
    """SHA-256; the token itself has 256 random bits, so nothing slower is needed."""
    session_id: UUID = Field(foreign_key="session.session_id")
    generation: int
    expires_at_ms: Milliseconds
    used_at_ms: Annotated[int | None, Field(sa_type=BigInteger)] = None


class Key(Table, table=True):
    """A key that signs access tokens."""

    kid: str = Field(primary_key=True)
    sealed_private_key: bytes
    """Encrypted (Fernet). The public part follows from it."""
    active_from_ms: Milliseconds


class Owed(Table, table=True):
    """Something that another service is to be told, until it was (outbox.py)."""

    owed_id: UUID = Field(primary_key=True)
    kind: str
    payload: bytes
    """As the courier of the kind reads it."""
    due_at_ms: Milliseconds
    """When to try (again)."""
    attempts: int = 0
    """Without that of whoever wrote it."""
