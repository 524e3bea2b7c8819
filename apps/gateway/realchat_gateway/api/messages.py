"""Messages: sending, history, catching up; and what a client shows first."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from fastapi import APIRouter, Query, Response
from fastapi.responses import StreamingResponse

from chat.message.v1 import message_pb2 as pb
from realchat_common.errors import CODES, Code, RealChatError
from realchat_common.ids import new_id, now_ms, rfc3339
from realchat_gateway import inbox
from realchat_gateway.access import Reader, Writer
from realchat_gateway.api.paging import Limit
from realchat_gateway.edge import ApiRoute, IdempotencyKey
from realchat_gateway.export import NDJSON, exported
from realchat_gateway.gateway import GatewayDep
from realchat_gateway.schemas.base import MOST_SEQ, AskedTime, Id
from realchat_gateway.schemas.inbox import Bootstrap
from realchat_gateway.schemas.messages import (
    ChangedMessage,
    History,
    NewBody,
    NewMessage,
    Revision,
    Revisions,
    SentMessage,
    Sync,
    Synced,
    SyncRequest,
)

router = APIRouter(prefix="/v1", tags=["messages"], route_class=ApiRoute)

SENT_ALREADY: dict[int | str, dict[str, Any]] = {200: {"description": "It had been sent already."}}

OptionalSeq = Annotated[int | None, Query(ge=0, le=MOST_SEQ)]


@router.get("/conversations/{conversation_id}/events")
async def get_history(
    conversation_id: Id,
    user: Reader,
    gateway: GatewayDep,
    before: OptionalSeq = None,
    after: OptionalSeq = None,
    around: OptionalSeq = None,
    around_time: Annotated[AskedTime | None, Query(description="Around the first event of then or later.")] = None,
    around_unread: Annotated[
        Literal["first"] | None, Query(description="Around the first message that the caller has not read.")
    ] = None,
    limit: Limit = 50,
) -> History:
    """Events before, after or around a `seq`, a time or what is unread; without one of these, the newest."""
    positions: dict[str, Any] = {
        "before_seq": before,
        "after_seq": after,
        "around_seq": around,
        "around_ms": around_time,
        "around_unread": True if around_unread else None,
    }
    given = {name: value for name, value in positions.items() if value is not None}
    if len(given) > 1:
        raise RealChatError(Code.INVALID_ARGUMENT, "give one of before, after and around…", field="before")
    asked = pb.GetHistoryRequest(conversation_id=conversation_id, limit=limit, **given)
    return History.of(await gateway.message.call(gateway.message.stub.GetHistory, asked, user))


@router.post(
    "/conversations/{conversation_id}/messages",
    status_code=201,
    responses=SENT_ALREADY,
)
async def send_message(
    conversation_id: Id,
    body: NewMessage,
    user: Writer,
    gateway: GatewayDep,
    response: Response,
    key: IdempotencyKey,
) -> SentMessage:
    """Sends a message."""
    own_id = own_message_id(body.client_message_id, key)
    message = pb.NewMessage(
        sender_id=user.user_id,
        client_message_id=own_id,
        body=body.body,
        reply_to=body.reply_to or "",
        attachment_ids=body.attachment_ids,
        mentions=body.mentions,
        mention_all=body.mention_all,
    )
    asked = pb.AppendMessagesRequest(conversation_id=conversation_id, messages=[message])
    answer = await gateway.message.call(gateway.message.stub.AppendMessages, asked, user)
    result = answer.results[0]
    if result.HasField("failure"):
        raise RealChatError(CODES[result.failure.code], result.failure.detail)
    response.status_code = 200 if result.appended.duplicate else 201
    return SentMessage.of(conversation_id, own_id, result.appended)


def own_message_id(in_body: str | None, key: str | None) -> str:
    """The sender's own id of a message, else the Idempotency-Key, else a new one. Raises invalid_argument."""
    if in_body and key and in_body != key:
        raise RealChatError(Code.INVALID_ARGUMENT, "differs from the Idempotency-Key", field="client_message_id")
    own_id = in_body or key or new_id()
    if len(own_id) > 64:
        raise RealChatError(Code.INVALID_ARGUMENT, "for a message, at most 64 characters", field="Idempotency-Key")
    return own_id


@router.patch("/conversations/{conversation_id}/messages/{message_id}")
async def edit_message(
    conversation_id: Id, message_id: Id, body: NewBody, user: Writer, gateway: GatewayDep
) -> ChangedMessage:
    """Changes what a message of one's own says, within 24 hours."""
    asked = pb.EditMessageRequest(
        conversation_id=conversation_id,
        message_id=message_id,
        body=body.body,
        mentions=body.mentions,
        mention_all=body.mention_all,
    )
    answer = await gateway.message.call(gateway.message.stub.EditMessage, asked, user)
    return ChangedMessage.of(asked, answer)


@router.delete("/conversations/{conversation_id}/messages/{message_id}", status_code=204)
async def delete_message(
    conversation_id: Id,
    message_id: Id,
    user: Writer,
    gateway: GatewayDep,
    whom: Annotated[Literal["everyone", "me"], Query(alias="for")] = "everyone",
) -> None:
    """Deletes a message: for everyone, which its author and a group's administrators may, or for oneself."""
    if whom == "me":
        hidden = pb.HideMessageRequest(conversation_id=conversation_id, message_id=message_id)
        await gateway.message.call(gateway.message.stub.HideMessage, hidden, user)
    else:
        deleted = pb.DeleteMessageRequest(conversation_id=conversation_id, message_id=message_id)
        await gateway.message.call(gateway.message.stub.DeleteMessage, deleted, user)


@router.get("/conversations/{conversation_id}/messages/{message_id}/edits")
async def list_edits(conversation_id: Id, message_id: Id, user: Reader, gateway: GatewayDep) -> Revisions:
    """What a message said before it was edited, for its author and a group's administrators."""
    asked = pb.ListEditsRequest(conversation_id=conversation_id, message_id=message_id)
    answer = await gateway.message.call(gateway.message.stub.ListEdits, asked, user)
    return Revisions(revisions=[Revision(body=r.body, at=rfc3339(r.written_at_ms)) for r in answer.revisions])


@router.get(
    "/conversations/{conversation_id}/export",
    response_class=StreamingResponse,
    responses={200: {"description": "A head, an event a line, and an end", "content": {NDJSON: {}}}},
)
async def export_conversation(conversation_id: Id, user: Reader, gateway: GatewayDep) -> StreamingResponse:
    """All of a conversation that the caller may see, as JSON lines. Without an `{"end": true}` it is not whole."""
    lines = await exported(gateway, user, conversation_id, now_ms())
    headers = {"Content-Disposition": f'attachment; filename="{conversation_id}.jsonl"'}
    return StreamingResponse(lines, media_type=NDJSON, headers=headers)


@router.post("/sync")
async def sync(body: SyncRequest, user: Reader, gateway: GatewayDep) -> Sync:
    """What happened in several conversations since the client last looked."""
    positions = [pb.SyncPosition(**position.model_dump()) for position in body.positions]
    asked = pb.SyncConversationsRequest(positions=positions, limit=body.limit)
    answer = await gateway.message.call(gateway.message.stub.SyncConversations, asked, user)
    return Sync(epoch=answer.epoch, conversations=[Synced.of(synced) for synced in answer.conversations])


@router.get("/bootstrap")
async def bootstrap(user: Reader, gateway: GatewayDep) -> Bootstrap:
    """What a client shows first: the caller, their conversations, the people in them."""
    return await inbox.bootstrap(gateway, user)
