"""The log itself: segments in Dapr's state store `message-log`, with the transactional outbox.

The SDK's transaction knows no first-write and its outbox needs a projection, so the request is made from the
proto. Source: https://docs.dapr.io/developing-applications/building-blocks/state-management/howto-outbox/ and
Dapr's pkg/runtime/pubsub/outbox.go.
"""

from __future__ import annotations

import json
from typing import Protocol

import grpc
from dapr.proto import api_v1, common_v1

from chat.event.v1 import event_pb2 as pb
from realchat_common.errors import Code, RealChatError
from realchat_common.sidecar import Sidecar
from realchat_common.telemetry import trace_headers
from realchat_common.topics import POINTER_TYPE

STORE = "message-log"
READ_SECONDS = 3.0
WRITE_SECONDS = 6.0
MOST_EVENTS = 100
"""Events per segment at most."""
AT_ONCE = 10
"""Keys asked for at once when it is not known where a segment begins."""
_CONFLICT = "no item was updated"  # state/postgresql/v2: first-write found a row


class SegmentExistsError(Exception):
    """Somebody else's segment has this key."""


class Segments(Protocol):
    """The log's port."""

    async def read(self, conversation_id: str, first_seq: int) -> pb.Segment | None:
        """The segment that begins at a seq, if there is one. Raises unavailable."""
        ...

    async def insert(self, segment: pb.Segment) -> None:
        """Writes a new segment and its outbox event in one transaction.

        Raises:
            SegmentExistsError: the key is taken.
            RealChatError: unavailable; it may have been written nonetheless.
        """
        ...

    async def find(self, conversation_id: str, seq: int) -> pb.Segment | None:
        """The segment that holds a seq. Raises unavailable."""
        ...

    async def replace(self, segment: pb.Segment) -> None:
        """Writes a segment that is in the log already, without an event. Raises unavailable."""
        ...


def segment_key(conversation_id: str, first_seq: int) -> str:
    """The key of the segment that begins at a seq."""
    return f"segment/{conversation_id}/{first_seq}"


def pointer_json(to: pb.Segment | pb.Pointer) -> bytes:
    """chat.event.v1.Pointer as JSON; numbers as strings, since Dapr reads JSON numbers as float64."""
    numbers = {"first_seq": str(to.first_seq), "last_seq": str(to.last_seq), "members_seq": str(to.members_seq)}
    return json.dumps({"conversation_id": to.conversation_id, **numbers}).encode()


class DaprSegments:
    """Segments in the Dapr state store."""

    def __init__(self, sidecar: Sidecar) -> None:
        self._sidecar = sidecar

    async def read(self, conversation_id: str, first_seq: int) -> pb.Segment | None:
        request = api_v1.GetStateRequest(store_name=STORE, key=segment_key(conversation_id, first_seq))
        try:
            answer = await self._sidecar.api.GetState(
                request, timeout=READ_SECONDS, metadata=self._sidecar.api_metadata
            )
        except grpc.aio.AioRpcError as error:
            raise RealChatError(Code.UNAVAILABLE, "the log cannot be read now") from error
        return pb.Segment.FromString(answer.data) if answer.data else None

    async def find(self, conversation_id: str, seq: int) -> pb.Segment | None:
        for newest in range(seq, max(0, seq - MOST_EVENTS), -AT_ONCE):
            oldest = max(0, newest - AT_ONCE)
            keys = [segment_key(conversation_id, first_seq) for first_seq in range(newest, oldest, -1)]
            request = api_v1.GetBulkStateRequest(store_name=STORE, keys=keys, parallelism=AT_ONCE)
            try:
                answer = await self._sidecar.api.GetBulkState(
                    request, timeout=READ_SECONDS, metadata=self._sidecar.api_metadata
                )
            except grpc.aio.AioRpcError as error:
                raise RealChatError(Code.UNAVAILABLE, "the log cannot be read now") from error
            if any(item.error for item in answer.items):
                raise RealChatError(Code.UNAVAILABLE, "the log cannot be read now")
            found = [pb.Segment.FromString(item.data) for item in answer.items if item.data]
            if found:
                nearest = max(found, key=lambda segment: segment.first_seq)
                return nearest if nearest.last_seq >= seq else None
        return None

    async def replace(self, segment: pb.Segment) -> None:
        item = common_v1.StateItem(
            key=segment_key(segment.conversation_id, segment.first_seq), value=segment.SerializeToString()
        )
        try:
            await self._sidecar.api.SaveState(
                api_v1.SaveStateRequest(store_name=STORE, states=[item]),
                timeout=WRITE_SECONDS,
                metadata=self._sidecar.api_metadata,
            )
        except grpc.aio.AioRpcError as error:
            raise RealChatError(Code.UNAVAILABLE, "the log cannot be written now") from error

    async def insert(self, segment: pb.Segment) -> None:
        key = segment_key(segment.conversation_id, segment.first_seq)
        # Exactly one upsert and one projection of it: every upsert emits an event, and a second projection
        # can kill daprd. The event is the projection, a pointer; its type comes from the real operation.
        operations = [
            api_v1.TransactionalStateOperation(
                operationType="upsert",
                request=common_v1.StateItem(
                    key=key,
                    value=segment.SerializeToString(),
                    metadata={"type": POINTER_TYPE},
                    options=common_v1.StateOptions(concurrency=common_v1.StateOptions.CONCURRENCY_FIRST_WRITE),
                ),
            ),
            api_v1.TransactionalStateOperation(
                operationType="upsert",
                request=common_v1.StateItem(
                    key=key,
                    value=pointer_json(segment),
                    metadata={"outbox.projection": "true", "contentType": "application/json"},
                ),
            ),
        ]
        try:
            await self._sidecar.api.ExecuteStateTransaction(
                api_v1.ExecuteStateTransactionRequest(storeName=STORE, operations=operations),
                timeout=WRITE_SECONDS,
                metadata=(*self._sidecar.api_metadata, *trace_headers().items()),  # the outbox's event has it then
            )
        except grpc.aio.AioRpcError as error:
            if _CONFLICT in (error.details() or ""):
                raise SegmentExistsError(key) from error
            raise RealChatError(Code.UNAVAILABLE, "the log cannot be written now") from error
