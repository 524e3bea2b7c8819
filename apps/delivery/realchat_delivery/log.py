"""What this node reads of the logs: once for all who ask at the same time, and audiences from a cache."""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Awaitable, Callable
from time import monotonic
from typing import Generic, TypeVar

from realchat_common.errors import Code, RealChatError
from realchat_delivery.domain import Audience
from realchat_delivery.messages import LogPage, Messages

FRESH_SECONDS = 10.0
"""How old an audience may be for those who know of no version."""

K = TypeVar("K")
V = TypeVar("V")


class SingleFlight(Generic[K, V]):
    """Work under way, by key: who asks for the same meanwhile gets the same answer."""

    def __init__(self) -> None:
        self._flying: dict[K, asyncio.Future[V]] = {}

    async def get(self, key: K, work: Callable[[], Awaitable[V]]) -> V:
        """The answer of `work`, or of the one under way. Raises what it raises."""
        flying = self._flying.get(key)
        if flying is not None:
            return await asyncio.shield(flying)
        future = self._flying[key] = asyncio.get_running_loop().create_future()
        try:
            result = await work()
        except BaseException as error:
            # Whoever does the work may be cancelled; those who wait only get to know that it was not done.
            future.set_exception(error if isinstance(error, Exception) else RealChatError(Code.UNAVAILABLE))
            future.exception()
            raise
        else:
            future.set_result(result)
            return result
        finally:
            del self._flying[key]


class Log:
    """The logs, as this node reads them.

    Args:
        messages: the message service.
        cached: audiences kept.
        clock: seconds of a monotonic clock.
    """

    def __init__(self, messages: Messages, cached: int, clock: Callable[[], float] = monotonic) -> None:
        self._messages = messages
        self._cached = cached
        self._clock = clock
        self._audiences: OrderedDict[str, tuple[Audience, float]] = OrderedDict()
        self._asked: SingleFlight[str, Audience] = SingleFlight()
        self._read: SingleFlight[tuple[str, int, int], LogPage] = SingleFlight()

    async def page(self, conversation_id: str, first_seq: int, limit: int) -> LogPage:
        """Events of a conversation from a seq on."""
        return await self._read.get(
            (conversation_id, first_seq, limit),
            lambda: self._messages.read_log(conversation_id, first_seq, limit),
        )

    async def audience(self, conversation_id: str, members_seq: int) -> Audience:
        """Who may read what, at least as new as `members_seq`.

        Raises:
            RealChatError: unavailable when only an older answer is to be had.
        """
        cached, _ = self._audiences.get(conversation_id, (None, 0.0))
        if cached is not None and cached.members_seq >= members_seq:
            self._audiences.move_to_end(conversation_id)
            return cached
        return await self._ask(conversation_id, members_seq)

    async def audience_now(self, conversation_id: str) -> Audience:
        """Who may read what, at most ten seconds old, and as new as what this node has fanned out.

        Raises:
            RealChatError: conversation_not_found, unavailable.
        """
        cached, asked_at = self._audiences.get(conversation_id, (None, 0.0))
        if cached is not None and self._clock() - asked_at < FRESH_SECONDS:
            return cached
        return await self._ask(conversation_id, 0)

    def saw(self, conversation_id: str, members_seq: int) -> None:
        """Forgets an audience that turns out to be older than this version."""
        cached, _ = self._audiences.get(conversation_id, (None, 0.0))
        if cached is not None and cached.members_seq < members_seq:
            del self._audiences[conversation_id]

    def forget_pair(self, user_id: str, peer_id: str) -> None:
        """Forgets the audience of the direct conversation of two, who are not to each other what they were."""
        pair = {user_id, peer_id}
        for conversation_id in [key for key, (known, _) in self._audiences.items() if known.members == pair]:
            del self._audiences[conversation_id]

    async def _ask(self, conversation_id: str, members_seq: int) -> Audience:
        for _ in range(2):  # an answer that was under way already may be older than the question
            audience = await self._asked.get(conversation_id, lambda: self._messages.audience(conversation_id))
            if audience.members_seq >= members_seq:
                self._audiences[conversation_id] = (audience, self._clock())
                self._audiences.move_to_end(conversation_id)
                if len(self._audiences) > self._cached:
                    self._audiences.popitem(last=False)
                return audience
        raise RealChatError(Code.UNAVAILABLE, "the audience is not up to date yet")
