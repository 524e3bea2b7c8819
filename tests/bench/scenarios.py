"""What is measured, as data: who talks, how, and what is to be reached."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from realchat.load import Load


@dataclass(frozen=True)
class Goal:
    """A figure to reach, in the unit of the figure (milliseconds, or messages per second)."""

    figure: str
    statistic: str
    most: float | None = None
    least: float | None = None

    def is_met(self, value: float) -> bool:
        return (self.most is None or value < self.most) and (self.least is None or value >= self.least)

    def __str__(self) -> str:
        bound = f"< {self.most:g} ms" if self.most is not None else f">= {self.least:g}/s"
        return f"{self.figure} {self.statistic} {bound}"


@dataclass(frozen=True)
class Scenario(Load):
    """A load with a name and what is to be reached under it."""

    name: str
    text: str
    goals: tuple[Goal, ...] = ()


PEOPLE = 40

SCENARIOS: Mapping[str, Scenario] = {
    scenario.name: scenario
    for scenario in (
        Scenario(
            "steady",
            "100 msg/s over 20 conversations of 5, open loop",
            conversations=20,
            members=5,
            rate=100,
            goals=(
                Goal("send to receive", "p50", most=15),
                Goal("send to receive", "p99", most=60),
                Goal("guarantee lane", "p99", most=1_500),
            ),
        ),
        Scenario(
            "busy",
            "one conversation of 4, 400 sends unanswered",
            conversations=1,
            members=4,
            window=100,
            goals=(Goal("appended", "per second", least=1_500),),
        ),
        Scenario("busy-open", "one conversation of 4, 1,500 msg/s, open loop", conversations=1, members=4, rate=1_500),
        Scenario("many", "500 conversations of 2, 200 sends unanswered", conversations=500, members=2, window=5),
    )
}
