"""The RPCs of attachments: translate, call, translate."""

from __future__ import annotations

from chat.message.v1 import attachment_pb2 as pb
from chat.message.v1.attachment_pb2_grpc import AttachmentServiceServicer
from realchat_common.ids import new_id, parse_id
from realchat_common.rpc import current_user
from realchat_message.attachments import Attachments
from realchat_message.files import check_content_type, check_name, check_size
from realchat_message.rpc import Context


class AttachmentRpc(AttachmentServiceServicer):
    """Serves chat.message.v1.AttachmentService."""

    def __init__(self, attachments: Attachments) -> None:
        self._attachments = attachments

    async def CreateAttachment(
        self, request: pb.CreateAttachmentRequest, context: Context
    ) -> pb.CreateAttachmentResponse:
        attachment_id = new_id()
        await self._attachments.create(
            attachment_id,
            parse_id(request.conversation_id, "conversation_id"),
            current_user().user_id,
            check_name(request.name),
            check_content_type(request.content_type),
            check_size(request.size),
        )
        return pb.CreateAttachmentResponse(attachment_id=attachment_id)

    async def StoreAttachment(self, request: pb.StoreAttachmentRequest, context: Context) -> pb.StoreAttachmentResponse:
        attachment_id = parse_id(request.attachment_id, "attachment_id")
        stored = await self._attachments.store(attachment_id, current_user().user_id, request.data)
        return pb.StoreAttachmentResponse(attachment=stored)

    async def GetAttachment(self, request: pb.GetAttachmentRequest, context: Context) -> pb.GetAttachmentResponse:
        attachment_id = parse_id(request.attachment_id, "attachment_id")
        return pb.GetAttachmentResponse(attachment=await self._attachments.get(attachment_id, current_user().user_id))

    async def ReadAttachment(self, request: pb.ReadAttachmentRequest, context: Context) -> pb.ReadAttachmentResponse:
        attachment_id = parse_id(request.attachment_id, "attachment_id")
        return await self._attachments.read(attachment_id, current_user().user_id, thumbnail=request.thumbnail)
