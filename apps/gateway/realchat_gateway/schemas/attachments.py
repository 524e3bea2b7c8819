"""Files that messages carry."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, Field

from chat.message.v1 import attachment_pb2
from realchat_gateway.schemas.base import AT, MESSAGE, TALK, Command, Id, Time, example

MOST_BYTES = 10 * 1024 * 1024
LINK = f"/v1/attachments/{MESSAGE}/content?expires=1767323345&signature=5f0c"

_STATES: dict[int, Literal["pending", "ready", "quarantined"]] = {
    attachment_pb2.ATTACHMENT_STATE_PENDING: "pending",
    attachment_pb2.ATTACHMENT_STATE_READY: "ready",
    attachment_pb2.ATTACHMENT_STATE_QUARANTINED: "quarantined",
}


class NewAttachment(Command):
    """A file that is about to be uploaded."""

    model_config = example({"name": "cat.png", "content_type": "image/png", "size": 48_213})

    name: Annotated[str, Field(min_length=1, max_length=255, description="Without folders.")]
    content_type: Annotated[
        str, Field(max_length=127, description="What it is. A file whose bytes are something else is quarantined.")
    ]
    size: Annotated[int, Field(ge=1, le=MOST_BYTES, description="In bytes.")]


class Upload(BaseModel):
    """Where the bytes go: `PUT` them there, with the same access token."""

    model_config = example(
        {"attachment_id": MESSAGE, "upload_url": LINK, "expires_at": AT, "take_within_seconds": 86_400}
    )

    attachment_id: Id
    upload_url: str
    expires_at: Time
    take_within_seconds: Annotated[int, Field(description="A file that no message takes until then is removed.")]


class Attachment(BaseModel):
    """A file. Its links are for the caller alone, and end; ask again for new ones."""

    model_config = example(
        {
            "attachment_id": MESSAGE,
            "conversation_id": TALK,
            "name": "cat.png",
            "content_type": "image/png",
            "size": 48_213,
            "width": 640,
            "height": 480,
            "state": "ready",
            "url": LINK,
            "thumbnail_url": LINK.replace("content", "thumbnail"),
            "expires_at": AT,
        }
    )

    attachment_id: Id
    conversation_id: Id
    name: str
    content_type: Annotated[str, Field(description="Told by the bytes, not by the name.")]
    size: int
    width: Annotated[int | None, Field(description="Of an image, in pixels as it is to be shown.")]
    height: int | None
    state: Literal["pending", "ready", "quarantined"]
    url: Annotated[str | None, Field(description="`GET` it with the same access token.")]
    thumbnail_url: Annotated[str | None, Field(description="An image/webp of at most 512 by 512 pixels.")]
    expires_at: Time

    @classmethod
    def of(cls, stored: attachment_pb2.StoredAttachment, url: str, thumbnail_url: str, expires_at: str) -> Attachment:
        """From the message service, with links."""
        state = _STATES[stored.state]
        return cls(
            attachment_id=stored.attachment_id,
            conversation_id=stored.conversation_id,
            name=stored.name,
            content_type=stored.content_type,
            size=stored.size,
            width=stored.width or None,
            height=stored.height or None,
            state=state,
            url=url if state == "ready" else None,
            thumbnail_url=thumbnail_url if stored.has_thumbnail and state == "ready" else None,
            expires_at=expires_at,
        )
