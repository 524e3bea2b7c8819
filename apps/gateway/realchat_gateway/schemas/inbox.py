"""What is put together from several services."""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, Field

from chat.conversation.v1 import conversation_pb2
from chat.message.v1 import message_pb2
from realchat_common.ids import rfc3339
from realchat_gateway.schemas.base import AT, Seq, Time, example
from realchat_gateway.schemas.conversations import CONVERSATION, Conversation, conversation_fields
from realchat_gateway.schemas.messages import EVENT, Event
from realchat_gateway.schemas.people import Presence, Profile
from realchat_gateway.schemas.privacy import Privacy
from realchat_gateway.schemas.receipts import RECEIPT, Receipt


class InboxConversation(Conversation):
    """A conversation with its newest activity."""

    model_config = example(
        {
            **CONVERSATION,
            "last_seq": 7,
            "last_activity_at": AT,
            "last_message": EVENT,
            "receipt": RECEIPT,
            "unread_count": 2,
            "mention_count": 1,
        }
    )

    last_seq: Seq
    last_activity_at: Time
    last_message: Event | None
    receipt: Annotated[Receipt, Field(description="The caller's own.")]
    unread_count: Annotated[
        int, Field(ge=0, le=1000, description="Messages of others that wait to be read; 1,000 stands for more, too.")
    ]
    mention_count: Annotated[int, Field(ge=0, le=1000, description="How many of them mention the caller.")]

    @classmethod
    def merged(cls, entry: message_pb2.InboxEntry, conversation: conversation_pb2.Conversation) -> InboxConversation:
        """From the message service and the conversation service."""
        return cls(
            **conversation_fields(conversation),
            last_seq=entry.last_seq,
            last_activity_at=rfc3339(entry.last_activity_at_ms),
            last_message=Event.of(entry.last_message) if entry.HasField("last_message") else None,
            receipt=Receipt.of(entry.receipt),
            unread_count=entry.unread_count,
            mention_count=entry.mention_count,
        )


class Inbox(BaseModel):
    """A page of the caller's conversations, newest activity first."""

    conversations: list[InboxConversation]
    next_cursor: Annotated[str | None, Field(description="Null on the last page.")]
    epoch: Annotated[str, Field(description="When it changes, drop what you hold: the log was restored.")]


class Failure(BaseModel):
    """A part that could not be had now."""

    model_config = example({"error": "unavailable"})

    error: Annotated[str, Field(description="The code of a problem.")]


class Bootstrap(BaseModel):
    """What a client shows first. Each part may have failed by itself."""

    me: Profile | Failure
    privacy: Annotated[Privacy | Failure, Field(description="What the caller lets others do and see.")]
    conversations: Annotated[list[InboxConversation] | Failure, Field(description="Newest activity first.")]
    next_cursor: Annotated[str | None, Field(description="For more conversations.")] = None
    epoch: Annotated[str | None, Field(description="When it changes, drop what you hold: the log was restored.")] = None
    people: Annotated[list[Profile] | Failure, Field(description="The members named in the conversations.")]
    presence: Annotated[list[Presence] | Failure, Field(description="Of the same people.")]
