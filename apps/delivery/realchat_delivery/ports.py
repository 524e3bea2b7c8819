"""What a socket needs of the world around it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, Protocol

from realchat_common.identity import User
from realchat_delivery.append import Outcome, Pending
from realchat_delivery.domain import Missing
from realchat_delivery.frames import Auth, Change, Resume, Resumed, Seen, Shown
from realchat_delivery.receipts import Mark, Who

if TYPE_CHECKING:
    from realchat_delivery.connection import Connection


class Link(Protocol):
    """The WebSocket under a socket."""

    async def receive(self) -> str | bytes | None:
        """The next message; None when the peer is gone."""

    async def send(self, frames: bytes) -> None:
        """Writes whole WebSocket frames; waits while the peer does not read. Raises OSError when it is gone."""

    async def close(self, code: int, reason: str) -> None:
        """Closes. Raises OSError when the peer is gone."""


@dataclass(frozen=True, slots=True)
class Node:
    """What a socket needs of the process that it is in."""

    authenticate: Callable[[Auth], Awaitable[User]]
    opened: Callable[[Connection], None]
    epoch: Callable[[User], Awaitable[str]]
    join: Callable[[Connection], Awaitable[None]]
    """Lets events reach an authenticated socket. Raises RealChatError."""
    left: Callable[[Connection], None]
    append: Callable[[str, Pending], None]
    change: Callable[[User, Change], Awaitable[Outcome]]
    """Changes a message. Raises RealChatError."""
    resume: Callable[[Connection, Resume], Awaitable[Resumed]]
    mark: Callable[[Who, Mark], None]
    """Moves a member's receipt forward. Raises RealChatError."""
    typing: Callable[[str, str, Literal["start", "stop"]], Awaitable[None]]
    """Tells the other members that a user types in a conversation. Raises conversation_not_found."""
    show: Callable[[Connection, Shown], None]
    """Lets a user be seen so, as far as a device is concerned."""
    watch: Callable[[Connection, Sequence[str]], Awaitable[list[Seen]]]
    """Lets a client watch users, instead of those before. Raises RealChatError."""
    repair: Callable[[Connection, Missing], None]
    """Sees to it that `Connection.fill` is called."""
