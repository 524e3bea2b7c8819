"""Scheduled messages, the ends of messages, jumps and exports over HTTP."""

from __future__ import annotations

import json
from typing import Any

import pytest
from service.gateway.backends import Backends
from service.gateway.door import Client
from service.gateway.test_conversations import AT, AT_MS

from chat.event.v1 import event_pb2
from chat.message.v1 import message_pb2
from chat.message.v1 import schedule_pb2 as pb
from realchat_common.errors import Code, RealChatError
from realchat_common.ids import new_id

TALK, LATER = new_id(), new_id()
PATH = f"/v1/conversations/{TALK}"
FILE = new_id()
WAITING = pb.Scheduled(scheduled_id=LATER, conversation_id=TALK, body="later", send_at_ms=AT_MS, attachment_ids=[FILE])


async def test_a_message_is_scheduled_listed_and_cancelled(alice: Client, backends: Backends) -> None:
    backends.answer("ScheduleMessage", pb.ScheduleMessageResponse(scheduled=WAITING))
    made = await alice.ask("POST", f"{PATH}/scheduled", json={"body": "later", "send_at": AT, "attachment_ids": [FILE]})
    assert (made.status_code, made.json()["send_at"], made.json()["failure"]) == (201, AT, None)
    assert made.json()["attachment_ids"] == [FILE]
    asked = pb.ScheduleMessageRequest(conversation_id=TALK, body="later", send_at_ms=AT_MS, attachment_ids=[FILE])
    assert backends.asked("ScheduleMessage") == asked
    backends.answer("ListScheduled", pb.ListScheduledResponse(scheduled=[WAITING], next_cursor="more"))
    listed = (await alice.ask("GET", f"/v1/scheduled?conversation_id={TALK}")).json()
    assert ([each["scheduled_id"] for each in listed["scheduled"]], listed["next_cursor"]) == ([LATER], "more")
    assert (await alice.ask("DELETE", f"/v1/scheduled/{LATER}")).status_code == 204
    assert backends.asked("CancelScheduled").scheduled_id == LATER


@pytest.mark.parametrize(
    ("path", "body", "method", "asked"),
    [
        ("timer", {"seconds": 60}, "SetMessageTimer", {"seconds": 60}),
        ("timer", {"seconds": None}, "SetMessageTimer", {}),
        ("retention", {"days": 7}, "SetRetention", {"days": 7}),
        ("retention", {"days": None}, "SetRetention", {}),
    ],
)
async def test_the_ends_of_messages_are_set(
    alice: Client, backends: Backends, path: str, body: dict[str, Any], method: str, asked: dict[str, Any]
) -> None:
    backends.answer("GetExpiry", pb.GetExpiryResponse(timer_seconds=60))
    answer = await alice.ask("PUT", f"{PATH}/expiry/{path}", json=body)
    assert answer.json() == {"timer_seconds": 60, "retention_days": None}
    assert backends.asked(method) == type(backends.asked(method))(conversation_id=TALK, **asked)
    backends.answer(method, RealChatError(Code.PERMISSION_DENIED))
    assert (await alice.ask("PUT", f"{PATH}/expiry/{path}", json=body)).status_code == 403


@pytest.mark.parametrize(
    ("query", "asked"),
    [
        ("around_time=1970-01-01T00:00:02Z", {"around_ms": 2_000}),
        ("around_unread=first", {"around_unread": True}),
        ("around=0", {"around_seq": 0}),
    ],
)
async def test_history_is_asked_for_around_a_place(
    alice: Client, backends: Backends, query: str, asked: dict[str, Any]
) -> None:
    backends.answer("GetHistory", message_pb2.GetHistoryResponse(last_seq=9, anchor_seq=4))
    answer = await alice.ask("GET", f"{PATH}/events?{query}")
    assert answer.json()["anchor_seq"] == 4
    assert backends.asked("GetHistory") == message_pb2.GetHistoryRequest(conversation_id=TALK, limit=50, **asked)
    assert (await alice.ask("GET", f"{PATH}/events?{query}&after=1")).json()["code"] == "invalid_argument"


async def test_an_export_is_all_that_the_reader_may_see_in_lines_with_an_end(alice: Client, backends: Backends) -> None:
    events = [
        event_pb2.Event(
            conversation_id=TALK,
            seq=seq,
            event_id=new_id(),
            actor_id=new_id(),
            occurred_at_ms=AT_MS,
            conversation_renamed=event_pb2.ConversationRenamed(title=f"title {seq}\n"),
        )
        for seq in (1, 2, 3)
    ]
    backends.answer("GetHistory", message_pb2.GetHistoryResponse(events=events, last_seq=2))
    answer = await alice.ask("GET", f"{PATH}/export")
    assert (answer.status_code, answer.headers["content-type"]) == (200, "application/x-ndjson")
    head, *shown, end = [json.loads(line) for line in answer.text.splitlines()]
    assert (head["conversation_id"], head["last_seq"]) == (TALK, 2)
    assert [event["seq"] for event in shown] == [1, 2]  # what came after the export began is not in it
    assert end == {"end": True, "events": 2}


async def test_an_export_of_what_one_may_not_read_is_refused(alice: Client, backends: Backends) -> None:
    backends.answer("GetHistory", RealChatError(Code.CONVERSATION_NOT_FOUND))
    answer = await alice.ask("GET", f"{PATH}/export")
    assert (answer.status_code, answer.json()["code"]) == (404, "conversation_not_found")
