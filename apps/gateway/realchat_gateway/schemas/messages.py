"""Messages, history and catching up."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import BaseModel, Field

from chat.event.v1 import event_pb2
from chat.message.v1 import message_pb2, poll_pb2
from realchat_common.ids import rfc3339
from realchat_common.wire import event_json
from realchat_gateway.schemas.base import ALICE, AT, BOB, MESSAGE, TALK, Command, Id, Seq, Time, example

Mentions = Annotated[
    list[Id],
    Field(
        default_factory=list,
        max_length=50,
        description="Ids of users that the text mentions. Those who are not members are left out.",
    ),
]
ClientMessageId = Annotated[
    str | None,
    Field(
        min_length=1,
        max_length=64,
        description="The sender's own id: the same one in the same conversation is the same message. "
        "Without it the `Idempotency-Key` is taken, without that each request is a message.",
    ),
]
MentionAll = Annotated[bool, Field(description="The text mentions all members.")]


AttachmentIds = Annotated[
    list[Id],
    Field(
        default_factory=list,
        max_length=10,
        description="Files that the sender uploaded; the body may be empty then.",
    ),
]


class NewMessage(Command):
    """A message."""

    model_config = example(
        {"client_message_id": "7c0f1a9e", "body": "@bob Why is a raven like a writing-desk?", "mentions": [BOB]}
    )

    client_message_id: ClientMessageId = None
    body: Annotated[str, Field(description="1 to 8,000 characters after normalisation.")]
    reply_to: Id | None = None
    attachment_ids: AttachmentIds
    mentions: Mentions
    mention_all: MentionAll = False


class SentMessage(BaseModel):
    """Where a message is in its conversation."""

    model_config = example(
        {
            "conversation_id": TALK,
            "message_id": MESSAGE,
            "client_message_id": "7c0f1a9e",
            "seq": 7,
            "at": AT,
            "duplicate": False,
        }
    )

    conversation_id: Id
    message_id: Id
    client_message_id: str
    seq: Seq
    at: Time
    duplicate: Annotated[bool, Field(description="An earlier request had sent it already.")]

    @classmethod
    def of(
        cls,
        conversation_id: str,
        client_message_id: str,
        appended: message_pb2.AppendedMessage | poll_pb2.CreatePollResponse,
    ) -> SentMessage:
        """From the message service."""
        return cls(
            conversation_id=conversation_id,
            message_id=appended.message_id,
            client_message_id=client_message_id,
            seq=appended.seq,
            at=rfc3339(appended.sent_at_ms),
            duplicate=appended.duplicate,
        )


class NewBody(Command):
    """What a message says, and whom it mentions, from now on."""

    model_config = example({"body": "Why is a raven like a desk?"})

    body: Annotated[str, Field(description="1 to 8,000 characters after normalisation.")]
    mentions: Mentions
    mention_all: MentionAll = False


class ChangedMessage(BaseModel):
    """Where the change of a message is in its conversation."""

    model_config = example({"conversation_id": TALK, "message_id": MESSAGE, "seq": 8, "at": AT, "unchanged": False})

    conversation_id: Id
    message_id: Id
    seq: Seq
    at: Time
    unchanged: Annotated[bool, Field(description="It was so already; `seq` is that of the message.")]

    @classmethod
    def of(
        cls,
        asked: message_pb2.EditMessageRequest | message_pb2.ReactToMessageRequest | message_pb2.PinMessageRequest,
        answer: message_pb2.EditMessageResponse | message_pb2.ReactToMessageResponse | message_pb2.PinMessageResponse,
    ) -> ChangedMessage:
        """From the message service."""
        return cls(
            conversation_id=asked.conversation_id,
            message_id=asked.message_id,
            seq=answer.seq,
            at=rfc3339(answer.at_ms),
            unchanged=answer.unchanged,
        )


class Revision(BaseModel):
    """What a message said from some time on."""

    model_config = example({"body": "Why is a raven like a writing-desk?", "at": AT})

    body: str
    at: Time


class Revisions(BaseModel):
    """What a message said, oldest first; nothing once it is deleted."""

    revisions: list[Revision]


EVENT = {
    "conversation_id": TALK,
    "seq": 7,
    "event_id": MESSAGE,
    "kind": "message.sent",
    "actor_id": ALICE,
    "at": AT,
    "data": {
        "message_id": MESSAGE,
        "client_message_id": "7c0f1a9e",
        "body": "Why is a raven like a writing-desk?",
        "reply_to": None,
        "deleted": False,
        "edited_at": None,
    },
}


class Event(BaseModel):
    """A change of a conversation. Its `seq` is 1, 2, 3 … without gaps."""

    model_config = example({**EVENT})

    conversation_id: Id
    seq: Seq
    event_id: Id
    kind: Annotated[str, Field(description="Ignore kinds that you do not know.")]
    actor_id: Id
    at: Time
    data: Annotated[dict[str, Any], Field(description="Depends on the kind.")]

    @classmethod
    def of(cls, event: event_pb2.Event) -> Event:
        """From the log."""
        return cls.model_construct(**event_json(event))


class History(BaseModel):
    """A part of a conversation's log, in ascending `seq`."""

    model_config = example({"events": [EVENT], "last_seq": 7, "has_more": True, "anchor_seq": None})

    events: list[Event]
    last_seq: Annotated[Seq, Field(description="The newest there is.")]
    has_more: Annotated[bool, Field(description="There is more in the direction asked for.")]
    anchor_seq: Annotated[
        Seq | None, Field(description="What `around…` came to; `last_seq` + 1 where nothing is that late.")
    ] = None

    @classmethod
    def of(cls, history: message_pb2.GetHistoryResponse) -> History:
        """From the message service."""
        return cls(
            events=[Event.of(event) for event in history.events],
            last_seq=history.last_seq,
            has_more=history.has_more,
            anchor_seq=history.anchor_seq or None,
        )


class Position(Command):
    """How far a client has read a conversation's log."""

    conversation_id: Id
    after_seq: Annotated[Seq, Field(description="The last `seq` that the client holds; 0 for none.")]


class SyncRequest(Command):
    """Where a client stands."""

    model_config = example({"positions": [{"conversation_id": TALK, "after_seq": 6}], "limit": 200})

    positions: Annotated[list[Position], Field(max_length=200)]
    limit: Annotated[int, Field(ge=1, le=500, description="Events per conversation.")] = 200


class Synced(BaseModel):
    """What a client missed in a conversation."""

    conversation_id: Id
    events: list[Event]
    last_seq: Seq
    truncated: Annotated[bool, Field(description="More was missed: page through the history instead.")]
    forbidden: Annotated[bool, Field(description="The caller is not a member.")]

    @classmethod
    def of(cls, synced: message_pb2.SyncedConversation) -> Synced:
        """From the message service."""
        return cls(
            conversation_id=synced.conversation_id,
            events=[Event.of(event) for event in synced.events],
            last_seq=synced.last_seq,
            truncated=synced.truncated,
            forbidden=synced.forbidden,
        )


class Sync(BaseModel):
    """What a client missed."""

    model_config = example(
        {
            "epoch": "1",
            "conversations": [
                {"conversation_id": TALK, "events": [EVENT], "last_seq": 7, "truncated": False, "forbidden": False}
            ],
        }
    )

    epoch: Annotated[str, Field(description="When it changes, drop what you hold: the log was restored.")]
    conversations: list[Synced]
