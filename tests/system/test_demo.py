"""What `just demo` leaves behind."""

from __future__ import annotations

import asyncio
import subprocess
import sys
import uuid
from collections import Counter

import httpx
from realchat import Client
from stack import Stack, paths
from stack.demo import GROUPS, NAMES, Account, accounts, fill
from support.chat import PASSWORD
from support.confidential import confide


async def test_the_demo_gives_its_people_conversations_and_may_be_run_again(
    stack: Stack, http: httpx.AsyncClient
) -> None:
    command = [sys.executable, "-m", "stack.demo", "--messages", "40", "--name", stack.name]
    for _ in range(2):
        await asyncio.to_thread(
            subprocess.run, command, check=True, cwd=paths.ROOT / "dev", stdout=subprocess.DEVNULL, timeout=120
        )
    alice = accounts(stack.state / "demo.json")[0]
    confide(alice.password, alice.email)
    login = await http.post("/v1/auth/login", json={"email": alice.email, "password": alice.password})
    headers = {"Authorization": f"Bearer {login.raise_for_status().json()['access_token']}"}
    inbox = (await http.get("/v1/conversations", headers=headers)).raise_for_status().json()["conversations"]
    titles = {entry["title"] for entry in inbox}
    assert GROUPS[-1] in titles
    assert len(inbox) - len(titles - {""}) == len(NAMES) - 1


async def test_a_demo_that_was_interrupted_is_completed(stack: Stack) -> None:
    people = [Account(name, f"demo-{uuid.uuid4().hex[:12]}@example.org", PASSWORD) for name in NAMES]
    confide(*(person.email for person in people))
    alice = people[0]
    async with Client(stack.web_url) as client, asyncio.timeout(120):
        await client.register(alice.email, alice.password, alice.name)
        happens = client.events()
        await client.connect()
        filling = asyncio.create_task(fill(stack.web_url, people, 40))
        await anext(happens)  # her first group is there, and others are not
        filling.cancel()
        await asyncio.wait([filling])
        assert filling.cancelled()
        await fill(stack.web_url, people, 40)
        groups: dict[str, str] = {}
        for person in people:
            await client.login(person.email, person.password)
            groups |= {entry.conversation_id: entry.title async for entry in client.conversations()}
    assert Counter(title for title in groups.values() if title) == Counter(GROUPS)
