"""What a client asks of the log: bounded in pace and number, each answered once, even when many are under way.

Sends of all sockets are batched by conversation (append.py). Changes of messages go one after the other per socket,
so that they keep their order.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable
from time import perf_counter

from realchat_common.errors import Code, RealChatError
from realchat_common.identity import User
from realchat_common.ids import parse_id, rfc3339
from realchat_common.telemetry import REQUESTS, log, server_span
from realchat_delivery.append import Appended, Outcome, Pending
from realchat_delivery.domain import TokenBucket
from realchat_delivery.frames import Ack, Change, Send, ServerFrame, error_frame
from realchat_delivery.ports import Node
from realchat_delivery.settings import DeliverySettings


class Requests:
    """Those of one socket.

    Args:
        node: the process.
        settings: the limits.
        reply: queues a frame for the client.
        clock: seconds of a monotonic clock.
    """

    def __init__(
        self, node: Node, settings: DeliverySettings, reply: Callable[[ServerFrame], None], clock: Callable[[], float]
    ) -> None:
        self._node = node
        self._settings = settings
        self._reply = reply
        self._clock = clock
        self._pace = TokenBucket(settings.sends_per_second, settings.sends_burst, clock())
        self._unanswered = 0
        self._changes: deque[tuple[Change, float]] = deque()

    def send(self, user: User, frame: Send) -> None:
        """Takes a message. Raises RealChatError."""
        conversation_id = parse_id(frame.conversation_id, "conversation_id")
        reply_to = parse_id(frame.reply_to, "reply_to") if frame.reply_to is not None else ""
        self._admit()
        started = perf_counter()

        def answer(outcome: Outcome) -> None:
            self._answer(frame, conversation_id, outcome, started)

        with server_span("frame send", {}):
            self._node.append(
                conversation_id,
                Pending(
                    user.user_id,
                    frame.client_message_id,
                    frame.body,
                    reply_to,
                    answer,
                    frame.mentions,
                    frame.mention_all,
                    frame.attachment_ids,
                ),
            )
        self._unanswered += 1

    def change(self, user: User, frame: Change, tasks: asyncio.TaskGroup) -> None:
        """Takes the change of a message; `tasks` owns the work on it. Raises RealChatError."""
        frame.conversation_id = parse_id(frame.conversation_id, "conversation_id")
        frame.message_id = parse_id(frame.message_id, "message_id")
        self._admit()
        self._unanswered += 1
        self._changes.append((frame, perf_counter()))
        if len(self._changes) == 1:
            tasks.create_task(self._work_off(user))

    async def _work_off(self, user: User) -> None:
        while self._changes:
            frame, started = self._changes[0]
            with server_span(f"frame {frame.__struct_config__.tag}", {}):
                outcome = await self._changed(user, frame)
            self._answer(frame, frame.conversation_id, outcome, started)
            self._changes.popleft()

    async def _changed(self, user: User, frame: Change) -> Outcome:
        try:
            return await self._node.change(user, frame)
        except RealChatError as error:
            return error
        except Exception:
            log.exception("change failed")
            return RealChatError(Code.INTERNAL)

    def _admit(self) -> None:
        if wait := self._pace.take(self._clock()):
            raise RealChatError(Code.RATE_LIMITED, retry_after=wait)
        if self._unanswered >= self._settings.sends_unanswered:
            raise RealChatError(Code.RATE_LIMITED, "too many sends wait for their answer", retry_after=1.0)

    def _answer(self, frame: Send | Change, conversation_id: str, outcome: Outcome, started: float) -> None:
        self._unanswered -= 1
        code = "ok" if isinstance(outcome, Appended) else outcome.code.value
        REQUESTS.labels("frame", frame.__struct_config__.tag, code).observe(perf_counter() - started)
        self._reply(_reply_to(frame, conversation_id, outcome))


def _reply_to(frame: Send | Change, conversation_id: str, outcome: Outcome) -> ServerFrame:
    if isinstance(outcome, RealChatError):
        return error_frame(outcome, frame.id)
    return Ack(
        id=frame.id,
        conversation_id=conversation_id,
        client_message_id=frame.client_message_id if isinstance(frame, Send) else None,
        message_id=outcome.message_id,
        seq=outcome.seq,
        at=rfc3339(outcome.sent_at_ms),
        duplicate=outcome.duplicate,
    )
