"""One connection: its states, its bounded queue, its heartbeat.

States: opened; ready, once authenticated and registered; following, once its client has said what it holds and events
are sent; ended. Nothing in here waits for a slow peer but the writer: what cannot be queued ends the socket, and its
client resumes from the log.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import asynccontextmanager
from time import monotonic, perf_counter

from prometheus_client import Counter, Gauge

from chat.event.v1 import event_pb2 as pb
from realchat_common.errors import Code, RealChatError
from realchat_common.identity import User
from realchat_common.ids import new_id, parse_id, rfc3339
from realchat_common.telemetry import REQUESTS, log, server_span
from realchat_delivery.append import Appended, Outcome, Pending
from realchat_delivery.domain import Merge, Missing, TokenBucket, Verdict
from realchat_delivery.frames import (
    MOST_FRAME_BYTES,
    Ack,
    Auth,
    BadFrameError,
    ClientFrame,
    Close,
    Codec,
    Delivered,
    Error,
    EventFrame,
    Ping,
    Read,
    Ready,
    Resume,
    Resumed,
    Send,
    ServerFrame,
    ServerPing,
    ServerPong,
    error_frame,
)
from realchat_delivery.ports import Link, Node
from realchat_delivery.receipts import Mark
from realchat_delivery.sendqueue import SendQueue
from realchat_delivery.settings import DeliverySettings

MOST_BAD_FRAMES = 10
GOODBYE_SECONDS = 2.0
FRAMES_BETWEEN_YIELDS = 64
"""After so many frames in a row the reader lets the others work."""

SOCKETS = Gauge("realchat_sockets", "Open sockets.")
RECEIVED = Counter("realchat_frames_received_total", "Frames from clients, by type and code.", ("type", "code"))
REPLIES = Counter(
    "realchat_frames_sent_total", "Frames to clients other than events, by type and code.", ("type", "code")
)
CLOSES = Counter("realchat_socket_closes_total", "Sockets that the server closed, by code.", ("code",))
QUEUE_CLOSES = Counter("realchat_queue_closes_total", "Sockets closed because their queue was full.")
for _code in Close:
    CLOSES.labels(int(_code))  # 0 until then, so that its first increase is seen

# What an authentication that failed means for the socket; any other failure is the server's.
_AUTH_CLOSES = {
    Code.UNAUTHENTICATED: Close.UNAUTHENTICATED,
    Code.SESSION_REVOKED: Close.SESSION_REVOKED,
    Code.RATE_LIMITED: Close.TOO_MANY_SOCKETS,
}


class Socket:
    """A client's connection.

    Args:
        link: the WebSocket.
        codec: the form of the protocol.
        node: the process.
        settings: the limits.
        clock: seconds of a monotonic clock.
    """

    def __init__(
        self,
        link: Link,
        codec: Codec,
        node: Node,
        settings: DeliverySettings,
        clock: Callable[[], float] = monotonic,
    ) -> None:
        now = clock()
        self.connection_id = new_id()
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
        self._pace = TokenBucket(settings.frames_per_second, 2 * settings.frames_per_second, now)
        self._sends = TokenBucket(settings.sends_per_second, settings.sends_burst, now)
        self._unanswered = 0
        self._bad_frames = 0
        self._resuming = False
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
    def queued_bytes(self) -> int:
        """What waits to be written."""
        return self._queue.size

    async def run(self, bearer: str | None = None) -> None:
        """Serves the connection until either side ends it.

        Args:
            bearer: an access token that came with the upgrade.
        """
        SOCKETS.inc()
        try:
            async with asyncio.timeout(None) as self._scope, asyncio.TaskGroup() as self._tasks:
                self._node.opened(self)
                self._tasks.create_task(self._write())
                if bearer is not None:
                    await self._authenticate(Auth(token=bearer))
                await self._read()
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
            self._ping_place = self._queue.queued

    # The way in

    async def _read(self) -> None:
        in_a_row = 0
        while (message := await self._link.receive()) is not None:
            self._ping_place = self._pong_due = None  # any frame is a sign of life
            if isinstance(message, bytes):
                self.close(Close.BINARY_FRAME)
                return
            if len(message) > MOST_FRAME_BYTES or (not message.isascii() and len(message.encode()) > MOST_FRAME_BYTES):
                self.close(Close.FRAME_TOO_LARGE)
                return
            await self._take(message)
            if self._ended:
                return
            in_a_row += 1
            if wait := self._pace.take(self._clock()):
                await asyncio.sleep(wait)
            elif in_a_row % FRAMES_BETWEEN_YIELDS == 0:
                await asyncio.sleep(0)

    async def _take(self, message: str) -> None:
        frame_id: str | None = None
        kind = "unknown"
        try:
            frame = self.codec.decode(message)
            frame_id, kind = frame.id, str(frame.__struct_config__.tag)
            await self._serve(frame)
        except BadFrameError as bad:
            self._refuse(bad.error, bad.frame_id, kind)
        except RealChatError as error:
            self._refuse(error, frame_id, kind)
        else:
            self._bad_frames = 0
            RECEIVED.labels(kind, "ok").inc()

    def _refuse(self, error: RealChatError, frame_id: str | None, kind: str) -> None:
        RECEIVED.labels(kind, error.code.value).inc()
        self.reply(error_frame(error, frame_id))
        if not error.code.temporary:
            self._bad_frames += 1
            if self._bad_frames >= MOST_BAD_FRAMES:
                self.close(Close.MALFORMED_FRAMES)

    async def _serve(self, frame: ClientFrame) -> None:
        if isinstance(frame, Auth):
            if self.ready:
                raise RealChatError(Code.INVALID_ARGUMENT, "the socket is authenticated already", field="type")
            if (frame.token is None) == (frame.ticket is None):
                raise RealChatError(Code.INVALID_ARGUMENT, "a token or a ticket is needed", field="token")
            await self._authenticate(frame)
        elif not self.ready:
            raise RealChatError(Code.UNAUTHENTICATED, "the first frame is auth")
        elif isinstance(frame, Send):
            self._send(frame)
        elif isinstance(frame, Read | Delivered):
            self._mark(frame)
        elif isinstance(frame, Ping):
            self.reply(ServerPong(id=frame.id))
        elif isinstance(frame, Resume):
            self._begin_resume(frame)

    async def _authenticate(self, frame: Auth) -> None:
        try:
            self._user = await self._node.authenticate(frame)
            epoch = await self._node.epoch(self._user)
            await self._node.join(self)
        except RealChatError as error:
            self.reply(error_frame(error, frame.id))
            self.close(_AUTH_CLOSES.get(error.code, Close.SERVER_ERROR))
            return
        self.ready = True
        self.reply(
            Ready(
                id=frame.id,
                protocol=self.codec.protocol,
                user_id=self._user.user_id,
                session_id=self._user.session_id,
                connection_id=self.connection_id,
                epoch=epoch,
                ping_interval_ms=int(self._settings.ping_seconds * 1000),
            )
        )

    def _send(self, frame: Send) -> None:
        started = perf_counter()
        conversation_id = parse_id(frame.conversation_id, "conversation_id")
        reply_to = parse_id(frame.reply_to, "reply_to") if frame.reply_to is not None else ""
        if wait := self._sends.take(self._clock()):
            raise RealChatError(Code.RATE_LIMITED, retry_after=wait)
        if self._unanswered >= self._settings.sends_unanswered:
            raise RealChatError(Code.RATE_LIMITED, "too many sends wait for their answer", retry_after=1.0)

        def answer(outcome: Outcome) -> None:
            self._unanswered -= 1
            code = "ok" if isinstance(outcome, Appended) else outcome.code.value
            REQUESTS.labels("frame", "send", code).observe(perf_counter() - started)
            self.reply(_answer(frame, conversation_id, outcome))

        with server_span("frame send", {}):
            self._node.append(
                conversation_id,
                Pending(self.user.user_id, frame.client_message_id, frame.body, reply_to, answer),
            )
        self._unanswered += 1

    def _mark(self, frame: Read | Delivered) -> None:
        who = (parse_id(frame.conversation_id, "conversation_id"), self.user.user_id)
        seq = frame.up_to_seq
        self._node.mark(who, Mark(seq, seq if isinstance(frame, Read) else 0))

    def _begin_resume(self, frame: Resume) -> None:
        if self._resuming:
            raise RealChatError(Code.REQUEST_IN_PROGRESS, "a resume is under way")
        self._resuming = True
        self._tasks.create_task(self._resume(frame))

    async def _resume(self, frame: Resume) -> None:
        started = perf_counter()
        try:
            with server_span("frame resume", {}):
                async with self.catching_up():
                    answer = await self._resumed(frame)
                    self.following = self.following or isinstance(answer, Resumed)
                    self.reply(answer)
        except ConnectionError:
            return  # the socket ended meanwhile
        finally:
            self._resuming = False
        code = answer.code if isinstance(answer, Error) else "ok"
        REQUESTS.labels("frame", "resume", code).observe(perf_counter() - started)

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


def _answer(frame: Send, conversation_id: str, outcome: Outcome) -> ServerFrame:
    if isinstance(outcome, RealChatError):
        return error_frame(outcome, frame.id)
    return Ack(
        id=frame.id,
        conversation_id=conversation_id,
        client_message_id=frame.client_message_id,
        message_id=outcome.message_id,
        seq=outcome.seq,
        at=rfc3339(outcome.sent_at_ms),
        duplicate=outcome.duplicate,
    )
