"""Bots and keys in auth's database. Each method is one transaction."""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

from sqlalchemy import ColumnElement, delete, func, or_, update
from sqlalchemy.ext.asyncio import AsyncEngine
from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from realchat_auth.bots.domain import MOST_BOTS, MOST_KEYS, USED_MS
from realchat_auth.events import erasure
from realchat_auth.store import Ended, locked_account, revocation
from realchat_auth.tables import ApiKey, Bot, Owed
from realchat_common.database import transaction
from realchat_common.errors import Code, RealChatError


class BotStore:
    """Reads and writes bots and keys (as digests). The owner's row lock orders what makes or removes them."""

    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = engine

    async def add_bot(self, bot: Bot, profile: Owed) -> None:
        """Adds a bot, and that its profile is owed. Raises limit_reached, user_not_found."""
        async with transaction(self._engine) as db:
            await locked_account(db, str(bot.owner_id))
            count = select(func.count()).select_from(Bot).where(Bot.owner_id == bot.owner_id)
            if (await db.exec(count)).one() >= MOST_BOTS:
                raise RealChatError(Code.LIMIT_REACHED, f"somebody has at most {MOST_BOTS} bots")
            db.add_all([bot, profile])

    async def bots_of(self, owner_id: str, now_ms: int) -> list[tuple[Bot, list[ApiKey]]]:
        """Somebody's bots, oldest first, each with its keys that go on."""
        async with transaction(self._engine) as db:
            bots = list(await db.exec(select(Bot).where(Bot.owner_id == UUID(owner_id)).order_by(col(Bot.bot_id))))
            keys = await db.exec(
                select(ApiKey)
                .where(col(ApiKey.bot_id).in_([bot.bot_id for bot in bots]), _valid(now_ms))
                .order_by(col(ApiKey.key_id))
            )
            of_bot: dict[UUID, list[ApiKey]] = {bot.bot_id: [] for bot in bots}
            for key in keys:
                of_bot[key.bot_id].append(key)
        return [(bot, of_bot[bot.bot_id]) for bot in bots]

    async def remove_bot(self, bot_id: str, owner_id: str, now_ms: int) -> Ended:
        """Removes a bot for good, and ends its keys. Raises bot_not_found."""
        async with transaction(self._engine) as db:
            bot = await own_bot(db, bot_id, owner_id, lock=True)
            return await remove_bots(db, [bot], now_ms)

    async def add_key(self, key: ApiKey, owner_id: str) -> None:
        """Adds a key to one of somebody's bots. Raises bot_not_found, limit_reached."""
        async with transaction(self._engine) as db:
            await own_bot(db, str(key.bot_id), owner_id, lock=True)
            count = (
                select(func.count()).select_from(ApiKey).where(ApiKey.bot_id == key.bot_id, _valid(key.created_at_ms))
            )
            if (await db.exec(count)).one() >= MOST_KEYS:
                raise RealChatError(Code.LIMIT_REACHED, f"a bot has at most {MOST_KEYS} keys")
            db.add(key)

    async def remove_key(self, key_id: str, bot_id: str, owner_id: str, now_ms: int) -> list[Owed]:
        """Ends a key of one of somebody's bots; returns what is owed for it. Raises bot_not_found."""
        async with transaction(self._engine) as db:
            await own_bot(db, bot_id, owner_id)
            removed = await db.exec(
                delete(ApiKey).where(col(ApiKey.key_id) == UUID(key_id), col(ApiKey.bot_id) == UUID(bot_id))
            )
            if not removed.rowcount:
                return []
            debt = revocation(UUID(bot_id), UUID(key_id), now_ms)
            db.add(debt)
            return [debt]

    async def use_key(self, digest: bytes, now_ms: int) -> ApiKey | None:
        """The key, if it goes on, and notes that it is used."""
        async with transaction(self._engine) as db:
            key = (await db.exec(select(ApiKey).where(ApiKey.digest == digest, _valid(now_ms)))).first()
            if key and (key.last_used_at_ms or 0) < now_ms - USED_MS:
                await db.exec(update(ApiKey).where(col(ApiKey.key_id) == key.key_id).values(last_used_at_ms=now_ms))
            return key


async def end_keys(db: AsyncSession, bot_ids: Sequence[UUID], now_ms: int) -> Ended:
    """Ends all keys of bots, whose owner is locked."""
    keys = list(await db.exec(select(ApiKey).where(col(ApiKey.bot_id).in_(bot_ids)).order_by(col(ApiKey.key_id))))
    revocations = [revocation(key.bot_id, key.key_id, now_ms) for key in keys]
    db.add_all(revocations)
    await db.exec(delete(ApiKey).where(col(ApiKey.bot_id).in_(bot_ids)))
    return Ended([str(key.key_id) for key in keys], revocations)


async def remove_bots(db: AsyncSession, bots: Sequence[Bot], now_ms: int) -> Ended:
    """Removes bots for good, whose owner is locked, and ends their keys."""
    bot_ids = [bot.bot_id for bot in bots]
    ended = await end_keys(db, bot_ids, now_ms)
    db.add_all(erasure(bot_id, now_ms) for bot_id in bot_ids)
    await db.exec(delete(Bot).where(col(Bot.bot_id).in_(bot_ids)))
    return ended


def _valid(now_ms: int) -> ColumnElement[bool]:
    return or_(col(ApiKey.expires_at_ms).is_(None), col(ApiKey.expires_at_ms) > now_ms)


async def own_bot(db: AsyncSession, bot_id: str, owner_id: str, *, lock: bool = False) -> Bot:
    """One of somebody's bots; with `lock`, its owner is locked too. Raises bot_not_found, user_not_found."""
    if lock:
        await locked_account(db, owner_id)
    bot = (await db.exec(select(Bot).where(Bot.bot_id == UUID(bot_id), Bot.owner_id == UUID(owner_id)))).first()
    if bot is None:
        raise RealChatError(Code.BOT_NOT_FOUND)
    return bot
