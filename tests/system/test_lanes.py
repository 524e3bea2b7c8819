"""Both lanes on the whole system: what the log tells is read by everybody whom it is told."""

from __future__ import annotations

import asyncio

import httpx
from confluent_kafka import Consumer, TopicPartition
from prometheus_client.parser import text_string_to_metric_families
from stack import Stack
from support.chat import eventually
from support.fixtures import NewPerson
from support.outbox import at_rest

DEAD_LETTERS = "conversation-events-dead"
DROPPED = {"message": "realchat_events_dropped_total", "delivery": "realchat_events_undecodable_total"}


def dead_letters(stack: Stack) -> int:
    """How many events were ever given up."""
    consumer = Consumer({"bootstrap.servers": stack.kafka_brokers, "group.id": "test"})
    try:
        return int(consumer.get_watermark_offsets(TopicPartition(DEAD_LETTERS, 0), timeout=10)[1])
    finally:
        consumer.close()


async def dropped(stack: Stack) -> float:
    """What the consumers counted as unreadable."""
    total = 0.0
    async with httpx.AsyncClient() as http:
        for app_id, name in DROPPED.items():
            for url in stack.internal_urls(app_id):
                text = (await http.get(f"{url}/metrics")).text
                families = text_string_to_metric_families(text)
                total += sum(sample.value for family in families for sample in family.samples if sample.name == name)
    return total


async def test_no_event_of_either_lane_is_given_up(stack: Stack, person: NewPerson) -> None:
    alice, bob = await person("Alice"), await person("Bob")
    before = await asyncio.to_thread(dead_letters, stack), await dropped(stack)
    conversation = await alice.talks_to(bob)
    await alice.asks("POST", f"/v1/conversations/{conversation}/messages", json={"body": "by both lanes"})
    await eventually(lambda: at_rest(stack), "both lanes have brought it")
    assert (await asyncio.to_thread(dead_letters, stack), await dropped(stack)) == before
