"""What nodes send each other by their channels."""

from __future__ import annotations

import msgspec

from realchat_delivery.domain import Reader
from realchat_delivery.frames import Notice


class Packet(msgspec.Struct, array_like=True, frozen=True):
    """A run of events and who of the other node's users gets it; or what is told only now."""

    segment: bytes = b""
    whole: list[str] = []
    partial: list[Reader] = []
    traceparent: str = ""
    notice: Notice | None = None
    """Instead of events: told to `whole`; presence to those who watch."""

    def encoded(self) -> bytes:
        """As it is sent."""
        return _encoder.encode(self)

    @classmethod
    def decoded(cls, data: bytes) -> Packet:
        """Raises msgspec.MsgspecError."""
        return _decoder.decode(data)


_encoder = msgspec.msgpack.Encoder()
_decoder = msgspec.msgpack.Decoder(Packet)
