"""Redis as the stack runs it: with a password, and appending to disk, for streams are kept in it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import redis

from stack.ports import HOST
from stack.program import Group, Program
from stack.vault import Vault, write_private


@dataclass(frozen=True)
class Redis:
    """The Redis of one stack."""

    server: Path
    state: Path
    port: int
    vault: Vault

    @property
    def _config(self) -> Path:
        return self.state / "redis.conf"

    @property
    def data(self) -> Path:
        return self.state / "redis"

    def prepare(self) -> None:
        """Writes the configuration; a password on the command line could be read by anyone."""
        self.data.mkdir(parents=True, exist_ok=True)
        settings = {
            "bind": HOST,
            "port": self.port,
            "requirepass": self.vault.seed["redis"],
            "dir": f'"{self.data}"',
            "appendonly": "yes",
            "appendfsync": "everysec",
        }
        write_private(self._config, "".join(f"{name} {value}\n" for name, value in settings.items()))

    def program(self) -> Program:
        return Program(
            name="redis",
            group=Group.BACKING,
            command=(str(self.server), str(self._config)),
            directory=self.state,
            ports={"Redis": self.port},
        )

    def is_ready(self) -> bool:
        try:
            with redis.Redis.from_url(self.vault.redis_url(self.port), socket_timeout=1) as client:
                return bool(client.ping())
        except redis.RedisError:  # also while it loads its data
            return False
