"""One connection of a client: its states, its bounded queue, its heartbeat.

States: opened; ready, once authenticated and registered; following, once its client has said what it holds and events
are sent; ended. Nothing in here waits for a slow peer but the writer: what cannot be queued ends the connection, and
its client resumes from the log. What the client may say meanwhile is in socket.py.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from contextlib import asynccontextmanager
from time import monotonic, perf_counter

from opentelemetry.context import Context
from prometheus_client import Counter, Gauge

from chat.event.v1 import event_pb2 as pb
from realchat_common.errors import Code, RealChatError
from realchat_common.identity import User
from realchat_common.ids import new_id
from realchat_common.telemetry import REQUESTS, log, server_span
from realchat_delivery.codec import Codec, EventFrame
from realchat_delivery.domain import Merge, Missing, Verdict
from realchat_delivery.frames import Close, Error, Ready, Resume, Resumed, ServerFrame, ServerPing, Shown, error_frame
from realchat_delivery.ports import Link, Node
from realchat_delivery.sendqueue import SendQueue
from realchat_delivery.settings import DeliverySettings

GOODBYE_SECONDS = 2.0

SOCKETS = Gauge("realchat_sockets", "Open sockets.")
REPLIES = Counter(
    "realchat_frames_sent_total", "Frames to clients other than events, by type and code.", ("type", "code")
)
CLOSES = Counter("realchat_socket_closes_total", "Sockets that the server closed, by code.", ("code",))
QUEUE_CLOSES = Counter("realchat_queue_closes_total", "Sockets closed because their queue was full.")
for _code in Close:
    CLOSES.labels(int(_code))  # 0 until then, so that its first increase is seen


class Connection:
    """What sockets and their fall-backs have in common.

    Args:
        link: what is under it.
        codec: the form of the protocol.
        node: the process.
        settings: the limits.
        clock: seconds of a monotonic clock.
    """

    answers_pings = True
    """Whether a client that answers no ping is gone."""

    def __init__(
        self,
        link: Link,
        codec: Codec,
        node: Node,
        settings: DeliverySettings,
        clock: Callable[[], float] = monotonic,
    ) -> None:
        now = clock()
        self.connection_id = self.device_id = new_id()
        self.shown: Shown = "online"
        """How the user wants to be seen from the start."""
        self.fleeting = False
        """The client comes back at once: presence is not told that it went."""
        self.codec = codec
        self.merge: Merge[EventFrame] = Merge()
        self.ready = False
        self.following = False
        """Events are sent: the client has resumed. Before, they would run ahead of what it missed."""
        self._user: User | None = None
        self._link = link
        self._node = node
        self._settings = settings
        self._clock = clock
        self._closing: Close | None = None
        self._ended = False
        self._queue = SendQueue(settings.queue_bytes, settings.queue_frames, clock)
        self._catching_up = asyncio.Lock()
        self._auth_due = now + settings.auth_seconds
        self._ping_due = now + settings.ping_seconds
        self._ping_place: int | None = None
        self._pong_due: float | None = None

    @property
    def user(self) -> User:
        """Who is connected, once authenticated."""
        if self._user is None:
            raise RuntimeError("the socket is not authenticated")
        return self._user

    @property
    def authenticated(self) -> bool:
        """Whether `user` is known."""
        return self._user is not None

    @property
    def ended(self) -> bool:
        """Whether it is over."""
        return self._ended

    @property
    def queued_bytes(self) -> int:
        """What waits to be written."""
        return self._queue.size

    async def _live(self, work: Callable[[], Awaitable[None]]) -> None:
        """Writes what is queued while `work` goes on, until either side ends the connection."""
        SOCKETS.inc()
        try:
            async with asyncio.timeout(None) as self._scope, asyncio.TaskGroup() as self._tasks:
                self._node.opened(self)
                self._tasks.create_task(self._write())
                await work()
                self._end()
        except TimeoutError:
            pass  # how `_end` stops everything above
        except ExceptionGroup:
            log.exception("socket failed", connection_id=self.connection_id)
            self._closing = self._closing or Close.SERVER_ERROR
        finally:
            self._ended = True
            self._queue.close()
            SOCKETS.dec()
            self._node.left(self)
            await self._say_goodbye()

    def close(self, code: Close) -> None:
        """Ends the socket with a code; the first one counts."""
        if not self._ended:
            self._closing = code
            self._end()

    def _end(self) -> None:
        if not self._ended:
            self._ended = True
            self._scope.reschedule(asyncio.get_running_loop().time())

    async def _say_goodbye(self) -> None:
        if self._closing is None:
            return
        CLOSES.labels(int(self._closing)).inc()
        log.debug("socket closed", connection_id=self.connection_id, code=int(self._closing))
        try:
            async with asyncio.timeout(GOODBYE_SECONDS):
                if self._closing is not Close.SLOW_CONSUMER and (rest := self._queue.rest()):
                    await self._link.send(rest)
                await self._link.close(self._closing, self._closing.reason)
        except OSError:  # among them TimeoutError
            pass

    # The way out

    def reply(self, frame: ServerFrame) -> None:
        """Queues a frame."""
        REPLIES.labels(type(frame).__struct_config__.tag, getattr(frame, "code", "")).inc()
        self._put(self.codec.encode(frame))

    def deliver(self, event: EventFrame) -> bool:
        """Queues a live event in its turn. True when it goes out now."""
        if self._ended or not (self.following or self._catching_up.locked()):
            return False
        verdict = self.merge.offer(event)
        if verdict is Verdict.SEND:
            self._put(event.encoded(self.codec))
            return True
        if isinstance(verdict, Missing):
            self._node.repair(self, verdict)
        elif self.merge.held > self._settings.queue_frames:
            self._overflow()
        return False

    def trace_write(self, context: Context) -> None:
        """Has what waits be written as a span of this context's trace."""
        self._queue.trace(context)

    def notify(self, notice: bytes) -> None:
        """Queues what is told only now, unless much is queued already."""
        if self.ready and not self._ended and not self._queue.busy:
            self._put(notice)

    def fill(self, missing: Missing, events: list[EventFrame]) -> None:
        """Takes what the log has of a range that was missing."""
        released, gap = self.merge.fill(missing, events)
        self._go_on(released, [gap] if gap else [])

    @asynccontextmanager
    async def catching_up(self) -> AsyncIterator[None]:
        """While somebody reads the log for this socket, live events are held; afterwards they go out in order.

        Unless the first resume has failed: then they are dropped, and the client asks again.
        """
        async with self._catching_up:
            self.merge.hold()
            try:
                yield
            finally:
                released, gaps = self.merge.release()
                if self.following:
                    self._go_on(released, gaps)
                else:
                    self.merge = Merge()

    def _go_on(self, released: Iterable[EventFrame], gaps: Iterable[Missing]) -> None:
        for event in released:
            self._put(event.encoded(self.codec))
        for gap in gaps:
            if not self._ended:
                self._node.repair(self, gap)

    async def put_in_turn(self, event: pb.Event) -> None:
        """Queues an event of a catch-up once there is room. Raises ConnectionError when the socket ended."""
        await self._queue.put_in_turn(self.codec.encode_event(event))

    def _put(self, frame: bytes) -> None:
        if not self._ended and not self._queue.put(frame):
            self._overflow()

    def _overflow(self) -> None:
        QUEUE_CLOSES.inc()
        self.close(Close.SLOW_CONSUMER)

    async def _write(self) -> None:
        try:
            await self._queue.write(self._link.send)
        except OSError:
            self._end()

    def tick(self, now: float) -> None:
        """Sees to the heartbeat; called about every second."""
        settings = self._settings
        if not self.ready and now > self._auth_due:
            self.close(Close.AUTH_TIMEOUT)
        elif (since := self._queue.writing_since) is not None and now - since > settings.pong_seconds:
            self.close(Close.SLOW_CONSUMER)
        elif self._pong_due is not None and now > self._pong_due:
            self.close(Close.HEARTBEAT_MISSED)
        elif self._ping_place is not None and self._queue.written >= self._ping_place:
            # Only now has the ping left: on a slow line much may have been before it.
            self._ping_place, self._pong_due = None, now + settings.pong_seconds
        elif self.ready and now >= self._ping_due:
            self._ping_due = now + settings.ping_seconds
            self.reply(ServerPing())
            self._ping_place = self._queue.queued if self.answers_pings else None

    # Coming in

    async def _enter(self, user: User, frame_id: str | None = None) -> None:
        """Lets events reach an authenticated client, and greets it. Raises RealChatError."""
        self._user = user
        epoch = await self._node.epoch(user)
        await self._node.join(self)
        self.ready = True
        self.reply(
            Ready(
                id=frame_id,
                protocol=self.codec.protocol,
                user_id=user.user_id,
                session_id=user.session_id,
                connection_id=self.connection_id,
                epoch=epoch,
                ping_interval_ms=int(self._settings.ping_seconds * 1000),
            )
        )

    async def _resume(self, frame: Resume) -> Resumed | Error | None:
        """Sends what was missed, and the answer. Returns the answer, or None when the connection ended meanwhile."""
        started = perf_counter()
        try:
            with server_span("frame resume", {}):
                async with self.catching_up():
                    answer = await self._resumed(frame)
                    self.following = self.following or isinstance(answer, Resumed)
                    self.reply(answer)
        except ConnectionError:
            return None
        code = answer.code if isinstance(answer, Error) else "ok"
        REQUESTS.labels("frame", "resume", code).observe(perf_counter() - started)
        return answer

    async def _resumed(self, frame: Resume) -> Resumed | Error:
        try:
            return await self._node.resume(self, frame)
        except RealChatError as error:
            return error_frame(error, frame.id)
        except ConnectionError:
            raise
        except Exception:
            log.exception("resume failed")
            return error_frame(RealChatError(Code.INTERNAL), frame.id)


def notify_all(connections: Iterable[Connection], notice: ServerFrame) -> None:
    """Tells many clients what is told only now, encoded once for all that speak the same codec."""
    encoded: dict[Codec, bytes] = {}
    for connection in connections:
        codec = connection.codec
        if codec not in encoded:
            encoded[codec] = codec.encode(notice)
        connection.notify(encoded[codec])
