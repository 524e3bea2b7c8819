"""A stack's life, as far as nothing has to run for it."""

from __future__ import annotations

from pathlib import Path

import pytest
from stack import Stack, paths
from stack.tools import Tools


def test_a_stack_that_forgets_begins_like_a_new_one_with_the_same_secrets_and_ports(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(paths, "state", lambda name: tmp_path / name)
    monkeypatch.setattr(paths, "cache", lambda: tmp_path / "cache")
    stack = Stack("one")
    stack.__dict__["tools"] = Tools(*[Path()] * 5)  # installs nothing
    before = (stack.vault.seed, stack.layout)
    kept = [stack.postgres.data, stack.redis.data, stack.kafka.data, stack.mail_folder, stack.attachments_folder]
    for folder in kept:
        (folder / "within").mkdir(parents=True)
    stack.forget()
    assert not any(folder.exists() for folder in kept)
    again = Stack("one")
    assert (again.vault.seed, again.layout) == before
