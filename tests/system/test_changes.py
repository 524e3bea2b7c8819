"""Edits and deletions on the whole system, down to the bytes of the log."""

from __future__ import annotations

import base64
import json

import asyncpg
from stack import Stack
from support.chat import Device, eventually, online
from support.fixtures import NewPerson


async def kept_somewhere(stack: Stack, text: str) -> list[str]:
    """The tables of any of the services' databases that have a text, in clear or as bytes."""
    found: list[str] = []
    administrator = await asyncpg.connect(stack.postgres_url)
    names = await administrator.fetch("SELECT datname FROM pg_database WHERE datallowconn AND NOT datistemplate")
    await administrator.close()
    for (name,) in names:
        database = await asyncpg.connect(stack.postgres_url.rpartition("/")[0] + f"/{name}")
        for (table,) in await database.fetch("SELECT tablename FROM pg_tables WHERE schemaname = 'public'"):
            rows = await database.fetch(f'SELECT * FROM "{table}"')
            if any(holds(value, text) for row in rows for value in row):
                found.append(f"{name}.{table}")
        await database.close()
    return found


def holds(value: object, text: str) -> bool:
    if isinstance(value, bytes):
        return text.encode() in value
    if isinstance(value, str):
        if text in value:
            return True
        try:  # Dapr keeps bytes as base64 in JSON
            return text.encode() in base64.b64decode(json.loads(value), validate=True)
        except (ValueError, TypeError):
            return False
    return False


async def test_an_edit_and_a_deletion_reach_everybody_and_no_body_is_found_afterwards(
    stack: Stack, person: NewPerson, socket_urls: list[str]
) -> None:
    alice, bob = await person("Alice"), await person("Bob")
    conversation = await alice.talks_to(bob)
    phone, bobs = Device(alice, [socket_urls[0]]), Device(bob, [socket_urls[1]])
    async with online(phone, bobs):
        sent = await phone.sends(conversation, "buried treasure")
        path = f"/v1/conversations/{conversation}/messages/{sent['message_id']}"
        await alice.asks("PATCH", path, json={"body": "buried treasure, edited"})
        await bobs.reaches(conversation, 3)
        assert bobs.received[conversation][-1]["data"]["body"] == "buried treasure, edited"
        assert any("log_state" in table for table in await kept_somewhere(stack, "buried treasure"))
        await alice.asks("DELETE", path)
        await bobs.reaches(conversation, 4)
        assert bobs.received[conversation][-1]["kind"] == "message.deleted"

    async def gone() -> bool:
        return await kept_somewhere(stack, "buried treasure") == []

    await eventually(gone, "no body is kept", 20)
    late = Device(bob, socket_urls)
    late.received[conversation] = bobs.received[conversation][:1]
    async with online(late):
        await late.reaches(conversation, 4)
    assert "treasure" not in json.dumps(late.received)
    assert [event["data"].get("deleted") for event in late.received[conversation][1:]] == [True, True, None]
    assert "treasure" not in json.dumps(await bob.history(conversation))
