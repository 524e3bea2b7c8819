"""Runs scenarios on a stack that is up, and says what each came to."""

from __future__ import annotations

import asyncio
import gc
import uuid
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from time import perf_counter

import httpx
import msgspec
import psutil
from bench.lanes import Event, Sighting, watched
from bench.scenarios import Scenario
from realchat.api import Api
from realchat.load import BODY, PATIENCE_SECONDS, Load, Tally, connected, made_groups, registered, run, statistics
from realchat.models import Sent, Tokens
from realchat.tokens import MemoryStore
from stack import Stack

QUIET_SECONDS = 3.0
"""After the warm-up, so that its pointers, a second late, are not counted."""
HTTP_SECONDS = 0.5
"""Between messages by HTTP, which the fast lane brings; those of sockets their node fans out itself."""
DRIVER = "the bench itself"
OTHERS = "other programs"


class Goal(msgspec.Struct):
    """A figure that was to be reached."""

    goal: str
    value: float | None
    met: bool


class Result(msgspec.Struct):
    """One scenario."""

    name: str
    text: str
    seconds: float
    sent: int
    acknowledged: int
    received: int
    missing: int
    """Receipts and answers that did not come."""
    pointers_missing: int
    """Messages of which the guarantee lane brought nothing."""
    errors: dict[str, int]
    figures: dict[str, dict[str, float]]
    """Milliseconds, by figure and statistic; `appended` and `received` are messages per second."""
    goals: list[Goal]
    cpu_seconds: dict[str, float]
    """Of each process with its children; those of the bench itself and of all other programs too."""
    cpu_window_seconds: float
    """In how much time: until the last message had come."""


async def measure(
    stack: Stack,
    scenarios: Sequence[Scenario],
    *,
    people: int,
    seconds: float,
    warm_up: float,
    say: Callable[[str], None] = lambda _: None,
) -> list[Result]:
    """Registers people, connects them and runs one scenario after the other.

    Args:
        stack: is up, with rate limits out of the way.
        scenarios: in this order.
        people: how many, each with one socket.
        seconds: for how long they talk.
        warm_up: for how long they talk before.
        say: gets told what happens.
    """
    say(f"Registering {people} people")
    persons = await registered(stack.web_url, people)
    urls = [url.replace("http:", "ws:") + "/v1/socket" for url in stack.urls("delivery")]
    processor = Processor(stack)
    results = []
    ((beside, (somebody, _)),) = (await made_groups(stack.web_url, persons, Load(conversations=1, members=2))).items()
    writer = next(person for person in persons if person.user_id == somebody)
    async with connected(persons, urls) as talkers:
        for scenario in scenarios:
            say(f"{scenario.name}: {scenario.text}")
            groups = await made_groups(stack.web_url, persons, scenario)
            await run(scenario, talkers, groups, warm_up)
            await asyncio.sleep(QUIET_SECONDS)
            gc.collect()
            gc.freeze()  # else a full collection stops the clock of those who wait for a message
            async with watched(stack.kafka_brokers) as watcher:
                # In a thread: it takes a while, and the sockets' heartbeats must not wait for it.
                before, started = await asyncio.to_thread(processor.seconds), perf_counter()
                async with _sending_by_http(stack.web_url, writer, beside) as by_http:
                    tally = await run(scenario, talkers, groups, seconds)
                after, took = await asyncio.to_thread(processor.seconds), perf_counter() - started
                tally.appended_at.update(by_http)
                sightings = await watcher.sightings(tally.appended_at)
            cpu = {name: round(after[name] - before[name], 2) for name in after}
            results.append(_result(scenario, tally, sightings, cpu, took))
    return results


@asynccontextmanager
async def _sending_by_http(url: str, writer: Tokens, conversation_id: str) -> AsyncIterator[Mapping[Event, float]]:
    """Meanwhile somebody sends a little by HTTP. Yields when each of it was appended, as Unix time."""
    appended_at: dict[Event, float] = {}

    async def send() -> None:
        while True:
            message = {"client_message_id": uuid.uuid4().hex, "body": BODY}
            sent = await api.ask("POST", f"/v1/conversations/{conversation_id}/messages", Sent, json=message)
            appended_at[conversation_id, sent.seq] = sent.at.timestamp()
            await asyncio.sleep(HTTP_SECONDS)

    async with httpx.AsyncClient(base_url=url) as http:
        api = Api(http, MemoryStore(writer), PATIENCE_SECONDS)
        sending = asyncio.create_task(send())
        try:
            yield appended_at
        finally:
            sending.cancel()
            with suppress(asyncio.CancelledError):
                await sending


class Processor:
    """Who uses how much of the processor."""

    def __init__(self, stack: Stack) -> None:
        self._processes = {name: psutil.Process(stack.pid(name)) for name in stack.programs}
        self._processes[DRIVER] = psutil.Process()

    def seconds(self) -> dict[str, float]:
        """Seconds until now, by process."""
        own = {name: _with_children(process) for name, process in self._processes.items()}
        machine = psutil.cpu_times()
        busy = sum(machine[:8]) - machine.idle - machine.iowait  # without those of guests, which `user` has too
        return {**own, OTHERS: busy - sum(own.values())}


def _with_children(process: psutil.Process) -> float:
    total = sum(process.cpu_times()[:4])  # among them the children that have ended
    for child in process.children(recursive=True):
        try:
            total += sum(child.cpu_times()[:4])
        except psutil.NoSuchProcess:
            continue  # its time is its parent's by the next look
    return total


def _result(
    scenario: Scenario, tally: Tally, sightings: Sequence[Sighting], cpu: dict[str, float], took: float
) -> Result:
    lanes: dict[str, list[float]] = {"fast": [], "guarantee": []}
    pointed: set[tuple[str, int]] = set()
    for seen in sightings:
        # A run of events is as late as its first.
        appended_at = tally.appended_at.get((seen.conversation_id, seen.first_seq))
        if appended_at is not None:
            lanes[seen.lane].append(seen.seen_at - appended_at)
        if seen.lane == "guarantee":
            pointed |= {(seen.conversation_id, seq) for seq in range(seen.first_seq, seen.last_seq + 1)}
    figures = {
        "send to ack": statistics(tally.acknowledged),
        "send to receive": statistics(tally.received),
        "append to receive": statistics(tally.fanned_out),
        "fast lane": statistics(lanes["fast"]),
        "guarantee lane": statistics(lanes["guarantee"]),
        "appended": {"per second": round(len(tally.acknowledged) / tally.seconds, 1)},
        "received": {"per second": round(len(tally.received) / tally.seconds, 1)},
        "segment": {"mean messages": round(len(tally.acknowledged) / max(1, len(lanes["guarantee"])), 1)},
    }
    return Result(
        name=scenario.name,
        text=scenario.text,
        seconds=round(tally.seconds, 2),
        sent=tally.sent,
        acknowledged=len(tally.acknowledged),
        received=len(tally.received),
        missing=tally.outstanding,
        pointers_missing=len(tally.appended_at.keys() - pointed),
        errors=dict(tally.errors),
        figures=figures,
        goals=_goals(scenario, figures),
        cpu_seconds=cpu,
        cpu_window_seconds=round(took, 2),
    )


def _goals(scenario: Scenario, figures: Mapping[str, Mapping[str, float]]) -> list[Goal]:
    values = ((goal, figures[goal.figure].get(goal.statistic)) for goal in scenario.goals)
    return [Goal(str(goal), value, value is not None and goal.is_met(value)) for goal, value in values]
