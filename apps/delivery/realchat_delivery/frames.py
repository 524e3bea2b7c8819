"""The protocol `realchat.v1`: its frames and its close codes (contracts/asyncapi.yaml)."""

from __future__ import annotations

from enum import IntEnum
from typing import Annotated, Literal

from msgspec import Meta, Struct

from realchat_common.errors import RealChatError

MOST_FRAME_BYTES = 64 * 1024
MOST_RESUMED = 1_000
MOST_SEQ = 2**53
MOST_WATCHED = 200

FrameId = Annotated[str, Meta(max_length=64)]
Seq = Annotated[int, Meta(ge=0, le=MOST_SEQ)]
Shown = Literal["online", "away", "invisible"]
"""How a user is to be seen on a device."""
Mentions = Annotated[tuple[str, ...], Meta(max_length=50)]
Files = Annotated[tuple[str, ...], Meta(max_length=10)]


class _ClientFrame(Struct, tag=str.lower, forbid_unknown_fields=True, kw_only=True):
    id: FrameId | None = None


class Auth(_ClientFrame):
    """Says who connects, by an access token or by a one-use ticket of the gateway, and how to be seen from then on."""

    token: str | None = None
    ticket: str | None = None
    presence: Shown = "online"


class Resume(_ClientFrame):
    """Asks for what was missed: conversation id to the last seq that the client holds."""

    conversations: Annotated[dict[str, Seq], Meta(max_length=MOST_RESUMED)]


class Send(_ClientFrame):
    """Sends a message. The same `client_message_id` again is the same message."""

    conversation_id: str
    client_message_id: Annotated[str, Meta(min_length=1, max_length=64)]
    body: str
    reply_to: str | None = None
    mentions: Mentions = ()
    mention_all: bool = False
    attachment_ids: Files = ()


class Read(_ClientFrame):
    """Says how far the user has read a conversation. Answered only when it is refused."""

    conversation_id: str
    up_to_seq: Seq


class Delivered(_ClientFrame):
    """Says how far the device holds a conversation. Answered only when it is refused."""

    conversation_id: str
    up_to_seq: Seq


class _OfMessage(_ClientFrame):
    conversation_id: str
    message_id: str


class Edit(_OfMessage):
    """Changes what a message of one's own says."""

    body: str
    mentions: Mentions = ()
    mention_all: bool = False


class Delete(_OfMessage):
    """Deletes a message for everyone."""


class React(_OfMessage):
    """Gives a message an emoji, or takes it back."""

    emoji: Annotated[str, Meta(max_length=64)]
    remove: bool = False


class Typing(_ClientFrame):
    """Says that the user types, again and again while they do, or has stopped. Answered only when it is refused."""

    conversation_id: str
    state: Literal["start", "stop"]


class Presence(_ClientFrame):
    """Says how the user is to be seen on this device. Answered only when it is refused."""

    status: Shown


class Watch(_ClientFrame):
    """Says whose presence the client wants to be told, instead of those before. Answered by `presence`."""

    user_ids: Annotated[list[str], Meta(max_length=MOST_WATCHED)]


class Ping(_ClientFrame):
    """Asks for a pong."""


class Pong(_ClientFrame):
    """Answers the server's ping."""


Change = Edit | Delete | React
Ephemeral = Typing | Presence | Watch
ClientFrame = Auth | Resume | Send | Change | Read | Delivered | Ephemeral | Ping | Pong


class _ServerFrame(Struct, tag=str.lower, omit_defaults=True, kw_only=True):
    id: str | None = None


class Ready(_ServerFrame):
    """The socket is authenticated: what is appended from now on reaches it."""

    protocol: str
    user_id: str
    session_id: str
    connection_id: str
    epoch: str
    ping_interval_ms: int


class Position(Struct, frozen=True):
    """How a conversation came out of a resume."""

    status: Literal["recovered", "history", "forbidden"]
    last_seq: int


class Resumed(_ServerFrame):
    """The end of a resume."""

    epoch: str
    conversations: dict[str, Position]


class Ack(_ServerFrame):
    """A message, or the change of one, is in the log."""

    conversation_id: str
    message_id: str
    seq: int
    at: str
    duplicate: bool
    client_message_id: str | None = None


class Error(_ServerFrame):
    """A frame could not be served."""

    code: str
    detail: str
    temporary: bool
    retry_after: float | None = None
    field: str | None = None


class Receipt(_ServerFrame):
    """How far a member has come. Dropped rather than queued behind much else."""

    conversation_id: str
    user_id: str
    delivered_up_to: int
    read_up_to: int
    marked_unread: bool = False


class ServerTyping(_ServerFrame, tag="typing"):
    """Somebody types, until `expires_in_ms` from now or a `stop`. Dropped rather than queued behind much else."""

    conversation_id: str
    user_id: str
    state: Literal["start", "stop"]
    expires_in_ms: int = 0


class Seen(Struct, frozen=True):
    """How a user is seen; `hidden` when the client may not know."""

    user_id: str
    status: Literal["online", "away", "offline", "hidden"]
    last_seen_at: str | None = None


class ServerPresence(_ServerFrame, tag="presence"):
    """How users are seen who are watched: all of them in answer to `watch`, then those who have changed."""

    presences: list[Seen]


class Session(_ServerFrame):
    """What happened to the session; the socket is closed next."""

    session_id: str
    status: Literal["revoked"]


class ServerPing(_ServerFrame, tag="ping"):
    """Asks for a pong."""


class ServerPong(_ServerFrame, tag="pong"):
    """Answers the client's ping."""


class Closed(_ServerFrame):
    """The end of a fall-back that the server closes, with the code that a socket would be closed with."""

    code: int
    reason: str


class Reconnect(_ServerFrame):
    """The server will close the socket: connect again after that many milliseconds."""

    after_ms: int


class Settings(_ServerFrame):
    """The user's own settings in a conversation, changed by one of their devices."""

    conversation_id: str
    muted_until: str | None
    pinned: bool
    archived: bool
    draft_at: str | None
    """When the draft was changed; the draft itself is read with the conversation."""


Notice = Receipt | ServerTyping | ServerPresence | Settings
"""What is told as it happens and never again."""

ServerFrame = Ready | Resumed | Ack | Error | Notice | Session | ServerPing | ServerPong | Reconnect | Closed


def error_frame(error: RealChatError, frame_id: str | None) -> Error:
    """An error as its frame."""
    return Error(
        id=frame_id,
        code=error.code.value,
        detail=error.detail,
        temporary=error.code.temporary,
        retry_after=None if error.retry_after is None else round(error.retry_after, 3),
        field=error.field,
    )


class Close(IntEnum):
    """Why the server closes a socket. The hundreds say what the client does next.

    4000-4099: connect again, with back-off, and resume. 4100-4199: get a new token first; log in again if there is
    none. 4200-4299: do not come back with the same request: a program or a person has to change something.
    """

    DRAIN = 4000
    SLOW_CONSUMER = 4001
    HEARTBEAT_MISSED = 4002
    SERVER_ERROR = 4003
    AUTH_TIMEOUT = 4100
    UNAUTHENTICATED = 4101
    SESSION_REVOKED = 4102
    MALFORMED_FRAMES = 4200
    FRAME_TOO_LARGE = 4201
    UNSUPPORTED_PROTOCOL = 4202
    TOO_MANY_SOCKETS = 4203
    BINARY_FRAME = 4204
    TEXT_FRAME = 4205

    @property
    def reason(self) -> str:
        """The reason as it is sent."""
        return self.name.lower().replace("_", " ")
