"""The tables of the conversation service. The schema itself, with its constraints, is in migrations/."""

from __future__ import annotations

from typing import Any

from sqlalchemy import BigInteger, Column, Identity, SmallInteger, Uuid
from sqlalchemy.orm import registry
from sqlmodel import Field, SQLModel


class Table(SQLModel, registry=registry()):
    """A base of its own, so that services' tables never mix."""


def _id(*, primary_key: bool = False, nullable: bool = False) -> Any:
    return Field(sa_column=Column(Uuid(as_uuid=False), primary_key=primary_key, nullable=nullable))


def _growing(*, primary_key: bool = False) -> Any:
    return Field(default=None, sa_column=Column(BigInteger, Identity(always=True), primary_key=primary_key))


class ConversationRow(Table, table=True):
    """A conversation; its row lock orders all decisions about it."""

    __tablename__ = "conversation"

    conversation_id: str = _id(primary_key=True)
    kind: int = Field(sa_type=SmallInteger)
    title: str
    created_at_ms: int = Field(sa_type=BigInteger)
    member_count: int
    creator_id: str = _id()
    idempotency_key: str | None
    content_digest: bytes | None
    """What the creation asked for, to tell a repetition from another request with the same key."""
    direct_low_id: str | None = _id(nullable=True)
    """The pair of a direct conversation, ordered; unique."""
    direct_high_id: str | None = _id(nullable=True)


class MemberRow(Table, table=True):
    """Somebody in a conversation."""

    __tablename__ = "member"

    conversation_id: str = _id(primary_key=True)
    user_id: str = _id(primary_key=True)
    role: int = Field(sa_type=SmallInteger)
    joined: int = _growing()
    """Grows with each joining: the order of joining."""


class PendingChangeRow(Table, table=True):
    """A change that is decided, until it is in the log and its request has been answered."""

    __tablename__ = "pending_change"

    id: int = _growing(primary_key=True)
    """Grows in the order of the decisions about one conversation, since each holds the conversation's lock."""
    conversation_id: str = _id()
    event_id: str = _id()
    actor_id: str = _id()
    event: bytes
    """chat.event.v1.Event."""
    decided_at_ms: int = Field(sa_type=BigInteger)
    appended: bool = False
