"""HTTP to wherever people want it, but not into our own networks.

The name is looked up here, every address that it stands for is looked at, and the connection goes to one of these:
so what was looked at is what is called, whatever the name stands for a moment later (DNS rebinding). Redirects are
not followed, proxies of the environment not used.
"""

from __future__ import annotations

import asyncio
import socket
import ssl
from collections.abc import Iterable
from typing import Any

import httpcore
from httpcore import AsyncNetworkBackend, AsyncNetworkStream

from realchat_auth.webhooks.domain import is_public

SECONDS = 10.0
"""For a whole call: the name, the connection, the answer's status."""
CONNECTIONS = 20


class Outgoing:
    """Posts.

    Args:
        private: whether addresses of our own networks may be called.
    """

    def __init__(self, *, private: bool) -> None:
        self._pool = httpcore.AsyncConnectionPool(
            ssl_context=ssl.create_default_context(),
            max_connections=CONNECTIONS,
            max_keepalive_connections=0,  # a kept one would go where the name stood for a while ago
            network_backend=_Vetted(private),
        )

    async def post(self, url: str, headers: dict[str, str], body: bytes) -> int:
        """Posts a JSON body; returns the answer's status, of which the rest is not read.

        Raises:
            OSError: nobody answers there, or it may not be called.
        """
        asked = [(name.encode(), value.encode()) for name, value in headers.items()]
        try:
            async with (
                asyncio.timeout(SECONDS),
                self._pool.stream("POST", url, headers=asked, content=body) as answer,
            ):
                return answer.status
        except (httpcore.NetworkError, httpcore.TimeoutException, httpcore.ProtocolError, TimeoutError) as error:
            raise OSError(f"no answer: {error!r}") from error

    async def close(self) -> None:
        """Closes the connections."""
        await self._pool.aclose()


class _Vetted(AsyncNetworkBackend):
    def __init__(self, private: bool) -> None:
        self._inner = httpcore.AnyIOBackend()
        self._private = private

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,  # noqa: ASYNC109 - httpcore's interface
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> AsyncNetworkStream:
        try:
            found = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
        except (socket.gaierror, UnicodeError) as error:
            raise httpcore.ConnectError("there is no such host") from error
        addresses = [str(address[4][0]) for address in found]
        if not self._private and not all(is_public(address) for address in addresses):
            raise httpcore.ConnectError("the host has an address that is not public")
        return await self._inner.connect_tcp(addresses[0], port, timeout, local_address, socket_options)

    async def connect_unix_socket(self, *_: Any, **__: Any) -> AsyncNetworkStream:
        raise httpcore.ConnectError("no sockets of this machine")

    async def sleep(self, seconds: float) -> None:
        await self._inner.sleep(seconds)
