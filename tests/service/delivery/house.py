"""Presence in memory."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Mapping, Sequence

from realchat_delivery.frames import Seen
from realchat_delivery.presence import Device

from realchat_common.errors import Code, RealChatError
from realchat_common.identity import User


class House:
    """Presence, as delivery's port has it: one state of many devices, and everybody may see whoever is no stranger."""

    def __init__(self) -> None:
        self.devices: dict[Device, bool] = {}
        self.strangers: set[str] = set()
        self.away = False
        self.answers = asyncio.Event()
        """Questions who is seen are answered as of when they were asked, once this is set."""
        self.answers.set()
        self.asked = 0
        self.answered = 0
        self.forgets = False
        """Nobody is told what has changed."""

    @property
    def there(self) -> set[Device]:
        return set(self.devices)

    def of(self, user_id: str) -> Seen:
        states = [away for device, away in self.devices.items() if device.user_id == user_id]
        return Seen(user_id, "online" if False in states else "away" if states else "offline")

    def _answer(self) -> None:
        if self.away:
            raise RealChatError(Code.UNAVAILABLE)

    def _changes(self, user_ids: Iterable[str], change: Callable[[], None]) -> Sequence[Seen]:
        self._answer()
        before = {user_id: self.of(user_id) for user_id in user_ids}
        change()
        after = [self.of(user_id) for user_id in before]
        return [] if self.forgets else [one for one in after if one != before[one.user_id]]

    async def heartbeat(self, devices: Mapping[Device, bool]) -> Sequence[Seen]:
        return self._changes((device.user_id for device in devices), lambda: self.devices.update(devices))

    async def disconnect(self, device: Device) -> Sequence[Seen]:
        return self._changes([device.user_id], lambda: void(self.devices.pop(device, None)))

    async def seen_by(self, user: User, user_ids: Sequence[str]) -> Sequence[Seen]:
        self._answer()
        seen = [Seen(one, "hidden") if one in self.strangers else self.of(one) for one in dict.fromkeys(user_ids)]
        self.asked += 1
        await self.answers.wait()
        self.answered += 1
        return seen

    async def differing(self, known: Sequence[Seen]) -> Sequence[Seen]:
        self._answer()
        return [self.of(one.user_id) for one in known if self.of(one.user_id).status != one.status]


def void(_: object) -> None:
    """For a lambda that has nothing to say."""
