"""Pinned messages."""

from __future__ import annotations

from fastapi import APIRouter

from chat.message.v1 import message_pb2 as pb
from realchat_gateway.access import Reader, Writer
from realchat_gateway.edge import ApiRoute
from realchat_gateway.gateway import GatewayDep
from realchat_gateway.schemas.base import Id
from realchat_gateway.schemas.messages import ChangedMessage
from realchat_gateway.schemas.threads import Pin, Pins

router = APIRouter(prefix="/v1/conversations/{conversation_id}/pins", tags=["messages"], route_class=ApiRoute)


@router.put("/{message_id}")
async def pin_message(conversation_id: Id, message_id: Id, user: Writer, gateway: GatewayDep) -> ChangedMessage:
    """Pins a message, 50 at most: in a group its administrators may, in a direct conversation both."""
    asked = pb.PinMessageRequest(conversation_id=conversation_id, message_id=message_id)
    answer = await gateway.message.call(gateway.message.stub.PinMessage, asked, user)
    return ChangedMessage.of(asked, answer)


@router.delete("/{message_id}")
async def unpin_message(conversation_id: Id, message_id: Id, user: Writer, gateway: GatewayDep) -> ChangedMessage:
    """Unpins a message."""
    asked = pb.PinMessageRequest(conversation_id=conversation_id, message_id=message_id, remove=True)
    answer = await gateway.message.call(gateway.message.stub.PinMessage, asked, user)
    return ChangedMessage.of(asked, answer)


@router.get("")
async def list_pins(conversation_id: Id, user: Reader, gateway: GatewayDep) -> Pins:
    """All pinned messages, the newest pin first."""
    asked = pb.ListPinsRequest(conversation_id=conversation_id)
    answer = await gateway.message.call(gateway.message.stub.ListPins, asked, user)
    return Pins(pins=[Pin.of(pin) for pin in answer.pins])
