"""What a client says: pipelined, acknowledged, within limits."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from realchat_delivery.append import Appended, Outcome
from realchat_delivery.frames import React
from unit.delivery.peer import TALK, Peer, ready, send

from realchat_common.errors import Code, RealChatError
from realchat_common.ids import new_id


async def test_sends_are_pipelined_and_answered_as_they_come_back() -> None:
    async with ready() as peer:
        for name in "abc":
            peer.sends(name)
        await peer.hears_nothing_more()
        answers: list[Outcome] = [
            Appended("m1", 8, 1_764_000_000_123, False),
            RealChatError(Code.INVALID_ARGUMENT, "too long", field="body"),
            Appended("m2", 9, 0, True),
        ]
        for index in (0, 2, 1):
            peer.pendings[index].answer(answers[index])
        assert await peer.hears() == {
            "type": "ack",
            "id": "a",
            "conversation_id": TALK,
            "client_message_id": "a",
            "message_id": "m1",
            "seq": 8,
            "at": "2025-11-24T16:00:00.123Z",
            "duplicate": False,
        }
        assert (await peer.hears())["duplicate"]
        assert await peer.hears() == {
            "type": "error",
            "id": "b",
            "code": "invalid_argument",
            "detail": "too long",
            "temporary": False,
            "field": "body",
        }


async def test_an_answer_after_the_end_is_forgotten() -> None:
    async with ready() as peer:
        peer.sends("a")
        await peer.hears_nothing_more()
    peer.pendings[0].answer(Appended("m1", 8, 0, False))


@pytest.mark.parametrize("change", [{"conversation_id": "x"}, {"reply_to": "x"}])
async def test_ids_are_checked_before_anything_is_sent(change: dict[str, str]) -> None:
    async with ready() as peer:
        answer = await peer.asks({**send("a"), **change})
        assert (answer["code"], answer["field"]) == ("invalid_argument", next(iter(change)))
        assert peer.pendings == []


async def test_who_sends_too_fast_is_told_when_to_go_on() -> None:
    async with ready() as peer:
        for number in range(6):
            peer.sends(str(number))
            if peer.pendings:
                peer.pendings.pop().answer(Appended("m", 1, 0, False))
            await asyncio.sleep(0)
        await asyncio.sleep(0)
        answers = [await peer.hears() for _ in range(peer.wire.outgoing.qsize())]
        (refusal,) = (answer for answer in answers if answer["type"] == "error")
        assert (refusal["id"], refusal["code"], refusal["temporary"]) == ("5", "rate_limited", True)
        peer.now += refusal["retry_after"] + 0.001
        before = len(peer.pendings)
        peer.sends("5")
        await peer.hears_nothing_more()
        assert len(peer.pendings) == before + 1


def react(name: str, **fields: Any) -> dict[str, Any]:
    return {"type": "react", "id": name, "conversation_id": TALK, "message_id": TALK, "emoji": name, **fields}


async def test_changes_of_messages_go_one_after_the_other_and_are_acknowledged_with_their_seq() -> None:
    async with ready() as peer:
        peer.says(react("a"))
        peer.says(react("b", remove=True))
        peer.sends("c")
        await peer.hears_nothing_more()
        assert [change.id for change in peer.changes] == ["a"]
        assert len(peer.pendings) == 1
        peer.changed.put_nowait(Appended(TALK, 8, 1_764_000_000_123, False))
        assert await peer.hears() == {
            "type": "ack",
            "id": "a",
            "conversation_id": TALK,
            "message_id": TALK,
            "seq": 8,
            "at": "2025-11-24T16:00:00.123Z",
            "duplicate": False,
        }
        peer.changed.put_nowait(RealChatError(Code.TOO_MANY_REACTIONS))
        refused = await peer.hears()
        assert (refused["type"], refused["id"], refused["code"]) == ("error", "b", "too_many_reactions")
        second = peer.changes[1]
        assert isinstance(second, React)
        assert second.remove


@pytest.mark.parametrize(
    ("frame", "field"),
    [
        (react("a", message_id="x"), "message_id"),
        (react("a", conversation_id="x"), "conversation_id"),
        (react("a" * 65, id="a"), "emoji"),
        ({"type": "edit", "id": "a", "conversation_id": TALK, "message_id": TALK}, "body"),
        ({"type": "delete", "id": "a", "conversation_id": TALK, "message_id": TALK, "body": ""}, "body"),
    ],
)
async def test_a_change_with_a_wrong_field_is_refused(frame: dict[str, Any], field: str) -> None:
    async with ready() as peer:
        peer.says(frame)
        refused = await peer.hears()
        assert (refused["code"], refused["field"]) == ("invalid_argument", field)


async def test_changes_count_as_sends() -> None:
    async with ready() as peer:
        for name in "abcd":
            peer.says(react(name))
        peer.sends("e")
        assert (await peer.hears())["code"] == "rate_limited"
        for _ in "abcd":
            peer.changed.put_nowait(Appended(TALK, 8, 0, False))
            assert (await peer.hears())["type"] == "ack"


async def test_too_many_unanswered_sends_are_refused() -> None:
    async with ready() as peer:
        for number in range(4):
            peer.sends(str(number))
        assert (await peer.asks(send("5")))["code"] == "rate_limited"
        peer.pendings[0].answer(Appended("m", 1, 0, False))
        assert (await peer.hears())["type"] == "ack"
        peer.now += 1
        peer.sends("6")
        await peer.hears_nothing_more()
        assert len(peer.pendings) == 5


async def test_an_overloaded_node_refuses_and_keeps_the_socket() -> None:
    async with ready(Peer(append_refusal=RealChatError(Code.OVERLOADED, retry_after=1))) as peer:
        answer = await peer.asks(send("a"))
        assert (answer["code"], answer["retry_after"]) == ("overloaded", 1)
        await peer.hears_nothing_more()


async def test_typing_is_told_in_turn_and_refused_where_the_user_is_no_member() -> None:
    async with ready() as peer:
        for state in ("start", "start", "stop", "stop"):
            peer.says({"type": "typing", "conversation_id": TALK, "state": state})
        await peer.hears_nothing_more()
        assert peer.types == [("alice", TALK, "start"), ("alice", TALK, "stop")]
        answer = await peer.asks({"type": "typing", "conversation_id": new_id(), "state": "start"})
        assert (answer["code"], answer["id"]) == ("conversation_not_found", "1")
