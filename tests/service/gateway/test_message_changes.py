"""Edits and deletions over HTTP."""

from __future__ import annotations

from typing import Any

import pytest
from service.gateway.backends import Backends
from service.gateway.door import Client
from service.gateway.test_conversations import AT, AT_MS

from chat.message.v1 import message_pb2 as pb
from realchat_common.errors import Code, RealChatError
from realchat_common.ids import new_id

TALK, MESSAGE = new_id(), new_id()
PATH = f"/v1/conversations/{TALK}/messages/{MESSAGE}"
WHICH: dict[str, Any] = {"conversation_id": TALK, "message_id": MESSAGE}


async def test_a_message_is_edited(alice: Client, backends: Backends) -> None:
    backends.answer("EditMessage", pb.EditMessageResponse(seq=8, at_ms=AT_MS))
    body: dict[str, Any] = {"body": "new", "mentions": [new_id()], "mention_all": True}
    answer = await alice.ask("PATCH", PATH, json=body)
    assert (answer.status_code, answer.json()) == (200, {**WHICH, "seq": 8, "at": AT, "unchanged": False})
    assert backends.asked("EditMessage") == pb.EditMessageRequest(**WHICH, **body)
    assert backends.caller("EditMessage").user.user_id == alice.user_id  # type: ignore[union-attr]


@pytest.mark.parametrize(
    ("query", "method"), [("", "DeleteMessage"), ("?for=everyone", "DeleteMessage"), ("?for=me", "HideMessage")]
)
async def test_a_message_is_deleted_for_everyone_or_for_oneself(
    alice: Client, backends: Backends, query: str, method: str
) -> None:
    answer = await alice.ask("DELETE", PATH + query)
    assert (answer.status_code, answer.content) == (204, b"")
    assert {name for name, _, _ in backends.calls} & {"DeleteMessage", "HideMessage"} == {method}
    asked = backends.asked(method)
    assert (asked.conversation_id, asked.message_id) == (TALK, MESSAGE)


@pytest.mark.parametrize("code", [Code.EDIT_TOO_LATE, Code.PERMISSION_DENIED, Code.MESSAGE_NOT_FOUND])
async def test_a_change_that_is_refused_says_why(alice: Client, backends: Backends, code: Code) -> None:
    backends.answer("EditMessage", RealChatError(code))
    answer = await alice.ask("PATCH", PATH, json={"body": "new"})
    assert (answer.status_code, answer.json()["code"]) == (code.http, code.value)


@pytest.mark.parametrize(("method", "remove"), [("PUT", False), ("DELETE", True)])
async def test_a_message_is_given_an_emoji_which_is_taken_back(
    alice: Client, backends: Backends, method: str, remove: bool
) -> None:
    backends.answer("ReactToMessage", pb.ReactToMessageResponse(seq=8, at_ms=AT_MS, unchanged=True))
    answer = await alice.ask(method, f"{PATH}/reactions/%F0%9F%91%8D")
    assert (answer.status_code, answer.json()) == (200, {**WHICH, "seq": 8, "at": AT, "unchanged": True})
    assert backends.asked("ReactToMessage") == pb.ReactToMessageRequest(**WHICH, emoji="👍", remove=remove)


async def test_who_reacted_is_listed_in_pages(alice: Client, backends: Backends) -> None:
    reaction = pb.Reaction(user_id=alice.user_id, emoji="👍", reacted_at_ms=AT_MS)
    backends.answer("ListReactions", pb.ListReactionsResponse(reactions=[reaction], next_cursor="next"))
    answer = await alice.ask("GET", f"{PATH}/reactions?emoji=%F0%9F%91%8D&limit=1&cursor=this")
    assert answer.json() == {
        "reactions": [{"user_id": alice.user_id, "emoji": "👍", "at": AT}],
        "next_cursor": "next",
    }
    assert backends.asked("ListReactions") == pb.ListReactionsRequest(**WHICH, emoji="👍", limit=1, cursor="this")


async def test_what_a_message_said_is_listed(alice: Client, backends: Backends) -> None:
    revisions = [pb.Revision(body=body, written_at_ms=AT_MS) for body in ("old", "new")]
    backends.answer("ListEdits", pb.ListEditsResponse(revisions=revisions))
    answer = await alice.ask("GET", f"{PATH}/edits")
    assert answer.json() == {"revisions": [{"body": "old", "at": AT}, {"body": "new", "at": AT}]}
