"""The RPCs of what happens later: translate, call, translate."""

from __future__ import annotations

from chat.message.v1 import schedule_pb2 as pb
from chat.message.v1.schedule_pb2_grpc import ScheduleServiceServicer
from realchat_common.errors import Code, RealChatError
from realchat_common.ids import decode_cursor, encode_cursor, new_id, now_ms, page_limit, parse_id
from realchat_common.rpc import current_user
from realchat_message.domain import check_attachment_ids, normalise_body
from realchat_message.expiry import Expiry
from realchat_message.rpc import MOST_SEQ, Context
from realchat_message.schedule import Schedule


class ScheduleRpc(ScheduleServiceServicer):
    """Serves chat.message.v1.ScheduleService."""

    def __init__(self, schedule: Schedule, expiry: Expiry) -> None:
        self._schedule = schedule
        self._expiry = expiry

    async def ScheduleMessage(self, request: pb.ScheduleMessageRequest, context: Context) -> pb.ScheduleMessageResponse:
        files = check_attachment_ids(request.attachment_ids)
        scheduled = pb.Scheduled(
            scheduled_id=new_id(),
            conversation_id=parse_id(request.conversation_id, "conversation_id"),
            body=normalise_body(request.body, files),
            reply_to=parse_id(request.reply_to, "reply_to") if request.reply_to else "",
            send_at_ms=request.send_at_ms,
            attachment_ids=files,
        )
        await self._schedule.add(scheduled, current_user().user_id, now_ms())
        return pb.ScheduleMessageResponse(scheduled=scheduled)

    async def ListScheduled(self, request: pb.ListScheduledRequest, context: Context) -> pb.ListScheduledResponse:
        after = decode_cursor(request.cursor, tuple[int, str]) if request.cursor else None
        if after and not 0 <= after[0] <= MOST_SEQ:
            raise RealChatError(Code.INVALID_ARGUMENT, "the cursor is not valid", field="cursor")
        scheduled, last = await self._schedule.list(
            current_user().user_id,
            parse_id(request.conversation_id, "conversation_id") if request.conversation_id else "",
            page_limit(request.limit),
            (after[0], parse_id(after[1], "cursor")) if after else None,
        )
        return pb.ListScheduledResponse(scheduled=scheduled, next_cursor=encode_cursor(*last) if last else "")

    async def CancelScheduled(self, request: pb.CancelScheduledRequest, context: Context) -> pb.CancelScheduledResponse:
        await self._schedule.cancel(parse_id(request.scheduled_id, "scheduled_id"), current_user().user_id, now_ms())
        return pb.CancelScheduledResponse()

    async def SetMessageTimer(self, request: pb.SetMessageTimerRequest, context: Context) -> pb.SetMessageTimerResponse:
        conversation_id = parse_id(request.conversation_id, "conversation_id")
        seq = await self._expiry.set_timer(conversation_id, current_user().user_id, request.seconds)
        return pb.SetMessageTimerResponse(seq=seq)

    async def SetRetention(self, request: pb.SetRetentionRequest, context: Context) -> pb.SetRetentionResponse:
        conversation_id = parse_id(request.conversation_id, "conversation_id")
        seq = await self._expiry.set_retention(conversation_id, current_user().user_id, request.days)
        return pb.SetRetentionResponse(seq=seq)

    async def GetExpiry(self, request: pb.GetExpiryRequest, context: Context) -> pb.GetExpiryResponse:
        conversation_id = parse_id(request.conversation_id, "conversation_id")
        return await self._expiry.get(conversation_id, current_user().user_id)
