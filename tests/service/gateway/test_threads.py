"""Pins, threads and forwarding over HTTP."""

from __future__ import annotations

import pytest
from service.gateway.backends import Backends
from service.gateway.door import Client
from service.gateway.test_conversations import AT, AT_MS, BOB, said

from chat.message.v1 import message_pb2 as pb
from realchat_common.errors import Code, RealChatError
from realchat_common.ids import new_id
from realchat_common.wire import event_json

TALK, OTHER, MESSAGE = new_id(), new_id(), new_id()
PATH = f"/v1/conversations/{TALK}"


@pytest.mark.parametrize(("method", "remove"), [("PUT", False), ("DELETE", True)])
async def test_a_message_is_pinned_and_unpinned(alice: Client, backends: Backends, method: str, remove: bool) -> None:
    backends.answer("PinMessage", pb.PinMessageResponse(seq=8, at_ms=AT_MS))
    answer = await alice.ask(method, f"{PATH}/pins/{MESSAGE}")
    changed = {"conversation_id": TALK, "message_id": MESSAGE, "seq": 8, "at": AT, "unchanged": False}
    assert (answer.status_code, answer.json()) == (200, changed)
    assert backends.asked("PinMessage") == pb.PinMessageRequest(conversation_id=TALK, message_id=MESSAGE, remove=remove)


async def test_pins_are_listed_with_who_pinned_them(alice: Client, backends: Backends) -> None:
    event = said(TALK, 7, "hello")
    backends.answer("ListPins", pb.ListPinsResponse(pins=[pb.Pin(message=event, pinned_by=BOB, pinned_at_ms=AT_MS)]))
    answer = await alice.ask("GET", f"{PATH}/pins")
    assert answer.json() == {"pins": [{"message": event_json(event), "pinned_by": BOB, "pinned_at": AT}]}


async def test_a_thread_is_its_message_and_a_page_of_replies(alice: Client, backends: Backends) -> None:
    root, reply = said(TALK, 7, "why?"), said(TALK, 9, "because")
    backends.answer("ListReplies", pb.ListRepliesResponse(message=root, replies=[reply], next_cursor="n"))
    answer = await alice.ask("GET", f"{PATH}/messages/{MESSAGE}/replies?limit=1&cursor=c")
    assert answer.json() == {"message": event_json(root), "replies": [event_json(reply)], "next_cursor": "n"}
    assert backends.asked("ListReplies") == pb.ListRepliesRequest(
        conversation_id=TALK, message_id=MESSAGE, limit=1, cursor="c"
    )


@pytest.mark.parametrize(("duplicate", "status"), [(False, 201), (True, 200)])
async def test_a_message_is_forwarded(alice: Client, backends: Backends, duplicate: bool, status: int) -> None:
    copy = pb.AppendedMessage(message_id=new_id(), seq=3, sent_at_ms=AT_MS, duplicate=duplicate)
    backends.answer("ForwardMessage", pb.ForwardMessageResponse(appended=copy))
    body = {"conversation_id": OTHER, "client_message_id": "c1"}
    answer = await alice.ask("POST", f"{PATH}/messages/{MESSAGE}/forward", json=body)
    assert (answer.status_code, answer.json()) == (
        status,
        {**body, "message_id": copy.message_id, "seq": 3, "at": AT, "duplicate": duplicate},
    )
    assert backends.asked("ForwardMessage") == pb.ForwardMessageRequest(
        conversation_id=TALK, message_id=MESSAGE, to_conversation_id=OTHER, client_message_id="c1"
    )


async def test_a_pin_too_many_is_refused(alice: Client, backends: Backends) -> None:
    backends.answer("PinMessage", RealChatError(Code.TOO_MANY_PINS))
    answer = await alice.ask("PUT", f"{PATH}/pins/{MESSAGE}")
    assert (answer.status_code, answer.json()["code"]) == (409, "too_many_pins")
