"""What every answer carries, and how many requests are worked on at once."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from realchat_gateway.edge import API_CSP, WORKER_CSP, Edge
from starlette.types import Message, Receive, Scope, Send


class Answers:
    """An application that answers when it is told to."""

    def __init__(self, headers: dict[str, str] | None = None) -> None:
        self.go = asyncio.Event()
        self.headers = [(name.encode(), value.encode()) for name, value in (headers or {}).items()]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await self.go.wait()
        await send({"type": "http.response.start", "status": 200, "headers": list(self.headers)})
        await send({"type": "http.response.body", "body": b""})


async def ask(edge: Edge, scheme: str = "http", path: str = "/", **headers: str) -> tuple[int, dict[str, str]]:
    """One request; the answer's status and headers."""
    sent: list[Message] = []

    async def send(message: Message) -> None:
        sent.append(message)

    async def receive() -> Message:
        return {"type": "http.request", "body": b"", "more_body": False}

    raw = [(name.replace("_", "-").encode(), value.encode()) for name, value in headers.items()]
    scope: dict[str, Any] = {"type": "http", "scheme": scheme, "path": path, "headers": raw}
    await edge(scope, receive, send)
    return sent[0]["status"], {name.decode(): value.decode() for name, value in sent[0]["headers"]}


def edge(app: Answers, most: int = 10) -> Edge:
    app.go.set()
    return Edge(app, most_in_flight=most, page_csp="the page's")


async def test_a_request_keeps_the_id_that_it_came_with() -> None:
    _, headers = await ask(edge(Answers()), x_request_id="abc-1.2_3")
    assert headers["x-request-id"] == "abc-1.2_3"


@pytest.mark.parametrize("offered", ["", "a b", "a\r\nSet-Cookie: x", "a" * 65, "ä"])
async def test_an_id_that_does_not_belong_into_a_log_is_replaced(offered: str) -> None:
    _, headers = await ask(edge(Answers()), x_request_id=offered)
    assert headers["x-request-id"] not in ("", offered)


async def test_pages_and_data_have_policies_of_their_own() -> None:
    _, page = await ask(edge(Answers({"content-type": "text/html; charset=utf-8"})))
    _, data = await ask(edge(Answers({"content-type": "application/json"})))
    _, docs = await ask(edge(Answers({"content-type": "text/html", "content-security-policy": "its own"})))
    _, worker = await ask(edge(Answers({"content-type": "text/javascript"})), path="/sw.js")
    policies = [headers["content-security-policy"] for headers in (page, data, docs, worker)]
    assert policies == ["the page's", API_CSP, "its own", WORKER_CSP]


async def test_answers_are_not_stored_unless_they_say_so() -> None:
    _, plain = await ask(edge(Answers()))
    _, tagged = await ask(edge(Answers({"etag": '"1"'})))
    _, explicit = await ask(edge(Answers({"cache-control": "public, max-age=300"})))
    assert [h["cache-control"] for h in (plain, tagged, explicit)] == ["no-store", "no-cache", "public, max-age=300"]


async def test_files_that_are_named_by_their_content_are_kept_for_good() -> None:
    _, script = await ask(edge(Answers({"etag": '"1"'})), path="/assets/index-4f2a.js")
    assert script["cache-control"] == "public, max-age=31536000, immutable"


async def test_https_is_made_to_stay() -> None:
    _, plain = await ask(edge(Answers()))
    _, secure = await ask(edge(Answers()), scheme="https")
    assert "strict-transport-security" not in plain
    assert "max-age=" in secure["strict-transport-security"]


async def test_more_than_can_be_worked_on_is_refused_at_once_and_then_taken_again() -> None:
    app = Answers()
    busy = Edge(app, most_in_flight=2, page_csp="")
    async with asyncio.TaskGroup() as group:
        waiting = [group.create_task(ask(busy)) for _ in range(2)]
        await asyncio.sleep(0)
        status, headers = await ask(busy)
        assert (status, headers["retry-after"]) == (503, "1")
        app.go.set()
    assert [task.result()[0] for task in waiting] == [200, 200]
    assert (await ask(busy))[0] == 200
