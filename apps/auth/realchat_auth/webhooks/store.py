"""Webhooks, and which bots are where, in auth's database. Each method is one transaction."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from uuid import UUID

import msgspec
from sqlalchemy import delete, func, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncEngine
from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from chat.event.v1 import event_pb2 as pb
from realchat_auth.bots.store import own_bot
from realchat_auth.tables import Account, Bot, BotMember, Owed, Webhook, WebhookSeen
from realchat_auth.webhooks.domain import KEEP_SEEN_MS, MOST_WEBHOOKS, Joined, Left, movements, told
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
    """Reads and writes webhooks, and follows the log for where bots are."""

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

    async def take_up(self, segments: Sequence[pb.Segment], now_ms: int) -> None:
        """Follows runs of events: who comes and goes, and which webhooks are to be called. Twice is as once.

        Most conversations have no bot: for those, it is two questions for all the runs together.
        """
        conversations = {UUID(segment.conversation_id) for segment in segments}
        named = {each.user_id for segment in segments for event in segment.events for each in movements(event)}
        async with transaction(self._engine) as db:
            members: dict[str, set[str]] = defaultdict(set)
            rows = await db.exec(select(BotMember).where(col(BotMember.conversation_id).in_(conversations)))
            for row in rows:
                members[str(row.conversation_id)].add(str(row.bot_id))
            bots = await _bots_among(db, named.union(*members.values()))
            for segment in segments if bots else ():
                present = members[segment.conversation_id]
                for event in segment.events:
                    await _owe_calls(db, event, told(event, present) & bots, now_ms)
                    await _move(db, event, present, bots)

    async def purge(self, now_ms: int) -> None:
        """Forgets what was taken up long ago."""
        async with transaction(self._engine) as db:
            await db.exec(delete(WebhookSeen).where(col(WebhookSeen.at_ms) < now_ms - KEEP_SEEN_MS))


async def _bots_among(db: AsyncSession, user_ids: Iterable[str]) -> set[str]:
    wanted = [UUID(user_id) for user_id in user_ids]
    if not wanted:
        return set()
    return set(map(str, await db.exec(select(Bot.bot_id).where(col(Bot.bot_id).in_(wanted)))))


async def _move(db: AsyncSession, event: pb.Event, present: set[str], bots: set[str]) -> None:
    for each in movements(event):
        if each.user_id not in bots:
            continue
        conversation_id, bot_id = UUID(event.conversation_id), UUID(each.user_id)
        match each:
            case Joined():
                values = {"conversation_id": conversation_id, "bot_id": bot_id}
                await db.exec(insert(BotMember).values(values).on_conflict_do_nothing())
                present.add(each.user_id)
            case Left():
                await db.exec(
                    delete(BotMember).where(
                        col(BotMember.conversation_id) == conversation_id, col(BotMember.bot_id) == bot_id
                    )
                )
                present.discard(each.user_id)


async def _owe_calls(db: AsyncSession, event: pb.Event, bot_ids: set[str], now_ms: int) -> None:
    if not bot_ids:
        return
    ids = [UUID(bot_id) for bot_id in bot_ids]
    query = select(Webhook.webhook_id).where(col(Webhook.bot_id).in_(ids), col(Webhook.disabled_at_ms).is_(None))
    for webhook_id in (await db.exec(query)).all():
        values = {"webhook_id": webhook_id, "event_id": UUID(event.event_id), "at_ms": now_ms}
        first = await db.exec(
            insert(WebhookSeen).values(values).on_conflict_do_nothing().returning(col(WebhookSeen.event_id))
        )
        if first.first() is None:
            continue
        call = Call(str(webhook_id), event.conversation_id, event.seq, event.event_id, now_ms)
        db.add(Owed(owed_id=UUID(new_id()), kind=WEBHOOK, payload=msgspec.json.encode(call), due_at_ms=now_ms))
