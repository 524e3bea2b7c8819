"""`realchat admin dead-letters`: events that no version could read, for operators with access to Kafka.

Letters stay where they are until their topic's retention ends: a replay copies them to the topic that they were for,
where consumers recognise what they have by its place in the log.
"""

from __future__ import annotations

import json as jsonlib
import sys
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Annotated, Any, NamedTuple

import typer
from confluent_kafka import (
    OFFSET_BEGINNING,
    TIMESTAMP_NOT_AVAILABLE,
    Consumer,
    KafkaException,
    Message,
    Producer,
    TopicPartition,
)

from realchat.cli.table import print_table

SUFFIX = "-dead"
DEFAULT_TOPIC = "conversation-events-dead"
SECONDS = 10.0

app = typer.Typer(no_args_is_help=True, help="Events that could not be read: list, show, replay.")
Brokers = Annotated[str, typer.Option(envvar="REALCHAT_KAFKA_BROKERS", help="host:port, and others after commas.")]
Topic = Annotated[str, typer.Option(help="The topic of the dead letters.")]
Place = Annotated[str, typer.Argument(help="A letter's place, as `list` shows it: partition/offset.")]


class Letter(NamedTuple):
    """A record of a dead-letter topic."""

    place: str
    at: datetime | None
    key: bytes | None
    headers: list[tuple[str, str | bytes | None]]
    value: bytes

    @classmethod
    def of(cls, message: Message) -> Letter:
        """From Kafka."""
        kind, milliseconds = message.timestamp()
        at = None if kind == TIMESTAMP_NOT_AVAILABLE else datetime.fromtimestamp(milliseconds / 1000, UTC)
        place = f"{message.partition()}/{message.offset()}"
        return cls(place, at, message.key(), _headers(message), message.value() or b"")

    def event(self) -> dict[str, Any]:
        """The CloudEvent in it; nothing when it is none."""
        try:
            found = jsonlib.loads(self.value)
        except ValueError:
            return {}
        return found if isinstance(found, dict) else {}


def _headers(message: Message) -> list[tuple[str, str | bytes | None]]:
    headers: Any = message.headers() or []
    return list(headers.items() if isinstance(headers, dict) else headers)


def letters(brokers: str, topic: str) -> Iterator[Letter]:
    """All letters of a topic, as they were when this began. Raises KafkaException."""
    consumer = Consumer(
        {
            "bootstrap.servers": brokers,
            "group.id": "realchat-dead-letters",  # Kafka wants one; nothing is committed
            "enable.auto.commit": False,
            "enable.partition.eof": False,
            "log_level": 0,
        }
    )
    try:
        known = consumer.list_topics(topic, timeout=SECONDS).topics[topic]
        if known.error:
            raise KafkaException(known.error)
        for partition in known.partitions:
            low, high = consumer.get_watermark_offsets(TopicPartition(topic, partition), timeout=SECONDS)
            if high > low:
                yield from _partition(consumer, TopicPartition(topic, partition, OFFSET_BEGINNING), high)
    finally:
        consumer.close()


def _partition(consumer: Consumer, begin: TopicPartition, end: int) -> Iterator[Letter]:
    consumer.assign([begin])
    until = time.monotonic() + SECONDS
    while time.monotonic() < until:
        message = consumer.poll(0.2)
        if message is None:
            if consumer.position([begin])[0].offset >= end:  # what was at the end may have been compacted away
                return
            continue
        if error := message.error():
            raise KafkaException(error)
        until = time.monotonic() + SECONDS
        yield Letter.of(message)
        if (message.offset() or 0) >= end - 1:
            return


@app.command("list")
def list_letters(brokers: Brokers = "localhost:9092", topic: Topic = DEFAULT_TOPIC) -> None:
    """List the letters: where they are, when they came, what they are about."""
    rows: list[list[str]] = []
    for letter in _told(brokers, topic):
        event = letter.event()
        at = f"{letter.at:%Y-%m-%d %H:%M:%S}Z" if letter.at else ""
        rows.append([letter.place, at, str(event.get("type", "?")), str(event.get("id", "?")), str(len(letter.value))])
    print_table(("place", "at", "type", "id", "bytes"), rows)


@app.command()
def show(place: Place, brokers: Brokers = "localhost:9092", topic: Topic = DEFAULT_TOPIC) -> None:
    """Show a letter as it is. It may have messages in it."""
    letter = _find(brokers, topic, place)
    typer.echo(f"key: {letter.key!r}", err=True)
    for name, value in letter.headers:
        typer.echo(f"{name}: {value!r}", err=True)
    sys.stdout.buffer.write(letter.value + b"\n")


@app.command()
def replay(
    places: Annotated[list[str] | None, typer.Argument(help="Letters' places: partition/offset.")] = None,
    everything: Annotated[bool, typer.Option("--all", help="All letters.")] = False,
    brokers: Brokers = "localhost:9092",
    topic: Topic = DEFAULT_TOPIC,
    to: Annotated[str, typer.Option(help="Where to; the topic without -dead if not given.")] = "",
) -> None:
    """Put letters back into the topic that they were for, in their order. Twice does no harm."""
    if bool(places) == everything:
        raise typer.BadParameter("name letters, or say --all")
    target = to or topic.removesuffix(SUFFIX)
    if target == topic:
        raise typer.BadParameter(f"{topic} does not end with {SUFFIX}: say where to with --to")
    chosen = [letter for letter in _told(brokers, topic) if everything or letter.place in (places or ())]
    if missing := set(places or ()) - {letter.place for letter in chosen}:
        raise typer.BadParameter(f"there is no letter at {', '.join(sorted(missing))}")
    failures: list[str] = []
    producer = Producer({"bootstrap.servers": brokers, "enable.idempotence": True, "log_level": 0})
    for letter in chosen:
        producer.produce(
            target,
            letter.value,
            letter.key,
            headers=letter.headers,
            on_delivery=lambda error, _: failures.append(str(error)) if error else None,
        )
    left = producer.flush(SECONDS)
    if left or failures:
        typer.echo(f"{left + len(failures)} of {len(chosen)} were not put back: {', '.join(set(failures))}", err=True)
        raise typer.Exit(1)
    typer.echo(f"{len(chosen)} put back into {target}")


def _told(brokers: str, topic: str) -> Iterator[Letter]:
    try:
        yield from letters(brokers, topic)
    except KafkaException as error:
        typer.echo(f"Kafka at {brokers}: {error.args[0].str()}", err=True)
        raise typer.Exit(1) from None


def _find(brokers: str, topic: str, place: str) -> Letter:
    for letter in _told(brokers, topic):
        if letter.place == place:
            return letter
    raise typer.BadParameter(f"there is no letter at {place}")
