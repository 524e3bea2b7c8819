"""What comes out of an iteration over events: everything, in order, once, however slowly it is taken."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from realchat.errors import LoggedOutError, NotFoundError, UnavailableError
from realchat.models import Event, Page, Position
from realchat.ordering import Gap
from realchat.subscription import Subscription

AT = datetime(2026, 1, 1, tzinfo=UTC)


def event(seq: int, talk: str = "talk") -> Event:
    return Event(conversation_id=talk, seq=seq, event_id="", kind="message.sent", actor_id="", at=AT, data={})


class Log:
    """Conversations of any length."""

    def __init__(self, **ends: int) -> None:
        self.ends = ends
        self.reads = 0

    async def read(self, talk: str, gap: Gap) -> Page:
        self.reads += 1
        await asyncio.sleep(0)
        if talk not in self.ends:
            raise NotFoundError("conversation_not_found")
        found = [event(seq, talk) for seq in range(gap.after + 1, self.ends[talk] + 1)]
        return Page(events=found[:4], last_seq=self.ends[talk], has_more=len(found) > 4)


async def taken(subscription: Subscription, count: int) -> list[int]:
    async with asyncio.timeout(5):
        return [(await anext(subscription)).seq for _ in range(count)]


async def test_what_is_new_begins_after_what_there_was() -> None:
    subscription = Subscription(Log(talk=9).read, 10, None)
    subscription.anchor({"talk": 5, "silent": 2})
    assert subscription.positions == {"talk": 5, "silent": 2}
    for seq in (5, 6, 6, 7):
        subscription.offer(event(seq))
    assert await taken(subscription, 2) == [6, 7]
    assert subscription.positions == {"talk": 7, "silent": 2}


async def test_since_some_positions_everything_comes_also_of_conversations_that_are_new() -> None:
    subscription = Subscription(Log(talk=7, other=2).read, 10, {"talk": 4})
    subscription.anchor({"talk": 7, "other": 2})
    got = [await anext(subscription) for _ in range(5)]
    assert [(one.conversation_id, one.seq) for one in got] == [
        ("talk", 5), ("talk", 6), ("talk", 7), ("other", 1), ("other", 2),
    ]  # fmt: skip


async def test_who_is_slow_reads_the_log() -> None:
    log = Log(talk=100)
    subscription = Subscription(log.read, 3, None)
    subscription.anchor({"talk": 0})
    for seq in range(1, 101):
        subscription.offer(event(seq))
    assert len(subscription._queue) == 3
    assert await taken(subscription, 100) == list(range(1, 101))
    assert log.reads == 25
    subscription.offer(event(101))
    assert await taken(subscription, 1) == [101]


async def test_what_a_resume_left_to_the_history_is_read() -> None:
    subscription = Subscription(Log(talk=9).read, 10, {"talk": 6})
    positions = [
        ("talk", Position(status="history", last_seq=9)),
        ("secret", Position(status="forbidden", last_seq=0)),
        ("gone", Position(status="history", last_seq=3)),
    ]
    subscription.resumed(positions)
    assert await taken(subscription, 3) == [7, 8, 9]
    subscription.end()
    assert [one async for one in subscription] == []


async def test_what_ends_the_connection_ends_the_iteration_after_what_came() -> None:
    subscription = Subscription(Log().read, 10, {})
    subscription.offer(event(1))
    subscription.end(LoggedOutError("session_revoked"))
    assert await taken(subscription, 1) == [1]
    with pytest.raises(LoggedOutError):
        await anext(subscription)


async def test_a_log_that_is_away_is_asked_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("realchat.subscription.delay", lambda *_: 0)
    log, failures = Log(talk=2), iter(range(2))

    async def read(talk: str, gap: Gap) -> Page:
        if next(failures, None) is not None:
            raise UnavailableError("unavailable", temporary=True)
        return await log.read(talk, gap)

    subscription = Subscription(read, 10, {})
    subscription.offer(event(2))
    assert await taken(subscription, 2) == [1, 2]


@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    st.lists(st.tuples(st.sampled_from("ab"), st.integers(1, 20), st.integers(0, 3)), max_size=60),
    st.integers(1, 4),
)
def test_each_once_in_order_whatever_arrives(arrivals: list[tuple[str, int, int]], size: int) -> None:
    async def scenario() -> None:
        subscription = Subscription(Log(a=20, b=20).read, size, {})
        got: dict[str, list[int]] = {"a": [], "b": []}

        async def take(count: int) -> None:
            for _ in range(count):
                one = await anext(subscription)
                got[one.conversation_id].append(one.seq)

        for talk, seq, count in arrivals:
            subscription.offer(event(seq, talk))
            await take(min(count, len(subscription._queue)))
        subscription.reach({"a": 20, "b": 20})
        await take(40 - len(got["a"]) - len(got["b"]))
        assert got == {"a": list(range(1, 21)), "b": list(range(1, 21))}

    asyncio.run(scenario())
