"""What people do with bots, and how bots come in."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterable
from uuid import UUID

from chat.profile.v1 import profile_pb2
from realchat_auth.bots.domain import (
    KEY_PREFIX,
    MOST_KEY_NAME_CHARACTERS,
    SHOWN_CHARACTERS,
    choose_scopes,
    expiry,
)
from realchat_auth.bots.store import BotStore
from realchat_auth.domain import MOST_NAME_CHARACTERS, digest
from realchat_auth.events import PROFILE
from realchat_auth.outbox import Outbox, owed
from realchat_auth.tables import ApiKey, Bot
from realchat_common.errors import Code, RealChatError
from realchat_common.ids import new_id
from realchat_common.text import clean_text


class Bots:
    """The use cases.

    Args:
        store: bots and keys.
        outbox: delivers what other services are owed.
        clock: milliseconds since the Unix epoch.
    """

    def __init__(self, store: BotStore, outbox: Outbox, clock: Callable[[], int]) -> None:
        self._store = store
        self._outbox = outbox
        self._clock = clock

    async def create(self, owner_id: str, display_name: str) -> Bot:
        """Makes a bot. Its profile exists when this returns, or soon after.

        Raises:
            RealChatError: limit_reached, invalid_argument.
        """
        name = clean_text(display_name, "display_name", most=MOST_NAME_CHARACTERS)
        bot_id, now_ms = new_id(), self._clock()
        bot = Bot(bot_id=UUID(bot_id), owner_id=UUID(owner_id), display_name=name, created_at_ms=now_ms)
        request = profile_pb2.CreateProfileRequest(user_id=bot_id, display_name=name, bot=True)
        profile = owed(PROFILE, request, now_ms)
        await self._store.add_bot(bot, profile)
        await self._outbox.deliver([profile])
        return bot

    async def of(self, owner_id: str) -> list[tuple[Bot, list[ApiKey]]]:
        """Somebody's bots and their keys that go on, oldest first."""
        return await self._store.bots_of(owner_id, self._clock())

    async def remove(self, bot_id: str, owner_id: str) -> list[str]:
        """Removes a bot for good; returns the keys that ended. Raises bot_not_found."""
        ended = await self._store.remove_bot(bot_id, owner_id, self._clock())
        await self._outbox.deliver(ended.debts)
        return ended.session_ids

    async def create_key(
        self, bot_id: str, owner_id: str, name: str, scopes: Iterable[str], days: int
    ) -> tuple[ApiKey, str]:
        """A key for a bot, and its secret, which is kept nowhere.

        Raises:
            RealChatError: bot_not_found, limit_reached, invalid_argument.
        """
        now_ms, secret = self._clock(), f"{KEY_PREFIX}{secrets.token_urlsafe(32)}"
        key = ApiKey(
            key_id=UUID(new_id()),
            bot_id=UUID(bot_id),
            name=clean_text(name, "name", most=MOST_KEY_NAME_CHARACTERS),
            prefix=secret[:SHOWN_CHARACTERS],
            digest=digest(secret),
            scopes=choose_scopes(scopes),
            created_at_ms=now_ms,
            expires_at_ms=expiry(days, now_ms),
        )
        await self._store.add_key(key, owner_id)
        return key, secret

    async def revoke_key(self, key_id: str, bot_id: str, owner_id: str) -> None:
        """Ends a key. Raises bot_not_found."""
        await self._outbox.deliver(await self._store.remove_key(key_id, bot_id, owner_id, self._clock()))

    async def verify(self, secret: str) -> ApiKey:
        """The key whose secret this is. Raises unauthenticated."""
        key = await self._store.use_key(digest(secret), self._clock())
        if key is None:
            raise RealChatError(Code.UNAUTHENTICATED, "the API key is not valid")
        return key
