"""Polls over HTTP."""

from __future__ import annotations

from service.gateway.backends import Backends
from service.gateway.door import Client
from service.gateway.test_conversations import AT, AT_MS

from chat.event.v1 import event_pb2
from chat.message.v1 import poll_pb2 as pb
from realchat_common.errors import Code, RealChatError
from realchat_common.ids import new_id

TALK, POLL = new_id(), new_id()
PATH = f"/v1/conversations/{TALK}/polls"


async def test_a_poll_is_sent_once_per_key(alice: Client, backends: Backends) -> None:
    backends.answer("CreatePoll", pb.CreatePollResponse(message_id=POLL, seq=2, sent_at_ms=AT_MS))
    new = {"question": "Tea?", "options": ["Yes", "No"], "multiple": True}
    made = await alice.ask("POST", PATH, json=new, headers={"Idempotency-Key": '"key"'})
    assert (made.status_code, made.json()["message_id"], made.json()["client_message_id"]) == (201, POLL, "key")
    assert backends.asked("CreatePoll") == pb.CreatePollRequest(
        conversation_id=TALK, client_message_id="key", question="Tea?", options=["Yes", "No"], multiple=True
    )
    backends.answer("CreatePoll", pb.CreatePollResponse(message_id=POLL, seq=2, sent_at_ms=AT_MS, duplicate=True))
    assert (await alice.ask("POST", PATH, json=new)).status_code == 200


async def test_a_poll_is_answered_read_and_closed(alice: Client, backends: Backends) -> None:
    backends.answer("VotePoll", pb.VotePollResponse(seq=3, at_ms=AT_MS))
    voted = await alice.ask("PUT", f"{PATH}/{POLL}/vote", json={"choices": [1]})
    assert voted.json() == {"conversation_id": TALK, "message_id": POLL, "seq": 3, "at": AT, "unchanged": False}
    assert list(backends.asked("VotePoll").choices) == [1]
    poll = event_pb2.Poll(options=["Yes", "No"], counts=[0, 1], voters=1, mine=[1])
    backends.answer("GetPoll", pb.GetPollResponse(question="Tea?", poll=poll))
    found = (await alice.ask("GET", f"{PATH}/{POLL}")).json()
    assert (found["question"], found["counts"], found["mine"], found["closed"]) == ("Tea?", [0, 1], [1], False)
    backends.answer("ClosePoll", pb.ClosePollResponse(seq=4, at_ms=AT_MS))
    assert (await alice.ask("POST", f"{PATH}/{POLL}/close")).json()["seq"] == 4
    backends.answer("VotePoll", RealChatError(Code.POLL_CLOSED))
    refused = await alice.ask("PUT", f"{PATH}/{POLL}/vote", json={"choices": []})
    assert (refused.status_code, refused.json()["code"]) == (409, "poll_closed")
