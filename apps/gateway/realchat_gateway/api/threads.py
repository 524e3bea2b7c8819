"""Threads, and texts that go on to other conversations."""

from __future__ import annotations

from fastapi import APIRouter, Response

from chat.message.v1 import message_pb2 as pb
from realchat_gateway.access import Reader, Writer
from realchat_gateway.api.messages import SENT_ALREADY, own_message_id
from realchat_gateway.api.paging import Cursor, Limit
from realchat_gateway.edge import ApiRoute, IdempotencyKey
from realchat_gateway.gateway import GatewayDep
from realchat_gateway.schemas.base import Id
from realchat_gateway.schemas.messages import SentMessage
from realchat_gateway.schemas.threads import Forward, Replies

router = APIRouter(
    prefix="/v1/conversations/{conversation_id}/messages/{message_id}", tags=["messages"], route_class=ApiRoute
)


@router.get("/replies")
async def list_replies(
    conversation_id: Id, message_id: Id, user: Reader, gateway: GatewayDep, cursor: Cursor = "", limit: Limit = 50
) -> Replies:
    """A message and those that answer it, in ascending `seq`."""
    asked = pb.ListRepliesRequest(conversation_id=conversation_id, message_id=message_id, limit=limit, cursor=cursor)
    return Replies.of(await gateway.message.call(gateway.message.stub.ListReplies, asked, user))


@router.post("/forward", status_code=201, responses=SENT_ALREADY)
async def forward_message(
    conversation_id: Id,
    message_id: Id,
    body: Forward,
    user: Writer,
    gateway: GatewayDep,
    response: Response,
    key: IdempotencyKey,
) -> SentMessage:
    """Sends what a message says to another conversation. Its readers learn who wrote it and when, but not where."""
    asked = pb.ForwardMessageRequest(
        conversation_id=conversation_id,
        message_id=message_id,
        to_conversation_id=body.conversation_id,
        client_message_id=own_message_id(body.client_message_id, key),
    )
    answer = await gateway.message.call(gateway.message.stub.ForwardMessage, asked, user)
    response.status_code = 200 if answer.appended.duplicate else 201
    return SentMessage.of(body.conversation_id, asked.client_message_id, answer.appended)
