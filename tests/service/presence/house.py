"""A presence service with a real Redis, a clock to turn and a store of last seen that can be away."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from realchat_presence.domain import Device, UserPresence
from realchat_presence.service import Presence
from realchat_presence.store import Heartbeats

from realchat_common.errors import Code, RealChatError
from realchat_common.redis import open_redis
from realchat_common.rpc import Peer

if TYPE_CHECKING:
    from chat.presence.v1.presence_pb2_grpc import PresenceServiceAsyncStub

Peers = dict[str, "Peer[PresenceServiceAsyncStub]"]


class NotedLastSeen:
    """`LastSeen` in memory."""

    def __init__(self) -> None:
        self.times: dict[str, int] = {}
        self.saves = 0
        self.away = False

    async def save(self, user_ids: Sequence[str], at_ms: int) -> None:
        if self.away:
            raise RealChatError(Code.UNAVAILABLE)
        self.saves += 1
        self.times.update(dict.fromkeys(user_ids, at_ms))

    async def load(self, user_ids: Sequence[str]) -> Mapping[str, int]:
        if self.away:
            raise RealChatError(Code.UNAVAILABLE)
        return {user_id: self.times[user_id] for user_id in user_ids if user_id in self.times}


class Everybody:
    """`Acquaintances`: everybody may see everybody but the strangers."""

    def __init__(self) -> None:
        self.strangers: set[str] = set()
        self.discreet: set[str] = set()
        """They do not show when they were here."""

    async def of(self, user_id: str, others: Sequence[str]) -> Mapping[str, bool]:
        return {other: other not in self.discreet for other in others if other not in self.strangers}


@dataclass
class House:
    """The service and what a test turns and looks at."""

    presence: Presence
    acquaintances: Everybody
    last_seen: NotedLastSeen = field(default_factory=NotedLastSeen)
    now_ms: int = 1_800_000_000_000

    def passes(self, seconds: float) -> None:
        self.now_ms += int(seconds * 1000)

    async def beats(self, user_id: str, *connection_ids: str, away: bool = False) -> list[UserPresence]:
        return await self.presence.heartbeat([Device(user_id, connection_id, away) for connection_id in connection_ids])

    async def of(self, user_id: str) -> UserPresence:
        (presence,) = await self.presence.of_users([user_id])
        return presence


@asynccontextmanager
async def house_on(redis_url: str) -> AsyncIterator[House]:
    """A presence service on a Redis."""
    last_seen = NotedLastSeen()
    async with open_redis(redis_url) as redis:
        house: House
        acquaintances = Everybody()
        presence = Presence(Heartbeats(redis), last_seen, acquaintances, lambda: house.now_ms)
        house = House(presence, acquaintances, last_seen)
        yield house
