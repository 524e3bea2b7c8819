"""Kafka's topics as those who publish and consume know them, by their names in dev/kafka/topics.yaml."""

from __future__ import annotations

import msgspec
from dapr.proto import appcallback_v1
from google.protobuf.message import Message

from chat.event.v1 import event_pb2 as pb
from realchat_common.ids import parse_id
from realchat_common.sidecar import Sidecar

CONVERSATIONS = "conversation-events"
POINTERS = "conversation-pointers"
DEAD_LETTERS = "conversation-events-dead"
"""Of both; auth keeps them for administrators."""
ACCOUNTS = "account-events"
RECEIPTS = "receipt-events"

SEGMENT_TYPE = "chat.segment"
POINTER_TYPE = "chat.pointer"
ACCOUNT_TYPE = "chat.account"
RECEIPTS_TYPE = "chat.receipts"

DIRECT = "events-direct"
"""The component that publishes at once, or fails."""
BATCHED = "events-batched"
"""The component of those who are in no hurry."""
BULK_MOST = 200
BULK_MS = 1_000
"""Each partition has a bulk of its own, so a shorter wait means many calls of few events: 250 ms made 48 a second."""

Statuses = dict[str, appcallback_v1.TopicEventResponse.TopicEventResponseStatus.ValueType]
"""Of the entries of a bulk, by their ids."""


class CloudEvent(msgspec.Struct, frozen=True):
    """What Dapr wraps events in. A trace field need not be a string (dapr-notes.md, section 7)."""

    type: str
    data: msgspec.Raw = msgspec.Raw(b"null")
    data_base64: bytes = b""
    traceparent: object = None
    traceid: object = None
    """The same; the outbox's events have only this one."""


class _PointerJson(msgspec.Struct, frozen=True):
    conversation_id: str
    first_seq: str
    last_seq: str
    members_seq: str = "0"


_cloud_events = msgspec.json.Decoder(CloudEvent)
_pointers = msgspec.json.Decoder(_PointerJson)


def read_event(raw: bytes) -> CloudEvent:
    """An event as it is on the topic. Raises MsgspecError for what is none."""
    return _cloud_events.decode(raw)


def pointer_in(event: CloudEvent) -> pb.Pointer:
    """The pointer that an event carries. Raises MsgspecError or ValueError for one that carries something else."""
    if event.type != POINTER_TYPE:
        raise ValueError(f"no pointer: {event.type}")
    found = _pointers.decode(event.data)
    return pb.Pointer(
        conversation_id=found.conversation_id,
        first_seq=int(found.first_seq),
        last_seq=int(found.last_seq),
        members_seq=int(found.members_seq),
    )


def read_pointer(raw: bytes) -> pb.Pointer:
    """A pointer as it is on the topic, its conversation's id in canonical form.

    Raises:
        MsgspecError, ValueError, RealChatError: it is none.
    """
    pointer = pointer_in(read_event(raw))
    pointer.conversation_id = parse_id(pointer.conversation_id, "conversation_id")
    return pointer


def bulk_answer(statuses: Statuses) -> appcallback_v1.TopicEventBulkResponse:
    """What Dapr is told of a bulk."""
    return appcallback_v1.TopicEventBulkResponse(
        statuses=[
            appcallback_v1.TopicEventBulkResponseEntry(entry_id=entry_id, status=status)
            for entry_id, status in statuses.items()
        ]
    )


def bulk_subscription(topic: str, dead_letter_topic: str = DEAD_LETTERS) -> appcallback_v1.TopicSubscription:
    """A subscription in bulk, whose entries have the raw bytes for `read_event`.

    Source: https://docs.dapr.io/developing-applications/building-blocks/pubsub/pubsub-bulk/
    """
    return appcallback_v1.TopicSubscription(
        pubsub_name=BATCHED,
        topic=topic,
        dead_letter_topic=dead_letter_topic,
        metadata={"rawPayload": "true"},  # else daprd 1.18 leaves out data that is not text
        bulk_subscribe=appcallback_v1.BulkSubscribeConfig(
            enabled=True, max_messages_count=BULK_MOST, max_await_duration_ms=BULK_MS
        ),
    )


async def publish(
    sidecar: Sidecar, topic: str, message: Message, *, key: str, event_type: str, deadline: float
) -> None:
    """Publishes a protobuf message at once.

    Args:
        sidecar: the way to Kafka.
        topic: its name.
        message: what is published.
        key: events of one key keep their order.
        event_type: tells consumers what it is.
        deadline: seconds.

    Raises:
        RealChatError: unavailable; it may have been published.
    """
    await sidecar.publish(
        DIRECT,
        topic,
        message.SerializeToString(),
        content_type="application/octet-stream",  # any other one that is not JSON would make a text of the bytes
        metadata={"partitionKey": key, "cloudevent.type": event_type},
        deadline=deadline,
    )


async def put_back(sidecar: Sidecar, topic: str, raw: bytes, *, key: str, deadline: float) -> None:
    """Publishes an event once more, as it was on the topic. Raises as `publish` does."""
    metadata = {"rawPayload": "true"} | ({"partitionKey": key} if key else {})
    await sidecar.publish(
        DIRECT, topic, raw, content_type="application/octet-stream", metadata=metadata, deadline=deadline
    )


async def publish_account_event(sidecar: Sidecar, event: pb.AccountEvent, deadline: float) -> None:
    """Publishes what happened to an account, as `publish` does."""
    await publish(sidecar, ACCOUNTS, event, key=event.user_id, event_type=ACCOUNT_TYPE, deadline=deadline)
