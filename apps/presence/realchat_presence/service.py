"""The use cases of presence."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

from prometheus_client import Counter

from realchat_common.errors import RealChatError
from realchat_common.telemetry import log
from realchat_presence.domain import Device, Status, UserPresence
from realchat_presence.store import Heartbeats, LastSeen

UNSAVED = Counter("realchat_last_seen_unsaved_total", "Times of last seen that a heartbeat could not save.")


class Presence:
    """Who is there.

    Args:
        heartbeats: the living devices.
        last_seen: what stays of a user when the last device is gone.
        clock: milliseconds since the Unix epoch.
    """

    def __init__(self, heartbeats: Heartbeats, last_seen: LastSeen, clock: Callable[[], int]) -> None:
        self._heartbeats = heartbeats
        self._last_seen = last_seen
        self._clock = clock

    async def heartbeat(self, devices: Iterable[Device]) -> None:
        """Says that devices are connected. Raises unavailable."""
        now_ms = self._clock()
        due = await self._heartbeats.beat(devices, now_ms)
        if not due:
            return
        try:
            await self._last_seen.save(due, now_ms)
        except RealChatError as error:
            # The devices count already. What is missing is the fall-back for a crash, tried again in a minute.
            UNSAVED.inc(len(due))
            log.warning("last seen not saved", users=len(due), reason=error.detail)

    async def disconnect(self, user_id: str, connection_id: str) -> None:
        """Says that a device went away. Raises unavailable; safe to repeat.

        That a connection ends now shows that the user was there until now, also when its heartbeats are lost.
        """
        now_ms = self._clock()
        if await self._heartbeats.leave(user_id, connection_id, now_ms):
            await self._last_seen.save([user_id], now_ms)

    async def of_users(self, user_ids: Iterable[str]) -> list[UserPresence]:
        """The presence of users, each once, in the order given. Raises unavailable."""
        distinct = list(dict.fromkeys(user_ids))
        statuses = await self._heartbeats.statuses(distinct, self._clock())
        gone: Sequence[str] = [user_id for user_id in distinct if statuses[user_id] is not Status.ONLINE]
        seen = await self._last_seen.load(gone) if gone else {}
        return [UserPresence(user_id, statuses[user_id], seen.get(user_id, 0)) for user_id in distinct]
