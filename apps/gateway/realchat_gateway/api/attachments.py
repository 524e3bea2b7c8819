"""Files that messages carry: announced, then uploaded and downloaded by links, which bindings do not have."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Annotated
from urllib.parse import quote

from fastapi import APIRouter, Query, Request, Response

from chat.message.v1 import attachment_pb2 as pb
from realchat_common.errors import Code, RealChatError
from realchat_common.identity import User
from realchat_common.ids import rfc3339
from realchat_gateway.access import Reader, Writer
from realchat_gateway.edge import ApiRoute, IdempotencyKey, RetryableRoute, UploadRoute
from realchat_gateway.gateway import Gateway, GatewayDep
from realchat_gateway.links import LIFETIME_SECONDS, Purpose
from realchat_gateway.schemas.attachments import Attachment, NewAttachment, Upload
from realchat_gateway.schemas.base import MOST_SEQ, Id

TRANSFER_SECONDS = 30.0
TAKE_WITHIN_SECONDS = 24 * 3600
SHOWN = frozenset({"image/jpeg", "image/png", "image/gif", "image/webp"})
"""What a browser may show by itself; everything else it saves."""
_BYTES = {"content": {"application/octet-stream": {"schema": {"type": "string", "format": "binary"}}}}

router = APIRouter()
_announcing = APIRouter(prefix="/v1", tags=["attachments"], route_class=RetryableRoute)
_uploading = APIRouter(prefix="/v1", tags=["attachments"], route_class=UploadRoute)
_reading = APIRouter(prefix="/v1", tags=["attachments"], route_class=ApiRoute)

Expires = Annotated[int, Query(ge=0, le=MOST_SEQ)]
Signature = Annotated[str, Query(pattern="^[0-9a-f]{64}$")]


@_announcing.post("/conversations/{conversation_id}/attachments", status_code=201)
async def create_attachment(
    conversation_id: Id, body: NewAttachment, user: Writer, gateway: GatewayDep, _: IdempotencyKey
) -> Upload:
    """Announces a file for a message to this conversation, and gives the link for its bytes."""
    asked = pb.CreateAttachmentRequest(conversation_id=conversation_id, **body.model_dump())
    answer = await gateway.attachments.call(gateway.attachments.stub.CreateAttachment, asked, user)
    now = time.time()
    return Upload(
        attachment_id=answer.attachment_id,
        upload_url=gateway.links.path("upload", answer.attachment_id, user.user_id, now),
        expires_at=_end(now),
        take_within_seconds=TAKE_WITHIN_SECONDS,
    )


@_uploading.put("/attachments/{attachment_id}/content", openapi_extra={"requestBody": {"required": True, **_BYTES}})
async def upload_attachment(
    attachment_id: Id, user: Writer, gateway: GatewayDep, request: Request, expires: Expires, signature: Signature
) -> Attachment:
    """Takes the bytes of a file, once: as many as were announced, of the type that was."""
    _check(gateway, "upload", attachment_id, user, expires, signature)
    async with _transfer(gateway):
        asked = pb.StoreAttachmentRequest(attachment_id=attachment_id, data=await request.body())
        answer = await gateway.attachments.call(
            gateway.attachments.stub.StoreAttachment, asked, user, deadline=TRANSFER_SECONDS
        )
    return _linked(gateway, answer.attachment, user)


@_reading.get("/attachments/{attachment_id}")
async def get_attachment(attachment_id: Id, user: Reader, gateway: GatewayDep) -> Attachment:
    """What is known of a file, with links to its bytes, for those who may read its message now."""
    asked = pb.GetAttachmentRequest(attachment_id=attachment_id)
    answer = await gateway.attachments.call(gateway.attachments.stub.GetAttachment, asked, user)
    return _linked(gateway, answer.attachment, user)


@_reading.get(
    "/attachments/{attachment_id}/content", response_class=Response, responses={200: {"description": "Bytes", **_BYTES}}
)
async def download_attachment(
    attachment_id: Id, user: Reader, gateway: GatewayDep, expires: Expires, signature: Signature
) -> Response:
    """The bytes of a file."""
    _check(gateway, "download", attachment_id, user, expires, signature)
    return await _content(gateway, pb.ReadAttachmentRequest(attachment_id=attachment_id), user)


@_reading.get(
    "/attachments/{attachment_id}/thumbnail",
    response_class=Response,
    responses={200: {"description": "An image/webp", **_BYTES}},
)
async def download_thumbnail(
    attachment_id: Id, user: Reader, gateway: GatewayDep, expires: Expires, signature: Signature
) -> Response:
    """A small picture of a picture."""
    _check(gateway, "thumbnail", attachment_id, user, expires, signature)
    return await _content(gateway, pb.ReadAttachmentRequest(attachment_id=attachment_id, thumbnail=True), user)


for _part in (_announcing, _uploading, _reading):
    router.include_router(_part)


def _end(now: float) -> str:
    return rfc3339((int(now) + LIFETIME_SECONDS) * 1000)


def _check(gateway: Gateway, purpose: Purpose, attachment_id: str, user: User, expires: int, signature: str) -> None:
    gateway.links.check(purpose, attachment_id, user.user_id, expires, signature, time.time())


def _linked(gateway: Gateway, stored: pb.StoredAttachment, user: User) -> Attachment:
    now = time.time()
    return Attachment.of(
        stored,
        gateway.links.path("download", stored.attachment_id, user.user_id, now),
        gateway.links.path("thumbnail", stored.attachment_id, user.user_id, now),
        _end(now),
    )


@asynccontextmanager
async def _transfer(gateway: Gateway) -> AsyncIterator[None]:
    """Bounds how many files are in memory at once. Raises overloaded."""
    if gateway.transfers.locked():
        raise RealChatError(Code.OVERLOADED, "too many files are on their way", retry_after=1)
    async with gateway.transfers:
        yield


async def _content(gateway: Gateway, asked: pb.ReadAttachmentRequest, user: User) -> Response:
    async with _transfer(gateway):
        found = await gateway.attachments.call(
            gateway.attachments.stub.ReadAttachment, asked, user, deadline=TRANSFER_SECONDS
        )
    how = "inline" if asked.thumbnail or found.content_type in SHOWN else "attachment"
    return Response(
        found.data,
        media_type=found.content_type,
        headers={
            "Content-Disposition": f"{how}; filename*=UTF-8''{quote(found.name, safe='')}",
            "Content-Security-Policy": "sandbox; default-src 'none'",
        },
    )
