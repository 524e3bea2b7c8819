"""`realchat load`: people on sockets who talk, and how long it takes, as it happens."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Annotated

import msgspec
import typer
from rich.console import Console
from rich.live import Live
from rich.table import Table

from realchat.cli.session import FAILED, run, server
from realchat.load import (
    BODY,
    QUANTILES,
    Load,
    SocketsClosedError,
    Tally,
    connected,
    made_groups,
    registered,
    socket_url,
    statistics,
)
from realchat.load import run as make

_FIGURES: dict[str, Callable[[Tally], list[float]]] = {
    "send to ack": lambda tally: tally.acknowledged,
    "send to receive": lambda tally: tally.received,
    "append to receive": lambda tally: tally.fanned_out,
}


def load(
    url: Annotated[str | None, typer.Option(help="The server; that of the last login if not given.")] = None,
    socket: Annotated[list[str] | None, typer.Option(help="Sockets' addresses, to spread over; repeat it.")] = None,
    people: Annotated[int, typer.Option(min=2, help="New accounts, each with a socket.")] = 20,
    conversations: Annotated[int, typer.Option(min=1, help="Groups that they talk in.")] = 10,
    members: Annotated[int, typer.Option(min=2, help="Of each group.")] = 5,
    rate: Annotated[float, typer.Option(min=0, help="Messages per second of all; 0: as fast as answers come.")] = 20,
    window: Annotated[int, typer.Option(min=1, help="With rate 0: unanswered sends of each person.")] = 1,
    ramp: Annotated[float, typer.Option(min=0, help="Seconds in which the rate grows.")] = 0,
    size: Annotated[str, typer.Option(help="Characters of a message, or from-to.")] = str(len(BODY)),
    seconds: Annotated[float, typer.Option(min=0.1, help="How long they talk.")] = 20,
    json: Annotated[bool, typer.Option("--json", help="The result as JSON.")] = False,
) -> None:
    """Make load with new people, and measure: percentiles of each second, and of all.

    A server limits the rate of registrations, requests and frames; set its limits for a test (REALCHAT_RATE_...).
    """
    if members > people:
        raise typer.BadParameter("a group has at most as many members as there are people")
    shape = Load(
        conversations=conversations,
        members=members,
        rate=rate or None,
        window=window,
        ramp=ramp,
        sizes=_sizes(size),
    )
    console = Console(stderr=json)
    try:
        tally = run(_measured(server(url), socket or [], people, shape, seconds, console))
    except SocketsClosedError as error:
        typer.echo(str(error), err=True)
        raise typer.Exit(FAILED) from None
    if json:
        typer.echo(msgspec.json.encode(_result(tally)).decode())
    else:
        console.print(_summary(tally))
    if tally.errors or tally.outstanding:
        raise typer.Exit(FAILED)


def _sizes(text: str) -> tuple[int, int]:
    least, _, most = text.partition("-")
    try:
        sizes = int(least), int(most or least)
    except ValueError:
        raise typer.BadParameter(f"{text!r} is no size; 100 or 20-500 would be") from None
    if not 1 <= sizes[0] <= sizes[1] <= 8_000:
        raise typer.BadParameter("a message has 1 to 8,000 characters")
    return sizes


async def _measured(
    url: str, sockets: Sequence[str], people: int, shape: Load, seconds: float, console: Console
) -> Tally:
    console.print(f"Registering {people} people at {url}")
    persons = await registered(url, people)
    groups = await made_groups(url, persons, shape)
    tally = Tally()
    async with connected(persons, sockets or [await socket_url(url, persons[0])]) as talkers:
        showing = asyncio.create_task(_show(tally, console))
        try:
            return await make(shape, talkers, groups, seconds, tally)
        finally:
            showing.cancel()


@dataclass
class _Second:
    """What came since the last look."""

    tally: Tally
    _places: dict[str, int] = field(default_factory=dict)
    _sent: int = 0

    def table(self) -> Table:
        """The last second's figures. To be called once a second."""
        tally = self.tally
        table = Table("milliseconds", *QUANTILES, "max", "per second", box=None)
        for name, of in _FIGURES.items():
            values = of(tally)
            new = values[self._places.get(name, 0) :]
            self._places[name] = len(values)
            table.add_row(name, *_cells(new), str(len(new)))
        table.caption = (
            f"{tally.sent} sent (+{tally.sent - self._sent}), {tally.unanswered} unanswered, "
            f"{tally.outstanding} still to come, {tally.errors.total()} refused"
        )
        self._sent = tally.sent
        return table


async def _show(tally: Tally, console: Console) -> None:
    second = _Second(tally)
    with Live(console=console, auto_refresh=False, transient=True) as live:
        while True:
            await asyncio.sleep(1)
            live.update(second.table(), refresh=True)


def _cells(values: Sequence[float]) -> list[str]:
    figures = statistics(values)
    return [f"{figures[name]:.1f}" if figures else "" for name in (*QUANTILES, "max")]


def _summary(tally: Tally) -> Table:
    table = Table("milliseconds", *QUANTILES, "max", "number", box=None)
    for name, of in _FIGURES.items():
        table.add_row(name, *_cells(of(tally)), str(len(of(tally))))
    errors = ", ".join(f"{count} {code}" for code, count in tally.errors.items()) or "none"
    table.caption = (
        f"{tally.sent} sent in {tally.seconds:.1f} s, {len(tally.acknowledged) / tally.seconds:.1f} per second; "
        f"refused: {errors}; not received: {tally.outstanding}"
    )
    return table


def _result(tally: Tally) -> dict[str, object]:
    return {
        "sent": tally.sent,
        "acknowledged": len(tally.acknowledged),
        "received": len(tally.received),
        "missing": tally.outstanding,
        "errors": dict(tally.errors),
        "seconds": round(tally.seconds, 2),
        "milliseconds": {name: statistics(of(tally)) for name, of in _FIGURES.items()},
    }
