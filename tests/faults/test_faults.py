"""Parts of the system fail while people talk. Afterwards nothing that was acknowledged is lost, doubled or late."""

from __future__ import annotations

import asyncio
import random
from typing import Any

import pytest
from stack import Stack
from stack.faults import FAULTS
from support.chat import ApiError, Device, Person, eventually, online
from support.fixtures import NewPerson
from support.hooks import bot_of, receiving
from support.outbox import at_rest

pytestmark = [pytest.mark.faults, pytest.mark.timeout(400)]

CLIENTS = 20
GROUP_SIZE = 5


async def groups_of(people: list[Person]) -> dict[str, list[Person]]:
    """A group for each five people."""
    groups = {}
    for start in range(0, len(people), GROUP_SIZE):
        members = people[start : start + GROUP_SIZE]
        groups[await members[0].makes_group(f"Group {start}", *members[1:])] = members
    return groups


async def log_of(somebody: Person, group: str) -> list[dict[str, Any]]:
    """Asks as a client does: what has just come back may be away to others for a moment more."""
    async with asyncio.timeout(30):
        while True:
            try:
                return await somebody.history(group)
            except ApiError as error:
                if not error.problem["temporary"]:
                    raise
            await asyncio.sleep(0.2)


async def test_people_at_their_sockets_hear_each_other_while_kafka_is_away(
    stack: Stack, person: NewPerson, socket_urls: list[str]
) -> None:
    alice, bob = await person("Alice"), await person("Bob")
    conversation = await alice.talks_to(bob)
    alices, bobs = Device(alice, socket_urls), Device(bob, socket_urls)
    async with online(alices, bobs):
        await alices.sends(conversation, "before")
        await bobs.reaches(conversation, 2)
        await asyncio.to_thread(stack.stop_process, "kafka")
        try:
            for seq in range(3, 8):
                await alices.sends(conversation, f"message {seq}")
                await bobs.reaches(conversation, seq)
        finally:
            await asyncio.to_thread(stack.start_process, "kafka")
        await asyncio.to_thread(stack.wait_ready)
        await eventually(lambda: at_rest(stack), "the topics have it too", 120)
        assert bobs.violations == []
        assert [event["seq"] for event in bobs.received[conversation]] == list(range(1, 8))


async def test_bots_are_told_of_what_happened_while_kafka_was_away(
    stack: Stack, person: NewPerson, socket_urls: list[str]
) -> None:
    alice = await person("Alice")
    device = Device(alice, socket_urls)
    async with receiving() as receiver, online(device):
        bot, secret = await bot_of(alice, receiver)
        forecasts, climate = await alice.makes_group("Forecasts", bot), await alice.makes_group("Climate")
        await device.reaches(forecasts, 1)
        await eventually(lambda: len(receiver.calls) == 1, "the bot is told of its first group")
        await asyncio.to_thread(stack.stop_process, "kafka")
        try:
            for seq in range(2, 7):
                await device.sends(forecasts, f"message {seq}")
            await alice.asks("POST", f"/v1/conversations/{climate}/members", json={"user_ids": [bot.user_id]})

            async def added() -> bool:
                return len(await alice.history(climate)) == 2

            await eventually(added, "the log has that the bot is there")
        finally:
            await asyncio.to_thread(stack.start_process, "kafka")
        await asyncio.to_thread(stack.wait_ready)
        await device.sends(climate, "all is well again")
        expected = {(forecasts, seq) for seq in range(1, 7)} | {(climate, 2), (climate, 3)}

        def told() -> set[tuple[str, int]]:
            return {(event["conversation_id"], event["seq"]) for event in receiver.heard(secret)}

        await eventually(lambda: told() >= expected, "the bot is told of everything", 120)
        assert told() == expected


@pytest.mark.parametrize("fault", FAULTS)
async def test_nothing_acknowledged_is_lost_when(
    fault: str, stack: Stack, person: NewPerson, socket_urls: list[str]
) -> None:
    people = list(await asyncio.gather(*(person(f"Person{number}") for number in range(CLIENTS))))
    groups = await groups_of(people)
    everybody = {somebody.user_id: Device(somebody, socket_urls) for somebody in people}
    over = asyncio.Event()

    async def talks(device: Device, group: str) -> None:
        count = 0
        while not over.is_set():
            await device.sends(group, f"{device.person.name} {count}")
            count += 1
            await asyncio.sleep(random.uniform(0.1, 0.4))

    async with online(*everybody.values()):
        async with asyncio.TaskGroup() as talking:
            for group, members in groups.items():
                for member in members:
                    talking.create_task(talks(everybody[member.user_id], group))
            await asyncio.sleep(2)
            await asyncio.to_thread(FAULTS[fault].strike, stack)
            await asyncio.sleep(5)
            await asyncio.to_thread(stack.wait_ready)
            over.set()
        for group, members in groups.items():
            history = await log_of(members[0], group)
            assert [event["seq"] for event in history] == list(range(1, len(history) + 1))
            sent = [event["data"]["client_message_id"] for event in history if event["kind"] == "message.sent"]
            assert len(sent) == len(set(sent))
            acknowledged = {i for member in members for i in everybody[member.user_id].acknowledged}
            assert acknowledged <= set(sent)
            for member in members:
                device = everybody[member.user_id]
                await device.reaches(group, len(history))
                assert device.violations == []
                assert [event["seq"] for event in device.received[group]] == list(range(1, len(history) + 1))
    await eventually(lambda: at_rest(stack), "nothing pends, nothing is left, nothing spins", 120)
