"""The Python SDK on the whole, real system."""

from __future__ import annotations

import asyncio
import random
import re
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack
from datetime import UTC, datetime, timedelta
from pathlib import Path

import msgspec
import pytest
from realchat import Client, Event, MemoryStore, RealChatError
from stack import Stack
from support.chat import PASSWORD, eventually
from support.confidential import confide

ROOT = Path(__file__).parents[2]
NewClient = Callable[[str], Awaitable[Client]]


@pytest.fixture
async def client(stack: Stack, socket_urls: list[str]) -> AsyncIterator[NewClient]:
    """Registers somebody, on any of the replicas."""
    async with AsyncExitStack() as clients:

        async def register(name: str) -> Client:
            made = Client(stack.web_url, socket_url=random.choice(socket_urls), store=MemoryStore())
            await clients.enter_async_context(made)
            email = f"{name.lower()}-{uuid.uuid4().hex[:12]}@example.org"
            await made.register(email, PASSWORD, name)
            confide(email, made.api.tokens.access_token, made.api.tokens.refresh_token)
            return made

        yield register


async def messages(events: AsyncIterator[Event], count: int) -> list[str]:
    """The bodies of the next messages."""
    bodies: list[str] = []
    async with asyncio.timeout(60):
        while len(bodies) < count:
            event = await anext(events)
            if event.kind == "message.sent":
                bodies.append(event.body)
    return bodies


async def test_two_people_chat_by_the_sdk(client: NewClient) -> None:
    alice, bob = await client("Alice"), await client("Bob")
    talk = (await alice.direct(bob.user_id)).conversation_id
    heard = bob.events()
    await asyncio.gather(alice.connect(), bob.connect())
    sent = await alice.send(talk, "hi Bob")
    event = await anext(heard)
    assert (event.body, event.seq, event.message_id) == ("hi Bob", sent.seq, sent.message_id)
    await bob.reply(event, "hi Alice")
    await alice.edit(talk, sent.message_id, "hello Bob")
    await bob.react(talk, sent.message_id, "👍")
    await eventually(lambda: alice.view[talk].last_seq == 5, "Alice has everything")
    assert alice.view[talk].messages[sent.message_id].reactions == {"👍": 1}
    signals = alice.signals()
    typing = asyncio.ensure_future(anext(signals))
    await asyncio.sleep(0)
    await bob.typing(talk)
    signal = await typing
    assert (signal.type, signal.data["user_id"], signal.data["state"]) == ("typing", bob.user_id, "start")
    assert [(message.body, message.reply_to) for message in alice.view[talk].timeline()] == [
        ("hello Bob", None),
        ("hi Alice", sent.message_id),
    ]
    assert (alice.view[talk].unread_count, bob.view.unread_count) == (1, 1)
    await bob.read(talk, 5)
    await alice.delete(talk, sent.message_id)
    await eventually(lambda: bob.view[talk].last_seq == 6, "Bob has the deletion")
    assert bob.view[talk].unread_count == 0
    assert bob.view[talk].messages[sent.message_id].deleted
    assert [event.kind async for event in alice.history(talk, after=0)] == [
        event.kind async for event in bob.history(talk)
    ][::-1]


async def test_files_are_sent_and_messages_found_by_the_sdk(client: NewClient) -> None:
    alice, bob = await client("Alice"), await client("Bob")
    await alice.connect()
    talk = (await alice.direct(bob.user_id)).conversation_id
    word = f"w{uuid.uuid4().hex[:12]}"
    file = await alice.files.upload(talk, f"{word} in a file".encode(), name="word.txt")
    sent = await alice.send(talk, f"see {word}", attachment_ids=[file.attachment_id])
    events = [event async for event in bob.history(talk)]
    assert [each["name"] for each in events[0].data["attachments"]] == ["word.txt"]
    assert await bob.files.download(file.attachment_id) == f"{word} in a file".encode()
    hits = [hit async for hit in bob.search(word, conversation_ids=[talk])]
    assert [hit.message.message_id for hit in hits] == [sent.message_id]
    assert [(part.start, part.length) for part in hits[0].highlights] == [(4, len(word))]


async def test_polls_threads_pins_contacts_and_messages_for_later_by_the_sdk(client: NewClient) -> None:
    alice, bob = await client("Alice"), await client("Bob")
    talk = (await alice.direct(bob.user_id)).conversation_id
    poll = await alice.polls.create(talk, "Tea?", ["Yes", "No"])
    await bob.polls.vote(talk, poll.message_id, 1)
    await alice.polls.close(talk, poll.message_id)
    result = await bob.polls.get(talk, poll.message_id)
    assert (result.counts, result.mine, result.closed) == ([0, 1], [1], True)

    asked = await alice.send(talk, "@bob why?", mentions=[bob.user_id])
    event = await anext(bob.history(talk, after=asked.seq - 1))
    assert event.data["mentions"] == [bob.user_id]
    await bob.reply(event, "because")
    assert [reply.body async for reply in alice.threads.replies(talk, asked.message_id)] == ["because"]
    await alice.threads.pin(talk, asked.message_id)
    assert [pin.message.body for pin in await bob.threads.pins(talk)] == ["@bob why?"]
    await bob.threads.pin(talk, asked.message_id, remove=True)
    assert await alice.threads.pins(talk) == []
    group = (await bob.group("Others")).conversation_id
    forwarded = await bob.threads.forward(event, group)
    assert [each.body async for each in bob.history(group, after=forwarded.seq - 1)] == ["@bob why?"]

    later = await alice.schedule.send(talk, "soon", datetime.now(UTC) + timedelta(hours=1))
    assert [each.body async for each in alice.schedule.waiting()] == ["soon"]
    await alice.schedule.cancel(later.scheduled_id)
    assert [each async for each in alice.schedule.waiting()] == []

    await alice.contacts.request(bob.user_id)
    assert [each.user_id async for each in bob.contacts.list("incoming")] == [alice.user_id]
    assert (await bob.contacts.accept(alice.user_id)).state == "contact"
    await alice.contacts.remove(bob.user_id)
    await bob.contacts.block(alice.user_id)
    assert [each.user_id async for each in bob.contacts.blocked()] == [alice.user_id]
    await bob.contacts.unblock(alice.user_id)
    assert [each async for each in bob.contacts.blocked()] == []


async def test_people_see_who_is_there_by_the_sdk(client: NewClient) -> None:
    alice, bob, stranger = await client("Alice"), await client("Bob"), await client("Stranger")
    bob_id = bob.user_id
    await alice.direct(bob_id)

    def sees(status: str) -> Callable[[], bool]:
        return lambda: alice.view.presences[bob_id].status == status

    await alice.watch(bob_id, stranger.user_id)
    assert {user_id: one.status for user_id, one in alice.view.presences.items()} == {
        bob_id: "offline",
        stranger.user_id: "hidden",
    }
    signals = alice.signals()
    told = asyncio.ensure_future(anext(signals))
    await bob.connect()
    await eventually(sees("online"), "Alice sees that Bob has come")
    assert [(one["user_id"], one["status"]) for one in (await told).data["presences"]] == [(bob_id, "online")]
    await bob.set_presence("away")
    await eventually(sees("away"), "Alice sees that Bob is away")
    seen: list[str] = []
    alice.on_change(lambda _: seen.extend(one.status for one in alice.view.presences.values() if one.user_id == bob_id))
    bob.drop()
    await eventually(lambda: bob.connections == 2, "Bob is connected again")
    await bob.set_presence("invisible")
    await eventually(sees("offline"), "Alice does not see Bob any more")
    bob.drop()
    await eventually(lambda: bob.connections == 3, "Bob is connected again")
    assert "online" not in seen  # not for a moment by a new socket either
    await bob.set_presence("online")
    await eventually(sees("online"), "Alice sees Bob again")
    alice.drop()
    await bob.logout()
    await eventually(sees("offline"), "Alice sees that Bob has gone, by her next socket")
    assert alice.view.presences[bob_id].last_seen_at is not None
    await alice.watch()
    assert alice.view.presences == {}


async def test_a_socket_that_is_cut_resumes_and_an_expired_access_token_is_renewed(client: NewClient) -> None:
    alice, bob = await client("Alice"), await client("Bob")
    talk = (await alice.direct(bob.user_id)).conversation_id
    heard = bob.events()
    await bob.connect()
    await alice.send(talk, "first")
    assert await messages(heard, 1) == ["first"]
    tokens = bob.api.tokens
    bob.api.adopt(msgspec.structs.replace(tokens, access_token=tokens.access_token[:-8] + "AAAAAAAA"))
    bob.drop()
    for number in range(3):
        await alice.send(talk, f"missed {number}")
    assert await messages(heard, 3) == ["missed 0", "missed 1", "missed 2"]
    await eventually(lambda: bob.connections == 2, "Bob has resumed")
    assert bob.api.tokens.refresh_token != tokens.refresh_token
    later = bob.events(since={talk: 3})
    assert await messages(later, 2) == ["missed 1", "missed 2"]


async def test_the_sdk_loses_nothing_whatever_happens_to_its_sockets(client: NewClient) -> None:
    people = list(await asyncio.gather(*(client(f"Person{number}") for number in range(4))))
    group = (await people[0].group("Unsteady", *(person.user_id for person in people[1:]))).conversation_id
    heard = [person.events() for person in people]
    await asyncio.gather(*(person.connect() for person in people))
    over = asyncio.Event()

    async def talks(person: Client) -> int:
        count = 0
        while not over.is_set():
            await person.send(group, f"{person.user_id} {count}")
            count += 1
            await asyncio.sleep(random.uniform(0, 0.1))
        return count

    async with asyncio.TaskGroup() as tasks:
        talking = [tasks.create_task(talks(person)) for person in people]
        for _ in range(30):
            await asyncio.sleep(random.uniform(0.05, 0.3))
            random.choice(people).drop()
        over.set()
    counts = [task.result() for task in talking]
    expected = {f"{person.user_id} {n}" for person, count in zip(people, counts, strict=True) for n in range(count)}
    for events, person in zip(heard, people, strict=True):
        bodies = await messages(events, sum(counts))
        assert len(bodies) == len(set(bodies))
        assert set(bodies) == expected
        assert events.positions[group] == sum(counts) + 1
        await eventually(lambda person=person: person.view[group].last_seq == sum(counts) + 1, "the view is complete")
        assert [message.body for message in person.view[group].timeline()] == bodies
        assert person.view[group].unread_count == sum(counts) - counts[people.index(person)]
    assert sum(person.connections for person in people) > len(people)


async def test_the_bot_of_the_readme_answers(stack: Stack, client: NewClient) -> None:
    code = re.search(r"```python\n(.*?)```", (ROOT / "README.md").read_text(), re.DOTALL)
    assert code
    assert len(code[1].strip().splitlines()) <= 15
    alice, bot = await client("Alice"), await client("Echo")
    email = f"bot-{uuid.uuid4().hex[:12]}@example.org"
    await bot.register(email, PASSWORD, "Echo")
    program = code[1].replace("http://localhost:8080", stack.web_url).replace("bot@example.org", email)
    scope: dict[str, object] = {"__name__": "bot"}
    exec(compile(program.replace("asyncio.run(main())", ""), "README.md", "exec"), scope)
    running = asyncio.create_task(scope["main"]())  # type: ignore[operator]
    heard = alice.events()
    talk = (await alice.direct(bot.user_id)).conversation_id

    async def until_answered() -> str:
        while True:
            await alice.send(talk, "knock knock")
            try:
                async with asyncio.timeout(0.5):
                    async for event in heard:
                        if event.actor_id == bot.user_id:
                            return event.body
            except TimeoutError:
                assert not running.done(), running.result()

    async with asyncio.timeout(20):
        assert "knock knock" in await until_answered()
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running


async def test_a_wrong_password_is_an_exception_with_its_code(stack: Stack) -> None:
    async with Client(stack.web_url) as nobody:
        with pytest.raises(RealChatError) as caught:
            await nobody.login("nobody@example.org", PASSWORD)
    assert caught.value.code == "invalid_credentials"
