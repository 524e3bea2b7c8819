"""How decided changes get into the log: once, in their order, whatever happens on the way."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from contextlib import suppress
from typing import Any

import pytest
from realchat_conversation.outbox import REPEATABLE_MS
from realchat_conversation.pending import PendingChanges
from realchat_conversation.roles import Role
from realchat_conversation.store import MOST_PENDING
from service.conversation.town import Town, people
from sqlalchemy import text

from realchat_common.database import open_engine
from realchat_common.errors import Code, RealChatError


async def unavailable(attempt: Coroutine[Any, Any, object]) -> None:
    """A request that is answered as unavailable."""
    with pytest.raises(RealChatError) as caught:
        await attempt
    assert caught.value.code is Code.UNAVAILABLE


async def pending_rows(town: Town) -> int:
    async with town.engine.connect() as connection:
        return len((await connection.execute(text("SELECT id FROM pending_change"))).all())


async def test_an_answered_change_leaves_nothing_behind(town: Town) -> None:
    alice, bob, carol = people(3)
    group = await town.group(alice, bob)
    await town.conversations.create_direct(alice, bob)
    await town.conversations.add_members(group, alice, [carol])
    await town.conversations.leave(group, alice)
    assert await pending_rows(town) == 0


async def test_while_the_log_is_away_changes_wait_and_the_relay_takes_them_up(town: Town) -> None:
    alice, bob, carol = people(3)
    group = await town.group(alice, bob)
    town.log.away = True
    await unavailable(town.conversations.add_members(group, alice, [carol]))
    await unavailable(town.conversations.change_role(group, alice, bob, Role.ADMIN))
    assert town.log.kinds(group) == ["conversation_created"]

    town.passes(2)
    await town.outbox.sweep()
    assert town.log.kinds(group) == ["conversation_created"]

    town.log.away = False
    await town.outbox.sweep()
    assert town.log.kinds(group) == ["conversation_created", "members_added", "role_changed"]


async def test_after_a_crash_another_replica_takes_up_what_was_decided(town: Town) -> None:
    alice, bob, carol = people(3)
    group = await town.group(alice, bob)
    reached, released = asyncio.Event(), asyncio.Event()

    async def never_answers(event: object) -> int:
        reached.set()
        await released.wait()
        return 0

    append, town.log.append = town.log.append, never_answers  # type: ignore[method-assign]
    request = asyncio.create_task(town.conversations.add_members(group, alice, [carol]))
    await reached.wait()
    request.cancel()
    with pytest.raises(asyncio.CancelledError):
        await request
    town.log.append = append  # type: ignore[method-assign]
    assert carol in await town.roles(group)

    other_outbox, _ = town.replica()
    town.passes(2)
    await other_outbox.sweep()
    assert town.log.kinds(group) == ["conversation_created", "members_added"]


async def test_the_relay_leaves_what_a_request_is_just_flushing(town: Town) -> None:
    alice, bob, carol = people(3)
    group = await town.group(alice, bob)
    town.log.away = True
    await unavailable(town.conversations.add_members(group, alice, [carol]))
    town.log.away = False
    await town.outbox.sweep()
    assert town.log.kinds(group) == ["conversation_created"]


async def test_the_next_request_brings_along_what_an_earlier_one_left(town: Town) -> None:
    alice, bob, carol = people(3)
    group = await town.group(alice, bob)
    town.log.away = True
    await unavailable(town.conversations.add_members(group, alice, [carol]))
    town.log.away = False
    await town.conversations.rename(group, alice, "Renamed")
    assert town.log.kinds(group) == ["conversation_created", "members_added", "conversation_renamed"]


async def test_an_answer_that_got_lost_does_not_append_twice(town: Town) -> None:
    alice, bob, carol = people(3)
    group = await town.group(alice, bob)
    town.log.loses_answers = True
    await unavailable(town.conversations.add_members(group, alice, [carol]))
    town.log.loses_answers = False
    await town.conversations.add_members(group, alice, [carol])
    assert town.log.kinds(group) == ["conversation_created", "members_added"]


async def test_a_conversation_that_the_log_refuses_does_not_hold_up_others(town: Town) -> None:
    alice, bob = people(2)
    groups = [await town.group(alice, bob) for _ in range(20)]
    town.log.away = True
    for group in groups:
        await unavailable(town.conversations.rename(group, alice, "Renamed"))
    town.log.away = False
    town.log.refuses = set(groups[:10])
    town.passes(2)
    await town.outbox.sweep()
    assert [len(town.log.events[group]) for group in groups] == [1] * 10 + [2] * 10


async def test_too_many_waiting_changes_are_refused_without_effect(town: Town) -> None:
    alice, bob = people(2)
    group = await town.group(alice, bob)
    town.log.away = True
    for number in range(MOST_PENDING):
        await unavailable(town.conversations.rename(group, alice, f"Title {number}"))
    await unavailable(town.conversations.rename(group, alice, "One too many"))
    assert (await town.now(group)).title == f"Title {MOST_PENDING - 1}"
    town.log.away = False
    await town.conversations.rename(group, alice, f"Title {MOST_PENDING - 1}")
    assert len(town.log.events[group]) == 1 + MOST_PENDING


Request = Callable[[Town, str, list[str]], Coroutine[Any, Any, object]]

# Each of alice's requests, with the kind of event that it makes. Bob is a second owner.
REQUESTS: dict[str, Request] = {
    "members_added": lambda town, group, who: town.conversations.add_members(group, who[0], [who[3]]),
    "member_removed": lambda town, group, who: town.conversations.remove_member(group, who[0], who[2]),
    "member_left": lambda town, group, who: town.conversations.leave(group, who[0]),
    "role_changed": lambda town, group, who: town.conversations.change_role(group, who[0], who[0], Role.MEMBER),
    "conversation_renamed": lambda town, group, who: town.conversations.rename(group, who[0], "Renamed"),
}


@pytest.mark.parametrize("relayed", [False, True], ids=["still pending", "relayed meanwhile"])
@pytest.mark.parametrize("kind", REQUESTS)
async def test_a_request_that_was_not_answered_succeeds_when_repeated(town: Town, kind: str, relayed: bool) -> None:
    who = people(4)
    group = await town.group(*who[:3])
    await town.conversations.change_role(group, who[0], who[1], Role.OWNER)
    before = town.log.kinds(group)
    town.log.away = True
    await unavailable(REQUESTS[kind](town, group, who))
    await unavailable(REQUESTS[kind](town, group, who))
    town.log.away = False
    if relayed:
        town.passes(2)
        await town.outbox.sweep()
    await REQUESTS[kind](town, group, who)
    assert town.log.kinds(group) == [*before, kind]


async def test_a_creation_that_was_not_answered_succeeds_when_repeated(town: Town) -> None:
    alice, bob = people(2)
    town.log.away = True
    await unavailable(town.conversations.create_direct(alice, bob))
    await unavailable(town.group(alice, bob, key="k"))
    town.log.away = False
    direct, created = await town.conversations.create_direct(bob, alice)
    assert not created
    group = await town.group(alice, bob, key="k")
    for conversation_id in (direct.conversation_id, group):
        assert town.log.kinds(conversation_id) == ["conversation_created"]


async def test_what_was_answered_is_not_a_repetition(town: Town) -> None:
    alice, bob, carol = people(3)
    group = await town.group(alice, bob, carol)
    await town.conversations.remove_member(group, alice, bob)
    with pytest.raises(RealChatError, match="member_not_found"):
        await town.conversations.remove_member(group, alice, bob)
    await town.conversations.leave(group, carol)
    with pytest.raises(RealChatError, match="conversation_not_found"):
        await town.conversations.leave(group, carol)


async def test_a_repetition_that_was_answered_is_none_any_more(town: Town) -> None:
    alice, bob = people(2)
    group = await town.group(alice, bob)
    town.log.away = True
    await unavailable(town.conversations.remove_member(group, alice, bob))
    town.log.away = False
    await town.conversations.remove_member(group, alice, bob)
    with pytest.raises(RealChatError, match="member_not_found"):
        await town.conversations.remove_member(group, alice, bob)
    assert await pending_rows(town) == 0


async def test_somebody_elses_removal_is_not_a_repetition(town: Town) -> None:
    alice, bob, carol = people(3)
    group = await town.group(alice, bob, carol)
    await town.conversations.change_role(group, alice, bob, Role.ADMIN)
    town.log.away = True
    await unavailable(town.conversations.remove_member(group, alice, carol))
    with pytest.raises(RealChatError, match="member_not_found"):
        await town.conversations.remove_member(group, bob, carol)
    with pytest.raises(RealChatError, match="conversation_not_found"):
        await town.conversations.leave(group, carol)


async def test_what_nobody_asked_about_for_a_day_is_forgotten(town: Town) -> None:
    alice, bob = people(2)
    group = await town.group(alice, bob)
    town.log.away = True
    await unavailable(town.conversations.leave(group, bob))
    town.log.away = False
    town.passes(REPEATABLE_MS / 1000)
    await town.outbox.sweep()
    assert await pending_rows(town) == 1
    town.passes(1)
    await town.outbox.sweep()
    assert await pending_rows(town) == 0
    assert town.log.kinds(group) == ["conversation_created", "member_left"]


class Archive(PendingChanges):
    """Forgets nothing, so that a test can read all decisions in their order."""

    async def forget(self, event_id: str) -> None:
        pass


async def test_the_logs_order_is_the_order_of_the_decisions(town: Town) -> None:
    """Three replicas decide and flush, and relay, all at once, against a log that fails every third call."""
    alice, *others = people(8)
    town.pending = Archive(town.engine)
    replicas = [town.replica() for _ in range(3)]
    group = (await replicas[0][1].create_group(alice, "Team", others, None)).conversation_id
    titles = iter(f"Title {number}" for number in range(1_000))
    town.log.unreliable = 0.33
    renamed = asyncio.Event()

    async def renames(number: int) -> None:
        for _ in range(15):
            with suppress(RealChatError):
                await replicas[number % 3][1].rename(group, alice, next(titles))

    async def relays(number: int) -> None:
        while not renamed.is_set():
            town.passes(2)
            await replicas[number][0].sweep()

    async with asyncio.TaskGroup() as tasks:
        for number in range(3):
            tasks.create_task(relays(number))
        await asyncio.gather(*(renames(number) for number in range(6)))
        renamed.set()
    town.log.unreliable = 0
    town.passes(2)
    await town.outbox.sweep()

    async with town.engine.connect() as connection:
        rows = await connection.execute(text("SELECT event_id::text FROM pending_change ORDER BY id"))
        decided = [event_id for (event_id,) in rows]
    assert len(decided) == 1 + 6 * 15
    assert town.log.ids(group) == decided
    assert town.log.events[group][-1].conversation_renamed.title == (await town.now(group)).title


async def test_without_the_database_everything_is_unavailable(town: Town, unused_tcp_port: int) -> None:
    alice, bob = people(2)
    away = Town(open_engine(f"postgresql://nobody@127.0.0.1:{unused_tcp_port}/none"))
    for attempt in (
        away.conversations.create_direct(alice, bob),
        away.conversations.leave(alice, bob),
        away.conversations.summaries([alice], bob),
        away.outbox.sweep(),
    ):
        await unavailable(attempt)


async def test_a_connection_that_the_database_ends_is_unavailable_and_then_replaced(town: Town) -> None:
    alice, bob = people(2)
    group = await town.group(alice, bob)

    async def loses_its_connection() -> None:
        async with town.store.locked(group) as held:
            async with town.engine.connect() as connection:
                await connection.execute(
                    text(
                        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                        " WHERE datname = current_database() AND pid <> pg_backend_pid()"
                    )
                )
            await held.unanswered(alice)

    await unavailable(loses_its_connection())
    assert (await town.conversations.rename(group, alice, "Still here")).title == "Still here"
