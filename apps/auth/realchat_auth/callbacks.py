"""What the sidecar calls by itself: the hourly purge (components/session-purge.yaml), pointers to the log, for
webhooks, and what nobody could read of it, for administrators.

The SDK's `App` is the registry of bindings. It runs handlers in threads and takes events one by one, so events come
to the generated servicer.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any

import msgspec
from dapr.clients.grpc._request import BindingRequest
from dapr.ext.grpc import App
from dapr.proto import appcallback_v1
from dapr.proto.runtime.v1 import appcallback_pb2_grpc
from google.protobuf.empty_pb2 import Empty

from chat.event.v1 import event_pb2 as pb
from realchat_common.errors import Code, RealChatError
from realchat_common.telemetry import log
from realchat_common.topics import DEAD_LETTERS, POINTERS, Statuses, bulk_answer, bulk_subscription, read_pointer

PURGE = "session-purge"
PURGE_SECONDS = 60.0
MOST_SEQ = 2**53
"""The log does not answer for more."""

Answer = appcallback_v1.TopicEventResponse
BulkAnswer = appcallback_v1.TopicEventBulkResponse
TakeUp = Callable[[Sequence[pb.Pointer]], Awaitable[None]]
Keep = Callable[[Sequence[tuple[bytes, Mapping[str, str]]]], Awaitable[None]]


class Callbacks(appcallback_pb2_grpc.AppCallbackServicer):
    """Dapr's callbacks.

    Args:
        purge: removes what has expired.
        take_up: follows pointers to the log. Raises RealChatError when they have to come again.
        keep: keeps dead letters, each with its metadata. Raises likewise.
    """

    def __init__(self, purge: Callable[[], Awaitable[None]], take_up: TakeUp, keep: Keep) -> None:
        self._take_up = take_up
        self._keep = keep
        app, loop = App(), asyncio.get_running_loop()
        self._bindings = app._servicer

        async def purge_in_time() -> None:
            async with asyncio.timeout(PURGE_SECONDS):
                await purge()

        @app.binding(PURGE)  # type: ignore[untyped-decorator]
        def on_schedule(_: BindingRequest) -> None:
            asyncio.run_coroutine_threadsafe(purge_in_time(), loop).result()

    async def ListInputBindings(self, request: Empty, context: Any) -> appcallback_v1.ListInputBindingsResponse:
        found: appcallback_v1.ListInputBindingsResponse = self._bindings.ListInputBindings(request, context)  # type: ignore[no-untyped-call]
        return found

    async def OnBindingEvent(
        self, request: appcallback_v1.BindingEventRequest, context: Any
    ) -> appcallback_v1.BindingEventResponse:
        if request.name != PURGE:
            raise RealChatError(Code.NOT_FOUND, "there is no such binding")
        answer: appcallback_v1.BindingEventResponse = await asyncio.to_thread(
            self._bindings.OnBindingEvent, request, context
        )
        return answer

    async def ListTopicSubscriptions(
        self, request: Empty, context: Any
    ) -> appcallback_v1.ListTopicSubscriptionsResponse:
        return appcallback_v1.ListTopicSubscriptionsResponse(
            subscriptions=[bulk_subscription(POINTERS), bulk_subscription(DEAD_LETTERS, dead_letter_topic="")]
        )

    async def OnBulkTopicEvent(self, request: appcallback_v1.TopicEventBulkRequest, context: Any) -> BulkAnswer:
        take = self._take_letters if request.topic == DEAD_LETTERS else self._take_pointers
        try:
            statuses = await take(request)
        except RealChatError as error:
            log.warning("events have to come again", topic=request.topic, reason=error.detail)
            statuses = {entry.entry_id: Answer.RETRY for entry in request.entries}
        return bulk_answer(statuses)

    async def _take_pointers(self, request: appcallback_v1.TopicEventBulkRequest) -> Statuses:
        statuses: Statuses = {}
        pointers: list[pb.Pointer] = []
        for entry in request.entries:
            pointer = _pointer(entry.bytes)
            statuses[entry.entry_id] = Answer.SUCCESS if pointer else Answer.DROP
            if pointer:
                pointers.append(pointer)
        if pointers:
            await self._take_up(pointers)
        return statuses

    async def _take_letters(self, request: appcallback_v1.TopicEventBulkRequest) -> Statuses:
        await self._keep([(entry.bytes, entry.metadata) for entry in request.entries])
        return {entry.entry_id: Answer.SUCCESS for entry in request.entries}


def _pointer(raw: bytes) -> pb.Pointer | None:
    """The pointer that an event carries; None if it cannot be read."""
    try:
        pointer = read_pointer(raw)
    except (msgspec.MsgspecError, ValueError, RealChatError) as error:
        log.warning("event dropped", reason=type(error).__name__)
        return None
    if not 1 <= pointer.first_seq <= pointer.last_seq <= MOST_SEQ:
        log.warning("event dropped", reason="it points to nothing")
        return None
    return pointer
