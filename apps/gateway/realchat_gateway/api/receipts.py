"""Receipts: how far members have come, and what is unread."""

from __future__ import annotations

from fastapi import APIRouter

from chat.event.v1 import event_pb2
from chat.message.v1 import message_pb2 as pb
from realchat_common.errors import Code, RealChatError
from realchat_common.identity import User
from realchat_gateway.access import Reader, Writer
from realchat_gateway.api.paging import Cursor, Limit
from realchat_gateway.edge import ApiRoute
from realchat_gateway.gateway import Gateway, GatewayDep
from realchat_gateway.schemas.base import Id
from realchat_gateway.schemas.receipts import MessageReceipts, Receipt, Receipts, UpTo

router = APIRouter(prefix="/v1/conversations/{conversation_id}", tags=["receipts"], route_class=ApiRoute)


@router.post("/read")
async def mark_read(conversation_id: Id, body: UpTo, user: Writer, gateway: GatewayDep) -> Receipt:
    """Says how far the caller has read. Ends a mark as unread."""
    mark = pb.ReceiptMark(conversation_id=conversation_id, user_id=user.user_id, read_up_to=body.up_to_seq)
    return Receipt.of(await _moved(gateway, user, mark))


@router.post("/delivered")
async def mark_delivered(conversation_id: Id, body: UpTo, user: Writer, gateway: GatewayDep) -> Receipt:
    """Says how far one of the caller's devices holds the conversation."""
    mark = pb.ReceiptMark(conversation_id=conversation_id, user_id=user.user_id, delivered_up_to=body.up_to_seq)
    return Receipt.of(await _moved(gateway, user, mark))


@router.post("/unread", status_code=204)
async def mark_unread(conversation_id: Id, user: Writer, gateway: GatewayDep) -> None:
    """Marks the conversation as unread, for the caller alone and until they read on."""
    mark = pb.ReceiptMark(conversation_id=conversation_id, user_id=user.user_id, marked_unread=True)
    await _moved(gateway, user, mark)


async def _moved(gateway: Gateway, user: User, mark: pb.ReceiptMark) -> event_pb2.Receipt:
    asked = pb.MarkReceiptsRequest(marks=[mark])
    answer = await gateway.message.call(gateway.message.stub.MarkReceipts, asked, user)
    if not answer.results[0].HasField("receipt"):
        raise RealChatError(Code.CONVERSATION_NOT_FOUND)
    return answer.results[0].receipt


@router.get("/receipts")
async def list_receipts(
    conversation_id: Id, user: Reader, gateway: GatewayDep, cursor: Cursor = "", limit: Limit = 50
) -> Receipts:
    """How far each member has come."""
    asked = pb.ListReceiptsRequest(conversation_id=conversation_id, limit=limit, cursor=cursor)
    answer = await gateway.message.call(gateway.message.stub.ListReceipts, asked, user)
    return Receipts(
        receipts=[Receipt.of(receipt) for receipt in answer.receipts], next_cursor=answer.next_cursor or None
    )


@router.get("/messages/{message_id}/receipts")
async def get_message_receipts(
    conversation_id: Id, message_id: Id, user: Reader, gateway: GatewayDep
) -> MessageReceipts:
    """Who has got and who has read a message."""
    asked = pb.GetMessageReceiptsRequest(conversation_id=conversation_id, message_id=message_id)
    answer = await gateway.message.call(gateway.message.stub.GetMessageReceipts, asked, user)
    return MessageReceipts(delivered_to=list(answer.delivered_to), read_by=list(answer.read_by))
