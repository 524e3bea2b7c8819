"""Bots and their keys."""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, Field

from chat.auth.v1 import bot_pb2 as pb
from realchat_common.ids import rfc3339
from realchat_gateway.schemas.base import AT, BOB, SESSION, Command, Id, Time, example

_KEY = {
    "key_id": SESSION,
    "name": "production",
    "prefix": "rck_8Jq2aWxT",
    "scopes": ["messages:read", "messages:write"],
    "created_at": AT,
    "last_used_at": None,
    "expires_at": None,
}
_BOT = {"bot_id": BOB, "display_name": "Weather", "created_at": AT, "keys": [_KEY]}


def _time(milliseconds: int) -> str | None:
    return rfc3339(milliseconds) if milliseconds else None


class NewBot(Command):
    """A program that takes part."""

    model_config = example({"display_name": "Weather"})

    display_name: Annotated[str, Field(max_length=256)]


class NewKey(Command):
    """What a key is to be good for."""

    model_config = example({"name": "production", "scopes": ["messages:read", "messages:write"], "days": 90})

    name: Annotated[str, Field(max_length=256)]
    scopes: Annotated[list[Annotated[str, Field(max_length=64)]], Field(min_length=1, max_length=32)]
    days: Annotated[int, Field(ge=0, le=365, description="Until it expires; 0 for never.")] = 0


class ApiKey(BaseModel):
    """A key, without its secret."""

    key_id: Id
    name: str
    prefix: Annotated[str, Field(description="How the key begins.")]
    scopes: list[str]
    created_at: Time
    last_used_at: Annotated[Time | None, Field(description="To within a minute.")]
    expires_at: Time | None

    @classmethod
    def of(cls, key: pb.ApiKey) -> ApiKey:
        """From the auth service."""
        return cls(
            key_id=key.key_id,
            name=key.name,
            prefix=key.prefix,
            scopes=list(key.scopes),
            created_at=rfc3339(key.created_at_ms),
            last_used_at=_time(key.last_used_at_ms),
            expires_at=_time(key.expires_at_ms),
        )


class CreatedKey(BaseModel):
    """A new key, with what no other answer has."""

    model_config = example({"key": _KEY, "secret": "rck_8Jq2aWxT…"})

    key: ApiKey
    secret: Annotated[str, Field(description="`Authorization: Bearer …`. It is shown this once.")]


class Bot(BaseModel):
    """A bot of the caller's. It is added to conversations by its id, like anybody."""

    model_config = example(_BOT)

    bot_id: Id
    display_name: str
    created_at: Time
    keys: list[ApiKey]

    @classmethod
    def of(cls, bot: pb.Bot) -> Bot:
        """From the auth service."""
        return cls(
            bot_id=bot.bot_id,
            display_name=bot.display_name,
            created_at=rfc3339(bot.created_at_ms),
            keys=[ApiKey.of(key) for key in bot.keys],
        )


class Bots(BaseModel):
    """Oldest first."""

    model_config = example({"bots": [_BOT]})

    bots: list[Bot]


_WEBHOOK = {
    "webhook_id": SESSION,
    "url": "https://bots.example/realchat",
    "created_at": AT,
    "failing_since": None,
    "disabled_at": None,
}


class NewWebhook(Command):
    """Where a bot is told of what happens in its conversations."""

    model_config = example({"url": "https://bots.example/realchat"})

    url: Annotated[str, Field(max_length=2000, description="https, to a public address.")]


class Webhook(BaseModel):
    """A webhook, without its secret."""

    webhook_id: Id
    url: str
    created_at: Time
    failing_since: Annotated[Time | None, Field(description="Since when no call has succeeded.")]
    disabled_at: Annotated[Time | None, Field(description="When it answered 410.")]

    @classmethod
    def of(cls, webhook: pb.Webhook) -> Webhook:
        """From the auth service."""
        return cls(
            webhook_id=webhook.webhook_id,
            url=webhook.url,
            created_at=rfc3339(webhook.created_at_ms),
            failing_since=_time(webhook.failing_since_ms),
            disabled_at=_time(webhook.disabled_at_ms),
        )


class CreatedWebhook(BaseModel):
    """A new webhook, with what no other answer has."""

    model_config = example({"webhook": _WEBHOOK, "secret": "whs_8Jq2aWxT…"})

    webhook: Webhook
    secret: Annotated[
        str,
        Field(
            description="Each call has `RealChat-Signature: t=<seconds>,v1=<hex>`: HMAC-SHA256 with this key over "
            "`<t>.<body>`. Refuse what is older than five minutes. The same `RealChat-Event` may come twice."
        ),
    ]


class Webhooks(BaseModel):
    """Oldest first."""

    model_config = example({"webhooks": [_WEBHOOK]})

    webhooks: list[Webhook]
