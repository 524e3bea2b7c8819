"""Administration on the whole system."""

from __future__ import annotations

import asyncio
import subprocess
import sys

import pytest
from stack import Stack, paths
from support.chat import ApiError, opened
from support.fixtures import NewPerson


async def test_an_administrator_sees_a_report_and_suspends_its_sender_at_once(
    stack: Stack, person: NewPerson, socket_urls: list[str]
) -> None:
    root, alice, mallory = await person("Root"), await person("Alice"), await person("Mallory")
    with pytest.raises(ApiError) as refusal:
        await root.asks("GET", "/v1/admin/users")
    assert refusal.value.code == "permission_denied"
    command = [sys.executable, "-m", "stack.admin", root.email, "--name", stack.name]
    await asyncio.to_thread(subprocess.run, command, check=True, cwd=paths.ROOT / "dev")

    talk = await mallory.talks_to(alice)
    path = f"/v1/conversations/{talk}/messages"
    sent = await mallory.asks("POST", path, json={"body": "Buy now!", "client_message_id": "1"})
    await alice.asks("POST", f"{path}/{sent['message_id']}/report", json={"reason": "spam"})
    report = (await root.asks("GET", "/v1/admin/reports?open=true"))["reports"][0]
    assert (report["sender_id"], report["body"], report["reason"]) == (mallory.user_id, "Buy now!", "spam")

    async with opened(socket_urls[1], mallory.access_token) as socket:
        await root.asks("POST", f"/v1/admin/users/{mallory.user_id}/suspension", json={"reason": "spam"})
        async with asyncio.timeout(1):
            await socket.connection.wait_closed()
        assert socket.connection.close_code == 4102
    with pytest.raises(ApiError) as refusal:
        await mallory.asks("GET", "/v1/me")
    assert refusal.value.code == "session_revoked"
    await root.asks("POST", f"/v1/admin/reports/{report['report_id']}/resolution", json={"resolution": "suspended"})
    (suspended,) = (await root.asks("GET", f"/v1/admin/users?email_prefix={mallory.email}"))["users"]
    assert suspended["suspension_reason"] == "spam"
    entries = (await root.asks("GET", "/v1/admin/audit?limit=3"))["entries"]
    assert [entry["action"] for entry in entries] == ["report.resolve", "user.suspend", "user.role"]
