"""The service's own topics: what arrives there is confirmed.

Dapr's callbacks on our asynchronous server, from the generated servicer: `dapr.ext.grpc.App` knows no bulk.
"""

from __future__ import annotations

import msgspec
from dapr.proto import appcallback_v1
from dapr.proto.runtime.v1 import appcallback_pb2_grpc
from google.protobuf.empty_pb2 import Empty
from google.protobuf.message import DecodeError
from prometheus_client import Counter

from chat.event.v1 import event_pb2 as pb
from realchat_common.errors import RealChatError
from realchat_common.ids import parse_id
from realchat_common.telemetry import log
from realchat_common.topics import (
    CONVERSATIONS,
    POINTERS,
    SEGMENT_TYPE,
    CloudEvent,
    bulk_subscription,
    pointer_in,
    read_event,
)
from realchat_message.lanes import Confirmations, Departures
from realchat_message.rpc import Context

DROPPED = Counter("realchat_events_dropped_total", "Events that could not be read and went to the dead letters.")

Answer = appcallback_v1.TopicEventResponse
BulkAnswer = appcallback_v1.TopicEventBulkResponse


class OwnTopic(appcallback_pb2_grpc.AppCallbackServicer):
    """Subscribes to the topics of the log and notes what it sees.

    In bulk, since nobody waits for a confirmation: one call for many events, and few fetches.
    """

    def __init__(self, confirmations: Confirmations, departures: Departures) -> None:
        self._confirmations = confirmations
        self._departures = departures

    async def ListTopicSubscriptions(
        self, request: Empty, context: Context
    ) -> appcallback_v1.ListTopicSubscriptionsResponse:
        return appcallback_v1.ListTopicSubscriptionsResponse(
            subscriptions=[bulk_subscription(topic) for topic in (CONVERSATIONS, POINTERS)]
        )

    async def ListInputBindings(self, request: Empty, context: Context) -> appcallback_v1.ListInputBindingsResponse:
        return appcallback_v1.ListInputBindingsResponse()

    async def OnBulkTopicEvent(self, request: appcallback_v1.TopicEventBulkRequest, context: Context) -> BulkAnswer:
        return BulkAnswer(
            statuses=[
                appcallback_v1.TopicEventBulkResponseEntry(entry_id=entry.entry_id, status=self._take(entry))
                for entry in request.entries
            ]
        )

    def _take(self, entry: appcallback_v1.TopicEventBulkRequestEntry) -> Answer.TopicEventResponseStatus.ValueType:
        try:
            event = read_event(entry.bytes)
            conversation_id, first_seq, last_seq = _range(event)
        except (DecodeError, msgspec.MsgspecError, ValueError, RealChatError) as error:
            DROPPED.inc()
            log.warning("event dropped", reason=type(error).__name__)
            return Answer.DROP
        self._confirmations.saw(conversation_id, first_seq, last_seq)
        lane = "segment" if event.type == SEGMENT_TYPE else "pointer"
        self._departures.arrived(lane, conversation_id, last_seq, int(entry.metadata["__timestamp"]))
        return Answer.SUCCESS


def _range(event: CloudEvent) -> tuple[str, int, int]:
    """Which events of which conversation an event of the topic is about. Raises when it cannot be read."""
    if event.type == SEGMENT_TYPE:
        segment = pb.Segment.FromString(event.data_base64)
        return parse_id(segment.conversation_id, "conversation_id"), segment.first_seq, segment.last_seq
    pointer = pointer_in(event)
    return parse_id(pointer.conversation_id, "conversation_id"), pointer.first_seq, pointer.last_seq
