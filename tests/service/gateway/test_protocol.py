"""Clients that do not finish a request's head, on a real connection."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest
import uvicorn
from realchat_gateway import protocol
from realchat_gateway.protocol import MOST_HEAD_BYTES, GuardedHttp
from starlette.types import Receive, Scope, Send

ANSWER_SECONDS = 10


async def application(scope: Scope, receive: Receive, send: Send) -> None:
    """Reads the body and answers."""
    while (await receive()).get("more_body"):
        pass
    await send({"type": "http.response.start", "status": 204, "headers": []})
    await send({"type": "http.response.body", "body": b""})


@pytest.fixture
async def port() -> AsyncIterator[int]:
    """A server on a real port."""
    config = uvicorn.Config(application, port=0, http=GuardedHttp, ws="none", lifespan="off", log_config=None)
    server = uvicorn.Server(config)
    serving = asyncio.create_task(server.serve())
    async with asyncio.timeout(ANSWER_SECONDS):
        while not server.started:
            await asyncio.sleep(0.01)
    yield server.servers[0].sockets[0].getsockname()[1]
    server.should_exit = True
    await serving


async def answer(port: int, *pieces: bytes) -> bytes:
    """What the server says until it closes the connection."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    received = b""
    try:
        async with asyncio.timeout(ANSWER_SECONDS):
            for piece in pieces:
                writer.write(piece)
                await writer.drain()
            while data := await reader.read(65536):
                received += data
    except ConnectionError:
        pass  # closed while there was more to send
    finally:
        writer.close()
    return received


def head(extra: int, *, last: bool = True) -> bytes:
    """A request whose head has so many bytes more than it needs."""
    connection = b"close" if last else b"keep-alive"
    return b"GET / HTTP/1.1\r\nHost: x\r\nConnection: " + connection + b"\r\nX: " + b"a" * extra + b"\r\n\r\n"


async def test_a_head_of_usual_length_is_read(port: int) -> None:
    assert (await answer(port, head(8_000))).startswith(b"HTTP/1.1 204")


async def test_a_long_body_is_no_long_head(port: int) -> None:
    length = 4 * MOST_HEAD_BYTES
    post = b"POST / HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: %d\r\n\r\n" % length
    assert (await answer(port, post + b"x" * length)).startswith(b"HTTP/1.1 204")


async def test_many_requests_are_no_long_head(port: int) -> None:
    requests = head(8_000, last=False) * 20 + head(0)
    halves = [requests[start : start + 5_000] for start in range(0, len(requests), 5_000)]
    assert (await answer(port, *halves)).count(b"HTTP/1.1 204") == 21


@pytest.mark.parametrize("pieces", [[head(20 * MOST_HEAD_BYTES)], [head(0)[:-2]] + [b"X: y\r\n" * 1000] * 500])
async def test_a_head_without_end_is_refused(port: int, pieces: list[bytes]) -> None:
    received = await answer(port, *pieces)
    assert not received or received.startswith(b"HTTP/1.1 400")


@pytest.mark.parametrize("start", [b"", b"GET / HTTP/1.1\r\nHost: x\r\n", head(0, last=False) + b"GET"])
async def test_a_head_that_does_not_come_is_given_up(port: int, monkeypatch: pytest.MonkeyPatch, start: bytes) -> None:
    monkeypatch.setattr(protocol, "HEAD_SECONDS", 0.5)
    assert (await answer(port, start)).count(b"HTTP/1.1 204") == (1 if start.endswith(b"GET") else 0)
