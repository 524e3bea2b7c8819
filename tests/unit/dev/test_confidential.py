"""The search in the logs finds what it is to find, so that its silence means something."""

from __future__ import annotations

from pathlib import Path

import pytest
from support.confidential import repeated


@pytest.mark.parametrize(
    "line",
    [
        '{"event": "sent", "body": "meet me at the old mill"}',
        '{"event": "registered", "email": "alice-0123456789ab@example.org"}',
        "authorization: Bearer eyJhbGciOiJFZERTQSIsImtpZCI6.eyJzdWIiOiIwMWEyMGQyYSJ9.c2ln",
    ],
)
def test_a_log_that_repeats_what_was_said_is_found(line: str, tmp_path: Path) -> None:
    (tmp_path / "message-1.log").write_text(f'{{"event": "started"}}\n{line}\n')
    assert [each.partition(":")[0] for each in repeated(tmp_path, ["meet me at the old mill"])] == ["message-1.log"]


def test_a_log_that_names_ids_only_is_fine(tmp_path: Path) -> None:
    (tmp_path / "message-1.log").write_text('{"event": "append failed", "conversation_id": "01a20d2a", "user": "3f"}\n')
    assert repeated(tmp_path, ["meet me at the old mill"]) == []
