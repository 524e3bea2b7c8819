"""Pinned messages, threads, forwarding."""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, Field

from chat.message.v1 import message_pb2
from realchat_common.ids import rfc3339
from realchat_gateway.schemas.base import ALICE, AT, TALK, Command, Id, Time, example
from realchat_gateway.schemas.messages import EVENT, ClientMessageId, Event


class Pin(BaseModel):
    """A pinned message."""

    model_config = example({"message": EVENT, "pinned_by": ALICE, "pinned_at": AT})

    message: Annotated[Event, Field(description="As it now stands.")]
    pinned_by: Id
    pinned_at: Time

    @classmethod
    def of(cls, pin: message_pb2.Pin) -> Pin:
        """From the message service."""
        return cls(message=Event.of(pin.message), pinned_by=pin.pinned_by, pinned_at=rfc3339(pin.pinned_at_ms))


class Pins(BaseModel):
    """All pinned messages, the newest pin first."""

    pins: list[Pin]


class Replies(BaseModel):
    """A message, and a page of those that answer it in ascending `seq`."""

    message: Annotated[Event, Field(description="As it now stands, with `reply_count` in its `data`.")]
    replies: list[Event]
    next_cursor: Annotated[str | None, Field(description="Null on the last page.")]

    @classmethod
    def of(cls, answer: message_pb2.ListRepliesResponse) -> Replies:
        """From the message service."""
        return cls(
            message=Event.of(answer.message),
            replies=[Event.of(reply) for reply in answer.replies],
            next_cursor=answer.next_cursor or None,
        )


class Forward(Command):
    """Where a message goes on to."""

    model_config = example({"conversation_id": TALK, "client_message_id": "7c0f1a9e"})

    conversation_id: Annotated[Id, Field(description="One of the caller's, also the same.")]
    client_message_id: ClientMessageId = None
