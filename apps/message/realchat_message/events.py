"""The outbox's topic: what arrives there is confirmed.

Dapr's callbacks on our asynchronous server, from the generated servicer: `dapr.ext.grpc.App` knows no bulk.
"""

from __future__ import annotations

import msgspec
from dapr.proto import appcallback_v1
from dapr.proto.runtime.v1 import appcallback_pb2_grpc
from google.protobuf.empty_pb2 import Empty
from prometheus_client import Counter

from realchat_common.errors import RealChatError
from realchat_common.telemetry import log
from realchat_common.topics import POINTERS, bulk_answer, bulk_subscription, read_pointer
from realchat_message.lanes import Confirmations, Departures, Range
from realchat_message.rpc import Context

DROPPED = Counter("realchat_events_dropped_total", "Events that could not be read and went to the dead letters.")

Answer = appcallback_v1.TopicEventResponse
BulkAnswer = appcallback_v1.TopicEventBulkResponse


class OwnTopic(appcallback_pb2_grpc.AppCallbackServicer):
    """Subscribes to the pointers and notes what it sees.

    In bulk, since nobody waits for a confirmation: one call for many events, and few fetches.
    """

    def __init__(self, confirmations: Confirmations, departures: Departures) -> None:
        self._confirmations = confirmations
        self._departures = departures

    async def ListTopicSubscriptions(
        self, request: Empty, context: Context
    ) -> appcallback_v1.ListTopicSubscriptionsResponse:
        return appcallback_v1.ListTopicSubscriptionsResponse(subscriptions=[bulk_subscription(POINTERS)])

    async def ListInputBindings(self, request: Empty, context: Context) -> appcallback_v1.ListInputBindingsResponse:
        return appcallback_v1.ListInputBindingsResponse()

    async def OnBulkTopicEvent(self, request: appcallback_v1.TopicEventBulkRequest, context: Context) -> BulkAnswer:
        seen = {entry.entry_id: self._range(entry) for entry in request.entries}
        done = Answer.SUCCESS
        if ranges := {each for each in seen.values() if each}:
            try:
                await self._confirmations.confirm(ranges)
            except RealChatError as error:
                log.warning("pointers have to come again", reason=error.detail)
                done = Answer.RETRY
        return bulk_answer({entry_id: done if each else Answer.DROP for entry_id, each in seen.items()})

    def _range(self, entry: appcallback_v1.TopicEventBulkRequestEntry) -> Range | None:
        """What an event points to; None for what cannot be read."""
        try:
            pointer = read_pointer(entry.bytes)
        except (msgspec.MsgspecError, ValueError, RealChatError) as error:
            DROPPED.inc()
            log.warning("event dropped", reason=type(error).__name__)
            return None
        recorded_ms = int(entry.metadata["__timestamp"])  # by Kafka
        self._departures.arrived("pointer", pointer.conversation_id, pointer.last_seq, recorded_ms)
        return pointer.conversation_id, pointer.first_seq, pointer.last_seq
