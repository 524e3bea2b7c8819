"""Files that messages carry."""

from __future__ import annotations

import asyncio
import mimetypes
import uuid
from pathlib import Path

from realchat.api import Api
from realchat.errors import NotFoundError
from realchat.models import Attachment, Upload


class Files:
    """Brings files to conversations and back."""

    def __init__(self, api: Api) -> None:
        self._api = api

    async def upload(
        self, conversation_id: str, file: Path | bytes, *, name: str = "", content_type: str = ""
    ) -> Attachment:
        """Brings a file, for a message to a conversation: give its `attachment_id` to `send`, within a day.

        Args:
            conversation_id: where the message will go.
            file: where it is, or its bytes.
            name: what the others see; that of the file if not given.
            content_type: what it is; told by the name if not given. Bytes that are something else are refused.
        """
        data = file if isinstance(file, bytes) else await asyncio.to_thread(file.read_bytes)
        name = name or ("file" if isinstance(file, bytes) else file.name)
        kind = content_type or mimetypes.guess_type(name)[0] or "application/octet-stream"
        path = f"/v1/conversations/{conversation_id}/attachments"
        announced = {"name": name, "content_type": kind, "size": len(data)}
        link = await self._api.ask("POST", path, Upload, json=announced, key=uuid.uuid4().hex)
        try:
            return await self._api.put(link.upload_url, data, Attachment)
        except NotFoundError:  # a link is good once: perhaps an answer was lost
            found = await self.info(link.attachment_id)
            if found.state != "ready":
                raise
            return found

    async def info(self, attachment_id: str) -> Attachment:
        """What is known of a file, with fresh links."""
        return await self._api.ask("GET", f"/v1/attachments/{attachment_id}", Attachment)

    async def download(self, attachment_id: str, *, thumbnail: bool = False) -> bytes:
        """The bytes of a file, or of a small picture of it; nothing when there is none."""
        info = await self.info(attachment_id)
        link = info.thumbnail_url if thumbnail else info.url
        return await self._api.fetch(link) if link else b""
