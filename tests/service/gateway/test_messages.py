"""Messages over HTTP."""

from __future__ import annotations

from typing import Any

import pytest
from service.gateway.backends import Backends
from service.gateway.door import Client
from service.gateway.test_conversations import AT, AT_MS, said

from chat.message.v1 import message_pb2 as pb
from realchat_common.ids import new_id
from realchat_common.wire import event_json

TALK = new_id()
PATH = f"/v1/conversations/{TALK}"


def appended(*, duplicate: bool = False) -> pb.AppendMessagesResponse:
    message = pb.AppendedMessage(message_id=new_id(), seq=7, sent_at_ms=AT_MS, duplicate=duplicate)
    return pb.AppendMessagesResponse(results=[pb.AppendResult(appended=message)])


async def test_a_message_is_sent_in_the_users_name(alice: Client, backends: Backends) -> None:
    answered, parent = appended(), new_id()
    backends.answer("AppendMessages", answered)
    body: dict[str, Any] = {
        "client_message_id": "c1",
        "body": "hëllo 🐇",
        "reply_to": parent,
        "mentions": [new_id()],
        "mention_all": True,
    }
    answer = await alice.ask("POST", f"{PATH}/messages", json=body)
    assert answer.status_code == 201
    assert answer.json() == {
        "conversation_id": TALK,
        "message_id": answered.results[0].appended.message_id,
        "client_message_id": "c1",
        "seq": 7,
        "at": AT,
        "duplicate": False,
    }
    message = pb.NewMessage(sender_id=alice.user_id, **body)
    assert backends.asked("AppendMessages") == pb.AppendMessagesRequest(conversation_id=TALK, messages=[message])


async def test_a_message_that_was_sent_already_is_told_so(alice: Client, backends: Backends) -> None:
    backends.answer("AppendMessages", appended(duplicate=True))
    answer = await alice.ask("POST", f"{PATH}/messages", json={"client_message_id": "c1", "body": "hello"})
    assert (answer.status_code, answer.json()["duplicate"]) == (200, True)


async def test_the_idempotency_key_is_the_clients_id_of_a_message(alice: Client, backends: Backends) -> None:
    backends.answer("AppendMessages", appended())
    headers = {"Idempotency-Key": '"k1"'}
    answer = await alice.ask("POST", f"{PATH}/messages", json={"body": "hello"}, headers=headers)
    assert answer.json()["client_message_id"] == "k1"
    again = await alice.ask("POST", f"{PATH}/messages", json={"body": "hello"}, headers=headers)
    assert "idempotency-replayed" not in again.headers  # the log decides, not the gateway
    assert backends.times("AppendMessages") == 2
    both = {"body": "hello", "client_message_id": "k2"}
    refused = await alice.ask("POST", f"{PATH}/messages", json=both, headers=headers)
    assert (refused.status_code, refused.json()["field"]) == (422, "client_message_id")


async def test_without_an_id_each_request_is_a_message(alice: Client, backends: Backends) -> None:
    backends.answer("AppendMessages", appended())
    ids = {
        (await alice.ask("POST", f"{PATH}/messages", json={"body": "hello"})).json()["client_message_id"]
        for _ in range(3)
    }
    assert len(ids) == 3


async def test_a_message_that_the_log_refuses_is_an_error(alice: Client, backends: Backends) -> None:
    failure = pb.AppendFailure(code="conversation_not_found", detail="not a member")
    backends.answer("AppendMessages", pb.AppendMessagesResponse(results=[pb.AppendResult(failure=failure)]))
    answer = await alice.ask("POST", f"{PATH}/messages", json={"body": "hello"})
    assert (answer.status_code, answer.json()["code"], answer.json()["detail"]) == (
        404,
        "conversation_not_found",
        "not a member",
    )


@pytest.mark.parametrize(
    ("params", "position"),
    [
        ({}, {}),
        ({"before": 9}, {"before_seq": 9}),
        ({"after": 0}, {"after_seq": 0}),
        ({"around": 5, "limit": 200}, {"around_seq": 5, "limit": 200}),
    ],
)
async def test_history_is_read_from_a_position(
    alice: Client, backends: Backends, params: dict[str, int], position: dict[str, int]
) -> None:
    events = [said(TALK, 1, "one"), said(TALK, 2, "two")]
    backends.answer("GetHistory", pb.GetHistoryResponse(events=events, last_seq=2, has_more=True))
    answer = await alice.ask("GET", f"{PATH}/events", params=params)
    page = {"last_seq": 2, "has_more": True, "anchor_seq": None}
    assert answer.json() == {"events": [event_json(event) for event in events], **page}
    asked: dict[str, Any] = {"conversation_id": TALK, "limit": 50} | position
    assert backends.asked("GetHistory") == pb.GetHistoryRequest(**asked)


async def test_what_was_missed_comes_for_many_conversations(alice: Client, backends: Backends) -> None:
    event, foreign = said(TALK, 7, "missed"), new_id()
    backends.answer(
        "SyncConversations",
        pb.SyncConversationsResponse(
            conversations=[
                pb.SyncedConversation(conversation_id=TALK, events=[event], last_seq=9, truncated=True),
                pb.SyncedConversation(conversation_id=foreign, forbidden=True),
            ],
            epoch="e1",
        ),
    )
    positions = [{"conversation_id": TALK, "after_seq": 6}, {"conversation_id": foreign, "after_seq": 0}]
    answer = await alice.ask("POST", "/v1/sync", json={"positions": positions, "limit": 1})
    assert answer.json() == {
        "epoch": "e1",
        "conversations": [
            {
                "conversation_id": TALK,
                "events": [event_json(event)],
                "last_seq": 9,
                "truncated": True,
                "forbidden": False,
            },
            {"conversation_id": foreign, "events": [], "last_seq": 0, "truncated": False, "forbidden": True},
        ],
    }
    assert backends.asked("SyncConversations").positions[0].after_seq == 6
