"""Tables of the command line."""

from __future__ import annotations

import uuid

import pytest
from realchat.cli.table import print_table


@pytest.mark.parametrize("width", [40, 100, 300])
def test_what_one_copies_is_whole_on_any_terminal(
    width: int, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("COLUMNS", str(width))
    rows = [[str(uuid.uuid4()), "2026-01-01T00:00:00.000Z", str(uuid.uuid4()), "word " * 50] for _ in range(2)]
    rows.append(["", "", "", "x" * 500 + " :tada: [bold]"])
    print_table(("report_id", "reported_at", "sender_id", "body"), rows)
    written = capsys.readouterr().out
    for row in rows[:2]:
        assert f"{row[0]}  {row[1]}  {row[2]}" in written
    assert written.count("word") == 100
    assert written.count("x") == 500
    assert ":tada:" in written
    assert "[bold]" in written
    assert max(map(len, written.splitlines())) <= max(width, 130)


def test_a_list_of_nothing_is_its_head(capsys: pytest.CaptureFixture[str]) -> None:
    print_table(("id", "title"), [])
    assert capsys.readouterr().out.split() == ["id", "title"]
