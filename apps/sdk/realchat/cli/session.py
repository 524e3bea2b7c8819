"""Whom the command line acts for: a server and a session, kept in the user's configuration."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from collections.abc import Coroutine
from pathlib import Path
from typing import Any, TypeVar
from uuid import UUID

import typer

from realchat import Client, FileStore, LoggedOutError, RealChatError, SocketRefusedError

DEFAULT_URL = "http://localhost:8080"
FAILED, LOGGED_OUT = 1, 3
"""Exit codes: something was refused or is away; somebody has to log in."""
INTERRUPTED, TERMINATED = 128 + signal.SIGINT, 128 + signal.SIGTERM
"""Those of a program that a signal has ended, as shells have them."""

T = TypeVar("T")


def folder() -> Path:
    """Where the configuration is, by the XDG rules."""
    base = os.environ.get("XDG_CONFIG_HOME") or Path.home() / ".config"
    return Path(base) / "realchat"


def server(url: str | None = None) -> str:
    """The gateway: the one that is named, that of the environment, that of the last login, or this machine's."""
    saved = folder() / "server"
    return url or os.environ.get("REALCHAT_URL") or (saved.read_text().strip() if saved.exists() else "") or DEFAULT_URL


def remember(url: str) -> None:
    """Makes a gateway the one that is meant."""
    folder().mkdir(mode=0o700, parents=True, exist_ok=True)
    (folder() / "server").write_text(url + "\n")


def client(url: str | None = None) -> Client:
    """A client with the session of the last login."""
    return Client(server(url), store=FileStore(folder() / "session.json"))


def run(what: Coroutine[Any, Any, T]) -> T:
    """Runs something, and says in one line what went wrong."""
    try:
        return asyncio.run(_until_a_signal(what))
    except KeyboardInterrupt:
        raise typer.Exit(INTERRUPTED) from None
    except asyncio.CancelledError:
        raise typer.Exit(TERMINATED) from None
    except BrokenPipeError:  # whoever read has enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        raise typer.Exit from None
    except RealChatError as error:
        typer.echo(explained(error), err=True)
        raise typer.Exit(LOGGED_OUT if isinstance(error, LoggedOutError) else FAILED) from None


async def _until_a_signal(what: Coroutine[Any, Any, T]) -> T:
    """Ends in order by SIGTERM as by ctrl+c.

    A loop that handles some signal is woken by every one. Without that, a ctrl+c just before the loop begins to wait is
    heeded only when something else has woken it.
    """
    task = asyncio.current_task()
    if task:
        asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, task.cancel)
    return await what


def explained(error: RealChatError) -> str:
    """What went wrong, and what to do about it."""
    if isinstance(error, LoggedOutError):
        return f"You are not logged in ({error.detail or error.code}): realchat login"
    if isinstance(error, SocketRefusedError):
        return f"The server does not want this client: {error.detail}"
    text = f"{error.detail or 'The server refused'} ({error.code})"
    if error.field:
        text += f", in {error.field}"
    if error.retry_after:
        text += f"; it may work again in {error.retry_after:.0f} s"
    return text


async def found(client: Client, name: str) -> str:
    """The conversation that somebody means: its id, `@handle` of a person, or the title of a group."""
    try:
        return str(UUID(name))
    except ValueError:
        pass
    if name.startswith("@"):
        handle = name[1:].lower()
        for person in await client.find(handle):
            if person.handle == handle:
                return (await client.direct(person.user_id)).conversation_id
        raise typer.BadParameter(f"nobody is called {name}")
    titled = [entry.conversation_id async for entry in client.conversations() if entry.title == name]
    if len(titled) != 1:
        raise typer.BadParameter(
            f"{len(titled) or 'no'} conversations are called {name!r}; ids: realchat conversations"
        )
    return titled[0]
