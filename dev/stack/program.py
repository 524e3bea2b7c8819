"""What the supervisor runs: plain data, so that backing services, apps and sidecars are treated alike."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import IntEnum
from pathlib import Path
from typing import Protocol


class Group(IntEnum):
    """Started from the lowest, stopped from the highest: an app stops while all that it needs still runs."""

    OBSERVERS = 0
    BACKING = 1
    SIDECARS = 2
    APPS = 3

    @property
    def label(self) -> str:
        return self.name.lower()


@dataclass(frozen=True)
class Program:
    """One process under the supervisor."""

    name: str
    group: Group
    command: tuple[str, ...]
    directory: Path
    ports: Mapping[str, int]
    """Where it listens, by what for."""
    env: Mapping[str, str] = field(default_factory=dict)
    user: str | None = None
    stop_signal: str = "TERM"
    stop_seconds: int = 20
    stop_as_group: bool = True

    @property
    def path(self) -> str:
        """The supervisor's name for it."""
        return f"{self.group.label}:{self.name}"


class Backing(Protocol):
    """A backing service."""

    def prepare(self) -> None:
        """Writes configuration, and makes empty data where there is none. Raises StackError."""

    def program(self) -> Program:
        """The process to run."""

    def is_ready(self) -> bool:
        """Whether it does its work."""
