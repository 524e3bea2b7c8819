"""From the log to Kafka: the fast lane, and what makes the outbox's lane a guarantee.

The outbox alone neither survives all failures nor stays quiet after them (../shared/dapr-notes.md, section 1):
- the janitor releases entries of its internal stream whose transaction failed or whose handler died;
- the sweeper publishes again what is committed and was not seen on Kafka.
What either of them publishes is a pointer, so a needless one costs its consumer a comparison.
"""

from __future__ import annotations

import asyncio
import time
from collections import OrderedDict
from collections.abc import Collection
from datetime import timedelta
from typing import Any

import asyncpg
import msgspec
from dapr.proto import api_v1, common_v1
from prometheus_client import Counter, Gauge, Histogram
from redis.asyncio import Redis
from redis.exceptions import ResponseError

from chat.event.v1 import event_pb2 as pb
from realchat_common.errors import Code, RealChatError
from realchat_common.ids import now_ms
from realchat_common.in_order import InOrder
from realchat_common.sidecar import Sidecar
from realchat_common.telemetry import log
from realchat_common.topics import CONVERSATIONS, DIRECT, POINTER_TYPE, POINTERS, SEGMENT_TYPE, publish
from realchat_message.log import ConversationLog
from realchat_message.segments import STORE, pointer_json

WORKERS = 16
QUEUED = 500
PUBLISH_SECONDS = 1.0
REST_SECONDS = 1.0
"""How long the fast lane rests after a failure: the outbox has the segment anyway."""
JANITOR_SECONDS = 5.0
MARKER_SECONDS = 60
"""Far longer than a handler can still wait for its turn (concurrency and queue depth are 2,000, a second each)."""
SWEEP_SECONDS = 1.0
CONFIRM_SECONDS = 5.0
"""For confirming what one bulk brings."""
MOST_SWEPT = 500
PATIENCE_MS = 60_000
MOST_DOUBLINGS = 6
DEPARTURES_KEPT = 10_000

PUBLISHED = Counter("realchat_segments_published_total", "Segments offered to the fast lane, by outcome.", ("outcome",))
RELEASED = Counter(
    "realchat_janitor_releases_total", "Entries of the internal stream that were released, by way.", ("way",)
)
for _way in ("marker", "published"):
    RELEASED.labels(_way)  # 0 until then, so that its first increase is seen
ORPHANS = Counter("realchat_janitor_orphans_total", "Markers removed that no entry of the internal stream needs.")
PENDING = Gauge("realchat_outbox_pending_entries", "Entries of the internal stream pending for too long.")
SWEPT = Counter("realchat_sweeper_republished_total", "Segments published again by the sweeper.")
UNCONFIRMED = Gauge(
    "realchat_unconfirmed_conversations", "Conversations with committed events not seen on Kafka in time."
)
UNCONFIRMED_EVENTS = Gauge("realchat_unconfirmed_events", "Committed events that were not seen on Kafka yet.")
LANE_SECONDS = Histogram(
    "realchat_log_lane_seconds",
    "From the commit of a segment to its arrival on its topic, by lane, where one replica knows of both.",
    ("lane",),
    buckets=(0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 1.5, 2, 5, 10, 30, 120),
)


Range = tuple[str, int, int]
"""A conversation, and a first and a last seq."""


class Departures:
    """When this replica committed what it wrote, to see how long either lane takes to the topic."""

    def __init__(self) -> None:
        self._left: OrderedDict[tuple[str, int], int] = OrderedDict()

    def left(self, conversation_id: str, last_seq: int) -> None:
        """Notes a commit; the oldest one is forgotten."""
        self._left[conversation_id, last_seq] = now_ms()
        if len(self._left) > DEPARTURES_KEPT:
            self._left.popitem(last=False)

    def arrived(self, lane: str, conversation_id: str, last_seq: int, arrived_ms: int) -> None:
        """Measures an arrival, if the commit was this replica's."""
        left = self._left.get((conversation_id, last_seq))
        if left is not None:
            LANE_SECONDS.labels(lane).observe(max(0, arrived_ms - left) / 1000)


class FastLane:
    """Publishes what nobody else fans out, right after its commit, segments of one conversation in order."""

    def __init__(self, sidecar: Sidecar, departures: Departures) -> None:
        self._sidecar = sidecar
        self._departures = departures
        self._segments = InOrder(self._publish, WORKERS, QUEUED)
        self._rests_until = 0.0

    def offer(self, written: pb.Segment, *, fanned_out: bool) -> None:
        """Takes a segment, or drops it when it need not be published or there is more than the broker takes."""
        self._departures.left(written.conversation_id, written.last_seq)
        if fanned_out:
            PUBLISHED.labels("needless").inc()
            return
        rests = time.monotonic() < self._rests_until
        if rests or not self._segments.offer(written.conversation_id, written):
            PUBLISHED.labels("dropped").inc()

    async def run(self) -> None:
        """Publishes; ends only by cancellation."""
        await self._segments.run()

    async def _publish(self, written: pb.Segment) -> None:
        try:
            await publish(
                self._sidecar,
                CONVERSATIONS,
                written,
                key=written.conversation_id,
                event_type=SEGMENT_TYPE,
                deadline=PUBLISH_SECONDS,
            )
            PUBLISHED.labels("published").inc()
            self._departures.arrived("segment", written.conversation_id, written.last_seq, now_ms())
        except RealChatError:
            PUBLISHED.labels("failed").inc()
            self._rests_until = time.monotonic() + REST_SECONDS


async def publish_pointer(sidecar: Sidecar, pointer: pb.Pointer) -> None:
    """Publishes a pointer past the outbox. Raises unavailable."""
    await sidecar.publish(
        DIRECT,
        POINTERS,
        pointer_json(pointer),
        metadata={"partitionKey": pointer.conversation_id, "cloudevent.type": POINTER_TYPE},
        deadline=PUBLISH_SECONDS,
    )


ROUND_SECONDS = 30.0
"""What a round of the janitor may take; what it has not done, the next one does."""


class Janitor:
    """Releases entries of the outbox's internal stream that nobody will finish.

    An entry that stays pending either has a handler that spins because its marker never came (the transaction
    failed), or none (the sidecar died; Dapr's redelivery is off, see components/outbox-stream.yaml). Saving
    the marker ends the first kind: its handler publishes the pointer, deletes the marker and acknowledges. What
    is pending still a round later is of the second kind: the janitor publishes and acknowledges itself. The
    marker's lifetime outlasts any handler that might still begin. Markers that no entry needs any more (its
    handler died between publishing and deleting, or Redis lost the entry) are removed.

    Args:
        pool: the service's database, where the state store keeps the markers.
        redis: where the stream is.
        sidecar: the way to the state store and Kafka.
        stream: the internal topic, `<namespace><app id><topic>outbox`.
        group: its consumer group.
        after_seconds: how long an entry may be pending.
    """

    def __init__(
        self,
        pool: asyncpg.Pool[asyncpg.Record],
        redis: Redis,
        sidecar: Sidecar,
        stream: str,
        group: str,
        after_seconds: float,
    ) -> None:
        self._pool = pool
        self._redis = redis
        self._sidecar = sidecar
        self._stream = stream
        self._group = group
        self._after_ms = int(after_seconds * 1000)

    async def run(self) -> None:
        """Looks every few seconds; ends only by cancellation."""
        while True:
            await asyncio.sleep(JANITOR_SECONDS)
            async with asyncio.timeout(ROUND_SECONDS):
                await self.clean()

    async def clean(self) -> None:
        """One round. Raises what Redis or the sidecar raise; the next round goes on."""
        try:
            pending = await self._redis.xpending_range(
                self._stream, self._group, min="-", max="+", count=1_000, idle=self._after_ms
            )
        except ResponseError as error:
            if "NOGROUP" in str(error):
                return  # nothing was ever written
            raise
        PENDING.set(len(pending))
        if not pending:
            await self._remove_orphans()
        for entry in pending:
            await self._release(entry["message_id"], int(entry["time_since_delivered"]))

    async def _release(self, entry_id: bytes | str | int, pending_ms: int) -> None:
        entries = await self._redis.xrange(self._stream, min=entry_id, max=entry_id)
        event = _cloud_event((entries[0][1] or {}).get(b"data", b"")) if entries else {}
        marker = str(event.get("id", ""))
        if marker.startswith("outbox-"):
            await self._save_marker(marker)
        if marker.startswith("outbox-") and pending_ms < self._after_ms + 2 * JANITOR_SECONDS * 1000:
            RELEASED.labels("marker").inc()
            log.warning("outbox entry released", marker=marker, pending_ms=pending_ms)
            return
        pointer = _pointer(event.get("data"))
        if pointer:
            await publish_pointer(self._sidecar, pointer)
        await self._redis.xack(self._stream, self._group, entry_id)
        RELEASED.labels("published").inc()
        log.warning("outbox entry published", marker=marker, pending_ms=pending_ms)

    async def _remove_orphans(self) -> None:
        """An entry comes before its marker is committed: with all entries done, older markers serve nobody."""
        stream = await self._redis.xinfo_stream(self._stream)
        groups = await self._redis.xinfo_groups(self._stream)
        newest = stream["last-generated-id"]
        if all(group["pending"] == 0 and group["last-delivered-id"] == newest for group in groups):
            removed = await self._pool.fetchval(_REMOVE_ORPHANS, timedelta(seconds=MARKER_SECONDS / 2))
            ORPHANS.inc(removed)

    async def _save_marker(self, marker: str) -> None:
        item = common_v1.StateItem(key=marker, value=b"0", metadata={"ttlInSeconds": str(MARKER_SECONDS)})
        await self._sidecar.api.SaveState(
            api_v1.SaveStateRequest(store_name=STORE, states=[item]), timeout=3, metadata=self._sidecar.api_metadata
        )


# The table is the state store's (tablePrefix in components/message-log.yaml), in this service's own database.
_REMOVE_ORPHANS = """
    WITH removed AS (
        DELETE FROM log_state
        WHERE key >= 'outbox-' AND key < 'outbox.' AND key LIKE 'outbox-%' AND created_at < now() - $1::interval
        RETURNING 1)
    SELECT count(*) FROM removed
"""


def _cloud_event(data: bytes | str) -> dict[str, Any]:
    try:
        return msgspec.json.decode(data, type=dict[str, Any])
    except msgspec.MsgspecError:
        return {}


def _pointer(data: object) -> pb.Pointer | None:
    if not isinstance(data, dict):
        return None
    return pb.Pointer(
        conversation_id=str(data["conversation_id"]),
        first_seq=int(data["first_seq"]),
        last_seq=int(data["last_seq"]),
        members_seq=int(data.get("members_seq", 0)),
    )


class Confirmations:
    """Takes from the table `unconfirmed` what was seen on the outbox's topic, in any order and by any replica.

    What was seen beyond the read model's head shows a crash between the two commits: it is repaired here.
    """

    def __init__(self, pool: asyncpg.Pool[asyncpg.Record], conversation_log: ConversationLog) -> None:
        self._pool = pool
        self._log = conversation_log

    async def confirm(self, seen: Collection[Range]) -> None:
        """Confirms what pointers were seen of. Raises unavailable; then it has to be done again."""
        columns = [list(column) for column in zip(*seen, strict=True)]
        try:
            async with asyncio.timeout(CONFIRM_SECONDS):
                for row in await self._pool.fetch(_CONFIRM, *columns):
                    await self._log.repair(str(row["conversation_id"]))
        except (OSError, TimeoutError, asyncpg.PostgresError, asyncpg.InterfaceError) as error:
            raise RealChatError(Code.UNAVAILABLE, "what was seen cannot be confirmed now") from error


# Gives the conversations whose head is behind what was seen.
_CONFIRM = """
    WITH seen AS (SELECT * FROM unnest($1::uuid[], $2::bigint[], $3::bigint[]) AS seen (conversation_id, low, high)),
         confirmed AS (
        DELETE FROM unconfirmed USING seen
        WHERE unconfirmed.conversation_id = seen.conversation_id
          AND unconfirmed.first_seq BETWEEN low AND high AND unconfirmed.last_seq <= high)
    SELECT DISTINCT conversation_id FROM head JOIN seen USING (conversation_id) WHERE high > head.last_seq
"""


class Sweeper:
    """Publishes pointers to what is committed and was not seen on Kafka in time: committed → seen on Kafka.

    While that changes nothing (who would see it is away), it waits twice as long after each round.
    """

    def __init__(self, pool: asyncpg.Pool[asyncpg.Record], sidecar: Sidecar, after_seconds: float) -> None:
        self._pool = pool
        self._sidecar = sidecar
        self._after_ms = int(after_seconds * 1000)
        self._in_vain = 0
        self._swept: dict[str, int] = {}
        """What was published in the last round: from which seq on."""

    async def run(self) -> None:
        """Looks every second; ends only by cancellation."""
        while True:
            await asyncio.sleep(SWEEP_SECONDS)
            await self.sweep()

    async def sweep(self) -> None:
        """One round. A conversation's next turn is `after_seconds` later. Raises unavailable with Kafka away."""
        now = now_ms()
        UNCONFIRMED_EVENTS.set(await self._pool.fetchval(_BACKLOG))
        patience_ms = min(self._after_ms << self._in_vain, PATIENCE_MS)
        rows = await self._pool.fetch(_CLAIM, now - patience_ms, MOST_SWEPT, now)
        UNCONFIRMED.set(len(rows))
        if rows:
            swept = {str(row["conversation_id"]): row["first_seq"] for row in rows}
            in_vain = any(self._swept.get(conversation_id) == seq for conversation_id, seq in swept.items())
            self._in_vain = min(self._in_vain + 1, MOST_DOUBLINGS) if in_vain else 0
            self._swept = swept
        for row in rows:
            await publish_pointer(self._sidecar, pb.Pointer(**{**row, "conversation_id": str(row["conversation_id"])}))
            SWEPT.inc()


_BACKLOG = "SELECT coalesce(sum(last_seq - first_seq + 1), 0)::bigint FROM unconfirmed"
# One pointer for all of a conversation: what is between has gone its way or is about to.
_CLAIM = """
    WITH claimed AS (
        UPDATE unconfirmed SET since_ms = $3
        WHERE (conversation_id, first_seq) IN (
            SELECT conversation_id, first_seq FROM unconfirmed WHERE since_ms < $1
            ORDER BY since_ms LIMIT $2 FOR UPDATE SKIP LOCKED)
        RETURNING conversation_id, first_seq, last_seq)
    SELECT conversation_id, min(claimed.first_seq) AS first_seq, max(claimed.last_seq) AS last_seq, head.members_seq
    FROM claimed JOIN head USING (conversation_id) GROUP BY conversation_id, head.members_seq
"""
