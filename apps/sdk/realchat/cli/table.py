"""Tables on a terminal: what one copies from them, such as an id, is whole however narrow the terminal is."""

from __future__ import annotations

from collections.abc import Sequence

from rich.cells import cell_len
from rich.console import Console
from rich.table import Table

PROSE = frozenset({"title", "body", "reason", "resolution", "suspension_reason", "detail"})
"""Columns whose text is broken into lines where there is no room."""
LEAST_PROSE = 16
"""Characters that such a column has anyhow; the terminal breaks the lines then."""


def print_table(columns: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """Prints rows, each with a text for every column."""
    table = Table(box=None)
    least = 0
    for number, name in enumerate(columns):
        is_prose = name in PROSE
        table.add_column(name, no_wrap=not is_prose, overflow="fold")
        widest = LEAST_PROSE if is_prose else max(cell_len(text) for text in [name, *(row[number] for row in rows)])
        least += widest + len("  ")
    for row in rows:
        table.add_row(*row)
    console = Console(markup=False, emoji=False, highlight=False)
    console.width = max(console.width, least)
    console.print(table)
