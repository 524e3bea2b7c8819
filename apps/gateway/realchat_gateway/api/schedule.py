"""Scheduled messages, and when messages end."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query

from chat.message.v1 import schedule_pb2 as pb
from realchat_common.identity import User
from realchat_gateway.access import Reader, Writer
from realchat_gateway.api.paging import Cursor, Limit
from realchat_gateway.edge import IdempotencyKey, RetryableRoute
from realchat_gateway.gateway import Gateway, GatewayDep
from realchat_gateway.schemas.base import Id
from realchat_gateway.schemas.schedule import AllScheduled, Expiry, NewRetention, NewScheduled, NewTimer, Scheduled

router = APIRouter(prefix="/v1", tags=["messages"], route_class=RetryableRoute)


@router.post("/conversations/{conversation_id}/scheduled", status_code=201)
async def schedule_message(
    conversation_id: Id, body: NewScheduled, user: Writer, gateway: GatewayDep, _: IdempotencyKey
) -> Scheduled:
    """Has a message sent at a time, whether or not the caller is connected then."""
    asked = pb.ScheduleMessageRequest(
        conversation_id=conversation_id,
        body=body.body,
        reply_to=body.reply_to or "",
        send_at_ms=int(body.send_at),
        attachment_ids=body.attachment_ids,
    )
    answer = await gateway.schedule.call(gateway.schedule.stub.ScheduleMessage, asked, user)
    return Scheduled.of(answer.scheduled)


@router.get("/scheduled")
async def list_scheduled(
    user: Reader,
    gateway: GatewayDep,
    conversation_id: Annotated[Id | None, Query(description="Only for this conversation.")] = None,
    cursor: Cursor = "",
    limit: Limit = 50,
) -> AllScheduled:
    """The caller's messages that wait to be sent, and those that could not be."""
    asked = pb.ListScheduledRequest(conversation_id=conversation_id or "", limit=limit, cursor=cursor)
    answer = await gateway.schedule.call(gateway.schedule.stub.ListScheduled, asked, user)
    scheduled = [Scheduled.of(each) for each in answer.scheduled]
    return AllScheduled(scheduled=scheduled, next_cursor=answer.next_cursor or None)


@router.delete("/scheduled/{scheduled_id}", status_code=204)
async def cancel_scheduled(scheduled_id: Id, user: Writer, gateway: GatewayDep) -> None:
    """Forgets a message that was not sent yet."""
    asked = pb.CancelScheduledRequest(scheduled_id=scheduled_id)
    await gateway.schedule.call(gateway.schedule.stub.CancelScheduled, asked, user)


@router.get("/conversations/{conversation_id}/expiry")
async def get_expiry(conversation_id: Id, user: Reader, gateway: GatewayDep) -> Expiry:
    """When messages of a conversation end."""
    return await _expiry(gateway, conversation_id, user)


@router.put("/conversations/{conversation_id}/expiry/timer")
async def set_timer(conversation_id: Id, body: NewTimer, user: Writer, gateway: GatewayDep) -> Expiry:
    """Has messages sent from now on end after a time. For administrators of a group, and both of a direct one."""
    asked = pb.SetMessageTimerRequest(conversation_id=conversation_id, seconds=body.seconds or 0)
    await gateway.schedule.call(gateway.schedule.stub.SetMessageTimer, asked, user)
    return await _expiry(gateway, conversation_id, user)


@router.put("/conversations/{conversation_id}/expiry/retention")
async def set_retention(conversation_id: Id, body: NewRetention, user: Writer, gateway: GatewayDep) -> Expiry:
    """Has all messages end at an age, also those that are there already. For the same people as the timer."""
    asked = pb.SetRetentionRequest(conversation_id=conversation_id, days=body.days or 0)
    await gateway.schedule.call(gateway.schedule.stub.SetRetention, asked, user)
    return await _expiry(gateway, conversation_id, user)


async def _expiry(gateway: Gateway, conversation_id: str, user: User) -> Expiry:
    asked = pb.GetExpiryRequest(conversation_id=conversation_id)
    return Expiry.of(await gateway.schedule.call(gateway.schedule.stub.GetExpiry, asked, user))
