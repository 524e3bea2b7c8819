"""Reminders by mail of what waits unread for people who are away.

The database's row locks share the work among replicas, as for what is owed: a person is claimed for a while, and that
they were reminded is written in the one transaction that writes the mail. Other services are only asked, so nothing
has to be undone or recognised there.

Invariants, with the tests that break when they go (tests/service/auth/test_reminders.py): one mail, whoever looks and
crashes; no second one until its reader has come back and read; none to who is there, who does not want any, and to an
address that nobody has confirmed.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from prometheus_client import Counter

from realchat_auth.reminders.domain import MOST_NAMED, Person, Waiting, tell
from realchat_auth.reminders.elsewhere import Elsewhere
from realchat_auth.reminders.store import ReminderStore

LOOK_SECONDS = 1.0
MOST_AT_ONCE = 20
"""People per round. The store bounds the mails: it claims nobody while others wait to be sent."""

REMINDED = Counter("realchat_reminders_total", "Mails about what waits unread.")


class Reminders:
    """Reminds people.

    Args:
        store: whom, and what was done.
        elsewhere: what other services know of them.
        after_ms: how long somebody has to be away, and a message to wait.
        clock: milliseconds since the Unix epoch.
    """

    def __init__(self, store: ReminderStore, elsewhere: Elsewhere, after_ms: int, clock: Callable[[], int]) -> None:
        self._store = store
        self._elsewhere = elsewhere
        self._after_ms = after_ms
        self._clock = clock

    async def run(self) -> None:
        """Looks after some people every second; ends only by cancellation."""
        while True:
            await self.remind()
            await asyncio.sleep(LOOK_SECONDS)

    async def remind(self) -> int:
        """One round; returns how many mails it wrote. Raises RealChatError; who was claimed is then claimed again."""
        now_ms = self._clock()
        people = await self._store.claim(now_ms, MOST_AT_ONCE)
        if not people:
            return 0
        gone = await self._elsewhere.last_seen([person.user_id for person in people])
        seen_ms = {person.user_id: max(person.session_seen_ms, gone.get(person.user_id, now_ms)) for person in people}
        away = [person for person in people if seen_ms[person.user_id] + self._after_ms <= now_ms]
        waiting = (
            await self._elsewhere.waiting([person.user_id for person in away], now_ms - self._after_ms) if away else {}
        )
        written = 0
        for person in away:
            found = waiting.get(person.user_id)
            if found and person.has_read_since(seen_ms[person.user_id], found.read_mark):
                written += await self._write(person, found, now_ms)
        REMINDED.inc(written)
        for person in away:
            seen_ms[person.user_id] = now_ms
        await self._store.look_again({user_id: at_ms + self._after_ms for user_id, at_ms in seen_ms.items()})
        return written

    async def _write(self, person: Person, waiting: Waiting, now_ms: int) -> bool:
        titles = await self._elsewhere.heard(person.user_id, [place.conversation_id for place in waiting.places])
        places = [place for place in waiting.places if place.conversation_id in titles]
        if not places:
            return False
        peers = [place.peer_id for place in places[:MOST_NAMED] if place.peer_id]
        names = await self._elsewhere.names(peers) if peers else {}
        return await self._store.remind(person, waiting.read_mark, tell(places, titles, names), now_ms)
