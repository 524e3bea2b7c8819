"""BotService over gRPC."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from chat.auth.v1 import bot_pb2 as pb
from chat.auth.v1.bot_pb2_grpc import BotServiceServicer
from realchat_auth.bots.service import Bots
from realchat_auth.tables import ApiKey, Bot, Webhook
from realchat_auth.webhooks.service import Webhooks
from realchat_common.ids import parse_id
from realchat_common.rpc import current_user


def _key(key: ApiKey) -> pb.ApiKey:
    return pb.ApiKey(
        key_id=str(key.key_id),
        name=key.name,
        prefix=key.prefix,
        scopes=key.scopes,
        created_at_ms=key.created_at_ms,
        last_used_at_ms=key.last_used_at_ms or 0,
        expires_at_ms=key.expires_at_ms or 0,
    )


def _bot(bot: Bot, keys: Iterable[ApiKey] = ()) -> pb.Bot:
    return pb.Bot(
        bot_id=str(bot.bot_id),
        display_name=bot.display_name,
        created_at_ms=bot.created_at_ms,
        keys=map(_key, keys),
    )


def _webhook(webhook: Webhook) -> pb.Webhook:
    return pb.Webhook(
        webhook_id=str(webhook.webhook_id),
        url=webhook.url,
        created_at_ms=webhook.created_at_ms,
        failing_since_ms=webhook.failing_since_ms or 0,
        disabled_at_ms=webhook.disabled_at_ms or 0,
    )


class BotServicer(BotServiceServicer):
    """Translates; contracts/proto/chat/auth/v1/bot.proto says what each method does."""

    def __init__(self, bots: Bots, webhooks: Webhooks) -> None:
        self._bots = bots
        self._webhooks = webhooks

    async def CreateBot(self, request: pb.CreateBotRequest, context: Any) -> pb.CreateBotResponse:
        return pb.CreateBotResponse(bot=_bot(await self._bots.create(current_user().user_id, request.display_name)))

    async def ListBots(self, request: pb.ListBotsRequest, context: Any) -> pb.ListBotsResponse:
        bots = await self._bots.of(current_user().user_id)
        return pb.ListBotsResponse(bots=[_bot(bot, keys) for bot, keys in bots])

    async def DeleteBot(self, request: pb.DeleteBotRequest, context: Any) -> pb.DeleteBotResponse:
        ended = await self._bots.remove(parse_id(request.bot_id, "bot_id"), current_user().user_id)
        return pb.DeleteBotResponse(session_ids=ended)

    async def CreateApiKey(self, request: pb.CreateApiKeyRequest, context: Any) -> pb.CreateApiKeyResponse:
        key, secret = await self._bots.create_key(
            parse_id(request.bot_id, "bot_id"), current_user().user_id, request.name, request.scopes, request.days
        )
        return pb.CreateApiKeyResponse(key=_key(key), secret=secret)

    async def RevokeApiKey(self, request: pb.RevokeApiKeyRequest, context: Any) -> pb.RevokeApiKeyResponse:
        key_id, bot_id = parse_id(request.key_id, "key_id"), parse_id(request.bot_id, "bot_id")
        await self._bots.revoke_key(key_id, bot_id, current_user().user_id)
        return pb.RevokeApiKeyResponse()

    async def VerifyApiKey(self, request: pb.VerifyApiKeyRequest, context: Any) -> pb.VerifyApiKeyResponse:
        key = await self._bots.verify(request.secret)
        return pb.VerifyApiKeyResponse(bot_id=str(key.bot_id), key_id=str(key.key_id), scopes=key.scopes)

    async def CreateWebhook(self, request: pb.CreateWebhookRequest, context: Any) -> pb.CreateWebhookResponse:
        bot_id = parse_id(request.bot_id, "bot_id")
        webhook, secret = await self._webhooks.create(bot_id, current_user().user_id, request.url)
        return pb.CreateWebhookResponse(webhook=_webhook(webhook), secret=secret)

    async def ListWebhooks(self, request: pb.ListWebhooksRequest, context: Any) -> pb.ListWebhooksResponse:
        found = await self._webhooks.of(parse_id(request.bot_id, "bot_id"), current_user().user_id)
        return pb.ListWebhooksResponse(webhooks=map(_webhook, found))

    async def DeleteWebhook(self, request: pb.DeleteWebhookRequest, context: Any) -> pb.DeleteWebhookResponse:
        webhook_id, bot_id = parse_id(request.webhook_id, "webhook_id"), parse_id(request.bot_id, "bot_id")
        await self._webhooks.remove(webhook_id, bot_id, current_user().user_id)
        return pb.DeleteWebhookResponse()
