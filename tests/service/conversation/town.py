"""Conversation services on one real PostgreSQL, with a log and a directory that can be away."""

from __future__ import annotations

import asyncio
import random
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field

from realchat_conversation.domain import Conversation, Kind, Summary
from realchat_conversation.invites import Invites
from realchat_conversation.outbox import Outbox
from realchat_conversation.pending import PendingChanges
from realchat_conversation.preferences import MemberSettings
from realchat_conversation.roles import Role
from realchat_conversation.service import Conversations
from realchat_conversation.store import Store
from sqlalchemy.ext.asyncio import AsyncEngine

from chat.event.v1 import event_pb2
from realchat_common.errors import Code, RealChatError
from realchat_common.ids import new_id


class KeptLog:
    """`ConversationLog` in memory, which fails as a test wants it to."""

    def __init__(self) -> None:
        self.events: defaultdict[str, list[event_pb2.Event]] = defaultdict(list)
        self.away = False
        self.loses_answers = False
        self.refuses: set[str] = set()
        """Conversations that it will have nothing of."""
        self.trouble = random.Random(0)
        self.unreliable = 0.0
        """Share of calls that fail, half of them after they have appended."""

    async def append(self, event: event_pb2.Event) -> int:
        await asyncio.sleep(0.001 * self.trouble.random())
        fails, too_late = self.trouble.random() < self.unreliable, self.trouble.random() < 0.5
        if self.away or (fails and not too_late):
            raise RealChatError(Code.UNAVAILABLE)
        if event.conversation_id in self.refuses:
            raise RealChatError(Code.INVALID_ARGUMENT)
        events = self.events[event.conversation_id]
        if event.event_id not in self.ids(event.conversation_id):
            events.append(event)
        if self.loses_answers or fails:
            raise RealChatError(Code.DEADLINE_EXCEEDED)
        return self.ids(event.conversation_id).index(event.event_id) + 1

    def ids(self, conversation_id: str) -> list[str]:
        return [event.event_id for event in self.events[conversation_id]]

    def kinds(self, conversation_id: str) -> list[str | None]:
        return [event.WhichOneof("payload") for event in self.events[conversation_id]]


class Townsfolk:
    """`Directory` in memory: everybody exists but those whom a test calls strangers."""

    def __init__(self) -> None:
        self.strangers: set[str] = set()
        self.refusing: set[tuple[str, str, Kind]] = set()
        """Inviter, invited, and into what."""
        self.away = False

    async def check_invitation(self, inviter_id: str, user_ids: Iterable[str], kind: Kind) -> None:
        if self.away:
            raise RealChatError(Code.UNAVAILABLE)
        if self.strangers & set(user_ids):
            raise RealChatError(Code.USER_NOT_FOUND)
        if any((inviter_id, user_id, kind) in self.refusing for user_id in user_ids):
            raise RealChatError(Code.CONTACT_REFUSED)


class Told:
    """`Devices` that remember."""

    def __init__(self) -> None:
        self.settings: list[tuple[str, str, MemberSettings]] = []

    async def settings_changed(self, user_id: str, conversation_id: str, settings: MemberSettings) -> None:
        self.settings.append((user_id, conversation_id, settings))


@dataclass
class Town:
    """The services and what a test turns and looks at."""

    engine: AsyncEngine
    log: KeptLog = field(default_factory=KeptLog)
    people: Townsfolk = field(default_factory=Townsfolk)
    devices: Told = field(default_factory=Told)
    now_ms: int = 1_800_000_000_000

    def __post_init__(self) -> None:
        self.store = Store(self.engine)
        self.pending = PendingChanges(self.engine)
        self.outbox, self.conversations = self.replica()
        self.invites = Invites(self.store, self.outbox, new_id, lambda: self.now_ms)

    def replica(self) -> tuple[Outbox, Conversations]:
        """One more process of the service."""
        outbox = Outbox(self.pending, self.log, lambda: self.now_ms)
        return outbox, Conversations(self.store, outbox, self.people, self.devices, new_id, lambda: self.now_ms)

    def passes(self, seconds: float) -> None:
        self.now_ms += int(seconds * 1000)

    async def group(self, creator: str, *others: str, title: str = "Team", key: str | None = None) -> str:
        return (await self.conversations.create_group(creator, title, others, key)).conversation_id

    async def seen(self, conversation_id: str, user_id: str) -> Summary | None:
        return next(iter(await self.conversations.summaries([conversation_id], user_id)), None)

    async def now(self, conversation_id: str) -> Conversation:
        return await self.store.load(conversation_id)

    async def roles(self, conversation_id: str) -> dict[str, Role]:
        return dict((await self.now(conversation_id)).members)


def people(count: int) -> list[str]:
    """New people's ids."""
    return [new_id() for _ in range(count)]
