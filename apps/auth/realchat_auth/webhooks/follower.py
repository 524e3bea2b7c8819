"""Follows the log wherever there is a bot.

Pointers come in any order, more than once and to any replica, so they only say where to look: a log is taken up from
where it was taken up before, in order and to its end, and that once
(tests/service/auth/test_following.py). A bot whose conversation was not followed yet came by an event that has a
pointer of its own; since pointers to earlier events may be still to come, that log is taken up from its beginning.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

from chat.event.v1 import event_pb2 as pb
from realchat_auth.events import ReadLog
from realchat_auth.webhooks.domain import movements
from realchat_auth.webhooks.store import WebhookStore

PAGE = 200
"""Events."""


class Follower:
    """Takes up what pointers point to.

    Args:
        store: how far it came.
        read: reads the log.
        clock: milliseconds since the Unix epoch.
    """

    def __init__(self, store: WebhookStore, read: ReadLog, clock: Callable[[], int]) -> None:
        self._store = store
        self._read = read
        self._clock = clock

    async def take_up(self, pointers: Sequence[pb.Pointer]) -> None:
        """Follows pointers. Most conversations have no bot: for those it is one question for all of them together,
        and where somebody came or went, another one. Raises RealChatError when they have to come again.
        """
        taken_up = await self._store.followed({pointer.conversation_id for pointer in pointers})
        taken_up |= dict.fromkeys(
            await self._where_bots_moved(pointer for pointer in pointers if pointer.conversation_id not in taken_up), 0
        )
        for pointer in pointers:
            seq = taken_up.get(pointer.conversation_id)
            if seq is not None and seq < pointer.last_seq:
                taken_up[pointer.conversation_id] = await self._follow(pointer.conversation_id, seq, pointer.last_seq)

    async def _where_bots_moved(self, pointers: Iterable[pb.Pointer]) -> set[str]:
        """The conversations to which bots came, or which they left, by what is pointed to."""
        moved: dict[str, set[str]] = {}
        for pointer in pointers:
            if pointer.members_seq >= pointer.first_seq:  # 0 from the version whose auth followed segments
                moved.setdefault(pointer.conversation_id, set()).update(await self._who_moved(pointer))
        bots = await self._store.bots_among(set().union(*moved.values()))
        return {conversation_id for conversation_id, user_ids in moved.items() if user_ids & bots}

    async def _who_moved(self, pointer: pb.Pointer) -> set[str]:
        moved: set[str] = set()
        seq = pointer.first_seq - 1
        while seq < pointer.last_seq:
            page = await self._read(pointer.conversation_id, seq + 1, min(PAGE, pointer.last_seq - seq))
            if not page.events:
                break
            moved.update(each.user_id for event in page.events for each in movements(event))
            seq = page.events[-1].seq
        return moved

    async def _follow(self, conversation_id: str, seq: int, last_seq: int) -> int:
        """Takes up a log after a seq to its end, which is at `last_seq` at least; returns up to where."""
        while seq < last_seq:
            page = await self._read(conversation_id, seq + 1, PAGE)
            if not page.events:
                break
            seq = await self._store.take_up(conversation_id, page.events, self._clock())
            last_seq = max(last_seq, page.last_seq)
        return seq
