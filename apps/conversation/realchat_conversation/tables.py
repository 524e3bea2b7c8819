"""The tables of the conversation service. The schema itself, with its constraints, is in migrations/."""

from __future__ import annotations

from typing import Any

from sqlalchemy import BigInteger, Column, Identity, SmallInteger, Uuid
from sqlalchemy.orm import registry
from sqlmodel import Field, SQLModel

from realchat_conversation.preferences import MemberSettings


class Table(SQLModel, registry=registry()):
    """A base of its own, so that services' tables never mix."""


def id_column(*, primary_key: bool = False, nullable: bool = False) -> Any:
    """An id, as text."""
    return Field(sa_column=Column(Uuid(as_uuid=False), primary_key=primary_key, nullable=nullable))


def _growing(*, primary_key: bool = False) -> Any:
    return Field(default=None, sa_column=Column(BigInteger, Identity(always=True), primary_key=primary_key))


class ConversationRow(Table, table=True):
    """A conversation; its row lock orders all decisions about it."""

    __tablename__ = "conversation"

    conversation_id: str = id_column(primary_key=True)
    kind: int = Field(sa_type=SmallInteger)
    title: str
    created_at_ms: int = Field(sa_type=BigInteger)
    member_count: int
    creator_id: str = id_column()
    idempotency_key: str | None
    content_digest: bytes | None
    """What the creation asked for, to tell a repetition from another request with the same key."""
    direct_low_id: str | None = id_column(nullable=True)
    """The pair of a direct conversation, ordered; unique."""
    direct_high_id: str | None = id_column(nullable=True)
    description: str = ""
    avatar_id: str | None = id_column(nullable=True)
    admins_only: bool = False
    open_history: bool = False


class MemberRow(Table, table=True):
    """Somebody in a conversation."""

    __tablename__ = "member"

    conversation_id: str = id_column(primary_key=True)
    user_id: str = id_column(primary_key=True)
    role: int = Field(sa_type=SmallInteger)
    joined: int = _growing()
    """Grows with each joining: the order of joining."""
    muted_until_ms: int = Field(default=0, sa_type=BigInteger)
    pinned: bool = False
    archived: bool = False
    draft: str = ""
    draft_at_ms: int = Field(default=0, sa_type=BigInteger)

    @property
    def settings(self) -> MemberSettings:
        """As the rules have it."""
        return MemberSettings(self.muted_until_ms, self.pinned, self.archived, self.draft, self.draft_at_ms)


class PendingChangeRow(Table, table=True):
    """A change that is decided, until it is in the log and its request has been answered."""

    __tablename__ = "pending_change"

    id: int = _growing(primary_key=True)
    """Grows in the order of the decisions about one conversation, since each holds the conversation's lock."""
    conversation_id: str = id_column()
    event_id: str = id_column()
    actor_id: str = id_column()
    event: bytes
    """chat.event.v1.Event."""
    decided_at_ms: int = Field(sa_type=BigInteger)
    appended: bool = False
