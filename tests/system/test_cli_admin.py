"""`realchat admin` in a real pseudo-terminal, on the whole, real system."""

from __future__ import annotations

import asyncio
import subprocess
import sys
import uuid
from typing import Any

import pytest
from confluent_kafka import Producer
from realchat import RealChatError
from stack import Stack, paths
from support.chat import eventually
from support.confidential import confide
from support.terminal import NewTerminal, friend, logs_in


async def promoted(stack: Stack, email: str) -> None:
    command = [sys.executable, "-m", "stack.admin", email, "--name", stack.name]
    await asyncio.to_thread(subprocess.run, command, check=True, cwd=paths.ROOT / "dev", stdout=subprocess.DEVNULL)


async def test_an_administrator_closes_a_report_and_keeps_its_sender_out(
    terminal: NewTerminal, stack: Stack, email: str
) -> None:
    await logs_in(terminal, stack, email)
    refused = terminal("admin", "users")
    await refused.shows("permission_denied")
    assert await refused.ends() == 1
    await promoted(stack, email)
    async with friend(stack) as bob, friend(stack) as carol:
        bob_id = bob.user_id
        talk = (await bob.direct(carol.user_id)).conversation_id
        spam = f"buy {uuid.uuid4().hex}"
        confide(spam)
        sent = await bob.send(talk, spam)
        filed = f"/v1/conversations/{talk}/messages/{sent.message_id}/report"
        await carol.api.ask("POST", filed, dict[str, str], json={"reason": "unasked for"})

        reports = await terminal("admin", "reports", "--open", "--json").prints_json()
        (report,) = [each for each in reports if each["message_id"] == sent.message_id]
        assert (report["body"], report["sender_id"], report["reason"]) == (spam, bob_id, "unasked for")
        shown = await terminal("admin", "reports", "--limit", "1").prints()
        assert report["report_id"] in shown
        assert "unasked for" in shown

        suspend = terminal("admin", "suspend", bob_id, "sells things")
        assert await suspend.ends() == 0
        users = await terminal("admin", "users", "--suspended", "--json").prints_json()
        (user,) = [each for each in users if each["user_id"] == bob_id]
        assert user["suspension_reason"] == "sells things"
        assert bob_id in await terminal("admin", "users", "--email", user["email"]).prints()
        await terminal("admin", "resolve", report["report_id"], "sender suspended").prints()
        assert report not in await terminal("admin", "reports", "--open", "--json").prints_json()
        await terminal("admin", "unsuspend", bob_id).prints()
        assert user not in await terminal("admin", "users", "--suspended", "--json").prints_json()

        entries = await terminal("admin", "audit", "--limit", "4", "--json").prints_json()
        assert [(entry["action"], entry["subject_id"]) for entry in entries[:3]] == [
            ("user.unsuspend", bob_id),
            ("report.resolve", report["report_id"]),
            ("user.suspend", bob_id),
        ]
        table = await terminal("admin", "audit", "--limit", "3").prints()
        assert table.count("user.") == 2
        assert bob_id in table


async def test_an_administrator_makes_another_one_and_takes_it_back(
    terminal: NewTerminal, stack: Stack, email: str
) -> None:
    await logs_in(terminal, stack, email)
    await promoted(stack, email)
    async with friend(stack) as bob:
        bob_id = bob.user_id
        await terminal("admin", "role", bob_id, "admin").prints()
        assert await bob.api.ask("GET", "/v1/admin/users?limit=1", dict[str, Any])
        await terminal("admin", "role", bob_id, "member").prints()
        with pytest.raises(RealChatError) as refusal:
            await bob.api.ask("GET", "/v1/admin/users", dict[str, Any])
        assert refusal.value.code == "permission_denied"
        entries = await terminal("admin", "audit", "--limit", "2", "--json").prints_json()
        assert [(entry["subject_id"], entry["detail"]) for entry in entries] == [(bob_id, "member"), (bob_id, "admin")]
    (myself,) = await terminal("admin", "users", "--email", email, "--json").prints_json()
    oneself = terminal("admin", "role", myself["user_id"], "member")  # one administrator is left, whatever happens
    await oneself.shows("nobody does this to oneself")
    assert await oneself.ends() == 1


async def test_what_cannot_be_read_is_seen_by_an_administrator_and_put_back(
    terminal: NewTerminal, stack: Stack, email: str
) -> None:
    await logs_in(terminal, stack, email)
    await promoted(stack, email)
    event_id = uuid.uuid4().hex
    event = f'{{"specversion":"1.0","id":"{event_id}","type":"segment","source":"test","data":"?"}}'

    def breaks() -> None:
        producer = Producer({"bootstrap.servers": stack.kafka_brokers})
        producer.produce("conversation-events", event.encode(), b"nobody's")
        assert producer.flush(10) == 0

    async def letters() -> list[dict[str, Any]]:
        listed = await terminal("admin", "dead-letters", "list", "--json").prints_json()
        return [letter for letter in listed if letter["event_id"] == event_id]

    async def come(count: int) -> None:
        async def have() -> bool:
            return len(await letters()) == count

        await eventually(have, f"{count} letters", 60)

    await asyncio.to_thread(breaks)
    await come(1)
    (letter,) = await letters()
    letter_id = letter["letter_id"]
    assert (letter["topic"], letter["type"], letter["replayed_at"]) == ("conversation-events", "segment", None)
    assert event_id in await terminal("admin", "dead-letters", "list").prints()
    shown = await terminal("admin", "dead-letters", "show", letter_id).prints()
    assert "key: nobody's" in shown
    assert event in shown
    replay = terminal("admin", "dead-letters", "replay", letter_id)
    await replay.shows("1 put back")
    assert await replay.ends() == 0
    await come(2)  # it still cannot be read
    again, before = await letters()
    assert (again["topic"], again["size"], again["replayed_at"]) == ("conversation-events", len(event), None)
    assert before["replayed_at"] is not None
    entries = await terminal("admin", "audit", "--limit", "2", "--json").prints_json()
    assert [(entry["action"], entry["subject_id"]) for entry in entries] == [
        ("dead_letter.replay", letter_id),
        ("dead_letter.read", letter_id),
    ]
    nowhere = terminal("admin", "dead-letters", "show", str(uuid.uuid4()))
    await nowhere.shows("dead_letter_not_found")
    assert await nowhere.ends() == 1
