"""The use cases of presence."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace

from prometheus_client import Counter

from realchat_common.errors import RealChatError
from realchat_common.telemetry import log
from realchat_presence.acquaintances import Acquaintances
from realchat_presence.domain import Device, Hidden, Status, UserPresence
from realchat_presence.store import Heartbeats, LastSeen

UNSAVED = Counter("realchat_last_seen_unsaved_total", "Times of last seen that a heartbeat could not save.")


class Presence:
    """Who is there.

    Args:
        heartbeats: the living devices.
        last_seen: what stays of a user when the last device is gone.
        acquaintances: who may see whom.
        clock: milliseconds since the Unix epoch.
    """

    def __init__(
        self, heartbeats: Heartbeats, last_seen: LastSeen, acquaintances: Acquaintances, clock: Callable[[], int]
    ) -> None:
        self._heartbeats = heartbeats
        self._last_seen = last_seen
        self._acquaintances = acquaintances
        self._clock = clock

    async def heartbeat(self, devices: Iterable[Device]) -> list[UserPresence]:
        """Says that devices are connected. Returns those who have become present or away. Raises unavailable."""
        now_ms = self._clock()
        beat = await self._heartbeats.beat(devices, now_ms)
        if beat.due:
            try:
                await self._last_seen.save(beat.due, now_ms)
            except RealChatError as error:
                # The devices count already. What is missing is the fall-back for a crash, tried again in a minute.
                UNSAVED.inc(len(beat.due))
                log.warning("last seen not saved", users=len(beat.due), reason=error.detail)
        return [
            UserPresence(user_id, status, 0 if status is Status.ONLINE else now_ms)
            for user_id, status in beat.changed.items()
        ]

    async def disconnect(self, user_id: str, connection_id: str) -> UserPresence | None:
        """Says that a device went away. Returns what the user is now, if that is new. Raises unavailable.

        Safe to repeat. That a connection ends now shows that the user was there until now, also when its heartbeats
        are lost.
        """
        now_ms = self._clock()
        before, after = await self._heartbeats.leave(user_id, connection_id, now_ms)
        if after is Status.OFFLINE:
            await self._last_seen.save([user_id], now_ms)
        return None if before is after else UserPresence(user_id, after, now_ms)

    async def seen_by(self, viewer_id: str, user_ids: Iterable[str]) -> list[UserPresence | Hidden]:
        """The presence of users as one user may see it, each once, in the order given. Raises unavailable."""
        distinct = list(dict.fromkeys(user_ids))
        others = [user_id for user_id in distinct if user_id != viewer_id]
        visible = {viewer_id: True, **await self._acquaintances.of(viewer_id, others)}
        seen = {
            one.user_id: one if visible[one.user_id] else replace(one, last_seen_at_ms=0)
            for one in await self.of_users(user_id for user_id in distinct if user_id in visible)
        }
        return [seen.get(user_id) or Hidden(user_id) for user_id in distinct]

    async def differing(self, known: Mapping[str, Status]) -> list[UserPresence]:
        """The presence of those users who are not as the caller knows them. Raises unavailable."""
        statuses = await self._heartbeats.statuses(list(known), self._clock())
        return await self.of_users(user_id for user_id, status in statuses.items() if status is not known[user_id])

    async def of_users(self, user_ids: Iterable[str]) -> list[UserPresence]:
        """The presence of users, each once, in the order given. Raises unavailable."""
        distinct = list(dict.fromkeys(user_ids))
        if not distinct:
            return []
        statuses = await self._heartbeats.statuses(distinct, self._clock())
        gone: Sequence[str] = [user_id for user_id in distinct if statuses[user_id] is not Status.ONLINE]
        seen = await self._last_seen.load(gone) if gone else {}
        return [UserPresence(user_id, statuses[user_id], seen.get(user_id, 0)) for user_id in distinct]
