"""`realchat admin` in a real pseudo-terminal, on the whole, real system."""

from __future__ import annotations

import asyncio
import subprocess
import sys
import uuid
from pathlib import Path
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


async def test_an_operator_sees_what_could_not_be_read_and_puts_it_back(
    terminal: NewTerminal, stack: Stack, tmp_path: Path
) -> None:
    name = uuid.uuid4().hex
    event = f'{{"specversion":"1.0","id":"{name}","type":"segment","source":"test","data":"?"}}'

    def breaks() -> None:
        producer = Producer({"bootstrap.servers": stack.kafka_brokers})
        producer.produce("conversation-events", event.encode(), b"nobody's")
        assert producer.flush(10) == 0

    async def letters() -> list[str]:
        """The places of those that are of this test."""
        listed = await terminal("admin", "dead-letters", "list", "--brokers", stack.kafka_brokers).prints()
        return [line.split()[0] for line in listed.splitlines() if name in line]

    async def count(expected: int) -> None:
        async def holds() -> bool:
            return len(await letters()) >= expected

        await eventually(holds, f"{expected} letters", 60)

    await asyncio.to_thread(breaks)
    await count(1)
    (place, *_) = await letters()
    shown = await terminal("admin", "dead-letters", "show", place, "--brokers", stack.kafka_brokers).prints()
    assert name in shown
    replayed = terminal("admin", "dead-letters", "replay", place, "--brokers", stack.kafka_brokers)
    await replayed.shows("1 put back into conversation-events")
    assert await replayed.ends() == 0
    await count(2)  # it still cannot be read
    nowhere = terminal("admin", "dead-letters", "show", "0/999999", "--brokers", stack.kafka_brokers)
    await nowhere.shows("there is no letter at 0/999999")
    assert await nowhere.ends() == 2
    away = terminal("admin", "dead-letters", "list", "--brokers", "127.0.0.1:1")
    await away.shows("Kafka at 127.0.0.1:1: ")
    assert await away.ends() == 1
