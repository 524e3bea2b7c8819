"""What owners do with webhooks, and how these are called."""

from __future__ import annotations

import secrets
from collections.abc import Callable
from typing import Protocol
from uuid import UUID

import msgspec
from cryptography.fernet import MultiFernet
from prometheus_client import Counter

from realchat_auth.domain import SECOND_MS
from realchat_auth.events import ReadEvent
from realchat_auth.outbox import Pace
from realchat_auth.tables import Webhook
from realchat_auth.webhooks.domain import (
    GIVE_UP_MS,
    GONE,
    SECRET_PREFIX,
    SIGNATURE_HEADER,
    choose_url,
    signature,
)
from realchat_auth.webhooks.store import Call, WebhookStore
from realchat_common.ids import new_id
from realchat_common.wire import event_json

PACE = Pace(batch=20, lease_ms=30_000, most_doublings=8)
"""Again after 30 s, 1 min, 2 min … 2 h."""

CALLS = Counter("realchat_webhook_calls_total", "Calls of webhooks, by outcome.", ("outcome",))


class Postman(Protocol):
    """Posts."""

    async def post(self, url: str, headers: dict[str, str], body: bytes) -> int:
        """Posts a body; returns the status. Raises OSError."""


class Webhooks:
    """The use cases.

    Args:
        store: webhooks.
        seal: seals their secrets.
        read: reads an event.
        postman: makes the calls.
        clock: milliseconds since the Unix epoch.
        private: whether they may lead into our own networks.
    """

    def __init__(
        self,
        store: WebhookStore,
        seal: MultiFernet,
        read: ReadEvent,
        postman: Postman,
        clock: Callable[[], int],
        *,
        private: bool,
    ) -> None:
        self._store = store
        self._seal = seal
        self._read = read
        self._postman = postman
        self._clock = clock
        self._private = private

    async def create(self, bot_id: str, owner_id: str, url: str) -> tuple[Webhook, str]:
        """A webhook for a bot, and the secret by which its calls are signed.

        Raises:
            RealChatError: bot_not_found, limit_reached, invalid_argument.
        """
        secret = f"{SECRET_PREFIX}{secrets.token_urlsafe(32)}"
        webhook = Webhook(
            webhook_id=UUID(new_id()),
            bot_id=UUID(bot_id),
            url=choose_url(url, private=self._private),
            sealed_secret=self._seal.encrypt(secret.encode()),
            created_at_ms=self._clock(),
        )
        await self._store.add(webhook, owner_id)
        return webhook, secret

    async def of(self, bot_id: str, owner_id: str) -> list[Webhook]:
        """The webhooks of a bot, oldest first. Raises bot_not_found."""
        return await self._store.of(bot_id, owner_id)

    async def remove(self, webhook_id: str, bot_id: str, owner_id: str) -> None:
        """Ends a webhook. Raises bot_not_found."""
        await self._store.remove(webhook_id, bot_id, owner_id)

    async def call(self, payload: bytes) -> None:
        """Makes a call: the courier of `store.WEBHOOK`. Raises when it has to be made again."""
        call = msgspec.json.decode(payload, type=Call)
        target = await self._store.target(call.webhook_id)
        if target is None or target.owner_suspended:
            return
        webhook, now_ms = target.webhook, self._clock()
        if now_ms - call.since_ms > GIVE_UP_MS:
            CALLS.labels("given up").inc()
            return
        event = await self._read(call.conversation_id, call.seq)
        if event is None:
            return
        body = msgspec.json.encode({"bot_id": str(webhook.bot_id), "event": event_json(event)})
        secret = self._seal.decrypt(webhook.sealed_secret).decode()
        headers = {
            "Content-Type": "application/json",
            "User-Agent": "RealChat-Webhook/1",
            "RealChat-Webhook": str(webhook.webhook_id),
            "RealChat-Event": call.event_id,
            SIGNATURE_HEADER: signature(secret, now_ms // SECOND_MS, body),
        }
        try:
            status = await self._postman.post(webhook.url, headers, body)
        except OSError:
            status = 0
        await self._judge(webhook, status, now_ms)

    async def _judge(self, webhook: Webhook, status: int, now_ms: int) -> None:
        if 200 <= status < 300:
            CALLS.labels("ok").inc()
            await self._store.note(webhook, None)
        elif status == GONE:
            CALLS.labels("gone").inc()
            await self._store.note(webhook, webhook.failing_since_ms, disabled_at_ms=now_ms)
        else:
            CALLS.labels("failed").inc()
            await self._store.note(webhook, webhook.failing_since_ms or now_ms)
            raise ConnectionError(f"the webhook answered {status or 'nothing'}")
