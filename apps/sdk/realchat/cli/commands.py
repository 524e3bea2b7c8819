"""The commands, one function each."""

from __future__ import annotations

import sys
from datetime import datetime
from pathlib import Path
from typing import Annotated

import msgspec
import typer
from rich.console import Console
from rich.text import Text

from realchat.cli import admin
from realchat.cli.load import load
from realchat.cli.session import client, found, remember, run, server
from realchat.cli.table import print_table
from realchat.models import Event, Hit

app = typer.Typer(no_args_is_help=True, pretty_exceptions_enable=False, help="RealChat from the command line.")
app.command()(load)
app.add_typer(admin.app, name="admin")

Conversation = Annotated[str, typer.Argument(help="An id, @handle of a person, or the title of a group.")]
Json = Annotated[bool, typer.Option("--json", help="One JSON object per line.")]
Url = Annotated[str | None, typer.Option(help="The server; REALCHAT_URL, or that of the last login, if not given.")]


@app.command()
def login(
    email: Annotated[str, typer.Argument(help="Whose account.")],
    url: Url = None,
    register: Annotated[str, typer.Option(help="Make the account, with this display name.")] = "",
    password_stdin: Annotated[bool, typer.Option(help="Read the password from the standard input.")] = False,
) -> None:
    """Log in; the session is kept in a file that only you may read."""
    password = sys.stdin.readline().rstrip("\n") if password_stdin else typer.prompt("Password", hide_input=True)

    async def enter() -> str:
        async with client(url) as me:
            if register:
                await me.register(email, password, register, device_name="realchat")
            else:
                await me.login(email, password, device_name="realchat")
            return (await me.me()).display_name

    name = run(enter())
    remember(server(url))
    typer.echo(f"You are {name} on {server(url)}.")


@app.command()
def logout() -> None:
    """End the session."""

    async def leave() -> None:
        async with client() as me:
            await me.logout()

    run(leave())


@app.command()
def whoami() -> None:
    """Say who is logged in, and where."""

    async def ask() -> None:
        async with client() as me:
            profile = await me.me()
            typer.echo(f"{profile.display_name} (@{profile.handle}), {profile.user_id}, on {server()}")

    run(ask())


@app.command()
def conversations(json: Json = False) -> None:
    """List your conversations, newest activity first."""

    async def ask() -> None:
        rows: list[list[str]] = []
        async with client() as me:
            async for entry in me.conversations():
                if json:
                    _print_json(entry)
                else:
                    rows.append([entry.conversation_id, entry.kind, entry.title, str(entry.unread_count or "")])
        if not json:
            print_table(("id", "kind", "title", "unread"), rows)

    run(ask())


@app.command()
def send(
    conversation: Conversation,
    body: Annotated[str, typer.Argument(help="The message; - reads it from the standard input.")],
    reply_to: Annotated[str | None, typer.Option(help="The id of the message that it answers.")] = None,
    key: Annotated[str | None, typer.Option(help="An id of your own: the same one again is the same message.")] = None,
    json: Json = False,
) -> None:
    """Send a message, once, whatever happens on the way."""
    text = sys.stdin.read() if body == "-" else body

    async def deliver() -> None:
        async with client() as me:
            sent = await me.send(await found(me, conversation), text, reply_to=reply_to, client_message_id=key)
            if json:
                _print_json(sent)
            else:
                typer.echo(f"{sent.message_id} is number {sent.seq}{', sent before' if sent.duplicate else ''}")

    run(deliver())


@app.command()
def tail(
    conversation: Annotated[str | None, typer.Argument(help="Only this one: id, @handle or title.")] = None,
    json: Json = False,
    state: Annotated[Path | None, typer.Option(help="Go on where the last run with this file ended.")] = None,
    count: Annotated[int | None, typer.Option(help="End after so many events.")] = None,
) -> None:
    """Follow what happens: every event, in order, once, over any disconnection."""

    def note(positions: dict[str, int]) -> None:
        if state:
            _replace(state, msgspec.json.encode(positions))

    async def follow() -> None:
        async with client() as me:
            only = await found(me, conversation) if conversation else None
            since = msgspec.json.decode(state.read_bytes(), type=dict[str, int]) if state and state.exists() else None
            left = count
            async with me.events(since=since) as events:
                await me.connect()
                note(events.positions)
                typer.echo(f"listening as {me.user_id}", err=True)
                async for event in events:
                    if only in (None, event.conversation_id):
                        _print_json(event) if json else typer.echo(_line(event))
                        left = left - 1 if left is not None else None
                    note(events.positions)
                    if left == 0:
                        return

    run(follow())


@app.command()
def search(
    query: Annotated[str, typer.Argument(help='Words; "in quotes" those that follow each other; beg* a beginning.')],
    conversation: Annotated[list[str] | None, typer.Option("--in", help="Only there: id, @handle, title.")] = None,
    since: Annotated[datetime | None, typer.Option(help="Only what was sent then or later, here.")] = None,
    until: Annotated[datetime | None, typer.Option(help="Only what was sent before, here.")] = None,
    limit: Annotated[int, typer.Option(min=1, help="So many at most.")] = 20,
    json: Json = False,
) -> None:
    """Find messages by what they say, the best first."""

    async def look() -> None:
        async with client() as me:
            only = [await found(me, name) for name in conversation or ()]
            hits = me.search(query, conversation_ids=only, since=since, until=until)
            left = limit
            async for hit in hits:
                _print_json(hit) if json else Console().print(_found(hit), highlight=False)
                left -= 1
                if not left:
                    return

    run(look())


@app.command()
def export(
    conversation: Conversation,
    out: Annotated[Path | None, typer.Option(help="A file; the standard output if not given.")] = None,
) -> None:
    """Write a conversation's whole log, as far as you may read it: one JSON object per line."""

    async def write() -> None:
        async with client() as me:
            with out.open("wb") if out else sys.stdout.buffer as file:
                async for event in me.history(await found(me, conversation), after=0):
                    file.write(msgspec.json.encode(event) + b"\n")

    run(write())


@app.command()
def chat() -> None:
    """Chat, full screen."""
    from realchat.cli.chat import ChatApp  # a moment that the other commands need not wait

    unsent = ChatApp(client()).run()
    if unsent:
        typer.echo(unsent, err=True)
        raise typer.Exit(1)


def _print_json(value: object) -> None:
    sys.stdout.write(msgspec.json.encode(value).decode() + "\n")
    sys.stdout.flush()


def _line(event: Event) -> str:
    what = event.body or event.kind
    return f"{event.at:%H:%M:%S} {event.conversation_id[-4:]}#{event.seq} {event.actor_id[-4:]}: {what}"


def _found(hit: Hit) -> Text:
    message = hit.message
    body = Text(message.body.replace("\n", " "))
    for part in hit.highlights:
        body.stylize("bold reverse", part.start, part.start + part.length)
    return Text.assemble((f"{message.at:%Y-%m-%d %H:%M} {message.conversation_id}#{message.seq} ", "dim"), body)


def _replace(path: Path, content: bytes) -> None:
    new = path.with_suffix(f"{path.suffix}.new")
    new.write_bytes(content)
    new.replace(path)
