"""How auth follows the log where there are bots, by pointers in any order."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Sequence
from typing import NamedTuple

import msgspec
import pytest
from dapr.proto import appcallback_v1
from google.protobuf import empty_pb2
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from realchat_auth.domain import DAY_MS
from realchat_auth.webhooks.follower import PAGE
from realchat_auth.webhooks.store import Call
from service.auth.office import TOKEN, Line, Office
from service.auth.room import URL, Room, begun, hooked_bot
from sqlalchemy import text
from sqlalchemy.event import listen

from chat.event.v1 import event_pb2 as pb
from realchat_common.ids import new_id

SIDECAR = (("dapr-api-token", TOKEN),)


class Hooked(NamedTuple):
    """Somebody's bots, each with a webhook, by the bots' ids."""

    owner: str
    webhooks: dict[str, str]


@pytest.fixture
async def hooked(office: Office) -> Hooked:
    owner = (await office.registers()).user_id
    bots = [(await hooked_bot(office, owner))[0] for _ in range(2)]
    return Hooked(owner, {bot: str((await office.webhooks.of(bot, owner))[0].webhook_id) for bot in bots})


async def _owed(office: Office, room: Room) -> list[tuple[str, int]]:
    """The calls that are owed for a conversation: to which webhook, for which event; in order."""
    async with office.engine.connect() as connection:
        found = await connection.execute(text("SELECT payload FROM owed WHERE kind = 'webhook'"))
        calls = [msgspec.json.decode(payload, type=Call) for (payload,) in found]
    return sorted((call.webhook_id, call.seq) for call in calls if call.conversation_id == room.talk)


# Order


class Step(NamedTuple):
    """Something that happens in a conversation; `which` chooses a bot."""

    what: str
    which: int


WHAT = ["says", "bot says", "joins", "removed", "leaves", "person"]
STEPS = st.builds(Step, st.sampled_from(WHAT), st.integers(0, 1))


def _happens(room: Room, step: Step, bot: str, present: set[str]) -> set[str]:
    """Lets a step happen, where it makes sense; returns which bots are told of it."""
    match step.what:
        case "joins" if bot not in present:
            room.added(bot)
            present.add(bot)
            return set(present)
        case "removed" if bot in present:
            room.removed(bot)
            present.remove(bot)
            return present | {bot}
        case "leaves" if bot in present:
            room.event(bot, member_left=pb.MemberLeft())
            present.remove(bot)
            return set(present)
        case "bot says" if bot in present:
            room.said(bot, "It does not.")
            return present - {bot}
        case "person":
            room.added(new_id())
        case _:
            room.said(room.owner, "Does it rain?")
    return set(present)


@given(history=st.lists(st.lists(STEPS, min_size=1, max_size=3), max_size=8), data=st.data())
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
async def test_any_order_and_repetition_of_pointers_owes_what_the_log_in_order_owes(
    office: Office, hooked: Hooked, history: Sequence[Sequence[Step]], data: st.DataObject
) -> None:
    bots = list(hooked.webhooks)
    office.log.page = data.draw(st.integers(1, 4), "events in an answer")
    room, present, expected = begun(office, hooked.owner, bots[0]), set[str](), []

    async def arrive(bulk: Sequence[pb.Pointer]) -> None:
        await asyncio.gather(*(office.follower.take_up(bulk) for _ in range(2)))  # at two replicas at once
        async with office.engine.begin() as connection:
            await connection.execute(text("DELETE FROM webhook_seen"))  # the version before needs it, this one not

    pointers = [room.pointer(*room.events)]
    for segment in history:
        before = len(room.events)
        for step in segment:
            told = _happens(room, step, bots[step.which], present)
            expected += [(hooked.webhooks[bot], len(room.events)) for bot in told]
        pointers.append(room.pointer(*room.events[before:]))
        await arrive(data.draw(st.lists(st.sampled_from(pointers), max_size=3), "early"))
    for pointer in data.draw(st.lists(st.sampled_from(pointers)), "swept") if pointers else ():
        pointer.members_seq = room.pointer(*room.events).members_seq
    late = data.draw(st.permutations(pointers), "late")
    while late:
        size = data.draw(st.integers(1, len(late)), "of which at once")
        await arrive(late[:size])
        late = late[size:]
    assert await _owed(office, room) == sorted(expected)
    async with office.engine.connect() as connection:
        query = text("SELECT bot_id::text FROM bot_member WHERE conversation_id = :talk")
        assert set((await connection.execute(query, {"talk": room.talk})).scalars()) == present


async def test_who_came_first_is_known_although_the_pointer_to_it_comes_last(office: Office, hooked: Hooked) -> None:
    (one, first), (two, second) = hooked.webhooks.items()
    room = begun(office, hooked.owner, one)
    events = [room.added(one), room.said(room.owner, "between"), room.added(two)]
    for each in reversed(events):
        await room.arrives(each)
    assert await _owed(office, room) == sorted([(first, 2), (first, 3), (first, 4), (second, 4)])


async def test_a_webhook_that_is_made_later_is_not_told_of_what_comes_once_more(office: Office, hooked: Hooked) -> None:
    bot = next(iter(hooked.webhooks))
    room = begun(office, hooked.owner, bot, bot)
    await room.arrives(*room.events)
    before = await _owed(office, room)
    await office.webhooks.create(bot, hooked.owner, URL)
    await room.arrives(*room.events)
    assert await _owed(office, room) == before == [(hooked.webhooks[bot], 1)]


# What it costs, and what is away


async def test_conversations_without_bots_cost_one_question_for_all_and_no_read(office: Office, hooked: Hooked) -> None:
    rooms = [begun(office, hooked.owner, "") for _ in range(50)]
    pointers = [room.pointer(room.said(hooked.owner, "Hello")) for room in rooms]
    statements: list[str] = []
    listen(office.engine.sync_engine, "before_cursor_execute", lambda *asked: statements.append(asked[2]))
    await office.follower.take_up(pointers)
    assert (office.log.reads, len(statements)) == (0, 1)
    statements.clear()
    await office.follower.take_up([room.pointer(room.added(new_id())) for room in rooms])
    assert (office.log.reads, len(statements)) == (50, 2), "somebody came: is it a bot?"


async def test_many_may_come_to_many_conversations_at_once(office: Office, hooked: Hooked) -> None:
    rooms = [begun(office, hooked.owner, "", *(new_id() for _ in range(999))) for _ in range(40)]
    bot, webhook = next(iter(hooked.webhooks.items()))
    rooms[0].added(bot)
    await office.follower.take_up([room.pointer(*room.events) for room in rooms])
    assert await _owed(office, rooms[0]) == [(webhook, 2)]


async def test_many_webhooks_may_be_told_of_much_at_once(office: Office, hooked: Hooked) -> None:
    async with office.engine.begin() as connection:
        copies = "gen_random_uuid(), bot_id, url, sealed_secret, created_at_ms FROM webhook, generate_series(1, 29)"
        names = "webhook_id, bot_id, url, sealed_secret, created_at_ms"
        await connection.execute(text(f"INSERT INTO webhook ({names}) SELECT {copies}"))
    room = begun(office, hooked.owner, "", *hooked.webhooks)
    for _ in range(PAGE):
        room.said(hooked.owner, "Does it rain?")
    await room.arrives(*room.events)
    assert len(await _owed(office, room)) == (1 + PAGE) * 2 * 30


async def test_what_comes_while_the_log_is_away_comes_again(line: Line, office: Office, hooked: Hooked) -> None:
    bot = next(iter(hooked.webhooks))
    office.log.page = 1
    room = begun(office, hooked.owner, bot, bot)
    room.said(room.owner, "one")
    last = room.said(room.owner, "two")
    office.log.away_after = 3  # one to see who came, two pages
    taken = appcallback_v1.TopicEventResponse
    assert await _brought(line, _json(room.pointer(room.events[0]))) == [taken.RETRY]
    assert await _brought(line, _json(room.pointer(last))) == [taken.RETRY]
    assert await _owed(office, room) == [(hooked.webhooks[bot], seq) for seq in (1, 2)]
    office.log.away_after = None
    assert await _brought(line, _json(room.pointer(last))) == [taken.SUCCESS]
    assert await _owed(office, room) == [(hooked.webhooks[bot], seq) for seq in (1, 2, 3)]


async def test_pointers_beyond_the_log_are_done_with_what_there_is(office: Office, hooked: Hooked) -> None:
    bot = next(iter(hooked.webhooks))
    room = begun(office, hooked.owner, bot, bot)
    for _ in range(2):
        await office.follower.take_up([pb.Pointer(conversation_id=room.talk, first_seq=1, last_seq=9, members_seq=1)])
    unknown = pb.Pointer(conversation_id=new_id(), first_seq=1, last_seq=1, members_seq=1)
    await office.follower.take_up([unknown])
    assert await _owed(office, room) == [(hooked.webhooks[bot], 1)]


# From the version that followed segments


async def test_its_pointers_cost_no_look_at_the_log(office: Office, hooked: Hooked) -> None:
    bot = next(iter(hooked.webhooks))
    room = begun(office, hooked.owner, bot, bot)
    await office.follower.take_up([pb.Pointer(conversation_id=room.talk, first_seq=1, last_seq=1)])
    assert office.log.reads == 0


async def test_where_bots_were_before_logs_were_followed_is_read_anew_and_nothing_told_again(
    office: Office, hooked: Hooked
) -> None:
    (bot, webhook), (stale, of_stale) = hooked.webhooks.items()
    room = begun(office, hooked.owner, bot, stale)
    room.said(room.owner, "long ago")
    for each in room.events:
        each.occurred_at_ms = office.now_ms - DAY_MS
    going = room.removed(stale)
    room.said(room.owner, "before the bot")
    told = room.added(bot)
    lost = room.said(room.owner, "lost by the version before")
    async with office.engine.begin() as connection:
        await connection.execute(text(f"INSERT INTO followed VALUES ('{room.talk}', 0)"))
        await connection.execute(text(f"INSERT INTO webhook_seen VALUES ('{webhook}', '{told.event_id}', 1)"))
        for member in (bot, stale):
            await connection.execute(text(f"INSERT INTO bot_member VALUES ('{room.talk}', '{member}')"))
    now = await room.says(room.owner, "now")
    assert await _owed(office, room) == sorted([(of_stale, going.seq), (webhook, lost.seq), (webhook, now.seq)])


async def test_a_webhook_is_not_told_of_what_was_before_it(office: Office, hooked: Hooked) -> None:
    bot, webhook = next(iter(hooked.webhooks.items()))
    room = begun(office, hooked.owner, bot, bot)
    office.passes(600)
    now = room.said(room.owner, "now")
    async with office.engine.begin() as connection:
        await connection.execute(text(f"UPDATE webhook SET created_at_ms = {office.now_ms}"))
    await room.arrives(*room.events)
    assert await _owed(office, room) == [(webhook, now.seq)]


# By pub/sub


def _json(pointer: pb.Pointer) -> bytes:
    names = ("first_seq", "last_seq", "members_seq")
    numbers = {name: str(getattr(pointer, name)) for name in names}
    data = {"conversation_id": pointer.conversation_id, **numbers}
    return json.dumps({"type": "chat.pointer", "data": data}).encode()


async def _brought(line: Line, *events: bytes) -> list[int]:
    """Brings events as the sidecar does; what becomes of each."""
    entries = [
        appcallback_v1.TopicEventBulkRequestEntry(entry_id=str(number), bytes=each)
        for number, each in enumerate(events)
    ]
    request = appcallback_v1.TopicEventBulkRequest(topic="conversation-pointers", entries=entries)
    answer = await line.sidecar.OnBulkTopicEvent(request, metadata=SIDECAR)
    return [each.status for each in answer.statuses]


async def test_the_sidecar_brings_pointers_in_bulk(line: Line, office: Office, hooked: Hooked) -> None:
    subscriptions = await line.sidecar.ListTopicSubscriptions(empty_pb2.Empty(), metadata=SIDECAR)
    assert [each.topic for each in subscriptions.subscriptions] == ["conversation-pointers", "conversation-events-dead"]
    bot, webhook = next(iter(hooked.webhooks.items()))
    room = begun(office, hooked.owner, bot, bot)
    pointer = room.pointer(*room.events)
    backwards = pb.Pointer(conversation_id=room.talk, first_seq=2, last_seq=1)
    nowhere = pb.Pointer(conversation_id="here", first_seq=1, last_seq=1)
    segment = json.dumps({"type": "chat.segment", "data_base64": ""}).encode()
    taken = appcallback_v1.TopicEventResponse
    events = [_json(pointer), b"{", segment, _json(backwards), _json(nowhere)]
    assert await _brought(line, *events) == [taken.SUCCESS, *[taken.DROP] * 4]
    assert await _owed(office, room) == [(webhook, 1)]
