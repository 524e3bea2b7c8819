"""The command line `realchat`, in a real pseudo-terminal, on the whole, real system."""

from __future__ import annotations

import asyncio
import stat
import uuid
from pathlib import Path

import msgspec
from stack import Stack
from support.chat import PASSWORD, eventually
from support.confidential import confide
from support.terminal import SECONDS, NewTerminal, Terminal, friend, logs_in


async def test_the_command_line_logs_in_sends_follows_and_exports(
    terminal: NewTerminal, stack: Stack, email: str, tmp_path: Path
) -> None:
    await logs_in(terminal, stack, email)
    session = tmp_path / "realchat" / "session.json"
    assert stat.S_IMODE(session.stat().st_mode) == 0o600
    tokens = msgspec.json.decode(session.read_bytes())
    confide(tokens["access_token"], tokens["refresh_token"])
    async with friend(stack) as bob:
        handle = (await bob.me()).handle
        following = terminal("tail", "--json", "--count", "2")
        await following.shows("listening")
        sending = terminal("send", f"@{handle}", "hello from a terminal", "--json")
        sent = msgspec.json.decode(await sending.shows(r"\{.*\}"))
        assert await sending.ends() == 0
        await following.shows(r"\{[^\n]*conversation\.created[^\n]*\}")
        await following.shows(r"\{[^\n]*hello from a terminal[^\n]*\}")
        assert await following.ends() == 0
        out = tmp_path / "log.jsonl"
        assert await terminal("export", sent["conversation_id"], "--out", str(out)).ends() == 0
        assert [msgspec.json.decode(line)["seq"] for line in out.read_bytes().splitlines()] == [1, 2]


async def test_what_was_said_is_found_by_words_and_place(terminal: NewTerminal, stack: Stack, email: str) -> None:
    await logs_in(terminal, stack, email)
    async with friend(stack) as bob:
        talk = (await bob.direct(await who(terminal))).conversation_id
        group = (await bob.group(f"Tea {uuid.uuid4().hex[:8]}", await who(terminal))).title
        word = f"w{uuid.uuid4().hex[:12]}"
        sent = [(await bob.send(talk, f"the writing {word} {number}")).message_id for number in range(2)]

        async def are_found() -> bool:
            hits = await terminal("search", word, "--json").prints_json()
            return {hit["message"]["data"]["message_id"] for hit in hits} == set(sent)

        await eventually(are_found, "both are found")
        handle = f"@{(await bob.me()).handle}"
        shown = await terminal("search", f'"{word} 1"', "--in", handle).prints()
        assert shown.count(word) == 1
        assert f"{talk}#" in shown
        assert await terminal("search", word, "--in", handle, "--limit", "1").prints() != ""
        assert word not in await terminal("search", word, "--in", group).prints()
        assert word not in await terminal("search", word, "--until", "2020-01-01").prints()
        nowhere = terminal("search", word, "--in", "No such group")
        await nowhere.shows("no conversations are called")
        assert await nowhere.ends() == 2


async def who(terminal: NewTerminal) -> str:
    """The id of the one who is logged in."""
    return (await terminal("whoami").prints()).split(", ")[1]


async def test_a_tail_with_a_state_goes_on_where_the_last_one_ended(
    terminal: NewTerminal, stack: Stack, email: str, tmp_path: Path
) -> None:
    await logs_in(terminal, stack, email)
    async with friend(stack) as bob:
        me = await who(terminal)
        old = (await bob.group("Old", me)).conversation_id
        talk = (await bob.direct(me)).conversation_id
        await bob.send(old, "long before")

        def tail(*options: str) -> Terminal:
            return terminal("tail", "--json", "--state", str(tmp_path / "state"), *options)

        async def bodies(ended: Terminal) -> list[str]:
            return [event["data"]["body"] for event in await ended.prints_json()]

        following = tail()
        await following.shows("listening")
        following.types("\x03")  # ctrl+c, before anything has come
        assert await following.ends() == 130
        await bob.send(talk, "while nobody listened")
        assert await bodies(tail("--count", "1")) == ["while nobody listened"]
        await bob.send(old, "in another place")
        await bob.send(old, "and again")
        assert await bodies(tail("--count", "1")) == ["in another place"]
        following = tail()
        await following.shows("and again")
        await bob.send(talk, "live")
        await following.shows("live")
        following.types("\x03")
        assert await following.ends() == 130
        assert "in another place" not in following.seen.getvalue()


async def test_people_chat_full_screen(terminal: NewTerminal, stack: Stack, email: str) -> None:
    await logs_in(terminal, stack, email)
    async with friend(stack) as bob:
        handle = (await bob.me()).handle
        heard = bob.events()
        screen = terminal("chat")
        await screen.shows("RealChat")
        screen.types(f"/direct {handle}\r")
        await screen.shows("2 people · online: Bob")
        screen.types("hello from the screen\r")
        async with asyncio.timeout(SECONDS):
            event = await anext(heard)
            while event.kind != "message.sent":
                event = await anext(heard)
        assert event.body == "hello from the screen"
        await bob.reply(event, "hello from Bob")
        await screen.shows("hello from Bob")
        screen.types("\x11")  # ctrl+q
        assert await screen.ends() == 0


async def test_what_goes_wrong_is_said_in_one_line(terminal: NewTerminal, stack: Stack, email: str) -> None:
    stranger = terminal("whoami")
    await stranger.shows("not logged in.*realchat login")
    assert await stranger.ends() == 3
    login = terminal("login", email, "--url", stack.web_url)
    await login.shows("Password: ")
    login.types(PASSWORD + "\n")
    await login.shows("invalid_credentials")
    assert await login.ends() == 1


async def test_a_tiny_load_from_the_command_line_comes_to_figures(terminal: NewTerminal, stack: Stack) -> None:
    load = terminal(
        "load", "--url", stack.web_url, "--people", "3", "--conversations", "1", "--members", "3",
        "--rate", "20", "--seconds", "1", "--json",
    )  # fmt: skip
    result = msgspec.json.decode((await load.shows(r'\{"sent".*\}\r')).strip())
    assert await load.ends() == 0
    assert result["received"] == 3 * result["sent"] == 3 * result["acknowledged"]
    assert set(result["milliseconds"]["send to receive"]) == {"p50", "p95", "p99", "max"}
