"""This node's sockets: who has which, what reaches them, and how they all come and go."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable, Iterable, Sequence
from contextlib import aclosing
from time import monotonic

import msgspec
from google.protobuf.message import DecodeError
from opentelemetry.context import get_current
from opentelemetry.trace import get_current_span
from prometheus_client import Counter, Gauge
from tenacity import AsyncRetrying, retry_if_exception, stop_after_delay, wait_exponential_jitter

from chat.event.v1 import event_pb2 as pb
from realchat_common.errors import Code, RealChatError
from realchat_common.telemetry import log, server_span
from realchat_delivery.codec import EventFrame
from realchat_delivery.connection import Connection, notify_all
from realchat_delivery.domain import Audience, Missing, Recipients, TokenBucket
from realchat_delivery.frames import Close, Notice, Reconnect, ServerPresence, Session, Shown
from realchat_delivery.log import Log
from realchat_delivery.packets import Packet
from realchat_delivery.presence import Beacon, Device
from realchat_delivery.registry import REFRESH_SECONDS, Registry
from realchat_delivery.settings import DeliverySettings
from realchat_delivery.watch import Watches

TICK_SECONDS = 1.0
MOST_MISSING = 1_000
"""A gap that is longer is not repaired: the client resumes."""
REPAIR_SECONDS = 10.0
RETRY_SECONDS = (1.0, 5.0)
"""Clients that are turned away come back between these, so not all at once."""

DELIVERED = Counter("realchat_events_delivered_total", "Events queued to sockets of this node.")
QUEUED = Gauge("realchat_queued_bytes", "Bytes that wait in the queues of all sockets.")
LONGEST_QUEUE = Gauge("realchat_longest_queue_bytes", "Bytes that wait in the longest queue of a socket.")
REPAIRS = Counter("realchat_gaps_repaired_total", "Gaps in a socket's stream, by outcome.", ("outcome",))
for _outcome in ("repaired", "failed", "too long"):
    REPAIRS.labels(_outcome)  # 0 until then, so that its first increase is seen
REFUSED = Counter("realchat_upgrades_refused_total", "Connections answered 503, by reason.", ("reason",))


class Hub:
    """The sockets of this node.

    Args:
        settings: the limits.
        registry: the other nodes.
        messages_log: the logs.
        beacon: presence.
        watches: who is told of others' presence.
        group: owns the tasks that repair gaps.
        clock: seconds of a monotonic clock.
    """

    def __init__(
        self,
        settings: DeliverySettings,
        registry: Registry,
        messages_log: Log,
        beacon: Beacon,
        watches: Watches,
        group: asyncio.TaskGroup,
        clock: Callable[[], float] = monotonic,
    ) -> None:
        self._settings = settings
        self._registry = registry
        self._log = messages_log
        self._beacon = beacon
        self._watches = watches
        self._group = group
        self._clock = clock
        self._sockets: set[Connection] = set()
        self._of_user: dict[str, set[Connection]] = {}
        self._of_session: dict[str, set[Connection]] = {}
        self._departed: set[str] = set()
        self._departure = asyncio.Event()
        self._repairs: dict[Missing, list[Connection]] = {}
        self._connects = TokenBucket(settings.connects_per_second, settings.connects_per_second, clock())
        self._draining = False
        self.online = False
        """Whether other nodes reach this one."""
        self.proved_online_at = clock()
        """When the node's channel was last known to be open."""
        self.stale = asyncio.Event()
        """Set when events may have been lost on their way to this node."""

    @property
    def sockets(self) -> Sequence[Connection]:
        """Those that events reach."""
        return [socket for sockets in self._of_user.values() for socket in sockets if socket.ready]

    # Coming and going

    def admit(self) -> None:
        """Decides on an upgrade. Raises unavailable or overloaded, with a time to come back."""
        if self._draining:
            self._turn_away("draining", Code.UNAVAILABLE)
        if not self.online:
            self._turn_away("offline", Code.UNAVAILABLE)
        if len(self._sockets) >= self._settings.sockets_most:
            self._turn_away("full", Code.OVERLOADED)
        if self._connects.take(self._clock()):
            self._turn_away("rate", Code.OVERLOADED)

    def _turn_away(self, reason: str, code: Code) -> None:
        REFUSED.labels(reason).inc()
        raise RealChatError(code, "connect again later", retry_after=random.uniform(*RETRY_SECONDS))  # noqa: S311

    def opened(self, socket: Connection) -> None:
        """A socket is there; nobody knows yet whose."""
        self._sockets.add(socket)

    async def join(self, socket: Connection) -> None:
        """Lets events reach an authenticated socket.

        Raises:
            RealChatError: rate_limited when the user has too many sockets, session_revoked, unavailable.
        """
        user = socket.user
        sockets = self._of_user.setdefault(user.user_id, set())
        if len(sockets) >= self._settings.user_sockets_most:
            raise RealChatError(Code.RATE_LIMITED, "the user has too many sockets")
        # Known here before it is registered: so a revocation either finds the socket or is found by it.
        sockets.add(socket)
        self._of_session.setdefault(user.session_id, set()).add(socket)
        if not await self._registry.register(user):
            raise RealChatError(Code.SESSION_REVOKED)
        self.show(socket, socket.shown)

    def left(self, socket: Connection) -> None:
        """Forgets a socket, however far it had come."""
        self._sockets.discard(socket)
        self._watches.forget(socket)
        if not socket.authenticated:
            return
        user = socket.user
        for index, key in ((self._of_session, user.session_id), (self._of_user, user.user_id)):
            sockets = index.get(key, set())
            sockets.discard(socket)
            if not sockets:
                index.pop(key, None)
        if user.user_id not in self._of_user:
            self._departed.add(user.user_id)
            self._departure.set()
        device = Device(user.user_id, socket.device_id)
        if socket.fleeting:
            self._beacon.fades(device)
        else:
            self._beacon.went(device)

    def show(self, socket: Connection, status: Shown) -> None:
        """Lets a user be seen so, as far as this device is concerned."""
        device = Device(socket.user.user_id, socket.device_id)
        if status == "invisible":
            self._beacon.went(device)
        else:
            self._beacon.came(device, away=status == "away")

    async def unregister(self) -> None:
        """Removes those who left from the registry, many at once; ends only by cancellation."""
        while True:
            await self._departure.wait()
            self._departure.clear()
            gone = [user_id for user_id in self._departed if user_id not in self._of_user]
            self._departed.clear()
            try:
                await self._registry.remove(gone)
            except RealChatError as error:
                log.info("registrations not removed", error=str(error))  # they end by themselves

    def close_session(self, session_id: str) -> None:
        """Closes the sockets of a session that ended."""
        for socket in list(self._of_session.get(session_id, ())):
            if socket.ready:
                socket.reply(Session(session_id=session_id, status="revoked"))
            socket.close(Close.SESSION_REVOKED)

    async def tick(self) -> None:
        """The heartbeats of all sockets; ends only by cancellation."""
        while True:
            await asyncio.sleep(TICK_SECONDS)
            now = self._clock()
            queued = [0]
            for socket in list(self._sockets):
                socket.tick(now)
                queued.append(socket.queued_bytes)
            QUEUED.set(sum(queued))
            LONGEST_QUEUE.set(max(queued))

    async def drain(self) -> None:
        """Turns new connections away and closes all sockets, spread over the time that there is."""
        self._draining = True
        sockets = list(self._sockets)
        random.shuffle(sockets)
        step = 0.9 * self._settings.drain_seconds / max(1, len(sockets))
        for place, socket in enumerate(sockets):
            if socket.ready:
                socket.reply(Reconnect(after_ms=int(place * step * 1000)))
        for socket in sockets:
            socket.close(Close.DRAIN)
            await asyncio.sleep(step)
        for socket in self._sockets:  # those whose upgrade was under way
            socket.close(Close.DRAIN)

    # Events

    def deliver(self, segment: pb.Segment, recipients: Recipients) -> None:
        """Queues events to the sockets of those recipients who are here."""
        frames = [EventFrame(event) for event in segment.events]
        delivered = 0
        for user_id in recipients.whole:
            for socket in self._of_user.get(user_id, ()):
                for frame in frames:
                    delivered += socket.deliver(frame)
        for user_id, first_seq, last_seq in recipients.partial:
            for socket in self._of_user.get(user_id, ()):
                for frame in frames:
                    if first_seq <= frame.seq <= last_seq:
                        delivered += socket.deliver(frame)
        DELIVERED.inc(delivered)
        if get_current_span().is_recording():
            self._trace_writes(recipients.whole)
        if segment.members_seq >= segment.first_seq:
            self._note_partings(segment.events)

    def parted(self, user_id: str) -> None:
        """A user has less in common with somebody than before, or may have."""
        self._watches.parted(user_id)

    def estranged(self, user_id: str, peer_id: str) -> None:
        """Two users are something else to each other than before."""
        self._watches.estranged(user_id, peer_id)

    def _note_partings(self, events: Iterable[pb.Event]) -> None:
        for event in events:
            if event.HasField("member_removed"):
                self.parted(event.member_removed.user_id)
            elif event.HasField("member_left"):
                self.parted(event.actor_id)

    def notify(self, user_ids: Iterable[str], notice: Notice) -> None:
        """Tells those of the users who are here something that is told only now."""
        notify_all((socket for user_id in user_ids for socket in self._of_user.get(user_id, ())), notice)

    async def listen(self) -> None:
        """Delivers what other nodes send; ends by raising unavailable when the channel is lost."""
        opened = False
        try:
            async with aclosing(self._registry.packets()) as packets:
                async for packet in packets:
                    if packet is not None:
                        self._receive(packet)
                    elif not opened:
                        opened = self.online = True
                        self.stale.set()
                    self._note_online()
        finally:
            self.online = False

    def _note_online(self) -> None:
        if not self.stale.is_set():
            self.proved_online_at = self._clock()

    def _receive(self, data: bytes) -> None:
        try:
            packet = Packet.decoded(data)
            if isinstance(packet.notice, ServerPresence):
                self._watches.changed(packet.notice.presences)
                return
            if packet.notice is not None:
                self.notify(packet.whole, packet.notice)
                return
            segment = pb.Segment.FromString(packet.segment)
        except (msgspec.MsgspecError, DecodeError):
            log.exception("a packet of another node cannot be read")
            return
        self._log.saw(segment.conversation_id, segment.members_seq)
        with server_span("deliver", {"traceparent": packet.traceparent} if packet.traceparent else {}):
            self.deliver(segment, Recipients(packet.whole, packet.partial))

    def _trace_writes(self, user_ids: Iterable[str]) -> None:
        context = get_current()
        for user_id in user_ids:
            for socket in self._of_user.get(user_id, ()):
                socket.trace_write(context)

    async def register_all(self) -> list[str]:
        """Makes this node found for all its users. Returns those for whom it was not."""
        # Whoever is still joining registers by themselves.
        return await self._registry.refresh(list({socket.user.user_id for socket in self.sockets}))

    async def refresh(self) -> None:
        """Keeps this node registered; ends only by cancellation."""
        while True:
            if await self.register_all():
                self.stale.set()
            await asyncio.sleep(REFRESH_SECONDS)

    # Gaps

    def repair(self, socket: Connection, missing: Missing) -> None:
        """Fills a gap in a socket's stream from the log: one read for all sockets that miss the same."""
        if missing.last_seq - missing.first_seq >= MOST_MISSING:
            REPAIRS.labels("too long").inc()
            socket.close(Close.SLOW_CONSUMER)
            return
        waiting = self._repairs.setdefault(missing, [])
        waiting.append(socket)
        if len(waiting) == 1:
            self._group.create_task(self._repair(missing))

    async def _repair(self, missing: Missing) -> None:
        try:
            events, audience = await self._read(missing)
        except Exception as error:
            if not isinstance(error, RealChatError):
                log.exception("repair failed")
            for socket in self._repairs.pop(missing):
                REPAIRS.labels("failed").inc()
                socket.close(Close.SERVER_ERROR)
            return
        for socket in self._repairs.pop(missing):
            REPAIRS.labels("repaired").inc()
            user_id = socket.user.user_id
            socket.fill(missing, [event for event in events if audience.may_read(user_id, event.seq)])

    async def _read(self, missing: Missing) -> tuple[list[EventFrame], Audience]:
        async for attempt in AsyncRetrying(
            stop=stop_after_delay(REPAIR_SECONDS),
            wait=wait_exponential_jitter(multiplier=0.05, max=2),
            retry=retry_if_exception(lambda error: isinstance(error, RealChatError) and error.code.temporary),
            reraise=True,
        ):
            with attempt:
                limit = missing.last_seq - missing.first_seq + 1
                page = await self._log.page(missing.conversation_id, missing.first_seq, limit)
                if len(page.events) < limit:
                    raise RealChatError(Code.UNAVAILABLE, "the log does not have it yet")
                audience = await self._log.audience(missing.conversation_id, page.members_seq)
        return [EventFrame(event) for event in page.events], audience
