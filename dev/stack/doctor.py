"""`just doctor`: what commonly goes wrong, and what to do about it."""

from __future__ import annotations

import argparse
import re
import resource
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from stack import paths
from stack.instance import Stack
from stack.ports import DEFAULT_STACK, check_free
from stack.progress import StackError, say

DISK_BYTES = 3 * 10**9
FILES = 4096
JAVA_OLDEST = 17
POSTGRES_OLDEST = 14
REDIS_OLDEST = 6


@dataclass(frozen=True)
class Fault:
    """What is wrong, and the way out."""

    what: str
    way_out: str


Check = Callable[[Stack], Iterator[Fault]]


def disk(stack: Stack) -> Iterator[Fault]:
    """Kafka and PostgreSQL stop without notice on a full disk."""
    free = shutil.disk_usage(paths.ROOT).free
    if free < DISK_BYTES:
        yield Fault(f"{free / 1e9:.1f} GB of disk are free", f"free some; old stacks are in {paths.state('')}")


def clock(stack: Stack) -> Iterator[Fault]:
    """Tokens from a clock that is behind are not valid yet; one before the newest commit is wrong for certain."""
    answer = subprocess.run(["git", "log", "-1", "--format=%ct"], cwd=paths.ROOT, capture_output=True, check=False)
    committed = int(answer.stdout or 0)
    if time.time() < committed - 60:
        yield Fault(f"the clock says {time.ctime()}, before the newest commit", "set it, for example by an NTP client")


def files(stack: Stack) -> Iterator[Fault]:
    """Each socket is a file."""
    most = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    if most != resource.RLIM_INFINITY and most < FILES:
        yield Fault(f"a process may open {most} files", f"ulimit -Hn {FILES} or more, then start again")


def versions(stack: Stack) -> Iterator[Fault]:
    """The programs that are taken from the system."""
    wanted = (
        ("java", ("java", "-version"), JAVA_OLDEST),
        ("PostgreSQL", (str(stack.tools.postgres / "postgres"), "--version"), POSTGRES_OLDEST),
        ("Redis", (str(stack.tools.redis), "--version"), REDIS_OLDEST),
    )
    for name, command, oldest in wanted:
        answer = subprocess.run(command, capture_output=True, text=True, check=False)
        match = re.search(r"(\d+)\.\d+", answer.stdout + answer.stderr)
        if not match or int(match[1]) < oldest:
            found = match[0] if match else "of an unknown version"
            yield Fault(f"{name} is {found}", f"install {name} {oldest} or newer, and put it first on PATH")


def ports(stack: Stack) -> Iterator[Fault]:
    """Only of a stack that does not run: otherwise its own processes have them."""
    if stack.supervisor.is_alive():
        return
    for program in stack.programs.values():
        for purpose, port in program.ports.items():
            try:
                check_free({port: f"{program.name} ({purpose})"})
            except StackError as error:
                yield Fault(error.args[0], error.way_out)


def leftovers(stack: Stack) -> Iterator[Fault]:
    """Processes without their supervisor hold ports and databases."""
    if not stack.supervisor.is_alive() and (orphans := stack.supervisor.orphans()):
        yield Fault(f"{len(orphans)} processes of a killed supervisor still run", "dev/down")


def processes(stack: Stack) -> Iterator[Fault]:
    """Applications, sidecars and backing services of a stack that runs."""
    if not stack.supervisor.is_alive():
        return
    for row in stack.status():
        if row.trouble:
            yield Fault(f"{row.name} is not ready: {row.trouble}", f"just logs {row.name}; it is tried again by itself")


def topics(stack: Stack) -> Iterator[Fault]:
    """Dapr makes no topics, and a consumer of a topic that is not there says nothing."""
    if not stack.supervisor.is_alive():
        return
    for what in stack.kafka.topic_troubles():
        yield Fault(what, "dev/down, then dev/up, which makes what is missing")


CHECKS: tuple[Check, ...] = (disk, clock, files, versions, ports, leftovers, processes, topics)


def examine(stack: Stack) -> Iterator[tuple[str, list[Fault]]]:
    """Each check by name, with the faults that it found."""
    for check in CHECKS:
        try:
            found = list(check(stack))
        except (StackError, OSError) as error:
            found = [Fault(str(error), "see above")]
        yield check.__name__, found


def main() -> None:
    """The command line of `just doctor`; exits with 1 when something is wrong."""
    parser = argparse.ArgumentParser(prog="just doctor", description=__doc__)
    parser.add_argument("--name", default=DEFAULT_STACK, help="which stack (default: %(default)s)")
    stack = Stack.running(parser.parse_args().name)
    say(f"The stack {stack.name} is {'running' if stack.supervisor.is_alive() else 'not running'}")
    ill = False
    for name, faults in examine(stack):
        say(f"  {'✗' if faults else '✓'} {name}")
        for fault in faults:
            ill = True
            say(f"      {fault.what}\n      → {fault.way_out}")
    sys.exit(1 if ill else 0)


if __name__ == "__main__":
    main()
