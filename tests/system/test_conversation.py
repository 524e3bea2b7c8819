"""People talk: over sockets on two delivery replicas, through two message replicas."""

from __future__ import annotations

import asyncio
import random
import uuid
from collections import Counter

import pytest
from support.chat import ApiError, Device, Person, eventually, online, opened
from support.fixtures import NewPerson

# Given people and devices; when they send; then everybody gets each message once, in order, without a gap.


async def crowd(person: NewPerson, size: int) -> list[Person]:
    return list(await asyncio.gather(*(person(f"Person{number}") for number in range(size))))


def devices(people: list[Person], urls: list[str]) -> list[Device]:
    """One device each, alternately on the replicas."""
    return [Device(somebody, [urls[number % len(urls)]]) for number, somebody in enumerate(people)]


def assert_complete(device: Device, conversation: str, last_seq: int, first_seq: int = 1) -> None:
    assert device.violations == []
    assert [event["seq"] for event in device.received[conversation]] == list(range(first_seq, last_seq + 1))


async def test_a_message_reaches_the_other_person_and_the_senders_other_device(
    person: NewPerson, socket_urls: list[str]
) -> None:
    alice, bob = await person("Alice"), await person("Bob")
    conversation = await alice.talks_to(bob)
    phone, laptop = Device(alice, [socket_urls[0]]), Device(alice, [socket_urls[1]])
    bobs = Device(bob, [socket_urls[1]])
    async with online(phone, laptop, bobs):
        await phone.sends(conversation, "hi Bob")
        for device in (phone, laptop, bobs):
            await device.reaches(conversation, 2)
            assert device.bodies(conversation) == ["hi Bob"]


async def test_both_get_the_same_direct_conversation_also_when_both_ask_at_once(person: NewPerson) -> None:
    alice, bob = await person("Alice"), await person("Bob")
    found = await asyncio.gather(
        *(one.talks_to(other) for _ in range(5) for one, other in ((alice, bob), (bob, alice)))
    )
    assert len(set(found)) == 1


@pytest.mark.parametrize("conversations", [1, 50])
async def test_a_thousand_messages_of_ten_senders_arrive_once_in_order_without_gaps(
    person: NewPerson, socket_urls: list[str], conversations: int
) -> None:
    people = await crowd(person, 10)
    groups = await asyncio.gather(
        *(
            people[n % 10].makes_group(f"Group {n}", *(p for p in people if p is not people[n % 10]))
            for n in range(conversations)
        )
    )
    everybody = devices(people, socket_urls)
    async with online(*everybody):
        await asyncio.gather(
            *(
                device.sends(groups[number % conversations], f"{device.person.name} {number}")
                for device in everybody
                for number in range(100)
            )
        )
        per_group = 1000 // conversations
        for group in groups:
            for device in everybody:
                await device.reaches(group, per_group + 1)
    for device in everybody:
        for group in groups:
            # The creation is before the first connection: a resume leaves what was before to the history.
            assert_complete(device, group, per_group + 1)


async def test_a_storm_of_retries_makes_one_message_each(person: NewPerson, socket_urls: list[str]) -> None:
    alice, bob = await person("Alice"), await person("Bob")
    conversation = await alice.talks_to(bob)
    senders = [Device(alice, [url]) for url in socket_urls]
    bobs = Device(bob, socket_urls)
    async with online(*senders, bobs):
        identifiers = [uuid.uuid4().hex for _ in range(50)]
        answers = await asyncio.gather(
            *(
                random.choice(senders).sends(conversation, f"message {identifier}", identifier)
                for identifier in identifiers
                for _ in range(3)
            )
        )
        seqs: dict[str, set[int]] = {}
        for answer in answers:
            seqs.setdefault(answer["client_message_id"], set()).add(answer["seq"])
        assert all(len(found) == 1 for found in seqs.values())
        await bobs.reaches(conversation, 51)
    assert Counter(bobs.bodies(conversation)) == Counter(f"message {identifier}" for identifier in identifiers)
    assert_complete(bobs, conversation, 51)


async def test_who_was_away_gets_what_they_missed_in_order_once(person: NewPerson, socket_urls: list[str]) -> None:
    alice, bob = await person("Alice"), await person("Bob")
    conversation = await alice.talks_to(bob)
    alices, bobs = Device(alice, socket_urls), Device(bob, socket_urls)
    async with online(alices):
        async with online(bobs):
            await alices.sends(conversation, "first")
            await bobs.reaches(conversation, 2)
        for number in range(20):
            await alices.sends(conversation, f"missed {number}")
        async with online(bobs):
            await bobs.reaches(conversation, 22)
            await alices.sends(conversation, "live again")
            await bobs.reaches(conversation, 23)
    assert_complete(bobs, conversation, 23)


async def test_a_client_that_drops_at_random_ends_complete_in_order_once(
    person: NewPerson, socket_urls: list[str]
) -> None:
    people = await crowd(person, 6)
    group = await people[0].makes_group("Unsteady", *people[1:])
    everybody = devices(people, socket_urls)
    for device in everybody:
        device.urls = socket_urls
    async with online(*everybody), asyncio.timeout(200):
        traffic = asyncio.Event()

        async def talks(device: Device) -> int:
            count = 0
            while not traffic.is_set():
                await device.sends(group, f"{device.person.name} {count}")
                count += 1
                await asyncio.sleep(random.uniform(0, 0.1))
            return count

        async def unsteady() -> None:
            async with asyncio.timeout(60):
                while True:
                    await asyncio.sleep(random.uniform(0.05, 0.5))
                    await random.choice(everybody).drops()

        async with asyncio.TaskGroup() as tasks:
            talking = [tasks.create_task(talks(device)) for device in everybody]
            try:
                await unsteady()
            except TimeoutError:
                traffic.set()
        total = sum(task.result() for task in talking)
        for device in everybody:
            await device.reaches(group, total + 1)
    assert total > 100
    for device in everybody:
        assert_complete(device, group, total + 1)
        assert device.connections > 3


async def test_a_removed_member_gets_the_removal_and_nothing_after(person: NewPerson, socket_urls: list[str]) -> None:
    alice, bob, carol = await crowd(person, 3)
    group = await alice.makes_group("Three", bob, carol)
    alices, bobs, carols = devices([alice, bob, carol], socket_urls)
    async with online(alices, bobs, carols):
        await alices.sends(group, "all here")
        await bobs.reaches(group, 2)
        await carols.reaches(group, 2)
        await alice.asks("DELETE", f"/v1/conversations/{group}/members/{bob.user_id}")
        await alices.sends(group, "without Bob")
        await carols.reaches(group, 4)
        await eventually(lambda: bobs.cursor(group) == 3, "Bob sees his removal")
        with pytest.raises(ApiError) as refused:
            await bob.history(group)
        assert refused.value.code == "conversation_not_found"
    assert bobs.bodies(group) == ["all here"]
    assert bobs.received[group][-1]["kind"] == "member.removed"


async def test_an_added_member_gets_what_comes_from_the_joining_on(person: NewPerson, socket_urls: list[str]) -> None:
    alice, bob, carol = await crowd(person, 3)
    group = await alice.makes_group("Growing", bob)
    alices, carols = devices([alice, carol], socket_urls)
    async with online(alices, carols):
        await alices.sends(group, "before")
        await alice.asks("POST", f"/v1/conversations/{group}/members", json={"user_ids": [carol.user_id]})
        await alices.sends(group, "welcome")
        await carols.reaches(group, 4)
    assert [event["kind"] for event in carols.received[group]] == ["members.added", "message.sent"]
    assert [event["seq"] for event in await carol.history(group)] == [3, 4]


async def test_http_and_the_socket_show_the_same_events(person: NewPerson, socket_urls: list[str]) -> None:
    alice, bob = await person("Alice"), await person("Bob")
    conversation = await alice.talks_to(bob)
    bobs = Device(bob, socket_urls)
    async with online(bobs):
        await alice.asks("POST", f"/v1/conversations/{conversation}/messages", json={"body": "over HTTP"})
        await bobs.reaches(conversation, 2)
        assert await bob.history(conversation) == await alice.history(conversation)
        assert (await bob.history(conversation))[-1:] == bobs.received[conversation][-1:]


async def test_a_logout_closes_the_sessions_sockets_within_a_second(person: NewPerson, socket_urls: list[str]) -> None:
    alice = await person("Alice")
    async with opened(socket_urls[1], alice.access_token) as socket:
        await alice.asks("POST", "/v1/auth/logout")
        await eventually(lambda: socket.connection.close_code == 4102, "the socket is closed", 5)
        await eventually(lambda: refused(alice), "the access token is refused", 5)


async def refused(somebody: Person) -> bool:
    try:
        await somebody.asks("GET", "/v1/me")
    except ApiError as error:
        return error.status == 401
    return False


async def test_presence_follows_the_sockets(person: NewPerson, socket_urls: list[str]) -> None:
    alice, bob = await person("Alice"), await person("Bob")
    await alice.talks_to(bob)

    async def status() -> str:
        answer = await alice.asks("GET", "/v1/presence", params={"user_ids": bob.user_id})
        return str(answer["presences"][0]["status"])

    async with online(Device(bob, socket_urls)):
        await eventually(lambda: shows(status, "online"), "Bob is online", 20)
    await eventually(lambda: shows(status, "offline"), "Bob is offline", 40)


async def shows(status: object, expected: str) -> bool:
    return bool(await status() == expected)  # type: ignore[operator]
