"""What people see while they wait, and when it goes wrong."""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

QUIET_SECONDS = 2.0
TAIL_LINES = 25


class StackError(Exception):
    """What failed, where its log is, and the way out."""

    def __init__(self, what: str, *, way_out: str = "", log: Path | None = None) -> None:
        super().__init__(what)
        self.way_out = way_out
        self.log = log

    def __str__(self) -> str:
        parts = [super().__str__()]
        if self.log and self.log.exists():
            parts.append(f"The end of {self.log}:\n{tail(self.log)}")
        if self.way_out:
            parts.append(f"The way out: {self.way_out}")
        return "\n\n".join(parts)


def tail(log: Path, lines: int = TAIL_LINES) -> str:
    """The last lines of a log, indented."""
    with log.open("rb") as file:
        file.seek(max(0, log.stat().st_size - 64 * 1024))
        text = file.read().decode(errors="replace")
    return "\n".join(f"    {line}" for line in text.splitlines()[-lines:])


def say(line: str) -> None:
    """Prints one line at once, also into a pipe."""
    print(line, flush=True)


@contextmanager
def step(what: str) -> Iterator[None]:
    """Shows a step that takes longer than two seconds, with the time that it has taken so far."""
    started = time.monotonic()
    done = threading.Event()
    terminal = sys.stdout.isatty()

    def elapsed() -> str:
        return f"{time.monotonic() - started:.0f} s"

    def tick() -> None:
        if done.wait(QUIET_SECONDS):
            return
        while True:
            if terminal:
                print(f"\r  … {what} ({elapsed()})", end="", flush=True)
            else:
                say(f"  … {what} ({elapsed()})")
            if done.wait(1 if terminal else 15):
                return

    ticker = threading.Thread(target=tick, daemon=True)
    ticker.start()
    mark = "✗"
    try:
        yield
        mark = "✓"
    finally:
        done.set()
        ticker.join()
        took = time.monotonic() - started
        if took > QUIET_SECONDS or mark == "✗":
            clear = "\r\033[K" if terminal else ""
            say(f"{clear}  {mark} {what} ({took:.1f} s)")
