"""What a client says of its user and asks of others as it happens: who types, who is there. None of it is kept."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from realchat_common.errors import Code, RealChatError
from realchat_common.ids import parse_id
from realchat_delivery.connection import Connection
from realchat_delivery.domain import TokenBucket, TypingPace
from realchat_delivery.frames import Ephemeral, Presence, ServerPresence, Typing, Watch
from realchat_delivery.ports import Node

WISHES_PER_SECOND = 1.0
"""Frames that say how to be seen, and whom to watch."""
WISHES_BURST = 10

Refuse = Callable[[RealChatError, str | None, str], None]
"""Answers a frame by an error: with its id and its type."""


class Company:
    """The frames of one socket that are about people.

    Args:
        connection: the socket.
        node: the process.
        refuse: answers a frame that cannot be served after all.
        clock: seconds of a monotonic clock.
    """

    def __init__(self, connection: Connection, node: Node, refuse: Refuse, clock: Callable[[], float]) -> None:
        self._connection = connection
        self._node = node
        self._refuse = refuse
        self._clock = clock
        self._typing = TypingPace()
        self._telling = asyncio.Lock()
        self._wishes = TokenBucket(WISHES_PER_SECOND, WISHES_BURST, clock())
        self._watching = False

    def take(self, frame: Ephemeral, tasks: asyncio.TaskGroup) -> None:
        """Serves a frame; `tasks` owns the work on it. Raises RealChatError."""
        match frame:
            case Typing():
                conversation_id = parse_id(frame.conversation_id, "conversation_id")
                if self._typing.tells(conversation_id, starts=frame.state == "start", now=self._clock()):
                    tasks.create_task(self._tell_typing(frame, conversation_id))
            case Presence():
                self._count_wish()
                self._node.show(self._connection, frame.status)
            case Watch():
                user_ids = [parse_id(user_id, "user_ids") for user_id in frame.user_ids]
                if self._watching:
                    raise RealChatError(Code.REQUEST_IN_PROGRESS, "a watch is under way")
                self._count_wish()
                self._watching = True
                tasks.create_task(self._watch(frame, user_ids))

    def _count_wish(self) -> None:
        if wait := self._wishes.take(self._clock()):
            raise RealChatError(Code.RATE_LIMITED, retry_after=wait)

    async def _tell_typing(self, frame: Typing, conversation_id: str) -> None:
        try:
            async with self._telling:  # in turn: a stop after its start
                await self._node.typing(self._connection.user.user_id, conversation_id, frame.state)
        except RealChatError as error:
            self._refuse(error, frame.id, "typing")

    async def _watch(self, frame: Watch, user_ids: list[str]) -> None:
        try:
            presences = await self._node.watch(self._connection, user_ids)
        except RealChatError as error:
            self._refuse(error, frame.id, "watch")
        else:
            self._connection.reply(ServerPresence(id=frame.id, presences=presences))
        finally:
            self._watching = False
