"""What happens later by itself: messages that are sent at a time, and messages that end at one."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import BaseModel, Field

from chat.message.v1 import schedule_pb2
from realchat_common.ids import rfc3339
from realchat_gateway.schemas.base import AT, MESSAGE, TALK, AskedTime, Command, Id, Time, example
from realchat_gateway.schemas.messages import AttachmentIds


class NewScheduled(Command):
    """A message for later."""

    model_config = example({"body": "Happy unbirthday!", "send_at": AT})

    body: Annotated[str, Field(description="1 to 8,000 characters after normalisation.")]
    reply_to: Id | None = None
    attachment_ids: AttachmentIds
    send_at: Annotated[AskedTime, Field(description="In the future, within a year.")]


SCHEDULED: dict[str, Any] = {
    "scheduled_id": MESSAGE,
    "conversation_id": TALK,
    "body": "Happy unbirthday!",
    "reply_to": None,
    "attachment_ids": [],
    "send_at": AT,
    "failure": None,
}


class Scheduled(BaseModel):
    """A message that waits; once it is sent, it is an event like any other, and not here."""

    model_config = example({**SCHEDULED})

    scheduled_id: Annotated[Id, Field(description="Also the `client_message_id` that it will have.")]
    conversation_id: Id
    body: str
    reply_to: Id | None
    attachment_ids: list[Id]
    send_at: Time
    failure: Annotated[str | None, Field(description="The code that says why it could not be sent at its time.")]

    @classmethod
    def of(cls, scheduled: schedule_pb2.Scheduled) -> Scheduled:
        """From the message service."""
        return cls(
            scheduled_id=scheduled.scheduled_id,
            conversation_id=scheduled.conversation_id,
            body=scheduled.body,
            reply_to=scheduled.reply_to or None,
            attachment_ids=list(scheduled.attachment_ids),
            send_at=rfc3339(scheduled.send_at_ms),
            failure=scheduled.failure or None,
        )


class AllScheduled(BaseModel):
    """The caller's messages that wait, the next one first."""

    model_config = example({"scheduled": [SCHEDULED], "next_cursor": None})

    scheduled: list[Scheduled]
    next_cursor: str | None


class NewTimer(Command):
    """How long messages last."""

    model_config = example({"seconds": 3_600})

    seconds: Annotated[int | None, Field(ge=1, le=366 * 24 * 3600, description="None for as long as they are left.")]


class NewRetention(Command):
    """How old messages may become."""

    model_config = example({"days": 90})

    days: Annotated[int | None, Field(ge=1, le=3_650, description="None for any age.")]


class Expiry(BaseModel):
    """When messages of a conversation end: deleted for everyone, as if somebody did it."""

    model_config = example({"timer_seconds": 3_600, "retention_days": None})

    timer_seconds: Annotated[int | None, Field(description="So long after they were sent, for those since it was set.")]
    retention_days: Annotated[int | None, Field(description="All that are older.")]

    @classmethod
    def of(cls, expiry: schedule_pb2.GetExpiryResponse) -> Expiry:
        """From the message service."""
        return cls(timer_seconds=expiry.timer_seconds or None, retention_days=expiry.retention_days or None)
