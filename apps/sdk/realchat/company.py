"""Whom a person watches: the server is asked to tell of them, and again by each new socket, which knows of nobody."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any, NoReturn

from realchat.backoff import delay
from realchat.codes import Code
from realchat.errors import InvalidRequestError, RealChatError

MOST_WATCHED = 200
"""As many as a socket watches."""


class Company:
    """Those whose presence is told. What is told goes to the view, in the order in which it comes (`Sync.hear`).

    Args:
        ask: sends a frame and waits for its answer.
        up: waits until there is a socket.
    """

    def __init__(self, ask: Callable[[Mapping[str, Any]], Awaitable[bytes]], up: Callable[[], Awaitable[None]]) -> None:
        self._ask = ask
        self._up = up
        self._wanted: tuple[str, ...] = ()
        self._watched: tuple[str, ...] = ()
        self._answered: asyncio.Future[None] | None = None
        """For all who wait; the newest wish is the one that is answered."""
        self._due = asyncio.Event()

    async def watch(self, user_ids: Sequence[str]) -> None:
        """Watches these people instead of those before; returns once they, or those of a newer wish, are in the view.

        Raises:
            InvalidRequestError: they are too many or no users; those before are still watched.
            RealChatError: what has ended the connection for good.
        """
        wanted = tuple(dict.fromkeys(user_ids))
        if len(wanted) > MOST_WATCHED:
            detail = f"at most {MOST_WATCHED} people can be watched"
            raise InvalidRequestError(Code.INVALID_ARGUMENT, detail, field="user_ids")
        self._wanted = wanted
        self._due.set()
        if self._answered is None:
            self._answered = asyncio.get_running_loop().create_future()
        await asyncio.shield(self._answered)

    def renew(self) -> None:
        """There is a new socket."""
        if self._wanted:
            self._due.set()

    async def run(self) -> NoReturn:
        """Asks whenever that is due, one question at a time, as the server wants it; ends by cancellation."""
        attempt = 0
        while True:
            await self._due.wait()
            await self._up()
            self._due.clear()
            wanted = self._wanted
            try:
                await self._ask({"type": "watch", "user_ids": wanted})
            except RealChatError as error:
                if error.temporary:
                    self._due.set()
                    attempt += 1
                    await asyncio.sleep(delay(attempt, error.retry_after or 0.0))
                elif not self._due.is_set():
                    self.end(error)
                    if wanted != self._watched:
                        self._wanted = self._watched
                        self.renew()  # the socket may be one that knows of nobody yet
            else:
                attempt, self._watched = 0, wanted
                if not self._due.is_set() and self._answered:
                    self._answered.set_result(None)
                    self._answered = None

    def end(self, failure: Exception) -> None:
        """Tells those who wait that no answer will come."""
        if self._answered:
            self._answered.set_exception(failure)
            self._answered.exception()  # whoever still waits gets it; nobody may
            self._answered = None
