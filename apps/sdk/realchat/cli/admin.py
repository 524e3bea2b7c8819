"""`realchat admin`: people, reports and the audit log, for accounts with the role admin."""

from __future__ import annotations

import sys
from collections.abc import AsyncIterator
from contextlib import suppress
from typing import Annotated, Any

import msgspec
import typer
from rich.console import Console
from rich.table import Table

from realchat import Client
from realchat.cli.session import client, run

PAGE = 200

app = typer.Typer(no_args_is_help=True, help="For administrators and operators.")
with suppress(ModuleNotFoundError):  # comes with realchat[operator]
    from realchat.cli import dead_letters

    app.add_typer(dead_letters.app, name="dead-letters")

Json = Annotated[bool, typer.Option("--json", help="One JSON object per line.")]
Limit = Annotated[int, typer.Option(min=1, help="So many at most.")]


@app.command()
def users(
    email: Annotated[str, typer.Option(help="Only those whose email begins so.")] = "",
    suspended: Annotated[bool, typer.Option(help="Only those who are suspended.")] = False,
    limit: Limit = 50,
    json: Json = False,
) -> None:
    """List accounts, newest first."""
    columns = ("user_id", "email", "role", "created_at", "suspended_at", "suspension_reason")
    _list("users", "users", {"email_prefix": email, "suspended": str(suspended).lower()}, columns, limit, json=json)


@app.command()
def suspend(user_id: str, reason: Annotated[str, typer.Argument(help="For other administrators.")]) -> None:
    """Keep somebody out; all their devices are logged out at once."""
    _do("POST", f"users/{user_id}/suspension", {"reason": reason})


@app.command()
def unsuspend(user_id: str) -> None:
    """Let somebody in again."""
    _do("DELETE", f"users/{user_id}/suspension", None)


@app.command()
def reports(
    open_only: Annotated[bool, typer.Option("--open", help="Only those that nobody has closed.")] = False,
    limit: Limit = 50,
    json: Json = False,
) -> None:
    """List what members reported, newest first, with what the messages said."""
    columns = ("report_id", "reported_at", "sender_id", "reason", "body", "resolution")
    _list("reports", "reports", {"open": str(open_only).lower()}, columns, limit, json=json)


@app.command()
def resolve(report_id: str, resolution: Annotated[str, typer.Argument(help="What was done about it.")]) -> None:
    """Close a report."""
    _do("POST", f"reports/{report_id}/resolution", {"resolution": resolution})


@app.command()
def audit(limit: Limit = 50, json: Json = False) -> None:
    """List what administrators did, newest first."""
    _list("audit", "entries", {}, ("at", "actor", "action", "subject_id", "detail"), limit, json=json)


def _do(method: str, path: str, json: dict[str, str] | None) -> None:
    async def act() -> None:
        async with client() as me:
            await me.api.ask(method, f"/v1/admin/{path}", type(None), json=json)

    run(act())


def _list(path: str, key: str, query: dict[str, str], columns: tuple[str, ...], limit: int, *, json: bool) -> None:
    table = Table(*columns, box=None)

    async def ask() -> None:
        left = limit
        async with client() as me:
            async for row in _rows(me, path, key, query):
                if json:
                    sys.stdout.write(msgspec.json.encode(row).decode() + "\n")
                else:
                    table.add_row(*(str(row[column] or "") for column in columns))
                left -= 1
                if not left:
                    return

    run(ask())
    if not json:
        Console(markup=False).print(table)


async def _rows(me: Client, path: str, key: str, query: dict[str, str]) -> AsyncIterator[dict[str, Any]]:
    cursor: str | None = None
    while True:
        asked = {**query, "limit": PAGE, "cursor": cursor}
        page = await me.api.ask("GET", f"/v1/admin/{path}", dict[str, Any], query=asked)
        for row in page[key]:
            yield row
        if not (cursor := page["next_cursor"]):
            return
