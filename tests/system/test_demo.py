"""What `just demo` leaves behind."""

from __future__ import annotations

import asyncio
import subprocess
import sys

import httpx
from stack import Stack, paths
from stack.demo import GROUPS, NAMES, accounts
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
