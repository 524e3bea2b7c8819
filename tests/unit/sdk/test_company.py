"""Whom a client watches: the newest wish is asked for until it is answered, and the view is as the server said last."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any, Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from realchat.company import MOST_WATCHED, Company
from realchat.errors import ConnectionLostError, InvalidRequestError, LoggedOutError, RateLimitedError, RealChatError
from realchat.models import Presence
from realchat.view import View

Status = Literal["online", "away", "offline", "hidden"]
STATUSES: tuple[Status, ...] = ("online", "away", "offline", "hidden")
PEOPLE = "abc"


class Socket:
    """Notes what it is asked; answers when the test lets it, by the next failure if there is one."""

    def __init__(self, *failures: RealChatError) -> None:
        self.failures = list(failures)
        self.asked: list[tuple[str, ...]] = []
        self.answers = asyncio.Event()
        self.answers.set()
        self.is_up = asyncio.Event()
        self.is_up.set()

    async def ask(self, frame: Mapping[str, Any]) -> bytes:
        assert frame["type"] == "watch"
        self.asked.append(frame["user_ids"])
        await self.answers.wait()
        if self.failures:
            raise self.failures.pop(0)
        return b""

    async def up(self) -> None:
        await self.is_up.wait()


@asynccontextmanager
async def company_of(socket: Socket) -> AsyncIterator[Company]:
    company = Company(socket.ask, socket.up)
    async with asyncio.timeout(5), asyncio.TaskGroup() as group:
        running = group.create_task(company.run())
        yield company
        running.cancel()


async def until_asked(socket: Socket, count: int) -> None:
    while len(socket.asked) < count:
        await asyncio.sleep(0)


@pytest.fixture(autouse=True)
def _hasty(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("realchat.backoff.FIRST_SECONDS", 0.001)


async def test_people_are_asked_for_once_each_and_again_by_a_new_socket() -> None:
    socket = Socket()
    async with company_of(socket) as company:
        company.renew()
        await company.watch(["a", "b", "a"])
        company.renew()
        await until_asked(socket, 2)
    assert socket.asked == [("a", "b"), ("a", "b")]


async def test_what_fails_for_now_is_asked_again_once_there_is_a_socket() -> None:
    socket = Socket(ConnectionLostError("cut"), RateLimitedError("rate_limited", temporary=True))
    socket.is_up.clear()
    async with company_of(socket) as company:
        watching = asyncio.ensure_future(company.watch(["a"]))
        await asyncio.sleep(0.01)
        assert socket.asked == []
        socket.is_up.set()
        await watching
    assert socket.asked == [("a",)] * 3


async def test_the_newest_wish_is_the_one_that_is_waited_for() -> None:
    socket = Socket()
    socket.answers.clear()
    async with company_of(socket) as company:
        first = asyncio.ensure_future(company.watch(["a"]))
        await until_asked(socket, 1)
        cancelled = asyncio.ensure_future(company.watch(["b"]))
        second = asyncio.ensure_future(company.watch(["c"]))
        await asyncio.sleep(0)
        cancelled.cancel()
        socket.answers.set()
        await asyncio.gather(first, second)
    assert socket.asked == [("a",), ("c",)]


async def test_who_cannot_be_watched_is_refused_and_those_before_stay() -> None:
    socket = Socket()
    async with company_of(socket) as company:
        await company.watch(["a"])
        with pytest.raises(InvalidRequestError, match=f"at most {MOST_WATCHED}"):
            await company.watch([str(number) for number in range(MOST_WATCHED + 1)])
        socket.failures.append(InvalidRequestError("invalid_argument"))
        with pytest.raises(InvalidRequestError):
            await company.watch(["nobody's id"])
        await until_asked(socket, 3)
        company.renew()
        await until_asked(socket, 4)
    assert socket.asked == [("a",), ("nobody's id",), ("a",), ("a",)]


async def test_who_waits_is_told_when_there_will_be_no_answer() -> None:
    socket = Socket()
    socket.is_up.clear()
    async with company_of(socket) as company:
        watching = asyncio.ensure_future(company.watch(["a"]))
        await asyncio.sleep(0)
        company.end(LoggedOutError("session_revoked"))
        with pytest.raises(LoggedOutError):
            await watching


Acts = st.one_of(
    st.tuples(st.just("watch"), st.frozensets(st.sampled_from(PEOPLE))),
    st.tuples(st.just("change"), st.tuples(st.sampled_from(PEOPLE), st.sampled_from(STATUSES))),
    st.tuples(st.just("cut"), st.none()),
    st.tuples(st.just("back"), st.none()),
)


@given(st.lists(Acts, max_size=40))
def test_the_view_and_whoever_only_hears_of_changes_know_what_the_server_said_last(acts: list[tuple[str, Any]]) -> None:
    view = View("me")
    now: dict[str, Status] = dict.fromkeys(PEOPLE, "offline")
    wanted: frozenset[str] = frozenset()
    watched: frozenset[str] = frozenset()
    heard: dict[str, Status] = {}

    def hears(people: frozenset[str], *, instead: bool) -> None:
        frame = [Presence(user_id=user_id, status=now[user_id]) for user_id in sorted(people)]
        changed = view.saw(frame, instead=instead)
        assert all(heard.get(one.user_id) != one.status for one in changed if one.user_id in view.presences)
        heard.update({one.user_id: one.status for one in changed})
        for gone in heard.keys() - view.presences.keys():
            del heard[gone]

    is_up, is_due = True, False
    for what, value in [*acts, ("back", None)]:
        if what == "watch":
            wanted, is_due = value, True
        elif what == "change":
            now[value[0]] = value[1]
            if value[0] in watched:
                hears(frozenset(value[0]), instead=False)
        elif what == "cut":
            is_up, watched, is_due = False, frozenset(), is_due or bool(wanted)
        else:
            is_up = True
        if is_up and is_due:
            watched, is_due = wanted, False
            hears(watched, instead=True)
        if is_up:
            assert {one.user_id: one.status for one in view.presences.values()} == {name: now[name] for name in watched}
            assert heard == {name: now[name] for name in watched}
