"""Two people who write to each other through the whole path, for ever; how it went is told as metrics.

Alice sends over her socket, Bob must get it on his: gateway, auth, profile, conversation, message, Kafka and delivery
all have to work. What was acknowledged and did not arrive in time is looked up in the history: late, or lost.
"""

from __future__ import annotations

import argparse
import asyncio
import itertools
import logging
import secrets
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import httpx
import msgspec
from prometheus_client import Counter, Gauge, Histogram, start_http_server
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import WebSocketException
from websockets.typing import Subprotocol

RECEIVE_SECONDS = 10.0
AGAIN_SECONDS = 5.0
LIFE_SECONDS = 600.0
"""Sessions are opened anew after that: long before their tokens end."""

DURATION = Histogram(
    "realchat_probe_duration_seconds",
    "From the send on one socket to the event on another.",
    buckets=(0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10),
)
MESSAGES = Counter("realchat_probe_messages_total", "Messages of the prober, by outcome.", ("outcome",))
SUCCESS = Gauge("realchat_probe_last_success_timestamp_seconds", "When a message last arrived, or the prober began.")
for _outcome in ("received", "late", "lost", "refused", "unreachable"):
    MESSAGES.labels(_outcome)  # 0 until then, so that its first increase is seen

log = logging.getLogger("probe")


@dataclass(frozen=True)
class Account:
    """One of the two."""

    email: str
    password: str
    name: str


class Socket:
    """A socket that is read all the time: a ping must not wait for whom we wait for."""

    def __init__(self, link: ClientConnection) -> None:
        self._link = link
        self._frames: asyncio.Queue[dict[str, Any] | None] = asyncio.Queue()

    async def send(self, frame: dict[str, Any]) -> None:
        """Sends a frame."""
        await self._link.send(msgspec.json.encode(frame).decode())

    async def read(self) -> None:
        """Answers pings and keeps everything else, until the socket closes."""
        try:
            async for message in self._link:
                frame: dict[str, Any] = msgspec.json.decode(message)
                if frame["type"] == "ping":
                    await self.send({"type": "pong"})
                else:
                    self._frames.put_nowait(frame)
        except WebSocketException:
            pass  # `next` says so
        finally:
            self._frames.put_nowait(None)

    async def next(self, *types: str) -> dict[str, Any]:
        """The next frame of one of the types. Raises ConnectionError when the socket has closed."""
        while True:
            frame = await self._frames.get()
            if frame is None:
                raise ConnectionError("the socket has closed")
            if frame["type"] in types:
                return frame


class Probe:
    """Sends and looks.

    Args:
        web_url: the gateway.
        socket_url: delivery's socket.
        pause: seconds between messages.
    """

    def __init__(self, web_url: str, socket_url: str, pause: float) -> None:
        self._web_url = web_url
        self._socket_url = socket_url
        self._pause = pause
        self._accounts = [
            Account(f"probe-{secrets.token_hex(8)}@example.org", secrets.token_urlsafe(18), f"Probe {name}")
            for name in ("Alice", "Bob")
        ]
        self._registered: set[str] = set()
        self._numbers = itertools.count(1)

    async def run(self) -> None:
        """Goes on for ever, whatever fails."""
        SUCCESS.set_to_current_time()
        while True:
            try:
                async with asyncio.timeout(LIFE_SECONDS):
                    await self._talk()
            except TimeoutError:
                log.info("sessions are opened anew")
            except (httpx.HTTPError, OSError, WebSocketException, msgspec.MsgspecError) as error:
                MESSAGES.labels("unreachable").inc()
                log.warning("%s: %s", type(error).__name__, str(error).partition("\n")[0])
            await asyncio.sleep(AGAIN_SECONDS)

    async def _talk(self) -> None:
        async with httpx.AsyncClient(base_url=self._web_url, timeout=RECEIVE_SECONDS) as http:
            alice, bob = [await self._session(http, account) for account in self._accounts]
            http.headers["Authorization"] = f"Bearer {alice['access_token']}"
            answer = await http.post("/v1/conversations/direct", json={"user_id": bob["user_id"]})
            conversation_id = answer.raise_for_status().json()["conversation_id"]
            async with self._socket(alice) as hers, self._socket(bob) as his:
                while True:
                    await self._exchange(http, conversation_id, hers, his)
                    await asyncio.sleep(self._pause)

    async def _session(self, http: httpx.AsyncClient, account: Account) -> dict[str, Any]:
        credentials = {"email": account.email, "password": account.password}
        if account.email in self._registered:
            answer = await http.post("/v1/auth/login", json=credentials)
        else:
            answer = await http.post("/v1/auth/register", json={**credentials, "display_name": account.name})
        session: dict[str, Any] = answer.raise_for_status().json()
        self._registered.add(account.email)
        return session

    @asynccontextmanager
    async def _socket(self, session: dict[str, Any]) -> AsyncIterator[Socket]:
        async with connect(self._socket_url, subprotocols=[Subprotocol("realchat.v1")], ping_interval=None) as link:
            socket = Socket(link)
            reader = asyncio.create_task(socket.read())
            try:
                await socket.send({"type": "auth", "id": "auth", "token": session["access_token"]})
                ready = await socket.next("ready", "error")
                if ready["type"] == "error":
                    raise OSError(f"the socket refuses: {ready.get('code')}")
                await socket.send({"type": "resume", "id": "resume", "conversations": {}})
                await socket.next("resumed")
                yield socket
            finally:
                reader.cancel()

    async def _exchange(self, http: httpx.AsyncClient, conversation_id: str, hers: Socket, his: Socket) -> None:
        number = next(self._numbers)
        started = time.perf_counter()
        frame = {"type": "send", "id": f"n{number}", "conversation_id": conversation_id, "body": f"probe {number}"}
        await hers.send({**frame, "client_message_id": secrets.token_hex(16)})
        answer = await hers.next("ack", "error")
        if answer["type"] == "error":
            MESSAGES.labels("refused").inc()
            log.warning("refused: %s", answer.get("code"))
            return
        try:
            async with asyncio.timeout(RECEIVE_SECONDS):
                while (await his.next("event"))["event"]["seq"] < answer["seq"]:
                    pass
        except TimeoutError:
            MESSAGES.labels(await self._looked_up(http, conversation_id, answer["seq"])).inc()
            return
        DURATION.observe(time.perf_counter() - started)
        MESSAGES.labels("received").inc()
        SUCCESS.set_to_current_time()

    async def _looked_up(self, http: httpx.AsyncClient, conversation_id: str, seq: int) -> str:
        answer = await http.get(f"/v1/conversations/{conversation_id}/events", params={"after": seq - 1, "limit": 1})
        events = answer.raise_for_status().json()["events"]
        outcome = "late" if events and events[0]["seq"] == seq else "lost"
        log.warning("message %s of %s is %s", seq, conversation_id, outcome)
        return outcome


def main() -> None:
    """Probes until it is told to stop."""
    parser = argparse.ArgumentParser(prog="just probe", description=__doc__)
    parser.add_argument("--web", default="http://127.0.0.1:8080", help="the gateway (default: %(default)s)")
    parser.add_argument("--socket", default="ws://127.0.0.1:8083/v1/socket", help="(default: %(default)s)")
    parser.add_argument("--port", type=int, default=9115, help="of the metrics (default: %(default)s)")
    parser.add_argument("--pause", type=float, default=5.0, help="seconds between messages (default: %(default)s)")
    options = parser.parse_args()
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s")
    logging.getLogger("httpx").setLevel(logging.WARNING)
    start_http_server(options.port, addr="127.0.0.1")
    asyncio.run(Probe(options.web, options.socket, options.pause).run())


if __name__ == "__main__":
    main()
