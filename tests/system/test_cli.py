"""The command line `realchat`, in a real pseudo-terminal, on the whole, real system."""

from __future__ import annotations

import asyncio
import io
import os
import pty
import stat
import subprocess
import sys
import termios
import uuid
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from pathlib import Path

import msgspec
import pexpect
import pytest
from pexpect.fdpexpect import fdspawn
from realchat import Client
from stack import Stack
from support.chat import PASSWORD
from support.confidential import confide

SECONDS = 60
RUN = "import fcntl, termios; fcntl.ioctl(0, termios.TIOCSCTTY, 0); from realchat.cli import main; main()"
"""The terminal becomes the one that the program belongs to. (pexpect would fork us, which gRPC does not survive.)"""


class Terminal:
    """`realchat …` in a terminal of its own."""

    def __init__(self, env: dict[str, str], *arguments: str) -> None:
        self._end, inside = pty.openpty()
        termios.tcsetwinsize(inside, (40, 160))
        self._program = subprocess.Popen(
            [sys.executable, "-c", RUN, *arguments],
            stdin=inside, stdout=inside, stderr=inside, env=env, start_new_session=True,
        )  # fmt: skip
        os.close(inside)
        self._screen = fdspawn(self._end, encoding="utf-8", timeout=SECONDS)
        self.seen = self._screen.logfile_read = io.StringIO()

    async def shows(self, pattern: str) -> str:
        """Waits until something is written; returns it."""
        await asyncio.to_thread(self._screen.expect, pattern)
        return str(self._screen.after)

    def types(self, text: str) -> None:
        self._screen.send(text)

    async def ends(self) -> int:
        """Waits for the end; returns the exit code."""
        await asyncio.to_thread(self._screen.expect, pexpect.EOF)
        return await asyncio.to_thread(self._program.wait, SECONDS)

    def close(self) -> None:
        self._program.kill()
        self._program.wait()
        self._screen.close()


NewTerminal = Callable[..., Terminal]


@pytest.fixture
def email() -> str:
    address = f"cli-{uuid.uuid4().hex[:12]}@example.org"
    confide(address)
    return address


@pytest.fixture
def terminal(stack: Stack, tmp_path: Path) -> Iterator[NewTerminal]:
    """Starts `realchat …` with a configuration of its own."""
    terminals: list[Terminal] = []
    env = {**os.environ, "XDG_CONFIG_HOME": str(tmp_path), "TERM": "xterm-256color", "NO_COLOR": "1"}
    env.pop("REALCHAT_URL", None)

    def start(*arguments: str) -> Terminal:
        terminals.append(Terminal(env, *arguments))
        return terminals[-1]

    yield start
    for each in terminals:
        each.close()


@asynccontextmanager
async def friend(stack: Stack) -> AsyncIterator[Client]:
    async with Client(stack.web_url) as bob:
        address = f"bob-{uuid.uuid4().hex[:12]}@example.org"
        await bob.register(address, PASSWORD, "Bob")
        confide(address, bob.api.tokens.access_token, bob.api.tokens.refresh_token)
        await bob.connect()
        yield bob


async def logs_in(terminal: NewTerminal, stack: Stack, email: str) -> None:
    login = terminal("login", email, "--url", stack.web_url, "--register", "Alice")
    await login.shows("Password: ")
    login.types(PASSWORD + "\n")
    await login.shows("You are Alice")
    assert PASSWORD not in login.seen.getvalue()
    assert await login.ends() == 0


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
