"""`just profile <app>`: a flame graph of a running application, by py-spy."""

from __future__ import annotations

import argparse
import subprocess
from pathlib import Path

from stack import paths
from stack.instance import Stack
from stack.ports import DEFAULT_STACK
from stack.progress import StackError, say, step

PY_SPY = "py-spy==0.4.1"


def record(pid: int, seconds: int, target: Path) -> None:
    """Writes what a process does in some seconds as a flame graph. Raises StackError."""
    command = ["uvx", "--from", PY_SPY, "py-spy", "record", f"--pid={pid}", f"--duration={seconds}"]
    command += [f"--output={target}", "--nonblocking"]
    with step(f"Watching for {seconds} s"):
        result = subprocess.run(command, capture_output=True, text=True, check=False)
    if "No stack counts found" in result.stderr:
        raise StackError(f"In {seconds} s it did nothing.", way_out="use the application meanwhile, or `just bench`")
    if result.returncode or not target.exists():
        raise StackError(f"py-spy failed: {result.stderr.strip()}", way_out="as root, it may look at any process")


def main() -> None:
    """The command line of `just profile`."""
    parser = argparse.ArgumentParser(prog="just profile", description=__doc__)
    parser.add_argument("app", help="for example message, or message-2 for its second replica")
    parser.add_argument("--seconds", type=int, default=20, help="(default: %(default)s)")
    parser.add_argument("--name", default=DEFAULT_STACK, help="which stack (default: %(default)s)")
    options = parser.parse_args()
    stack = Stack.running(options.name)
    process = options.app if options.app in stack.programs else f"{options.app}-1"
    target = paths.ROOT / ".artifacts" / f"profile-{process}.svg"
    target.parent.mkdir(exist_ok=True)
    try:
        record(stack.pid(process), options.seconds, target)
    except StackError as error:
        parser.exit(1, f"\n{error}\n")
    say(f"{target.relative_to(paths.ROOT)}: open it in a browser")


if __name__ == "__main__":
    main()
