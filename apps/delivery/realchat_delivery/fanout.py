"""From the log to the sockets.

What a node had appended it fans out from the log's answer; all else comes right after its commit, and in order, by the
fast lane, as segments. Either may fail. A second later the outbox's lane brings pointers to everything, in any order.
Each conversation has a watermark, the last seq that was fanned out, raised together with the sending. So what comes
again costs a comparison, what was left out is read from the log, and what never was (a pointer whose transaction did
not commit) is not found there. Whatever is sent twice nevertheless, the sockets drop.

The sockets of this node get theirs right after the watermark rose: they could miss it only by ending with this process.
Where all before is known to have been fanned out from here they need not even wait for that.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Coroutine, Mapping
from contextlib import nullcontext
from enum import Enum
from typing import Any

import msgspec
from google.protobuf.message import DecodeError
from opentelemetry.context import Context
from prometheus_client import Counter, Histogram

from chat.event.v1 import event_pb2 as pb
from realchat_common.errors import Code, RealChatError
from realchat_common.ids import now_ms, rfc3339
from realchat_common.telemetry import log, sampled_links, server_span, trace_headers, traced
from realchat_common.topics import ACCOUNT_TYPE, RECEIPTS_TYPE, SEGMENT_TYPE, CloudEvent, pointer_in, read_event
from realchat_delivery.frames import Settings
from realchat_delivery.hub import Hub
from realchat_delivery.log import Log
from realchat_delivery.notices import Notices
from realchat_delivery.packets import Packet
from realchat_delivery.registry import Registry

PAGE = 200
"""Events read from the log at a time."""
REMEMBERED = 20_000
"""Conversations of which a node knows how far it has fanned out."""

LANE_LAG = Histogram(
    "realchat_lane_lag_seconds",
    "From the append to the fan-out, by lane.",
    ("lane",),
    buckets=(0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2, 5, 10, 30, 120),
)
WATERMARK_LAG = Histogram(
    "realchat_watermark_lag_events",
    "Events between the watermark and what a lane brings; 0 for what it brings again.",
    ("lane",),
    buckets=(0, 1, 2, 5, 10, 50, 200, 1000),
)
FANNED_OUT = Counter("realchat_events_fanned_out_total", "Events fanned out, by lane.", ("lane",))
WATERMARKS = Counter("realchat_watermark_checks_total", "Events compared with the watermark.", ("lane", "outcome"))
DROPPED = Counter("realchat_events_undecodable_total", "Events of the topics given up to the dead-letter topic.")


class Status(Enum):
    """What Dapr is told of an event."""

    SUCCESS = "SUCCESS"
    RETRY = "RETRY"
    DROP = "DROP"


class _Entry(msgspec.Struct, frozen=True, rename="camel"):
    entry_id: str
    event: CloudEvent


class _Bulk(msgspec.Struct, frozen=True):
    """Many events in one call: https://docs.dapr.io/developing-applications/building-blocks/pubsub/pubsub-bulk/."""

    entries: list[_Entry]


_bulks = msgspec.json.Decoder(_Bulk)


class Fanout:
    """Consumes the topics.

    Args:
        hub: this node's sockets.
        registry: the other nodes.
        messages_log: the logs.
        notices: what is told only as it happens.
    """

    def __init__(self, hub: Hub, registry: Registry, messages_log: Log, notices: Notices) -> None:
        self._hub = hub
        self._registry = registry
        self._log = messages_log
        self._notices = notices
        self._reached: OrderedDict[str, int] = OrderedDict()
        """The last seq of each conversation that this node fanned out."""

    async def take(self, body: bytes) -> Status:
        """Handles one CloudEvent: a segment, or what happened to an account."""
        return await _status(self._dispatch(body))

    async def take_pointers(self, body: bytes) -> dict[str, Status]:
        """Handles a bulk of pointers, most of which cost a comparison. Returns the status of each entry by its id.

        Raises:
            RealChatError: malformed_request, for what is no bulk; unavailable, when none could be compared.
        """
        try:
            entries = _bulks.decode(body).entries
        except msgspec.MsgspecError as error:
            raise RealChatError(Code.MALFORMED_REQUEST, "this is no bulk of events") from error
        statuses: dict[str, Status] = {}
        pointers: dict[str, pb.Pointer] = {}
        for entry in entries:
            try:
                pointers[entry.entry_id] = pointer_in(entry.event)
            except (msgspec.MsgspecError, ValueError) as error:
                statuses[entry.entry_id] = _dropped(error)
        links = sampled_links(entry.event.traceid for entry in entries)
        # They are of many traces, none of which waits for them: hence links, and a trace of their own.
        with traced("bulk of pointers", Context(), links=links) if links else nullcontext():
            return statuses | await self._pointers(pointers)

    async def _pointers(self, pointers: Mapping[str, pb.Pointer]) -> dict[str, Status]:
        if not pointers:
            return {}
        watermarks = await self._registry.watermarks([pointer.conversation_id for pointer in pointers.values()])
        return {
            entry_id: await _status(self.pointer(pointer, watermark))
            for (entry_id, pointer), watermark in zip(pointers.items(), watermarks, strict=True)
        }

    async def _dispatch(self, body: bytes) -> None:
        event = read_event(body)
        carrier = {"traceparent": event.traceparent} if isinstance(event.traceparent, str) else {}
        with server_span(f"event {event.type}", carrier):
            await self._handle(event)

    async def _handle(self, event: CloudEvent) -> None:
        if event.type == SEGMENT_TYPE:
            await self.segment(_checked(pb.Segment.FromString(event.data_base64)))
        elif event.type == ACCOUNT_TYPE:
            await self.account(pb.AccountEvent.FromString(event.data_base64))
        elif event.type == RECEIPTS_TYPE:
            await self._notices.receipts(pb.ReceiptsMoved.FromString(event.data_base64))
        else:
            raise ValueError(f"no such type of event: {event.type}")

    async def segment(self, segment: pb.Segment) -> None:
        """The fast lane. Raises RealChatError."""
        await self._take("segment", segment)

    async def written(self, segment: pb.Segment) -> None:
        """What this node had appended. Raises RealChatError; the outbox's lane brings it again in any case."""
        await self._take("answer", segment)

    async def _take(self, lane: str, segment: pb.Segment) -> None:
        watermark = await self._spread(lane, segment)
        _compare(lane, segment.last_seq, segment.first_seq - 1 if watermark is None else watermark)
        if watermark is None:
            WATERMARKS.labels(lane, "next").inc()
        elif segment.last_seq <= watermark:
            WATERMARKS.labels(lane, "hit").inc()
        else:
            WATERMARKS.labels(lane, "behind").inc()
            reached = await self._catch_up(lane, segment.conversation_id, watermark + 1, segment.last_seq)
            if reached < segment.last_seq:
                raise RealChatError(Code.UNAVAILABLE, "the log does not have it yet")

    async def pointer(self, pointer: pb.Pointer, watermark: int | None) -> None:
        """The lane of the outbox; the watermark may have risen since. Raises RealChatError."""
        _compare("pointer", pointer.last_seq, watermark)
        if watermark is not None and pointer.last_seq <= watermark:
            WATERMARKS.labels("pointer", "hit").inc()
            return
        WATERMARKS.labels("pointer", "behind").inc()
        first_seq = pointer.first_seq if watermark is None else watermark + 1
        await self._catch_up("pointer", pointer.conversation_id, first_seq, pointer.last_seq)

    async def account(self, event: pb.AccountEvent) -> None:
        """What happened to an account; every node gets it. Raises RealChatError."""
        if event.WhichOneof("payload") == "session_revoked":
            session_id = event.session_revoked.session_id
            try:
                # First, so that whoever joins meanwhile either is told or is closed.
                await self._registry.revoke(session_id)
            finally:
                self._hub.close_session(session_id)
        elif event.HasField("relation_changed"):
            self._log.forget_pair(event.user_id, event.relation_changed.peer_id)
            self._hub.estranged(event.user_id, event.relation_changed.peer_id)
        elif event.HasField("member_settings_changed"):
            changed = event.member_settings_changed
            settings = Settings(
                conversation_id=changed.conversation_id,
                muted_until=rfc3339(changed.muted_until_ms) if changed.muted_until_ms else None,
                pinned=changed.pinned,
                archived=changed.archived,
                draft_at=rfc3339(changed.draft_at_ms) if changed.draft_at_ms else None,
            )
            self._hub.notify((event.user_id,), settings)

    async def _catch_up(self, lane: str, conversation_id: str, first_seq: int, last_seq: int) -> int:
        """Fans out what the log has; returns the last seq of it."""
        reached = first_seq - 1
        while reached < last_seq:
            page = await self._log.page(conversation_id, reached + 1, PAGE)
            if not page.events:
                break
            reached = page.events[-1].seq
            segment = pb.Segment(
                conversation_id=conversation_id,
                first_seq=page.events[0].seq,
                last_seq=reached,
                members_seq=page.members_seq,
                events=page.events,
            )
            watermark = await self._spread(lane, segment)
            if watermark is not None:
                reached = max(reached, watermark)  # somebody else was faster
        return reached

    async def _spread(self, lane: str, segment: pb.Segment) -> int | None:
        """Sends a segment to its recipients everywhere. Returns what Registry.fan_out does."""
        audience = await self._log.audience(segment.conversation_id, segment.members_seq)
        recipients = audience.recipients(segment.first_seq, segment.last_seq)
        traceparent = trace_headers().get("traceparent", "")
        known = self._reached.get(segment.conversation_id) == segment.first_seq - 1
        if known:
            self._hub.deliver(segment, recipients)
        packet = Packet(segment.SerializeToString(), list(recipients.whole), list(recipients.partial), traceparent)
        try:
            watermark = await self._registry.fan_out(
                segment.conversation_id,
                segment.first_seq,
                segment.last_seq,
                [*packet.whole, *{reader.user_id for reader in packet.partial}],
                packet.encoded(),
            )
        except RealChatError:
            # It may have been done all the same, and then would not be done again.
            if not known:
                self._hub.deliver(segment, recipients)
            raise
        if watermark is None:
            if not known:
                self._hub.deliver(segment, recipients)
            self._remember(segment)
            FANNED_OUT.labels(lane).inc(len(segment.events))
            LANE_LAG.labels(lane).observe(max(0, now_ms() - segment.events[-1].occurred_at_ms) / 1000)
        return watermark

    def _remember(self, segment: pb.Segment) -> None:
        self._reached[segment.conversation_id] = segment.last_seq
        self._reached.move_to_end(segment.conversation_id)
        if len(self._reached) > REMEMBERED:
            self._reached.popitem(last=False)


async def _status(handling: Coroutine[Any, Any, None]) -> Status:
    """What Dapr is told of how an event was handled."""
    try:
        await handling
    except (msgspec.MsgspecError, DecodeError, ValueError) as error:
        return _dropped(error)
    except RealChatError as error:
        if error.code.temporary:
            log.warning("event put off", error=str(error))
            return Status.RETRY
        return _dropped(error)
    return Status.SUCCESS


def _dropped(error: Exception) -> Status:
    DROPPED.inc()
    log.error("event dropped", reason=f"{type(error).__name__}: {error}"[:200])
    return Status.DROP


def _compare(lane: str, last_seq: int, watermark: int | None) -> None:
    if watermark is not None:
        WATERMARK_LAG.labels(lane).observe(max(0, last_seq - watermark))


def _checked(segment: pb.Segment) -> pb.Segment:
    """Raises ValueError for a segment that does not hold what it says."""
    seqs = [event.seq for event in segment.events]
    if not seqs or seqs != list(range(segment.first_seq, segment.last_seq + 1)):
        raise ValueError("a segment holds the events from its first to its last seq")
    return segment
