"""The protocol's forms on the wire: JSON in text frames, MessagePack in binary ones."""

from __future__ import annotations

import re
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Protocol

import msgspec
from msgspec import Struct

from chat.event.v1 import event_pb2 as pb
from realchat_common.errors import Code, RealChatError
from realchat_common.ids import rfc3339
from realchat_common.wire import event_bytes, event_json
from realchat_delivery.frames import ClientFrame, FrameId, ServerFrame

MOST_DETAIL = 200


class BadFrameError(Exception):
    """A client's frame that cannot be read, with its id where that can be."""

    def __init__(self, error: RealChatError, frame_id: str | None = None) -> None:
        super().__init__(str(error))
        self.error = error
        self.frame_id = frame_id


class Codec(Protocol):
    """A form of the protocol, as the client has chosen it. What it encodes goes onto the wire as it is."""

    protocol: str
    binary: bool
    """Whether its clients' frames are binary."""

    def decode(self, data: str | bytes) -> ClientFrame:
        """Raises BadFrameError: malformed_request for what is no object, invalid_argument for a wrong one."""

    def encode(self, frame: ServerFrame) -> bytes:
        """A frame for one socket."""

    def encode_event(self, event: pb.Event) -> bytes:
        """An event for any number of sockets."""


class _ClientFrameId(Struct):
    id: FrameId | None = None


def _decoded(frame: Callable[[], ClientFrame], identified: Callable[[], _ClientFrameId]) -> ClientFrame:
    try:
        return frame()
    except msgspec.ValidationError as error:
        frame_id = None
        with suppress(msgspec.DecodeError, RecursionError):
            frame_id = identified().id
        raise BadFrameError(_refusal(str(error)), frame_id) from error
    except (msgspec.DecodeError, RecursionError) as error:
        raise BadFrameError(RealChatError(Code.MALFORMED_REQUEST, "the frame cannot be read")) from error


class JsonCodec:
    """JSON.

    Args:
        wrap: makes of a frame what goes onto the wire; a text frame unless told otherwise.
    """

    protocol = "realchat.v1"
    binary = False

    def __init__(self, wrap: Callable[[bytes], bytes] | None = None) -> None:
        self._wrap = wrap or text_frame
        self._frames: msgspec.json.Decoder[ClientFrame] = msgspec.json.Decoder(ClientFrame)
        self._ids = msgspec.json.Decoder(_ClientFrameId)
        self._encoder = msgspec.json.Encoder()

    def decode(self, data: str | bytes) -> ClientFrame:
        """As Codec says."""
        return _decoded(lambda: self._frames.decode(data), lambda: self._ids.decode(data))

    def encode(self, frame: ServerFrame) -> bytes:
        """As Codec says."""
        return self._wrap(self._encoder.encode(frame))

    def encode_event(self, event: pb.Event) -> bytes:
        """As Codec says."""
        try:
            encoded = event_bytes(event)
        except (ValueError, KeyError):  # of a newer message service: the stream stays without gaps
            encoded = self._encoder.encode(_unknown_event(event))
        return self._wrap(b'{"type":"event","event":%b}' % encoded)


class MsgpackCodec:
    """MessagePack: the same objects, in binary frames."""

    protocol = "realchat.v1.msgpack"
    binary = True

    def __init__(self) -> None:
        self._frames: msgspec.msgpack.Decoder[ClientFrame] = msgspec.msgpack.Decoder(ClientFrame)
        self._ids = msgspec.msgpack.Decoder(_ClientFrameId)
        self._encoder = msgspec.msgpack.Encoder()

    def decode(self, data: str | bytes) -> ClientFrame:
        """As Codec says."""
        packed = data.encode() if isinstance(data, str) else data
        return _decoded(lambda: self._frames.decode(packed), lambda: self._ids.decode(packed))

    def encode(self, frame: ServerFrame) -> bytes:
        """As Codec says."""
        return binary_frame(self._encoder.encode(frame))

    def encode_event(self, event: pb.Event) -> bytes:
        """As Codec says."""
        try:
            content = event_json(event)
        except (ValueError, KeyError):
            content = _unknown_event(event)
        return binary_frame(self._encoder.encode({"type": "event", "event": content}))


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
    return b"\x81%b%b" % (_length(len(payload)), payload)


def binary_frame(payload: bytes) -> bytes:
    """The same, binary."""
    return b"\x82%b%b" % (_length(len(payload)), payload)


def _length(size: int) -> bytes:
    if size < 126:
        return b"%c" % size
    if size < 1 << 16:
        return b"\x7e%b" % size.to_bytes(2, "big")
    return b"\x7f%b" % size.to_bytes(8, "big")


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


CODECS: dict[str, Codec] = {codec.protocol: codec for codec in (JsonCodec(), MsgpackCodec())}
