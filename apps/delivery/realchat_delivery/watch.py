"""Who watches whom: clients are told when somebody they watch is seen otherwise.

News of presence go to all nodes by one channel, and each finds out for itself whether anybody cares: they are few and
small, while a registry of who watches whom would cost a write for each name on each list, again and again. News may
be lost on the way; so each node compares every seven seconds what its clients were told with what is. What two people
are to each other, a block first of all, is asked at once; who leaves a conversation waits for the comparison, since
many may watch them.
"""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field

from prometheus_client import Counter, Gauge

from realchat_common.errors import RealChatError
from realchat_common.telemetry import log
from realchat_delivery.connection import Connection, notify_all
from realchat_delivery.frames import MOST_WATCHED, Seen, ServerPresence
from realchat_delivery.presence import Presence

COMPARE_SECONDS = 7.0

WATCHED = Gauge("realchat_watched_users", "Users whom clients of this node watch.")
SEEN = Counter(
    "realchat_presence_news_total", "Users seen otherwise whom clients here watch, by how it was known.", ("by",)
)


@dataclass(eq=False)
class _Question:
    """Who is seen, while that is asked: the answer may be as of before what happens meanwhile."""

    user_id: str
    about: frozenset[str]
    news: dict[str, Seen] = field(default_factory=dict)
    is_doubted: bool = False
    is_estranged: bool = False

    def is_of(self, one: str, other: str) -> bool:
        return (self.user_id == one and other in self.about) or (self.user_id == other and one in self.about)


class Watches:
    """What the clients of this node watch.

    Args:
        presence: the presence service.
    """

    def __init__(self, presence: Presence) -> None:
        self._presence = presence
        self._lists: dict[Connection, frozenset[str]] = {}
        self._watchers: dict[str, set[Connection]] = {}
        self._known: dict[str, Seen] = {}
        """How those who are watched were last seen; nobody else."""
        self._asked: set[_Question] = set()
        """Those under way."""
        self._doubted: set[Connection] = set()
        self._estranged: set[Connection] = set()
        self._estrangement = asyncio.Event()

    async def watch(self, connection: Connection, user_ids: Sequence[str]) -> list[Seen]:
        """Lets a client watch users, instead of those before; whom it may not see is `hidden`. Raises RealChatError."""
        question, seen = await self._ask(connection, user_ids)
        self._put(connection, question, seen)
        return seen

    async def _ask(self, connection: Connection, user_ids: Collection[str]) -> tuple[_Question, list[Seen]]:
        question = _Question(connection.user.user_id, frozenset(user_ids))
        self._asked.add(question)
        try:
            answer = await self._presence.seen_by(connection.user, list(user_ids)) if user_ids else []
        finally:
            self._asked.remove(question)
        return question, [one if one.status == "hidden" else question.news.get(one.user_id, one) for one in answer]

    def _put(self, connection: Connection, question: _Question, answer: Sequence[Seen]) -> None:
        self._drop(connection)
        if connection.ended:
            return
        seen = [one for one in answer if one.status != "hidden"]
        self.changed(seen, by="question")
        for one in seen:
            self._known[one.user_id] = one
            self._watchers.setdefault(one.user_id, set()).add(connection)
        self._lists[connection] = frozenset(one.user_id for one in seen)
        WATCHED.set(len(self._watchers))
        if question.is_doubted:
            self._doubted.add(connection)
        if question.is_estranged:
            self._estranged.add(connection)
            self._estrangement.set()

    def forget(self, connection: Connection) -> None:
        """A client watches nobody any more."""
        self._doubted.discard(connection)
        self._estranged.discard(connection)
        self._drop(connection)

    def _drop(self, connection: Connection) -> None:
        for user_id in self._lists.pop(connection, ()):
            watchers = self._watchers[user_id]
            watchers.discard(connection)
            if not watchers:
                del self._watchers[user_id], self._known[user_id]
        WATCHED.set(len(self._watchers))

    def changed(self, seen: Iterable[Seen], by: str = "news") -> None:
        """Tells those who watch a user who is not seen as before."""
        for one in seen:
            for question in self._asked:
                question.news[one.user_id] = one
            known = self._known.get(one.user_id)
            if known is None or known.status == one.status:
                continue
            SEEN.labels(by).inc()
            self._known[one.user_id] = one
            notify_all(self._watchers[one.user_id], ServerPresence(presences=[one]))

    def parted(self, user_id: str) -> None:
        """Somebody has less in common with others: whether they may still watch each other is asked anew."""
        self._doubted |= self._watchers.get(user_id, set())
        self._doubted |= {connection for connection in self._lists if connection.user.user_id == user_id}
        for question in self._asked:
            question.is_doubted |= user_id == question.user_id or user_id in question.about

    def estranged(self, user_id: str, peer_id: str) -> None:
        """Two people are something else to each other: whether they may watch each other is asked at once."""
        for one, other in ((user_id, peer_id), (peer_id, user_id)):
            self._estranged |= {
                connection for connection in self._watchers.get(other, ()) if connection.user.user_id == one
            }
        if self._estranged:
            self._estrangement.set()
        for question in self._asked:
            question.is_estranged |= question.is_of(user_id, peer_id)

    async def run(self) -> None:
        """Compares, and asks at once where that is due; ends only by cancellation."""
        async with asyncio.TaskGroup() as group:
            group.create_task(self._compare_again_and_again())
            group.create_task(self._hide_at_once())

    async def _compare_again_and_again(self) -> None:
        while True:
            await asyncio.sleep(COMPARE_SECONDS)
            try:
                await self.compare()
            except RealChatError as error:
                log.info("presence not compared", error=str(error))

    async def _hide_at_once(self) -> None:
        while True:
            await self._estrangement.wait()
            self._estrangement.clear()
            while self._estranged:
                connection = self._estranged.pop()
                try:
                    await self._ask_again(connection)
                except RealChatError as error:
                    log.info("presence not asked", error=str(error))

    async def _ask_again(self, connection: Connection) -> None:
        self._doubted.discard(connection)  # before it is asked: what comes meanwhile is a new doubt
        watched = self._lists.get(connection, frozenset())
        try:
            question, seen = await self._ask(connection, watched)
        except RealChatError:
            self._doubted.add(connection)  # the next comparison asks
            raise
        if self._lists.get(connection) is not watched:
            return  # the client has asked for others meanwhile, or is gone
        self._put(connection, question, seen)
        if hidden := [one for one in seen if one.status == "hidden"]:
            connection.reply(ServerPresence(presences=hidden))

    async def compare(self) -> None:
        """Makes good what was lost. Raises RealChatError."""
        for connection in list(self._doubted):
            await self._ask_again(connection)
        known = list(self._known.values())
        for start in range(0, len(known), MOST_WATCHED):
            self.changed(await self._presence.differing(known[start : start + MOST_WATCHED]), by="comparison")
