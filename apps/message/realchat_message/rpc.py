"""The message service's RPCs: translate, call, translate."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import grpc

from chat.event.v1.event_pb2 import Segment
from chat.message.v1 import message_pb2 as pb
from chat.message.v1.message_pb2_grpc import MessageServiceServicer
from realchat_common.errors import Code, RealChatError
from realchat_common.ids import decode_cursor, encode_cursor, now_ms, page_limit, parse_id
from realchat_common.rpc import current_user
from realchat_message.acts import Act, Delete, Edit, Pin, React
from realchat_message.departed import Departed
from realchat_message.details import MessageDetails
from realchat_message.domain import (
    OF_MESSAGES,
    Appended,
    Intent,
    NewChange,
    NewMessage,
    Outcome,
    check_attachment_ids,
    check_client_message_id,
    checked_mentions,
    normalise_body,
)
from realchat_message.emojis import one_emoji
from realchat_message.log import ConversationLog
from realchat_message.receipts import Mark, Receipts, Who
from realchat_message.relations import Relations
from realchat_message.segments import MOST_EVENTS
from realchat_message.store import MessageStore, Page
from realchat_message.waiting import WaitingMessages

Context = grpc.aio.ServicerContext[object, object]

MOST_CONVERSATIONS = 200
MOST_SYNCED = 500
MOST_READ = 400
MOST_MARKS = 500
MOST_REMINDED = 50
MOST_SEQ = 2**53


class MessageRpc(MessageServiceServicer):
    """Serves chat.message.v1."""

    def __init__(
        self,
        log: ConversationLog,
        store: MessageStore,
        details: MessageDetails,
        receipts: Receipts,
        relations: Relations,
        departed: Departed,
        waiting: WaitingMessages,
    ) -> None:
        self._log = log
        self._store = store
        self._details = details
        self._receipts = receipts
        self._relations = relations
        self._departed = departed
        self._waiting = waiting

    async def AppendMessages(self, request: pb.AppendMessagesRequest, context: Context) -> pb.AppendMessagesResponse:
        conversation_id = parse_id(request.conversation_id, "conversation_id")
        if not 1 <= len(request.messages) <= MOST_EVENTS:
            raise RealChatError(Code.INVALID_ARGUMENT, f"messages are 1 to {MOST_EVENTS}", field="messages")
        checked = [_checked(message) for message in request.messages]
        intents: list[Intent] = [intent for intent in checked if isinstance(intent, NewMessage)]
        outcomes = await self._log.append(conversation_id, intents, fans_out=request.fans_out)
        rest = iter(outcomes)
        return pb.AppendMessagesResponse(
            results=[_result(entry if isinstance(entry, RealChatError) else next(rest)) for entry in checked],
            segments=_segments(outcomes) if request.fans_out else (),
        )

    async def AppendChange(self, request: pb.AppendChangeRequest, context: Context) -> pb.AppendChangeResponse:
        event = request.event
        event.conversation_id = parse_id(event.conversation_id, "conversation_id")
        event.event_id = parse_id(event.event_id, "event_id")
        event.actor_id = parse_id(event.actor_id, "actor_id")
        if event.WhichOneof("payload") in {None, *OF_MESSAGES}:
            raise RealChatError(Code.INVALID_ARGUMENT, "the event is not a change", field="event")
        changed = await self._log.append_one(event.conversation_id, NewChange(event))
        return pb.AppendChangeResponse(seq=changed.seq)

    async def GetHistory(self, request: pb.GetHistoryRequest, context: Context) -> pb.GetHistoryResponse:
        user_id = current_user().user_id
        conversation_id = parse_id(request.conversation_id, "conversation_id")
        limit = page_limit(request.limit)
        anchor = 0
        match request.WhichOneof("position"):
            case "after_seq":
                after = _seq(request.after_seq, "after_seq")
                page = await self._store.history(conversation_id, user_id, "after", after, limit)
            case "around_seq":
                anchor = _seq(request.around_seq, "around_seq")
                page = await self._around(conversation_id, user_id, anchor, limit)
            case "around_ms":
                anchor = await self._store.seq_at(conversation_id, user_id, _seq(request.around_ms, "around_time"))
                page = await self._around(conversation_id, user_id, anchor, limit)
            case "around_unread":
                anchor = await self._store.first_unread(conversation_id, user_id)
                page = await self._around(conversation_id, user_id, anchor, limit)
            case "before_seq":
                before = _seq(request.before_seq, "before_seq")
                page = await self._store.history(conversation_id, user_id, "before", before, limit)
            case _:
                page = await self._store.history(conversation_id, user_id, "before", None, limit)
        return pb.GetHistoryResponse(
            events=page.events, last_seq=page.last_seq, has_more=page.has_more, anchor_seq=anchor
        )

    async def _around(self, conversation_id: str, user_id: str, middle: int, limit: int) -> Page:
        """Half before a seq, half from it on; more on one side where the other has less."""
        after = await self._store.history(conversation_id, user_id, "after", middle - 1, limit - limit // 2)
        before = await self._store.history(conversation_id, user_id, "before", middle, limit - len(after.events))
        return Page(before.events + after.events, after.last_seq, before.has_more or after.has_more)

    async def SyncConversations(
        self, request: pb.SyncConversationsRequest, context: Context
    ) -> pb.SyncConversationsResponse:
        user_id = current_user().user_id
        if len(request.positions) > MOST_CONVERSATIONS:
            raise RealChatError(Code.INVALID_ARGUMENT, f"positions are at most {MOST_CONVERSATIONS}", field="positions")
        positions = {
            parse_id(position.conversation_id, "conversation_id"): _seq(position.after_seq, "after_seq")
            for position in request.positions
        }
        limit = page_limit(request.limit, default=200, most=MOST_SYNCED)
        return pb.SyncConversationsResponse(
            conversations=await self._store.sync(positions, user_id, limit), epoch=await self._store.epoch()
        )

    async def ListInbox(self, request: pb.ListInboxRequest, context: Context) -> pb.ListInboxResponse:
        after = decode_cursor(request.cursor, tuple[int, str]) if request.cursor else None
        if after:
            parse_id(after[1], "cursor")
        entries, last = await self._store.inbox(current_user().user_id, page_limit(request.limit), after)
        return pb.ListInboxResponse(
            entries=entries, next_cursor=encode_cursor(*last) if last else "", epoch=await self._store.epoch()
        )

    async def EditMessage(self, request: pb.EditMessageRequest, context: Context) -> pb.EditMessageResponse:
        message_id = parse_id(request.message_id, "message_id")
        edit = Edit(
            current_user().user_id,
            message_id,
            normalise_body(request.body),
            checked_mentions(request.mentions),
            request.mention_all,
        )
        done = await self._act(request.conversation_id, edit)
        return pb.EditMessageResponse(seq=done.seq, at_ms=done.occurred_at_ms, unchanged=done.duplicate)

    async def DeleteMessage(self, request: pb.DeleteMessageRequest, context: Context) -> pb.DeleteMessageResponse:
        message_id = parse_id(request.message_id, "message_id")
        done = await self._act(request.conversation_id, Delete(current_user().user_id, message_id))
        return pb.DeleteMessageResponse(seq=done.seq, at_ms=done.occurred_at_ms, unchanged=done.duplicate)

    async def ReactToMessage(self, request: pb.ReactToMessageRequest, context: Context) -> pb.ReactToMessageResponse:
        message_id = parse_id(request.message_id, "message_id")
        react = React(current_user().user_id, message_id, one_emoji(request.emoji), request.remove)
        done = await self._act(request.conversation_id, react)
        return pb.ReactToMessageResponse(seq=done.seq, at_ms=done.occurred_at_ms, unchanged=done.duplicate)

    async def ListReactions(self, request: pb.ListReactionsRequest, context: Context) -> pb.ListReactionsResponse:
        (after,) = decode_cursor(request.cursor, tuple[int]) if request.cursor else (0,)
        reactions, last = await self._details.reactions(
            parse_id(request.conversation_id, "conversation_id"),
            parse_id(request.message_id, "message_id"),
            current_user().user_id,
            one_emoji(request.emoji) if request.emoji else "",
            page_limit(request.limit),
            _seq(after, "cursor"),
        )
        return pb.ListReactionsResponse(reactions=reactions, next_cursor=encode_cursor(last) if last else "")

    async def PinMessage(self, request: pb.PinMessageRequest, context: Context) -> pb.PinMessageResponse:
        pin = Pin(current_user().user_id, parse_id(request.message_id, "message_id"), request.remove)
        done = await self._act(request.conversation_id, pin)
        return pb.PinMessageResponse(seq=done.seq, at_ms=done.occurred_at_ms, unchanged=done.duplicate)

    async def ListPins(self, request: pb.ListPinsRequest, context: Context) -> pb.ListPinsResponse:
        conversation_id = parse_id(request.conversation_id, "conversation_id")
        return pb.ListPinsResponse(pins=await self._details.pins(conversation_id, current_user().user_id))

    async def ListReplies(self, request: pb.ListRepliesRequest, context: Context) -> pb.ListRepliesResponse:
        (after,) = decode_cursor(request.cursor, tuple[int]) if request.cursor else (0,)
        message, replies, last = await self._details.replies(
            parse_id(request.conversation_id, "conversation_id"),
            parse_id(request.message_id, "message_id"),
            current_user().user_id,
            page_limit(request.limit),
            _seq(after, "cursor"),
        )
        next_cursor = encode_cursor(last) if last else ""
        return pb.ListRepliesResponse(message=message, replies=replies, next_cursor=next_cursor)

    async def ForwardMessage(self, request: pb.ForwardMessageRequest, context: Context) -> pb.ForwardMessageResponse:
        user_id = current_user().user_id
        source = parse_id(request.conversation_id, "conversation_id")
        goal = parse_id(request.to_conversation_id, "to_conversation_id")
        own_id = check_client_message_id(request.client_message_id)
        body, origin = await self._details.text(source, parse_id(request.message_id, "message_id"), user_id)
        sent = await self._log.append_one(goal, NewMessage(user_id, own_id, body, origin=origin))
        return pb.ForwardMessageResponse(appended=_appended(sent))

    async def _act(self, conversation_id: str, act: Act) -> Appended:
        return await self._log.append_one(parse_id(conversation_id, "conversation_id"), act)

    async def HideMessage(self, request: pb.HideMessageRequest, context: Context) -> pb.HideMessageResponse:
        await self._details.hide(
            parse_id(request.conversation_id, "conversation_id"),
            parse_id(request.message_id, "message_id"),
            current_user().user_id,
        )
        return pb.HideMessageResponse()

    async def ListEdits(self, request: pb.ListEditsRequest, context: Context) -> pb.ListEditsResponse:
        return await self._details.edits(
            parse_id(request.conversation_id, "conversation_id"),
            parse_id(request.message_id, "message_id"),
            current_user().user_id,
        )

    async def MarkReceipts(self, request: pb.MarkReceiptsRequest, context: Context) -> pb.MarkReceiptsResponse:
        if not 1 <= len(request.marks) <= MOST_MARKS:
            raise RealChatError(Code.INVALID_ARGUMENT, f"marks are 1 to {MOST_MARKS}", field="marks")
        asked = [_who(mark) for mark in request.marks]
        marks: dict[Who, Mark] = {}
        for who, mark in zip(asked, request.marks, strict=True):
            marks[who] = marks.get(who, Mark()).joined(
                Mark(
                    _seq(mark.delivered_up_to, "delivered_up_to"),
                    _seq(mark.read_up_to, "read_up_to"),
                    mark.marked_unread,
                )
            )
        found = await self._receipts.move(marks)
        return pb.MarkReceiptsResponse(results=[pb.MarkResult(receipt=found.get(who)) for who in asked])

    async def ListReceipts(self, request: pb.ListReceiptsRequest, context: Context) -> pb.ListReceiptsResponse:
        conversation_id = parse_id(request.conversation_id, "conversation_id")
        (after,) = decode_cursor(request.cursor, tuple[str]) if request.cursor else ("",)
        after_id = parse_id(after, "cursor") if after else ""
        receipts, last = await self._store.receipts(
            conversation_id, current_user().user_id, page_limit(request.limit), after_id
        )
        return pb.ListReceiptsResponse(receipts=receipts, next_cursor=encode_cursor(last) if last else "")

    async def GetMessageReceipts(
        self, request: pb.GetMessageReceiptsRequest, context: Context
    ) -> pb.GetMessageReceiptsResponse:
        conversation_id = parse_id(request.conversation_id, "conversation_id")
        message_id = parse_id(request.message_id, "message_id")
        return await self._store.message_receipts(conversation_id, message_id, current_user().user_id)

    async def GetMessage(self, request: pb.GetMessageRequest, context: Context) -> pb.GetMessageResponse:
        return await self._details.message(
            parse_id(request.conversation_id, "conversation_id"),
            parse_id(request.message_id, "message_id"),
            current_user().user_id,
        )

    async def ReadLog(self, request: pb.ReadLogRequest, context: Context) -> pb.ReadLogResponse:
        conversation_id = parse_id(request.conversation_id, "conversation_id")
        first_seq = _seq(request.first_seq, "first_seq")
        limit = page_limit(request.limit, default=200, most=MOST_READ)
        found = await self._store.read_log(conversation_id, first_seq, limit)
        # Somebody was told of more than the read model has: perhaps a crash between the two commits.
        if found.last_seq < first_seq <= await self._log.repair(conversation_id):
            found = await self._store.read_log(conversation_id, first_seq, limit)
        return found

    async def GetAudience(self, request: pb.GetAudienceRequest, context: Context) -> pb.GetAudienceResponse:
        return await self._store.audience(parse_id(request.conversation_id, "conversation_id"))

    async def SetRelation(self, request: pb.SetRelationRequest, context: Context) -> pb.SetRelationResponse:
        await self._relations.set(
            parse_id(request.user_id, "user_id"),
            parse_id(request.peer_id, "peer_id"),
            contacts=request.contacts,
            apart=request.apart,
            version=request.version,
        )
        return pb.SetRelationResponse()

    async def SetReceiptPrivacy(
        self, request: pb.SetReceiptPrivacyRequest, context: Context
    ) -> pb.SetReceiptPrivacyResponse:
        user_id = parse_id(request.user_id, "user_id")
        await self._relations.set_receipt_privacy(user_id, request.audience, request.version)
        return pb.SetReceiptPrivacyResponse()

    async def ForgetUser(self, request: pb.ForgetUserRequest, context: Context) -> pb.ForgetUserResponse:
        await self._departed.forget(parse_id(request.user_id, "user_id"), now_ms())
        return pb.ForgetUserResponse()

    async def ListWaiting(self, request: pb.ListWaitingRequest, context: Context) -> pb.ListWaitingResponse:
        if len(request.user_ids) > MOST_REMINDED:
            raise RealChatError(Code.INVALID_ARGUMENT, f"at most {MOST_REMINDED} people", field="user_ids")
        user_ids = [parse_id(user_id, "user_ids") for user_id in request.user_ids]
        return pb.ListWaitingResponse(waiting=await self._waiting.of(user_ids, request.since_ms))


def _who(mark: pb.ReceiptMark) -> Who:
    return parse_id(mark.conversation_id, "conversation_id"), parse_id(mark.user_id, "user_id")


def _seq(number: int, field: str) -> int:
    if not 0 <= number <= MOST_SEQ:
        raise RealChatError(Code.INVALID_ARGUMENT, f"{field} is a sequence number", field=field)
    return number


def _checked(message: pb.NewMessage) -> NewMessage | RealChatError:
    """The message in canonical form, or why it is refused: one bad message does not spoil a batch."""
    try:
        files = check_attachment_ids(message.attachment_ids)
        return NewMessage(
            sender_id=parse_id(message.sender_id, "sender_id"),
            client_message_id=check_client_message_id(message.client_message_id),
            body=normalise_body(message.body, files),
            reply_to=parse_id(message.reply_to, "reply_to") if message.reply_to else "",
            attachment_ids=files,
            mentions=checked_mentions(message.mentions),
            mention_all=message.mention_all,
        )
    except RealChatError as error:
        return error


def _appended(outcome: Appended) -> pb.AppendedMessage:
    return pb.AppendedMessage(
        message_id=outcome.event_id,
        seq=outcome.seq,
        sent_at_ms=outcome.occurred_at_ms,
        duplicate=outcome.duplicate,
    )


def _segments(outcomes: Sequence[Outcome]) -> Iterable[Segment]:
    """What was written, each once."""
    written = [outcome.segment for outcome in outcomes if isinstance(outcome, Appended) and outcome.segment]
    return {segment.first_seq: segment for segment in written}.values()


def _result(outcome: Outcome) -> pb.AppendResult:
    if isinstance(outcome, Appended):
        return pb.AppendResult(appended=_appended(outcome))
    return pb.AppendResult(
        failure=pb.AppendFailure(
            code=outcome.code.value,
            detail=outcome.detail,
            field=outcome.field or "",
            retry_after_ms=round((outcome.retry_after or 0) * 1000),
        )
    )
