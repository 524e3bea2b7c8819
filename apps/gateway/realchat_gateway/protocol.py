"""HTTP/1.1 as uvicorn speaks it, with a bound and a deadline for a request's head, which uvicorn has only with h11."""

from __future__ import annotations

import asyncio

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

MOST_HEAD_BYTES = 64 * 1024
"""As h11 has it; the read in which a head begins is not counted."""
HEAD_SECONDS = 10.0


class GuardedHttp(HttpToolsProtocol):
    """One connection; its client is sent away when a head is too long or does not come."""

    _head_bytes = 0
    _head_began = False

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Starts the clock: a client that connects has something to ask."""
        super().connection_made(transport)
        self._deadline: asyncio.TimerHandle | None = self.loop.call_later(HEAD_SECONDS, transport.close)

    def connection_lost(self, exc: Exception | None) -> None:
        """Stops the clock."""
        self._stop_clock()
        super().connection_lost(exc)

    def on_message_begin(self) -> None:
        """Starts the clock for each further request; between requests uvicorn's keep-alive bounds the time."""
        self._stop_clock()
        self._deadline = self.loop.call_later(HEAD_SECONDS, self.transport.close)
        self._head_began = True
        super().on_message_begin()

    def on_headers_complete(self) -> None:
        """Stops the clock; the body has a bound and a deadline of its own (edge.py)."""
        self._stop_clock()
        super().on_headers_complete()

    def data_received(self, data: bytes) -> None:
        """Counts what belongs to a head that is not complete."""
        self._head_began = False
        super().data_received(data)
        self._head_bytes = 0 if self._head_began else self._head_bytes + len(data)
        if self._deadline and self._head_bytes > MOST_HEAD_BYTES and not self.transport.is_closing():
            self.send_400_response("The head of the request is too long.")

    def _stop_clock(self) -> None:
        if self._deadline:
            self._deadline.cancel()
            self._deadline = None
