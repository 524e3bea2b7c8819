"""A message service without its edges: a real PostgreSQL, the log behind its own port so that it can fail."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import asyncpg
from realchat_message.details import MessageDetails
from realchat_message.domain import Appended, NewChange, NewMessage, Outcome
from realchat_message.log import ConversationLog
from realchat_message.segments import SegmentExistsError
from realchat_message.store import MessageStore

from chat.event.v1 import event_pb2 as pb
from realchat_common.errors import Code, RealChatError
from realchat_common.ids import new_id

ALICE, BOB, CAROL = (str(uuid.uuid4()) for _ in range(3))


@dataclass
class Shelf:
    """Segments as a transaction log that two processes share; `before` and `after` are where it can fail."""

    segments: dict[tuple[str, int], bytes] = field(default_factory=dict)
    before: Callable[[], Awaitable[None]] | None = None
    after: Callable[[], Awaitable[None]] | None = None

    async def read(self, conversation_id: str, first_seq: int) -> pb.Segment | None:
        found = self.segments.get((conversation_id, first_seq))
        return pb.Segment.FromString(found) if found else None

    async def insert(self, segment: pb.Segment) -> None:
        if self.before:
            await self.before()
        key = (segment.conversation_id, segment.first_seq)
        if key in self.segments:
            raise SegmentExistsError(str(key))
        self.segments[key] = segment.SerializeToString()
        if self.after:
            await self.after()

    async def find(self, conversation_id: str, seq: int) -> pb.Segment | None:
        for found in self.segments.values():
            segment = pb.Segment.FromString(found)
            if segment.conversation_id == conversation_id and segment.first_seq <= seq <= segment.last_seq:
                return segment
        return None

    async def replace(self, segment: pb.Segment) -> None:
        self.segments[segment.conversation_id, segment.first_seq] = segment.SerializeToString()


class Offered:
    """A fast lane that only remembers."""

    def __init__(self) -> None:
        self.segments: list[pb.Segment] = []
        self.needless: list[pb.Segment] = []
        """What somebody else fans out."""

    def offer(self, written: pb.Segment, *, fanned_out: bool) -> None:
        (self.needless if fanned_out else self.segments).append(written)


@dataclass
class Room:
    """A database with a log, and as many writers as a test asks for."""

    pool: asyncpg.Pool[asyncpg.Record]
    store: MessageStore
    details: MessageDetails
    shelf: Shelf = field(default_factory=Shelf)
    lane: Offered = field(default_factory=Offered)

    @asynccontextmanager
    async def writer(self) -> AsyncIterator[ConversationLog]:
        """A process that writes."""
        log = ConversationLog(self.pool, self.shelf, self.lane, new_id())
        task = asyncio.create_task(log.run())
        yield log
        task.cancel()

    async def seqs(self, conversation_id: str) -> list[int]:
        rows = await self.pool.fetch("SELECT seq FROM entry WHERE conversation_id = $1 ORDER BY seq", conversation_id)
        return [row["seq"] for row in rows]


def creation(conversation_id: str, *members: str) -> NewChange:
    return NewChange(
        pb.Event(
            conversation_id=conversation_id,
            event_id=new_id(),
            actor_id=members[0],
            conversation_created=pb.ConversationCreated(
                kind=pb.CONVERSATION_KIND_GROUP,
                members=[pb.Member(user_id=member, role=pb.ROLE_MEMBER) for member in members],
            ),
        )
    )


def direct(conversation_id: str, *members: str) -> NewChange:
    change = creation(conversation_id, *members)
    change.event.conversation_created.kind = pb.CONVERSATION_KIND_DIRECT
    return change


def removal(user_id: str) -> NewChange:
    return NewChange(pb.Event(event_id=new_id(), actor_id=ALICE, member_removed=pb.MemberRemoved(user_id=user_id)))


def hello(sender: str = ALICE, client_message_id: str | None = None, body: str = "hello") -> NewMessage:
    return NewMessage(sender, client_message_id or uuid.uuid4().hex, body)


async def begun(log: ConversationLog, *members: str) -> str:
    conversation_id = new_id()
    (outcome,) = await log.append(conversation_id, [creation(conversation_id, *members)])
    assert isinstance(outcome, Appended)
    return conversation_id


async def said(
    log: ConversationLog, conversation: str, body: str, sender: str = ALICE, client_message_id: str = ""
) -> str:
    (sent,) = await log.append(conversation, [NewMessage(sender, client_message_id or new_id(), body)])
    assert isinstance(sent, Appended)
    return sent.event_id


def seq(outcome: Outcome) -> int:
    assert isinstance(outcome, Appended), outcome
    return outcome.seq


def code(outcome: Outcome) -> Code:
    assert isinstance(outcome, RealChatError), outcome
    return outcome.code


def joining(user_id: str) -> NewChange:
    return NewChange(
        pb.Event(
            event_id=new_id(),
            actor_id=ALICE,
            members_added=pb.MembersAdded(members=[pb.Member(user_id=user_id, role=pb.ROLE_MEMBER)]),
        )
    )
