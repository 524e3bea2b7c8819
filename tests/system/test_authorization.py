"""Who may do what: contracts/authorization.yaml, walked on the whole system."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

import httpx
import pytest
import yaml
from service.gateway.test_bad_input import BODIES, ROUTES, TALK
from stack import Stack, paths
from support.chat import Frame, Person, eventually, opened
from support.confidential import confide
from support.routes import route_of, routes

CONTRACT = yaml.safe_load((paths.ROOT / "contracts" / "authorization.yaml").read_text())
PERSONAS: list[str] = CONTRACT["personas"]
REFUSED: dict[str, dict[str, str]] = {
    operation: {persona: code for code, personas in rule["refused"].items() for persona in personas}
    for rule in CONTRACT["rules"].values()
    for operation in rule["operations"]
}
"""By operation and persona, the code of the refusal; nothing where the persona may."""
CODES = {code for refused in REFUSED.values() for code in refused.values()}
MEMBERS = ("former", "member", "admin", "suspended", "bot")
NOBODYS = "019a8f3e-5c1b-7d2e-9a41-2f6b8c0d1e11"
SOCKETLESS = {"anonymous", "suspended"}
TOMORROW = {"body": "x", "send_at": (datetime.now(UTC) + timedelta(days=1)).isoformat()}
REQUESTS = {**BODIES, ("POST", f"{TALK}/scheduled"): TOMORROW}
"""Bodies that are right in every respect, so that nothing but the persona is a reason to refuse."""
LEAVE = ("POST", f"{TALK}/leave")
FRAMES: dict[str, Frame] = {
    "send": {"client_message_id": "1", "body": "x"},
    "edit": {"message_id": NOBODYS, "body": "x"},
    "delete": {"message_id": NOBODYS},
    "react": {"message_id": NOBODYS, "emoji": "👍"},
    "read": {"up_to_seq": 1},
    "delivered": {"up_to_seq": 1},
    "typing": {"state": "start"},
}

SILENT = {"read", "delivered", "typing"}
"""Frames that are answered only when they are refused."""


@dataclass
class Cast:
    """Everybody, and a group that some of them are in."""

    http: httpx.AsyncClient
    people: dict[str, Person]
    group: str

    async def makes_group(self) -> str:
        """Another group like the first."""
        owner, members = self.people["owner"], [self.people[name] for name in MEMBERS]
        group = await owner.makes_group("Matrix", *members)
        path = f"/v1/conversations/{group}/members"
        await owner.asks("PATCH", f"{path}/{self.people['admin'].user_id}", json={"role": "admin"})
        await owner.asks("DELETE", f"{path}/{self.people['former'].user_id}")
        return group

    async def ask(self, persona: str, method: str, path: str, group: str) -> str:
        """The code of the answer, or `ok`."""
        token = self.people[persona].access_token if persona in self.people else None
        answer = await self.http.request(
            method,
            path.replace(TALK, f"/v1/conversations/{group}"),
            json=REQUESTS.get((method, path)),
            headers={"Authorization": f"Bearer {token}"} if token else {},
        )
        return str(answer.json()["code"]) if answer.is_error else "ok"


@pytest.fixture(scope="module")
async def cast(stack: Stack, http: httpx.AsyncClient) -> Cast:
    names = [persona for persona in PERSONAS if persona not in ("anonymous", "bot")]
    people = dict(zip(names, await asyncio.gather(*(Person.registers(http, name) for name in names)), strict=True))
    owner, operator, suspended = people["owner"], people["operator"], people["suspended"]
    command = [sys.executable, "-m", "stack.admin", operator.email, "--name", stack.name]
    await asyncio.to_thread(subprocess.run, command, check=True, cwd=paths.ROOT / "dev")

    bot = await owner.asks("POST", "/v1/bots", json={"display_name": "Bot"})
    scopes = ["messages:read", "messages:write"]
    key = await owner.asks("POST", f"/v1/bots/{bot['bot_id']}/keys", json={"name": "matrix", "scopes": scopes})
    confide(key["secret"])
    people["bot"] = replace(owner, name="bot", user_id=bot["bot_id"], access_token=key["secret"])

    everybody = Cast(http, people, "")
    everybody.group = await everybody.makes_group()
    await owner.asks("POST", "/v1/blocks", json={"user_id": people["blocked"].user_id})
    await operator.asks("POST", f"/v1/admin/users/{suspended.user_id}/suspension", json={"reason": "spam"})

    async def is_out() -> bool:
        return await everybody.ask("suspended", "GET", "/v1/me", "") == "session_revoked"

    await eventually(is_out, "the suspension has reached the gateway", 5)
    return everybody


def test_every_route_and_frame_has_a_rule() -> None:
    assert {*routes(), *FRAMES} == set(REFUSED)


@pytest.mark.parametrize(("method", "path"), ROUTES)
async def test_a_route_is_for_whom_the_contract_names(cast: Cast, method: str, path: str) -> None:
    refused = REFUSED[route_of(method, path)]
    group = await cast.makes_group() if (method, path) == LEAVE else cast.group
    # What everybody may, anybody may: there are routes among them that end the session that asks.
    asking = PERSONAS if refused else ["anonymous"]
    answers = {persona: await cast.ask(persona, method, path, group) for persona in asking}
    assert {persona: code for persona, code in answers.items() if code in CODES} == refused


@pytest.mark.parametrize("kind", FRAMES)
async def test_a_frame_is_for_whom_the_contract_names(cast: Cast, socket_urls: list[str], kind: str) -> None:
    frame = {"type": kind, "conversation_id": cast.group, **FRAMES[kind]}
    refused = {persona: code for persona, code in REFUSED[kind].items() if persona not in SOCKETLESS}
    answers = {}
    for persona in PERSONAS:
        if persona not in SOCKETLESS:
            silent = kind in SILENT and persona not in refused
            answers[persona] = await answer_to(cast.people[persona], socket_urls[0], frame, silent=silent)
    assert {persona: code for persona, code in answers.items() if code in CODES} == refused


async def answer_to(person: Person, url: str, frame: Frame, *, silent: bool) -> str:
    """The code of the answer to a frame, or `ok`. A silent one has no answer."""
    ticket = (await person.asks("POST", "/v1/socket-tickets"))["ticket"]
    async with opened(url, "", ticket=ticket) as socket:
        await socket.ask({"type": "resume", "conversations": {}})
        answer = await socket.post(frame)
        if silent:
            await socket.ask({"type": "ping"})
            return str(answer.result()["code"]) if answer.done() else "ok"
        return str((await answer).get("code", "ok"))
