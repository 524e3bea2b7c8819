"""An operator lists dead letters, looks at one and puts it back, on a real Kafka."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import Iterator

import pytest
from confluent_kafka import Producer
from confluent_kafka.admin import AdminClient
from confluent_kafka.cimpl import NewTopic
from realchat.cli.commands import app
from realchat.cli.dead_letters import letters
from stack import Stack
from typer.testing import CliRunner, Result


@pytest.fixture
def topic(backing: Stack) -> Iterator[str]:
    """A topic with its dead letters, two of them."""
    name = f"test-{uuid.uuid4().hex[:8]}"
    kafka = AdminClient({"bootstrap.servers": backing.kafka_brokers})
    for made in kafka.create_topics([NewTopic(name, 2), NewTopic(f"{name}-dead", 1)]).values():
        made.result(10)
    producer = Producer({"bootstrap.servers": backing.kafka_brokers})
    for number in range(2):
        value = b'{"id":"e%d","type":"segment","data":{}}' % number
        producer.produce(f"{name}-dead", value, f"key {number}", headers=[("note", b"n")])
    assert producer.flush(10) == 0
    yield name
    for gone in kafka.delete_topics([name, f"{name}-dead"]).values():
        gone.result(10)


async def test_dead_letters_are_listed_shown_and_put_back(backing: Stack, topic: str) -> None:
    def admin(*arguments: str) -> Result:
        options = ["--brokers", backing.kafka_brokers, "--topic", f"{topic}-dead"]
        return CliRunner().invoke(app, ["admin", "dead-letters", *arguments, *options])

    listed = await asyncio.to_thread(admin, "list")
    assert listed.exit_code == 0, listed.output
    assert "0/0" in listed.output
    assert "e1" in listed.output
    shown = await asyncio.to_thread(admin, "show", "0/1")
    assert '{"id":"e1"' in shown.output
    nowhere = await asyncio.to_thread(admin, "replay", "0/7")
    assert nowhere.exit_code == 2
    replayed = await asyncio.to_thread(admin, "replay", "--all")
    assert replayed.exit_code == 0, replayed.output
    back = await asyncio.to_thread(lambda: list(letters(backing.kafka_brokers, topic)))
    assert {(letter.key, letter.event()["id"]) for letter in back} == {(b"key 0", "e0"), (b"key 1", "e1")}
    assert all(letter.headers == [("note", b"n")] for letter in back)
