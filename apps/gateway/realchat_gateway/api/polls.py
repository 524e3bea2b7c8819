"""Polls."""

from __future__ import annotations

from fastapi import APIRouter, Response

from chat.message.v1 import poll_pb2 as pb
from realchat_common.ids import rfc3339
from realchat_gateway.access import Reader, Writer
from realchat_gateway.api.messages import SENT_ALREADY, own_message_id
from realchat_gateway.edge import ApiRoute, IdempotencyKey
from realchat_gateway.gateway import GatewayDep
from realchat_gateway.schemas.base import Id
from realchat_gateway.schemas.messages import SentMessage
from realchat_gateway.schemas.polls import NewPoll, NewVote, Poll, Voted

router = APIRouter(prefix="/v1/conversations/{conversation_id}/polls", tags=["polls"], route_class=ApiRoute)


@router.post("", status_code=201, responses=SENT_ALREADY)
async def create_poll(
    conversation_id: Id, body: NewPoll, user: Writer, gateway: GatewayDep, response: Response, key: IdempotencyKey
) -> SentMessage:
    """Sends a poll: a message whose body is the question."""
    own_id = own_message_id(body.client_message_id, key)
    asked = pb.CreatePollRequest(
        conversation_id=conversation_id,
        client_message_id=own_id,
        question=body.question,
        options=body.options,
        multiple=body.multiple,
    )
    answer = await gateway.polls.call(gateway.polls.stub.CreatePoll, asked, user)
    response.status_code = 200 if answer.duplicate else 201
    return SentMessage.of(conversation_id, own_id, answer)


@router.get("/{message_id}")
async def get_poll(conversation_id: Id, message_id: Id, user: Reader, gateway: GatewayDep) -> Poll:
    """The results of a poll as they stand."""
    asked = pb.GetPollRequest(conversation_id=conversation_id, message_id=message_id)
    answer = await gateway.polls.call(gateway.polls.stub.GetPoll, asked, user)
    return Poll.of(message_id, answer.question, answer.poll)


@router.put("/{message_id}/vote")
async def vote(conversation_id: Id, message_id: Id, body: NewVote, user: Writer, gateway: GatewayDep) -> Voted:
    """Answers a poll, in place of an earlier answer."""
    asked = pb.VotePollRequest(conversation_id=conversation_id, message_id=message_id, choices=body.choices)
    done = await gateway.polls.call(gateway.polls.stub.VotePoll, asked, user)
    return _voted(conversation_id, message_id, done)


@router.post("/{message_id}/close")
async def close_poll(conversation_id: Id, message_id: Id, user: Writer, gateway: GatewayDep) -> Voted:
    """Ends a poll, which its author and a group's administrators may."""
    asked = pb.ClosePollRequest(conversation_id=conversation_id, message_id=message_id)
    done = await gateway.polls.call(gateway.polls.stub.ClosePoll, asked, user)
    return _voted(conversation_id, message_id, done)


def _voted(conversation_id: str, message_id: str, done: pb.VotePollResponse | pb.ClosePollResponse) -> Voted:
    return Voted(
        conversation_id=conversation_id,
        message_id=message_id,
        seq=done.seq,
        at=rfc3339(done.at_ms),
        unchanged=done.unchanged,
    )
