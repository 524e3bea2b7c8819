"""The protocol `realchat.v1` on the wire: its frames, its codec and its close codes (contracts/asyncapi.yaml)."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from enum import IntEnum
from typing import Annotated, Literal, Protocol

import msgspec
from msgspec import Meta, Struct

from chat.event.v1 import event_pb2 as pb
from realchat_common.errors import Code, RealChatError
from realchat_common.ids import rfc3339
from realchat_common.wire import event_bytes

MOST_FRAME_BYTES = 64 * 1024
MOST_RESUMED = 1_000
MOST_SEQ = 2**53
MOST_DETAIL = 200
MOST_WATCHED = 200

FrameId = Annotated[str, Meta(max_length=64)]
Seq = Annotated[int, Meta(ge=0, le=MOST_SEQ)]


class _ClientFrame(Struct, tag=str.lower, forbid_unknown_fields=True, kw_only=True):
    id: FrameId | None = None


class Auth(_ClientFrame):
    """Says who connects: by an access token, or by a one-use ticket of the gateway."""

    token: str | None = None
    ticket: str | None = None


class Resume(_ClientFrame):
    """Asks for what was missed: conversation id to the last seq that the client holds."""

    conversations: Annotated[dict[str, Seq], Meta(max_length=MOST_RESUMED)]


class Send(_ClientFrame):
    """Sends a message. The same `client_message_id` again is the same message."""

    conversation_id: str
    client_message_id: Annotated[str, Meta(min_length=1, max_length=64)]
    body: str
    reply_to: str | None = None


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

    status: Literal["online", "away", "invisible"]


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


Notice = Receipt | ServerTyping | ServerPresence
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


class BadFrameError(Exception):
    """A client's frame that cannot be read, with its id where that can be."""

    def __init__(self, error: RealChatError, frame_id: str | None = None) -> None:
        super().__init__(str(error))
        self.error = error
        self.frame_id = frame_id


class Codec(Protocol):
    """A form of the protocol, as the client has chosen it. What it encodes goes onto the wire as it is."""

    protocol: str

    def decode(self, text: str) -> ClientFrame:
        """Raises BadFrameError."""

    def encode(self, frame: ServerFrame) -> bytes:
        """A frame for one socket."""

    def encode_event(self, event: pb.Event) -> bytes:
        """An event for any number of sockets."""


class JsonCodec:
    """JSON in text frames.

    Args:
        wrap: makes of a frame what goes onto the wire.
    """

    protocol = "realchat.v1"

    def __init__(self, wrap: Callable[[bytes], bytes] | None = None) -> None:
        self._wrap = wrap or text_frame
        self._decoder = msgspec.json.Decoder(ClientFrame)
        self._ids = msgspec.json.Decoder(_ClientFrameId)
        self._encoder = msgspec.json.Encoder()

    def decode(self, text: str) -> ClientFrame:
        """Raises BadFrameError: malformed_request for what is not a JSON object, invalid_argument for a wrong one."""
        try:
            frame: ClientFrame = self._decoder.decode(text)
        except msgspec.ValidationError as error:
            raise BadFrameError(_refusal(str(error)), self._id_of(text)) from error
        except (msgspec.DecodeError, RecursionError) as error:
            raise BadFrameError(RealChatError(Code.MALFORMED_REQUEST, "the frame is not JSON")) from error
        return frame

    def _id_of(self, text: str) -> str | None:
        try:
            return self._ids.decode(text).id
        except (msgspec.DecodeError, RecursionError):
            return None

    def encode(self, frame: ServerFrame) -> bytes:
        return self._wrap(self._encoder.encode(frame))

    def encode_event(self, event: pb.Event) -> bytes:
        try:
            encoded = event_bytes(event)
        except (ValueError, KeyError):  # of a newer message service: the stream stays without gaps
            encoded = self._encoder.encode(_unknown_event(event))
        return self._wrap(b'{"type":"event","event":%b}' % encoded)


def _unknown_event(event: pb.Event) -> dict[str, object]:
    return {
        "conversation_id": event.conversation_id,
        "seq": event.seq,
        "event_id": event.event_id,
        "kind": "unknown",
        "actor_id": event.actor_id,
        "at": rfc3339(event.occurred_at_ms),
        "data": {},
    }


class _ClientFrameId(Struct):
    id: FrameId | None = None


# msgspec names the field in its message only.
_FIELD = re.compile(r"(?:unknown|required) field `(.*)`")
_PLACE = re.compile(r" - at `\$\.?([^`]*)`")


def _refusal(message: str) -> RealChatError:
    """msgspec's message as our error."""
    if message.startswith("Expected `object`, got") and " - at " not in message:
        return RealChatError(Code.MALFORMED_REQUEST, "the frame is not a JSON object")
    place = _FIELD.search(message) or _PLACE.search(message)
    field_name = place.group(1).removesuffix("[...]")[:64] if place else ""
    return RealChatError(Code.INVALID_ARGUMENT, message[:MOST_DETAIL], field=field_name or None)


def text_frame(payload: bytes) -> bytes:
    """A final, unmasked text frame of a server (RFC 6455, section 5.2)."""
    size = len(payload)
    if size < 126:
        return b"\x81%c%b" % (size, payload)
    if size < 1 << 16:
        return b"\x81\x7e%b%b" % (size.to_bytes(2, "big"), payload)
    return b"\x81\x7f%b%b" % (size.to_bytes(8, "big"), payload)


@dataclass(slots=True, eq=False)
class EventFrame:
    """An event on its way to sockets: encoded once for all that speak the same codec."""

    event: pb.Event
    conversation_id: str = field(init=False)
    seq: int = field(init=False)
    _encoded: dict[Codec, bytes] = field(init=False, default_factory=dict)

    def __post_init__(self) -> None:
        self.conversation_id = self.event.conversation_id  # attributes of protobuf messages are slow
        self.seq = self.event.seq

    def encoded(self, codec: Codec) -> bytes:
        """The frame as a codec writes it."""
        data = self._encoded.get(codec)
        if data is None:
            data = self._encoded[codec] = codec.encode_event(self.event)
        return data


CODECS: dict[str, Codec] = {codec.protocol: codec for codec in (JsonCodec(),)}


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

    @property
    def reason(self) -> str:
        """The reason as it is sent."""
        return self.name.lower().replace("_", " ")
