"""`just bench`: load on a stack of its own."""

from __future__ import annotations

import argparse
import asyncio
from contextlib import nullcontext
from dataclasses import replace
from pathlib import Path

import uvloop
from bench.limits import UNLIMITED
from bench.measure import Result, measure
from bench.report import report, table, written
from bench.scenarios import PEOPLE, SCENARIOS, Scenario
from realchat.load import SocketsClosedError
from stack import Stack, StackError, paths
from support.traces import exporting, free_port, received


def main() -> None:
    """Starts the stack unless it runs, measures, and stops what it started."""
    options = _parser().parse_args()
    port = free_port()
    env = UNLIMITED if options.traces is None else {**UNLIMITED, **exporting(port, options.traces)}
    stack = Stack(options.stack, replicas={"message": options.replicas, "delivery": options.replicas}, env=env)
    try:
        with stack.left_as_found():
            results = uvloop.run(_measured(stack, options, port))
            document = report(stack, results)
    except (SocketsClosedError, StackError) as error:
        raise SystemExit(f"\n{error}") from None
    print(table(results))
    written(document, options.out)
    print(f"\n{options.out}")


async def _measured(stack: Stack, options: argparse.Namespace, port: int) -> list[Result]:
    async with nullcontext() if options.traces is None else received(port):
        await asyncio.to_thread(stack.start)
        return await measure(
            stack,
            [_adjusted(scenario, options) for scenario in options.scenarios or SCENARIOS.values()],
            people=PEOPLE,
            seconds=options.seconds or (4 if options.quick else 20),
            warm_up=1 if options.quick else 5,
            say=lambda line: print(f"  … {line}", flush=True),
        )


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="just bench", description=__doc__)
    parser.add_argument("scenarios", nargs="*", type=_scenario, metavar="scenario", help=", ".join(SCENARIOS))
    parser.add_argument("--quick", action="store_true", help="a few seconds each: does it work at all?")
    parser.add_argument("--seconds", type=float, help="how long each scenario takes (default: 20)")
    parser.add_argument("--rate", type=float, help="messages per second of the scenarios with an open loop")
    parser.add_argument("--traces", type=float, help="trace this share of all, for example 0.01 (default: nothing)")
    parser.add_argument("--replicas", type=int, default=1, help="of message and of delivery (default: 1)")
    parser.add_argument(
        "--stack", default="bench", help="one that runs already is used and left (default: %(default)s)"
    )
    parser.add_argument("--out", type=Path, default=paths.ROOT / ".artifacts" / "bench.json")
    return parser


def _scenario(name: str) -> Scenario:
    try:
        return SCENARIOS[name]
    except KeyError:
        raise argparse.ArgumentTypeError(f"there is no scenario {name}") from None


def _adjusted(scenario: Scenario, options: argparse.Namespace) -> Scenario:
    if options.rate and scenario.rate:
        return replace(scenario, rate=options.rate, text=f"{scenario.text} (here {options.rate:g} msg/s)", goals=())
    return scenario


if __name__ == "__main__":
    main()
