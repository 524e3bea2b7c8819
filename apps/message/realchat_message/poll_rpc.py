"""The RPCs of polls: translate, call, translate."""

from __future__ import annotations

from chat.event.v1 import event_pb2
from chat.message.v1 import poll_pb2 as pb
from chat.message.v1.poll_pb2_grpc import PollServiceServicer
from realchat_common.ids import parse_id
from realchat_common.rpc import current_user
from realchat_message.details import MessageDetails
from realchat_message.domain import NewMessage, check_client_message_id, normalise_body
from realchat_message.log import ConversationLog
from realchat_message.polls import ClosePoll, Vote, check_choices, check_options
from realchat_message.rpc import Context


class PollRpc(PollServiceServicer):
    """Serves chat.message.v1.PollService."""

    def __init__(self, log: ConversationLog, details: MessageDetails) -> None:
        self._log = log
        self._details = details

    async def CreatePoll(self, request: pb.CreatePollRequest, context: Context) -> pb.CreatePollResponse:
        message = NewMessage(
            sender_id=current_user().user_id,
            client_message_id=check_client_message_id(request.client_message_id),
            body=normalise_body(request.question),
            poll=event_pb2.Poll(options=check_options(request.options), multiple=request.multiple),
        )
        sent = await self._log.append_one(parse_id(request.conversation_id, "conversation_id"), message)
        return pb.CreatePollResponse(
            message_id=sent.event_id, seq=sent.seq, sent_at_ms=sent.occurred_at_ms, duplicate=sent.duplicate
        )

    async def VotePoll(self, request: pb.VotePollRequest, context: Context) -> pb.VotePollResponse:
        message_id = parse_id(request.message_id, "message_id")
        vote = Vote(current_user().user_id, message_id, check_choices(request.choices))
        done = await self._log.append_one(parse_id(request.conversation_id, "conversation_id"), vote)
        return pb.VotePollResponse(seq=done.seq, at_ms=done.occurred_at_ms, unchanged=done.duplicate)

    async def ClosePoll(self, request: pb.ClosePollRequest, context: Context) -> pb.ClosePollResponse:
        close = ClosePoll(current_user().user_id, parse_id(request.message_id, "message_id"))
        done = await self._log.append_one(parse_id(request.conversation_id, "conversation_id"), close)
        return pb.ClosePollResponse(seq=done.seq, at_ms=done.occurred_at_ms, unchanged=done.duplicate)

    async def GetPoll(self, request: pb.GetPollRequest, context: Context) -> pb.GetPollResponse:
        message = await self._details.poll(
            parse_id(request.conversation_id, "conversation_id"),
            parse_id(request.message_id, "message_id"),
            current_user().user_id,
        )
        return pb.GetPollResponse(question=message.body, poll=message.poll)
