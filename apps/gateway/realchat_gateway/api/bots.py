"""Bots: what their owners do with them. What bots do, they do as users."""

from __future__ import annotations

from fastapi import APIRouter

from chat.auth.v1 import bot_pb2 as pb
from realchat_gateway.access import Reader, Writer
from realchat_gateway.edge import ApiRoute
from realchat_gateway.gateway import GatewayDep
from realchat_gateway.schemas.base import Id
from realchat_gateway.schemas.bots import (
    ApiKey,
    Bot,
    Bots,
    CreatedKey,
    CreatedWebhook,
    NewBot,
    NewKey,
    NewWebhook,
    Webhook,
    Webhooks,
)

router = APIRouter(prefix="/v1/bots", tags=["bots"], route_class=ApiRoute)


@router.post("", status_code=201)
async def create_bot(body: NewBot, user: Writer, gateway: GatewayDep) -> Bot:
    """Makes a bot, owned by the caller."""
    asked = pb.CreateBotRequest(display_name=body.display_name)
    return Bot.of((await gateway.bot.call(gateway.bot.stub.CreateBot, asked, user)).bot)


@router.get("")
async def list_bots(user: Reader, gateway: GatewayDep) -> Bots:
    """The caller's bots and their keys."""
    answer = await gateway.bot.call(gateway.bot.stub.ListBots, pb.ListBotsRequest(), user)
    return Bots(bots=[Bot.of(bot) for bot in answer.bots])


@router.delete("/{bot_id}", status_code=204)
async def delete_bot(bot_id: Id, user: Writer, gateway: GatewayDep) -> None:
    """Removes a bot for good. Its messages stay, under an id that means nothing any more."""
    answer = await gateway.bot.call(gateway.bot.stub.DeleteBot, pb.DeleteBotRequest(bot_id=bot_id), user)
    await gateway.revoked.add_all(answer.session_ids)


@router.post("/{bot_id}/keys", status_code=201)
async def create_key(bot_id: Id, body: NewKey, user: Writer, gateway: GatewayDep) -> CreatedKey:
    """A key for a bot. What it is good for is decided now."""
    asked = pb.CreateApiKeyRequest(bot_id=bot_id, **body.model_dump())
    answer = await gateway.bot.call(gateway.bot.stub.CreateApiKey, asked, user)
    return CreatedKey(key=ApiKey.of(answer.key), secret=answer.secret)


@router.delete("/{bot_id}/keys/{key_id}", status_code=204)
async def revoke_key(bot_id: Id, key_id: Id, user: Writer, gateway: GatewayDep) -> None:
    """Ends a key; its sockets close."""
    asked = pb.RevokeApiKeyRequest(bot_id=bot_id, key_id=key_id)
    await gateway.bot.call(gateway.bot.stub.RevokeApiKey, asked, user)
    await gateway.revoked.add(key_id)


@router.post("/{bot_id}/webhooks", status_code=201)
async def create_webhook(bot_id: Id, body: NewWebhook, user: Writer, gateway: GatewayDep) -> CreatedWebhook:
    """Tells a bot by HTTP of what others do in its conversations: a POST per event, again until it is answered 2xx."""
    asked = pb.CreateWebhookRequest(bot_id=bot_id, url=body.url)
    answer = await gateway.bot.call(gateway.bot.stub.CreateWebhook, asked, user)
    return CreatedWebhook(webhook=Webhook.of(answer.webhook), secret=answer.secret)


@router.get("/{bot_id}/webhooks")
async def list_webhooks(bot_id: Id, user: Reader, gateway: GatewayDep) -> Webhooks:
    """The webhooks of a bot."""
    answer = await gateway.bot.call(gateway.bot.stub.ListWebhooks, pb.ListWebhooksRequest(bot_id=bot_id), user)
    return Webhooks(webhooks=[Webhook.of(webhook) for webhook in answer.webhooks])


@router.delete("/{bot_id}/webhooks/{webhook_id}", status_code=204)
async def delete_webhook(bot_id: Id, webhook_id: Id, user: Writer, gateway: GatewayDep) -> None:
    """Ends a webhook."""
    asked = pb.DeleteWebhookRequest(bot_id=bot_id, webhook_id=webhook_id)
    await gateway.bot.call(gateway.bot.stub.DeleteWebhook, asked, user)
