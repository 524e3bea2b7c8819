"""Receipts over HTTP."""

from __future__ import annotations

from typing import Any

import pytest
from service.gateway.backends import Backends
from service.gateway.door import Client

from chat.event.v1 import event_pb2
from chat.message.v1 import message_pb2 as pb
from realchat_common.ids import new_id

TALK, BOB = new_id(), new_id()
PATH = f"/v1/conversations/{TALK}"


@pytest.mark.parametrize(
    ("route", "body", "mark"),
    [
        ("read", {"up_to_seq": 7}, {"read_up_to": 7}),
        ("delivered", {"up_to_seq": 9}, {"delivered_up_to": 9}),
        ("unread", None, {"marked_unread": True}),
    ],
)
async def test_a_receipt_moves_in_the_users_name(
    alice: Client, backends: Backends, route: str, body: dict[str, int] | None, mark: dict[str, Any]
) -> None:
    receipt = event_pb2.Receipt(user_id=alice.user_id, delivered_up_to=9, read_up_to=7, marked_unread=True)
    backends.answer("MarkReceipts", pb.MarkReceiptsResponse(results=[pb.MarkResult(receipt=receipt)]))
    answer = await alice.ask("POST", f"{PATH}/{route}", json=body)
    asked = pb.ReceiptMark(conversation_id=TALK, user_id=alice.user_id, **mark)
    assert backends.asked("MarkReceipts") == pb.MarkReceiptsRequest(marks=[asked])
    if body is None:
        assert (answer.status_code, answer.content) == (204, b"")
    else:
        expected = {"user_id": alice.user_id, "delivered_up_to": 9, "read_up_to": 7, "marked_unread": True}
        assert (answer.status_code, answer.json()) == (200, expected)


@pytest.mark.parametrize("route", ["read", "delivered", "unread"])
async def test_who_is_not_a_member_has_no_receipt(alice: Client, backends: Backends, route: str) -> None:
    backends.answer("MarkReceipts", pb.MarkReceiptsResponse(results=[pb.MarkResult()]))
    body = None if route == "unread" else {"up_to_seq": 1}
    answer = await alice.ask("POST", f"{PATH}/{route}", json=body)
    assert (answer.status_code, answer.json()["code"]) == (404, "conversation_not_found")


async def test_receipts_are_listed(alice: Client, backends: Backends) -> None:
    receipts = [event_pb2.Receipt(user_id=BOB, delivered_up_to=3, read_up_to=2)]
    backends.answer("ListReceipts", pb.ListReceiptsResponse(receipts=receipts, next_cursor="n"))
    answer = await alice.ask("GET", f"{PATH}/receipts", params={"limit": 1, "cursor": "c"})
    receipt = {"user_id": BOB, "delivered_up_to": 3, "read_up_to": 2, "marked_unread": False}
    assert answer.json() == {"receipts": [receipt], "next_cursor": "n"}
    assert backends.asked("ListReceipts") == pb.ListReceiptsRequest(conversation_id=TALK, limit=1, cursor="c")


async def test_who_has_read_a_message_is_told(alice: Client, backends: Backends) -> None:
    message = new_id()
    backends.answer("GetMessageReceipts", pb.GetMessageReceiptsResponse(delivered_to=[BOB], read_by=[BOB]))
    answer = await alice.ask("GET", f"{PATH}/messages/{message}/receipts")
    assert answer.json() == {"delivered_to": [BOB], "read_by": [BOB]}
    asked = pb.GetMessageReceiptsRequest(conversation_id=TALK, message_id=message)
    assert backends.asked("GetMessageReceipts") == asked
