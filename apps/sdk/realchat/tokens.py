"""Where a session is kept between runs."""

from __future__ import annotations

import asyncio
import fcntl
import os
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path
from typing import Protocol

import msgspec

from realchat.models import Tokens

_POLL_SECONDS = 0.05


class TokenStore(Protocol):
    """Keeps one session. A refresh token is good for one use: programs that share a store take turns."""

    def load(self) -> Tokens | None:
        """The session, as it was last saved by anybody."""
        ...

    def save(self, tokens: Tokens | None) -> None:
        """Keeps a session; None forgets it."""
        ...

    def exclusive(self) -> AbstractAsyncContextManager[None]:
        """Inside, nobody else refreshes this session."""
        ...


class MemoryStore:
    """Keeps a session for as long as the program runs."""

    def __init__(self, tokens: Tokens | None = None) -> None:
        self._tokens = tokens

    def load(self) -> Tokens | None:
        """The session."""
        return self._tokens

    def save(self, tokens: Tokens | None) -> None:
        """Keeps a session; None forgets it."""
        self._tokens = tokens

    @asynccontextmanager
    async def exclusive(self) -> AsyncIterator[None]:
        """Nobody else has this store."""
        yield


class FileStore:
    """Keeps a session in a file that only its owner may read; several programs may share it.

    Args:
        path: is made, with its folder, when something is saved.
    """

    def __init__(self, path: Path) -> None:
        self.path = path

    def load(self) -> Tokens | None:
        """The session; None when there is none, or the file is not one of ours."""
        try:
            return msgspec.json.decode(self.path.read_bytes(), type=Tokens)
        except (FileNotFoundError, msgspec.DecodeError):
            return None

    def save(self, tokens: Tokens | None) -> None:
        """Puts a session in the file's place at once and whole; None removes the file."""
        if tokens is None:
            self.path.unlink(missing_ok=True)
            return
        self.path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        new = self.path.with_name(f".{self.path.name}.{os.getpid()}")
        descriptor = os.open(new, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(descriptor, "wb") as file:
            file.write(msgspec.json.encode(tokens))
        new.replace(self.path)

    @asynccontextmanager
    async def exclusive(self) -> AsyncIterator[None]:
        """Holds a lock beside the file; it ends with the process."""
        self.path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        descriptor = os.open(self.path.with_name(f".{self.path.name}.lock"), os.O_WRONLY | os.O_CREAT, 0o600)
        try:
            while not _locked(descriptor):  # noqa: ASYNC110 - the kernel does not call back
                await asyncio.sleep(_POLL_SECONDS)
            yield
        finally:
            os.close(descriptor)


def _locked(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
