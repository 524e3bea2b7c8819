"""`realchat admin`: people, reports, the audit log and dead letters, for accounts with the role admin."""

from __future__ import annotations

import sys
import uuid
from base64 import b64decode
from typing import Annotated, Any, Literal

import msgspec
import typer

from realchat.cli.session import client, run
from realchat.cli.table import print_table

app = typer.Typer(no_args_is_help=True, help="For administrators.")
letters = typer.Typer(no_args_is_help=True, help="Events that no service could read: list, show, replay.")
app.add_typer(letters, name="dead-letters")

Role = Literal["admin", "member"]
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
    _list("users", {"email_prefix": email, "suspended": str(suspended).lower()}, columns, limit, json=json)


@app.command()
def role(user_id: str, name: Annotated[Role, typer.Argument(help="What they are to be.")]) -> None:
    """Make somebody an administrator, or a member again."""
    _do("PATCH", f"users/{user_id}", {"role": name})


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
    _list("reports", {"open": str(open_only).lower()}, columns, limit, json=json)


@app.command()
def resolve(report_id: str, resolution: Annotated[str, typer.Argument(help="What was done about it.")]) -> None:
    """Close a report."""
    _do("POST", f"reports/{report_id}/resolution", {"resolution": resolution})


@app.command()
def audit(limit: Limit = 50, json: Json = False) -> None:
    """List what administrators did, newest first."""
    _list("audit", {}, ("at", "actor", "action", "subject_id", "detail"), limit, json=json)


@letters.command("list")
def list_letters(limit: Limit = 50, json: Json = False) -> None:
    """List them, newest first. They are kept for a day."""
    columns = ("letter_id", "at", "topic", "type", "event_id", "size", "replayed_at")
    _list("dead-letters", {}, columns, limit, json=json)


@letters.command()
def show(letter_id: str) -> None:
    """Show one as it is. It may have messages in it, so the audit log says who has seen it."""

    async def ask() -> _Letter:
        async with client() as me:
            return await me.api.ask("GET", f"/v1/admin/dead-letters/{letter_id}", _Letter)

    letter = run(ask())
    typer.echo(f"key: {letter.key}", err=True)
    sys.stdout.buffer.write(b64decode(letter.content) + b"\n")


@letters.command()
def replay(
    letter_ids: Annotated[list[str] | None, typer.Argument(help="As `list` shows them.")] = None,
    everything: Annotated[bool, typer.Option("--all", help="All that were not put back yet.")] = False,
) -> None:
    """Put them back into the topics that they were for, in their order. Twice does no harm."""
    if bool(letter_ids) == everything:
        raise typer.BadParameter("name letters, or say --all")

    async def act() -> int:
        async with client() as me:
            chosen = letter_ids or [
                row["letter_id"]
                async for page in me.api.pages("/v1/admin/dead-letters", _Page)
                for row in page.rows
                if not row["replayed_at"]
            ]
            for letter_id in sorted(chosen):
                path = f"/v1/admin/dead-letters/{letter_id}/replay"
                await me.api.ask("POST", path, type(None), key=uuid.uuid4().hex)
            return len(chosen)

    typer.echo(f"{run(act())} put back")


class _Letter(msgspec.Struct, frozen=True):
    key: str
    content: str


class _Page(msgspec.Struct, frozen=True, kw_only=True):
    next_cursor: str | None
    users: list[dict[str, Any]] = []
    reports: list[dict[str, Any]] = []
    entries: list[dict[str, Any]] = []
    letters: list[dict[str, Any]] = []

    @property
    def rows(self) -> list[dict[str, Any]]:
        return self.users or self.reports or self.entries or self.letters


def _do(method: str, path: str, json: dict[str, str] | None) -> None:
    async def act() -> None:
        async with client() as me:
            await me.api.ask(method, f"/v1/admin/{path}", type(None), json=json)

    run(act())


def _list(path: str, query: dict[str, str], columns: tuple[str, ...], limit: int, *, json: bool) -> None:
    rows: list[list[str]] = []

    async def ask() -> None:
        left = limit
        async with client() as me:
            async for page in me.api.pages(f"/v1/admin/{path}", _Page, query):
                for row in page.rows[:left]:
                    if json:
                        sys.stdout.write(msgspec.json.encode(row).decode() + "\n")
                    else:
                        rows.append([str(row[column] or "") for column in columns])
                left -= len(page.rows)
                if left <= 0:
                    return

    run(ask())
    if not json:
        print_table(columns, rows)
