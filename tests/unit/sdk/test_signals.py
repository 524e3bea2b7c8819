"""How a command of the command line ends by a signal."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import Iterator

import pytest
import typer
from realchat.cli.session import run


@pytest.fixture(autouse=True)
def _as_a_program_begins() -> Iterator[None]:
    """Without the handler that a service which ran here has left with the loop that tests share."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_signal_ends_a_command_in_order(number: signal.Signals, code: int) -> None:
    left = []

    async def follow() -> None:
        try:
            os.kill(os.getpid(), number)
            await asyncio.Event().wait()
        finally:
            await asyncio.sleep(0)
            left.append(number)

    with pytest.raises(typer.Exit) as end:
        run(follow())
    assert end.value.exit_code == code
    assert left == [number]


def test_a_signal_wakes_a_command_that_is_about_to_wait() -> None:
    async def ask() -> int:
        wakes = signal.set_wakeup_fd(-1)
        signal.set_wakeup_fd(wakes)
        return wakes

    assert run(ask()) >= 0
