"""A consumer of its own beside the services: when did which segment and which pointer come to the topic?

A process of its own (`python -m bench.lanes <brokers>`), so that it neither slows the load down nor is slowed
down by it. It prints a line when it reads, takes one line with the events that it has to see pointers of, and
answers with one line of JSON, all that it saw.
"""

from __future__ import annotations

import asyncio
import os
import select
import sys
import time
from collections.abc import AsyncIterator, Collection
from contextlib import asynccontextmanager
from pathlib import Path

import msgspec
from confluent_kafka import OFFSET_END, Consumer, TopicPartition

from chat.event.v1 import event_pb2 as pb

TOPICS = ("conversation-events", "conversation-pointers")
SEGMENT_TYPE = "chat.segment"
POINTER_TYPE = "chat.pointer"
WAIT_SECONDS = 20.0
"""How long pointers may still come after the load has ended."""

Event = tuple[str, int]
"""A conversation and a seq."""


class Sighting(msgspec.Struct, array_like=True, frozen=True):
    """A run of events that came to the topic. `seen_at` is Unix time in seconds."""

    lane: str
    conversation_id: str
    first_seq: int
    last_seq: int
    seen_at: float


class _Pointer(msgspec.Struct):
    conversation_id: str
    first_seq: str
    last_seq: str


class _CloudEvent(msgspec.Struct):
    type: str
    data: msgspec.Raw = msgspec.Raw(b"null")
    data_base64: bytes = b""


class Watcher:
    """The process, as its parent sees it."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self._process = process

    async def sightings(self, wanted: Collection[Event]) -> list[Sighting]:
        """Ends the watch once there was a pointer to each of these events; returns all that was seen."""
        assert self._process.stdin
        assert self._process.stdout
        self._process.stdin.write(msgspec.json.encode(list(wanted)) + b"\n")
        return msgspec.json.decode(await self._process.stdout.read(), type=list[Sighting])


@asynccontextmanager
async def watched(brokers: str) -> AsyncIterator[Watcher]:
    """Watches the topics from now on."""
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "bench.lanes",
        brokers,
        env={**os.environ, "PYTHONPATH": os.pathsep.join([str(Path(__file__).parents[1]), *sys.path])},
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
    )
    try:
        assert process.stdout
        await process.stdout.readline()
        yield Watcher(process)
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()


def _sighting(value: bytes, now: float) -> Sighting:
    event = msgspec.json.decode(value, type=_CloudEvent)
    if event.type == SEGMENT_TYPE:
        segment = pb.Segment.FromString(event.data_base64)
        return Sighting("fast", segment.conversation_id, segment.first_seq, segment.last_seq, now)
    assert event.type == POINTER_TYPE, event.type
    pointer = msgspec.json.decode(event.data, type=_Pointer)
    return Sighting("guarantee", pointer.conversation_id, int(pointer.first_seq), int(pointer.last_seq), now)


def _watch(brokers: str) -> None:
    consumer = Consumer({"bootstrap.servers": brokers, "group.id": "bench", "enable.auto.commit": False})
    topics = consumer.list_topics(timeout=10).topics
    consumer.assign(
        [TopicPartition(topic, number, OFFSET_END) for topic in TOPICS for number in topics[topic].partitions]
    )
    consumer.consume(1, timeout=2.0)  # the ends are looked up by now
    print("ready", flush=True)
    sightings: list[Sighting] = []
    missing: set[Event] | None = None
    deadline = float("inf")
    while missing != set() and time.monotonic() < deadline:
        messages = consumer.consume(500, timeout=0.02)
        now = time.time()
        for message in messages:
            value = message.value()
            if message.error() is None and isinstance(value, bytes):
                sightings.append(_sighting(value, now))
        if missing is None:
            if not select.select([sys.stdin], [], [], 0)[0]:
                continue
            missing = {(conversation, seq) for conversation, seq in msgspec.json.decode(sys.stdin.readline())}
            deadline = time.monotonic() + WAIT_SECONDS
            fresh = sightings
        else:
            fresh = sightings[-len(messages) :] if messages else []
        for seen in fresh:
            if seen.lane == "guarantee":
                missing -= {(seen.conversation_id, seq) for seq in range(seen.first_seq, seen.last_seq + 1)}
    consumer.close()
    sys.stdout.buffer.write(msgspec.json.encode(sightings))


if __name__ == "__main__":
    _watch(sys.argv[1])
