"""`realchat …` in a real pseudo-terminal."""

from __future__ import annotations

import asyncio
import io
import os
import pty
import subprocess
import sys
import termios
import uuid
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import msgspec
import pexpect
from pexpect.fdpexpect import fdspawn
from realchat import Client
from stack import Stack
from support.chat import PASSWORD
from support.confidential import confide

SECONDS = 60
RUN = """
import fcntl, signal, termios
fcntl.ioctl(0, termios.TIOCSCTTY, 0)
signal.signal(signal.SIGINT, signal.default_int_handler)
from realchat.cli import main
main()
"""
"""The terminal becomes the one that the program belongs to. (pexpect would fork us, which gRPC does not survive.)

And it begins as an interactive shell begins one: without what we may have been told to ignore, in the background.
"""


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

    async def prints(self) -> str:
        """Waits for a good end; returns all that was written."""
        code = await self.ends()
        assert code == 0, self.seen.getvalue()
        return self.seen.getvalue()

    async def prints_json(self) -> list[Any]:
        """Waits for a good end; returns the objects that were written, one a line."""
        return [msgspec.json.decode(line) for line in (await self.prints()).splitlines() if line.startswith("{")]

    def close(self) -> None:
        self._program.kill()
        self._program.wait()
        self._screen.close()


NewTerminal = Callable[..., Terminal]


@asynccontextmanager
async def friend(stack: Stack) -> AsyncIterator[Client]:
    """Bob, who is somewhere else."""
    async with Client(stack.web_url) as bob:
        address = f"bob-{uuid.uuid4().hex[:12]}@example.org"
        await bob.register(address, PASSWORD, "Bob")
        confide(address, bob.api.tokens.access_token, bob.api.tokens.refresh_token)
        await bob.connect()
        yield bob


async def logs_in(terminal: NewTerminal, stack: Stack, email: str) -> None:
    """Registers Alice, whose session the next programs have."""
    login = terminal("login", email, "--url", stack.web_url, "--register", "Alice")
    await login.shows("Password: ")
    login.types(PASSWORD + "\n")
    await login.shows("You are Alice")
    assert PASSWORD not in login.seen.getvalue()
    assert await login.ends() == 0
