"""The read model: what the log comes to. Written by `projection.py` only, made by the migrations."""

from __future__ import annotations

from uuid import UUID

from sqlalchemy import ARRAY, BigInteger, Integer, Uuid
from sqlalchemy.orm import registry
from sqlmodel import Field, SQLModel


class Table(SQLModel, registry=registry()):
    """The tables of this service."""


class Head(Table, table=True):
    """Where a conversation's log ends; its row lock is the right to append."""

    conversation_id: UUID = Field(primary_key=True)
    last_seq: int = Field(default=0, sa_type=BigInteger)
    members_seq: int = Field(default=0, sa_type=BigInteger)
    confirmed_seq: int = Field(default=0, sa_type=BigInteger)
    """Of replicas that know no table `unconfirmed`, and gone with the next version."""
    last_activity_ms: int = Field(default=0, sa_type=BigInteger)
    """The time of the newest event."""
    unconfirmed_since_ms: int = Field(default=0, sa_type=BigInteger)
    """As `confirmed_seq`."""
    writer_id: UUID | None = None
    """The process that appended last: any other one probes the log before it appends."""
    direct_low_id: UUID | None = None
    """The pair of a direct conversation, ordered."""
    direct_high_id: UUID | None = None


class Unconfirmed(Table, table=True):
    """A segment that is committed and to which no pointer was seen on Kafka yet."""

    conversation_id: UUID = Field(primary_key=True)
    first_seq: int = Field(primary_key=True, sa_type=BigInteger)
    last_seq: int = Field(sa_type=BigInteger)
    since_ms: int = Field(sa_type=BigInteger)
    """When it was committed, or the sweeper last published a pointer to it."""


class Entry(Table, table=True):
    """An event as it now stands: a message (`client_message_id`, `body`) or a change (`change`)."""

    conversation_id: UUID = Field(primary_key=True)
    seq: int = Field(primary_key=True, sa_type=BigInteger)
    event_id: UUID
    actor_id: UUID
    occurred_at_ms: int = Field(sa_type=BigInteger)
    client_message_id: str | None = None
    body: str | None = None
    reply_to: UUID | None = None
    redacted: bool = False
    change: bytes | None = None
    """The event, without the body of a message."""
    extras: bytes | None = None
    """What few messages have, such as files, as the fields of MessageSent."""
    edited_at_ms: int = 0
    mentions: list[UUID] | None = Field(default=None, sa_type=ARRAY(Uuid))
    """Whom a message mentions by name."""
    mention_all: bool = False
    pinned_seq: int | None = Field(default=None, sa_type=BigInteger)
    """The event that pinned a message, while it is."""
    target: UUID | None = None
    """The message that the event changes; its body, as it now stands, is the event's too."""


class Member(Table, table=True):
    """A span of a conversation's log in which somebody was a member."""

    conversation_id: UUID = Field(primary_key=True)
    user_id: UUID = Field(primary_key=True)
    from_seq: int = Field(primary_key=True, sa_type=BigInteger)
    until_seq: int = Field(default=0, sa_type=BigInteger)
    """The event that ended it, which its member still gets; 0 while it lasts."""
    role: int = 0


class Receipt(Table, table=True):
    """How far somebody has come in a conversation."""

    conversation_id: UUID = Field(primary_key=True)
    user_id: UUID = Field(primary_key=True)
    delivered_up_to: int = 0
    read_up_to: int = 0
    marked_unread: bool = False


class Relation(Table, table=True):
    """What two people are to each other, as the profile service says (relations.py)."""

    low_id: UUID = Field(primary_key=True)
    high_id: UUID = Field(primary_key=True)
    contacts: bool
    apart: bool
    version: int


class ReceiptPrivacy(Table, table=True):
    """Who sees somebody's receipts, as the profile service says (relations.py). Everyone, where there is none."""

    __tablename__ = "receipt_privacy"

    user_id: UUID = Field(primary_key=True)
    audience: int
    version: int


class Revision(Table, table=True):
    """What a message said until an event changed it."""

    conversation_id: UUID = Field(primary_key=True)
    message_id: UUID = Field(primary_key=True)
    until_seq: int = Field(primary_key=True)
    body: str
    written_at_ms: int


class Reaction(Table, table=True):
    """An emoji that somebody gave a message."""

    message_id: UUID = Field(primary_key=True)
    emoji: str = Field(primary_key=True)
    user_id: UUID = Field(primary_key=True)
    seq: int = Field(sa_type=BigInteger)
    """The event that says so."""
    reacted_at_ms: int = Field(sa_type=BigInteger)


class Vote(Table, table=True):
    """What somebody answered to a poll."""

    message_id: UUID = Field(primary_key=True)
    user_id: UUID = Field(primary_key=True)
    choices: list[int] = Field(sa_type=ARRAY(Integer))


class Hidden(Table, table=True):
    """A message that somebody deleted for themselves."""

    conversation_id: UUID = Field(primary_key=True)
    user_id: UUID = Field(primary_key=True)
    seq: int = Field(primary_key=True)


class Epoch(Table, table=True):
    """One row: the identity of this log. A restore from a backup changes it, and clients drop their caches."""

    singleton: bool = Field(default=True, primary_key=True)
    epoch: UUID
