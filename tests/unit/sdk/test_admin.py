"""`realchat admin` asks the routes of the administration."""

from __future__ import annotations

import httpx
import msgspec
import pytest
from realchat import Client, MemoryStore
from realchat.cli.commands import app
from realchat.models import Tokens
from typer.testing import CliRunner

TOKENS = Tokens(user_id="me", session_id="s", access_token="a", refresh_token="r", expires_in=900)


class Administration:
    """Three entries in the audit log, two on a page; notes what it is asked."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, str, str]] = []

    def __call__(self, request: httpx.Request) -> httpx.Response:
        self.asked.append((request.method, request.url.path, request.content.decode()))
        if request.url.path == "/v1/admin/reports":
            problem = {"code": "permission_denied", "detail": "only for administrators", "temporary": False}
            return httpx.Response(403, json=problem)
        if request.url.path == "/v1/admin/dead-letters":
            replayed = {"d": None, "c": "1", "b": None, "a": None}
            letters = [{"letter_id": name, "replayed_at": at} for name, at in replayed.items()]
            return httpx.Response(200, json={"letters": letters, "next_cursor": None})
        if request.url.path.startswith("/v1/admin/dead-letters/") and request.method == "GET":
            return httpx.Response(200, json={"letter_id": "a", "key": "talk", "content": "eyI/IjoifiJ9"})
        if request.method != "GET":
            return httpx.Response(204)
        second = request.url.params.get("cursor") == "more"
        entries = [
            {"at": f"{n}", "actor": "me", "action": "user.suspend", "subject_id": "u", "detail": "d"} for n in "123"
        ]
        content = {"entries": entries[2:] if second else entries[:2], "next_cursor": None if second else "more"}
        return httpx.Response(200, json=content)


@pytest.fixture
def administration(monkeypatch: pytest.MonkeyPatch) -> Administration:
    there = Administration()

    def client() -> Client:
        return Client("http://chat.test", store=MemoryStore(TOKENS), transport=httpx.MockTransport(there))

    monkeypatch.setattr("realchat.cli.admin.client", client)
    return there


def test_an_administrator_lists_page_by_page_and_acts(administration: Administration) -> None:
    listed = CliRunner().invoke(app, ["admin", "audit", "--json"])
    assert [msgspec.json.decode(line)["at"] for line in listed.stdout.splitlines()] == ["1", "2", "3"]
    assert CliRunner().invoke(app, ["admin", "audit", "--limit", "1"]).stdout.count("user.suspend") == 1
    assert CliRunner().invoke(app, ["admin", "suspend", "u", "spam"]).exit_code == 0
    assert administration.asked[-1] == ("POST", "/v1/admin/users/u/suspension", '{"reason":"spam"}')
    assert CliRunner().invoke(app, ["admin", "unsuspend", "u"]).exit_code == 0
    assert administration.asked[-1] == ("DELETE", "/v1/admin/users/u/suspension", "")
    assert CliRunner().invoke(app, ["admin", "role", "u", "member"]).exit_code == 0
    assert administration.asked[-1] == ("PATCH", "/v1/admin/users/u", '{"role":"member"}')
    assert CliRunner().invoke(app, ["admin", "role", "u", "king"]).exit_code == 2


def test_who_is_no_administrator_is_told_so(administration: Administration) -> None:
    refused = CliRunner().invoke(app, ["admin", "reports"])
    assert refused.exit_code == 1
    assert "permission_denied" in refused.stderr


def test_a_dead_letter_is_shown_as_it_is_and_those_that_were_not_yet_are_put_back_in_their_order(
    administration: Administration,
) -> None:
    shown = CliRunner().invoke(app, ["admin", "dead-letters", "show", "a"])
    assert (shown.stdout, shown.stderr) == ('{"?":"~"}\n', "key: talk\n")
    assert "1 put back" in CliRunner().invoke(app, ["admin", "dead-letters", "replay", "c"]).stdout
    assert "3 put back" in CliRunner().invoke(app, ["admin", "dead-letters", "replay", "--all"]).stdout
    replayed = [path for method, path, _ in administration.asked if method == "POST"]
    assert replayed == [f"/v1/admin/dead-letters/{name}/replay" for name in "cabd"]
    for wrong in ([], ["--all", "a"]):
        assert CliRunner().invoke(app, ["admin", "dead-letters", "replay", *wrong]).exit_code == 2
