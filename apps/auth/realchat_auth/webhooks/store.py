"""Webhooks, and which bots are where, in auth's database. Each method is one transaction."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from uuid import UUID

import msgspec
from sqlalchemy import ARRAY, Uuid, any_, delete, func, literal, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncEngine
from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from chat.event.v1 import event_pb2 as pb
from realchat_auth.bots.store import own_bot
from realchat_auth.tables import Account, Bot, BotMember, Followed, Owed, Webhook, WebhookSeen
from realchat_auth.webhooks.domain import KEEP_SEEN_MS, MOST_WEBHOOKS, follow, is_owed, movements
from realchat_common.database import transaction
from realchat_common.errors import Code, RealChatError
from realchat_common.ids import new_id

WEBHOOK = "webhook"
"""The kind of debt."""


class Call(msgspec.Struct, frozen=True):
    """A call that is owed: which event to whom. What the event says is read from the log when it is made, so that a
    message that is deleted meanwhile is told as deleted, and its body is never here."""

    webhook_id: str
    conversation_id: str
    seq: int
    event_id: str
    since_ms: int


@dataclass(frozen=True, slots=True)
class Target:
    """Where a call goes, and what signs it."""

    webhook: Webhook
    owner_suspended: bool


class WebhookStore:
    """Reads and writes webhooks, and what the log says of where bots are."""

    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = engine

    async def add(self, webhook: Webhook, owner_id: str) -> None:
        """Adds a webhook to one of somebody's bots. Raises bot_not_found, limit_reached."""
        async with transaction(self._engine) as db:
            await own_bot(db, str(webhook.bot_id), owner_id, lock=True)
            count = select(func.count()).select_from(Webhook).where(Webhook.bot_id == webhook.bot_id)
            if (await db.exec(count)).one() >= MOST_WEBHOOKS:
                raise RealChatError(Code.LIMIT_REACHED, f"a bot has at most {MOST_WEBHOOKS} webhooks")
            db.add(webhook)

    async def of(self, bot_id: str, owner_id: str) -> list[Webhook]:
        """The webhooks of one of somebody's bots, oldest first. Raises bot_not_found."""
        async with transaction(self._engine) as db:
            await own_bot(db, bot_id, owner_id)
            rows = await db.exec(
                select(Webhook).where(Webhook.bot_id == UUID(bot_id)).order_by(col(Webhook.webhook_id))
            )
            return list(rows)

    async def remove(self, webhook_id: str, bot_id: str, owner_id: str) -> None:
        """Removes a webhook; one that is not there is no error. Raises bot_not_found."""
        async with transaction(self._engine) as db:
            await own_bot(db, bot_id, owner_id)
            await db.exec(
                delete(Webhook).where(col(Webhook.webhook_id) == UUID(webhook_id), col(Webhook.bot_id) == UUID(bot_id))
            )

    async def target(self, webhook_id: str) -> Target | None:
        """Where a call goes; None when the webhook is gone or wants no more."""
        async with transaction(self._engine) as db:
            row = (
                await db.exec(
                    select(Webhook, Account.suspended_at_ms)
                    .join(Bot, col(Bot.bot_id) == Webhook.bot_id)
                    .join(Account, col(Account.user_id) == Bot.owner_id)
                    .where(Webhook.webhook_id == UUID(webhook_id), col(Webhook.disabled_at_ms).is_(None))
                )
            ).first()
        return Target(row[0], row[1] is not None) if row else None

    async def note(self, webhook: Webhook, failing_since_ms: int | None, disabled_at_ms: int | None = None) -> None:
        """Notes how the last call went, where that is news."""
        if (webhook.failing_since_ms, webhook.disabled_at_ms) == (failing_since_ms, disabled_at_ms):
            return
        async with transaction(self._engine) as db:
            await db.exec(
                update(Webhook)
                .where(col(Webhook.webhook_id) == webhook.webhook_id)
                .values(failing_since_ms=failing_since_ms, disabled_at_ms=disabled_at_ms)
            )

    async def followed(self, conversation_ids: Iterable[str]) -> dict[str, int]:
        """How far the logs of those conversations were taken up that have, or had, a bot."""
        wanted = [UUID(conversation_id) for conversation_id in conversation_ids]
        async with transaction(self._engine) as db:
            rows = await db.exec(select(Followed).where(col(Followed.conversation_id).in_(wanted)))
            return {str(row.conversation_id): row.seq for row in rows}

    async def bots_among(self, user_ids: Iterable[str]) -> set[str]:
        """Those of some users who are bots."""
        async with transaction(self._engine) as db:
            return await _bots_among(db, user_ids)

    async def take_up(self, conversation_id: str, events: Sequence[pb.Event], now_ms: int) -> int:
        """Takes up a run of a log: who comes and goes, and which webhooks are to be called. Twice is as once.

        Args:
            conversation_id: whose log.
            events: in order; no event between what was taken up of it before and these is left out.
            now_ms: the time.

        Returns:
            The seq up to which the log is taken up, perhaps by another replica.
        """
        conversation = UUID(conversation_id)
        async with transaction(self._engine) as db:
            await db.exec(insert(Followed).values(conversation_id=conversation, seq=0).on_conflict_do_nothing())
            locked = select(Followed).where(Followed.conversation_id == conversation).with_for_update()
            followed = (await db.exec(locked)).one()
            of_conversation = col(BotMember.conversation_id) == conversation
            if followed.seq == 0:  # what the version before has noted: the log says it anew
                await db.exec(delete(BotMember).where(of_conversation))
            new = [event for event in events if event.seq > followed.seq]
            if new:
                before = {str(bot_id) for bot_id in await db.exec(select(BotMember.bot_id).where(of_conversation))}
                named = {each.user_id for event in new for each in movements(event)}
                tellings, after = follow(new, before, before | await _bots_among(db, named))
                await _owe_calls(db, tellings, now_ms)
                if came := [{"conversation_id": conversation, "bot_id": UUID(each)} for each in after - before]:
                    await db.exec(insert(BotMember).values(came).on_conflict_do_nothing())
                if gone := [UUID(each) for each in before - after]:
                    await db.exec(delete(BotMember).where(of_conversation, col(BotMember.bot_id).in_(gone)))
                followed.seq = new[-1].seq
            return followed.seq

    async def purge(self, now_ms: int) -> None:
        """Forgets what was taken up long ago."""
        async with transaction(self._engine) as db:
            await db.exec(delete(WebhookSeen).where(col(WebhookSeen.at_ms) < now_ms - KEEP_SEEN_MS))


async def _bots_among(db: AsyncSession, user_ids: Iterable[str]) -> set[str]:
    wanted = [UUID(user_id) for user_id in user_ids]
    if not wanted:
        return set()
    # One argument: a statement has at most 32,767.
    found = await db.exec(select(Bot.bot_id).where(col(Bot.bot_id) == any_(literal(wanted, ARRAY(Uuid)))))
    return set(map(str, found))


async def _owe_calls(db: AsyncSession, tellings: Sequence[tuple[pb.Event, set[str]]], now_ms: int) -> None:
    told = {UUID(bot_id) for _, bot_ids in tellings for bot_id in bot_ids}
    if not told:
        return
    query = select(Webhook).where(col(Webhook.bot_id).in_(told), col(Webhook.disabled_at_ms).is_(None))
    webhooks = (await db.exec(query)).all()
    calls = {
        (webhook.webhook_id, UUID(event.event_id)): Call(
            str(webhook.webhook_id), event.conversation_id, event.seq, event.event_id, now_ms
        )
        for event, bot_ids in tellings
        for webhook in webhooks
        if str(webhook.bot_id) in bot_ids and is_owed(event, webhook.created_at_ms, now_ms)
    }
    if not calls:
        return
    seen = [{"webhook_id": webhook_id, "event_id": event_id, "at_ms": now_ms} for webhook_id, event_id in calls]
    columns = col(WebhookSeen.webhook_id), col(WebhookSeen.event_id)
    first = await db.exec(insert(WebhookSeen).on_conflict_do_nothing().returning(*columns), params=seen)
    db.add_all(
        Owed(owed_id=UUID(new_id()), kind=WEBHOOK, payload=msgspec.json.encode(calls[key]), due_at_ms=now_ms)
        for key in map(tuple, first)
    )
