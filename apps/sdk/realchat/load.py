"""People on real sockets, and the load that they make."""

from __future__ import annotations

import asyncio
import itertools
import math
import random
import uuid
from collections import Counter
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime
from time import perf_counter, time

import httpx
import msgspec
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed

from realchat.api import Api
from realchat.models import Conversation, Ticket, Tokens
from realchat.tokens import MemoryStore

REGISTERING = 4
"""At the same time; each costs the server an Argon2 hash."""
PATIENCE_SECONDS = 60.0
"""For making people and groups."""
DRAIN_SECONDS = 30.0
"""How long messages may still come after the last was sent."""
BACK_OFF_SECONDS = 0.05
BODY = "The quick brown fox jumps over the lazy dog, and the dog, being lazy, lets it. Then they have a cup of tea."

Members = Mapping[str, Sequence[str]]
"""Conversations, each with the user ids of its members."""


@dataclass(frozen=True, kw_only=True)
class Load:
    """Some conversations and the way in which their members talk.

    With a `rate` (messages per second of all together) the loop is open: everybody sends at the times of a Poisson
    process, whatever comes back, and a message's time counts from when it was due. Without, it is closed: everybody
    keeps `window` sends unanswered.
    """

    conversations: int
    members: int
    rate: float | None = None
    window: int = 1
    ramp: float = 0.0
    """Seconds in which the rate of an open loop grows from nothing."""
    sizes: tuple[int, int] = (len(BODY), len(BODY))
    """Characters of a message: from, to."""


class SocketsClosedError(Exception):
    """The server has closed sockets under the load; what was measured means nothing."""


class _Data(msgspec.Struct):
    client_message_id: str = ""


class _Event(msgspec.Struct):
    at: str
    data: _Data


class _Frame(msgspec.Struct):
    type: str
    id: str = ""
    conversation_id: str = ""
    seq: int = 0
    at: str = ""
    code: str = ""
    retry_after: float | None = None
    event: _Event | None = None


_decode = msgspec.json.Decoder(_Frame).decode


@dataclass
class Tally:
    """What one run comes to. Latencies are in seconds."""

    sent: int = 0
    acknowledged: list[float] = field(default_factory=list)
    received: list[float] = field(default_factory=list)
    fanned_out: list[float] = field(default_factory=list)
    """From the append to the receiver; the server's clock must be ours."""
    appended_at: dict[tuple[str, int], float] = field(default_factory=dict)
    """Conversation and seq to Unix time."""
    errors: Counter[str] = field(default_factory=Counter)
    seconds: float = 0.0
    """From the first send to the last acknowledgement."""
    outstanding: int = 0
    """Receipts and answers that are still to come."""
    _due: dict[str, float] = field(default_factory=dict)
    _receivers: dict[str, int] = field(default_factory=dict)
    """To how many a message has still to come."""

    @property
    def unanswered(self) -> int:
        """Sends without an answer."""
        return self.sent - len(self.acknowledged) - self.errors.total()

    def note_sent(self, client_message_id: str, due: float, receivers: int) -> None:
        """A message leaves."""
        self.sent += 1
        self.outstanding += receivers + 1
        self._due[client_message_id] = due
        self._receivers[client_message_id] = receivers

    def note_answer(self, frame: _Frame, now: float) -> None:
        """An answer has come."""
        due = self._due.get(frame.id)
        if due is None:
            return
        self.outstanding -= 1
        if frame.type == "ack":
            self.acknowledged.append(now - due)
            self.appended_at[frame.conversation_id, frame.seq] = _unix(frame.at)
        else:
            # Perhaps it was appended nevertheless; nobody waits for it any more.
            self.errors[frame.code] += 1
            self.outstanding -= self._receivers[frame.id]
            del self._due[frame.id]

    def note_event(self, event: _Event, now: float) -> None:
        """A message has come to one of its receivers."""
        identifier = event.data.client_message_id
        due = self._due.get(identifier)
        if due is not None:
            self.outstanding -= 1
            self._receivers[identifier] -= 1
            self.received.append(now - due)
            self.fanned_out.append(time() - _unix(event.at))


def _unix(at: str) -> float:
    return datetime.fromisoformat(at).timestamp()


QUANTILES = {"p50": 0.5, "p95": 0.95, "p99": 0.99}


def statistics(seconds: Sequence[float]) -> dict[str, float]:
    """Quantiles (nearest rank) and the maximum, in milliseconds; nothing of nothing."""
    ordered = sorted(seconds)
    if not ordered:
        return {}
    ranks = {name: ordered[math.ceil(share * len(ordered)) - 1] for name, share in QUANTILES.items()}
    return {name: round(value * 1000, 2) for name, value in {**ranks, "max": ordered[-1]}.items()}


class Talker:
    """Somebody's socket."""

    def __init__(self, person: Tokens, connection: ClientConnection) -> None:
        self.person = person
        self.tally = Tally()
        self._connection = connection
        self._answers: dict[str, asyncio.Future[_Frame]] = {}
        self._ids = itertools.count(1)
        self._prefix = uuid.uuid4().hex[:12]

    async def begin(self) -> None:
        """Authenticates and resumes with nothing: from here on live events come."""
        await self._connection.send(msgspec.json.encode({"type": "auth", "token": self.person.access_token}), text=True)
        ready = _decode(await self._connection.recv(decode=False))
        if ready.type != "ready":
            raise SocketsClosedError(f"a socket was refused: {ready.code}")
        await self._connection.send('{"type":"resume","id":"resume","conversations":{}}')
        resumed = _decode(await self._connection.recv(decode=False))
        if resumed.type != "resumed":
            raise SocketsClosedError(f"a socket was refused: {resumed.code}")

    async def read(self) -> None:
        """Reads until the socket closes; raises ConnectionClosed."""
        receive = self._connection.recv
        while True:
            frame = _decode(await receive(decode=False))
            now = perf_counter()
            if frame.event:
                self.tally.note_event(frame.event, now)
            elif frame.type == "ping":
                await self._connection.send('{"type":"pong"}')
            elif frame.id:
                self.tally.note_answer(frame, now)
                if answer := self._answers.pop(frame.id, None):
                    answer.set_result(frame)

    async def close(self) -> None:
        """Says goodbye."""
        await self._connection.close()

    async def post(self, conversation_id: str, load: Load, due: float) -> str:
        """Sends a message; returns its id."""
        identifier = f"{self._prefix}-{next(self._ids)}"
        self.tally.note_sent(identifier, due, load.members)
        frame = {
            "type": "send",
            "id": identifier,
            "conversation_id": conversation_id,
            "client_message_id": identifier,
            "body": _body(*load.sizes),
        }
        await self._connection.send(msgspec.json.encode(frame), text=True)
        return identifier

    async def ask(self, conversation_id: str, load: Load) -> _Frame:
        """Sends a message and waits for the answer."""
        answer: asyncio.Future[_Frame] = asyncio.get_running_loop().create_future()
        self._answers[await self.post(conversation_id, load, perf_counter())] = answer
        return await answer


def _body(least: int, most: int) -> str:
    size = least if least == most else random.randint(least, most)  # noqa: S311 - no secret
    return (BODY * (size // len(BODY) + 1))[:size].rstrip() or "."


async def registered(url: str, count: int) -> list[Tokens]:
    """New people. Raises RealChatError."""
    turn = asyncio.Semaphore(REGISTERING)
    password = uuid.uuid4().hex

    async def register(api: Api, number: int) -> Tokens:
        email = f"load-{uuid.uuid4().hex[:16]}@example.org"
        proof = {"email": email, "password": password, "display_name": f"Load {number}"}
        async with turn:
            return await api.ask_anonymously("/v1/auth/register", Tokens, proof)

    async with httpx.AsyncClient(base_url=url, timeout=30) as http:
        api = Api(http, MemoryStore(), PATIENCE_SECONDS)
        return list(await asyncio.gather(*(register(api, number) for number in range(count))))


async def made_groups(url: str, people: Sequence[Tokens], load: Load) -> Members:
    """New groups of people chosen at random, but the same for each run. Raises RealChatError."""
    turn = asyncio.Semaphore(REGISTERING)
    chosen = random.Random(load.conversations)  # noqa: S311 - no secret

    async def make(number: int, members: list[Tokens]) -> tuple[str, list[str]]:
        ids = [member.user_id for member in members]
        asked = {"title": f"Group {number}", "member_ids": ids[1:]}
        async with turn:
            api = Api(http, MemoryStore(members[0]), PATIENCE_SECONDS)
            made = await api.ask("POST", "/v1/conversations", Conversation, json=asked, key=uuid.uuid4().hex)
        return made.conversation_id, ids

    async with httpx.AsyncClient(base_url=url, timeout=30) as http:
        groups = (make(number, chosen.sample(people, load.members)) for number in range(load.conversations))
        return dict(await asyncio.gather(*groups))


async def socket_url(url: str, person: Tokens) -> str:
    """Where the gateway says that sockets are. Raises RealChatError."""
    async with httpx.AsyncClient(base_url=url, timeout=30) as http:
        ticket = await Api(http, MemoryStore(person), PATIENCE_SECONDS).ask("POST", "/v1/socket-tickets", Ticket)
        return ticket.url


@asynccontextmanager
async def connected(people: Sequence[Tokens], socket_urls: Sequence[str]) -> AsyncIterator[list[Talker]]:
    """A socket for each, spread over the addresses. Raises SocketsClosedError when the server closes any."""
    try:
        async with asyncio.TaskGroup() as group:
            talkers: list[Talker] = []
            for person, url in zip(people, itertools.cycle(socket_urls), strict=False):
                connection = await connect(
                    url,
                    subprotocols=["realchat.v1"],  # type: ignore[list-item]
                    compression=None,
                    ping_interval=None,
                    open_timeout=30,
                )
                talkers.append(Talker(person, connection))
                await talkers[-1].begin()
            readers = [group.create_task(talker.read()) for talker in talkers]
            try:
                yield talkers
            finally:
                for reader in readers:
                    reader.cancel()
                await asyncio.gather(*(talker.close() for talker in talkers))
    except ExceptionGroup as failures:
        closed, rest = failures.split(ConnectionClosed)
        if rest or not closed:
            raise
        raise SocketsClosedError(
            f"the server closed {len(closed.exceptions)} sockets: {closed.exceptions[0]}"
        ) from None


async def run(
    load: Load, talkers: Sequence[Talker], groups: Members, seconds: float, tally: Tally | None = None
) -> Tally:
    """Lets people talk for some time, then waits for what is still under way.

    Args:
        load: how they talk.
        talkers: with a socket each.
        groups: who is where.
        seconds: for how long.
        tally: to be watched meanwhile.
    """
    tally = tally or Tally()
    own: dict[str, list[str]] = {}
    for conversation_id, members in groups.items():
        for user_id in members:
            own.setdefault(user_id, []).append(conversation_id)
    speakers = [talker for talker in talkers if talker.person.user_id in own]
    for talker in talkers:
        talker.tally = tally
    started = perf_counter()
    async with asyncio.TaskGroup() as speaking:
        for speaker in speakers:
            theirs = own[speaker.person.user_id]
            if load.rate:
                speaking.create_task(_speak(speaker, theirs, load, load.rate / len(speakers), started, seconds))
            else:
                for _ in range(load.window):
                    speaking.create_task(_converse(speaker, theirs, load, started + seconds))
    deadline = perf_counter() + DRAIN_SECONDS
    while tally.unanswered and perf_counter() < deadline:  # noqa: ASYNC110 - it must not slow the readers
        await asyncio.sleep(0.005)
    tally.seconds = perf_counter() - started
    while tally.outstanding and perf_counter() < deadline:  # noqa: ASYNC110
        await asyncio.sleep(0.005)
    return tally


async def _speak(
    talker: Talker, conversations: Sequence[str], load: Load, rate: float, started: float, seconds: float
) -> None:
    due = started
    while (due := due + random.expovariate(rate)) < started + seconds:
        if load.ramp and random.random() * load.ramp > due - started:  # noqa: S311 - no secret
            continue  # thinned out: the rate is still below its full height
        await asyncio.sleep(due - perf_counter())
        # A timer may also be a little early; nothing is then counted that did not pass.
        await talker.post(random.choice(conversations), load, min(due, perf_counter()))  # noqa: S311 - no secret


async def _converse(talker: Talker, conversations: Sequence[str], load: Load, until: float) -> None:
    while perf_counter() < until:
        answer = await talker.ask(random.choice(conversations), load)  # noqa: S311 - no secret
        if answer.type != "ack":
            await asyncio.sleep(answer.retry_after or BACK_OFF_SECONDS)
