"""What can be done to a running stack, as data: `just fault <name>` and the tests of faults use the same."""

from __future__ import annotations

import argparse
import time
from collections.abc import Mapping
from dataclasses import dataclass

from stack.instance import Stack
from stack.ports import DEFAULT_STACK
from stack.progress import StackError, say, step


@dataclass(frozen=True)
class Fault:
    """One process is killed (the supervisor starts it again), or is away for some time."""

    process: str
    away_seconds: float = 0.0
    """0: killed, without any notice."""

    def strike(self, stack: Stack) -> None:
        """Blocks while the process is away; `stack.wait_ready` says when all is well again. Raises StackError."""
        if not self.away_seconds:
            stack.kill(self.process)
            return
        stack.stop_process(self.process)
        try:
            time.sleep(self.away_seconds)
        finally:
            stack.start_process(self.process)

    def __str__(self) -> str:
        return f"{self.process} is away for {self.away_seconds:g} s" if self.away_seconds else f"kill -9 {self.process}"


FAULTS: Mapping[str, Fault] = {
    "message": Fault("message-1"),
    "message-sidecar": Fault("message-1-sidecar"),
    "delivery": Fault("delivery-1"),
    "delivery-sidecar": Fault("delivery-1-sidecar"),
    "postgres": Fault("postgres", away_seconds=10),
    "redis": Fault("redis", away_seconds=1),
    "kafka": Fault("kafka", away_seconds=20),
}


def main() -> None:
    """The command line of `just fault`."""
    parser = argparse.ArgumentParser(
        prog="just fault",
        description="Does harm to a running stack, and waits until it has recovered.",
        epilog="\n".join(f"{name:<18}{fault}" for name, fault in FAULTS.items()),
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("fault", choices=FAULTS)
    parser.add_argument("--name", default=DEFAULT_STACK, help="which stack (default: %(default)s)")
    options = parser.parse_args()
    fault = FAULTS[options.fault]
    stack = Stack.running(options.name)
    try:
        say(str(fault))
        fault.strike(stack)
        started = time.monotonic()
        with step("Recovering"):
            stack.wait_ready()
    except StackError as error:
        parser.exit(1, f"\n{error}\n")
    say(f"Everything was ready again after {time.monotonic() - started:.1f} s.")


if __name__ == "__main__":
    main()
