"""What the whole application does to every request and answer."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import httpx
import pytest
from fastapi import FastAPI
from jsonschema import Draft202012Validator
from realchat_gateway import edge
from realchat_gateway.edge import MOST_BODY_BYTES
from referencing import Registry
from referencing.jsonschema import DRAFT202012
from service.gateway.backends import Backends
from service.gateway.door import Client, MakeApp, visitor
from service.gateway.test_conversations import said

from chat.message.v1 import message_pb2
from realchat_common.ids import new_id

JSON = {"Content-Type": "application/json"}


def body_of(size: int) -> bytes:
    """A JSON body of so many bytes."""
    return b'{"refresh_token": "r"' + b" " * (size - 22) + b"}"


async def pieces(body: bytes) -> AsyncIterator[bytes]:
    """A body of unknown length."""
    for start in range(0, len(body), 1000):
        yield body[start : start + 1000]


async def test_a_body_may_have_so_many_bytes_and_no_more(nobody: httpx.AsyncClient, backends: Backends) -> None:
    for size, status in ((MOST_BODY_BYTES, 204), (MOST_BODY_BYTES + 1, 413)):
        for content in (body_of(size), pieces(body_of(size))):
            answer = await nobody.post("/v1/auth/logout", content=content, headers=JSON)
            assert answer.status_code == status
    assert answer.json()["code"] == "payload_too_large"
    assert answer.headers["connection"] == "close"
    assert backends.times("Logout") == 2


async def test_an_answer_without_content_names_no_type_of_it(nobody: httpx.AsyncClient) -> None:
    answer = await nobody.post("/v1/auth/logout", json={"refresh_token": "r"})
    assert (answer.status_code, answer.content) == (204, b"")
    assert not {"content-type", "content-length"} & set(answer.headers)


async def nothing() -> AsyncIterator[bytes]:
    """A body that does not come."""
    await asyncio.Event().wait()
    yield b""


async def test_a_body_that_does_not_come_is_given_up(
    nobody: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(edge, "BODY_SECONDS", -1)
    answer = await nobody.post("/v1/auth/logout", content=nothing(), headers=JSON)
    assert (answer.status_code, answer.json()["code"]) == (400, "malformed_request")


async def test_the_page_runs_only_its_own_scripts(nobody: httpx.AsyncClient) -> None:
    page = await nobody.get("/")
    assert page.headers["content-type"].startswith("text/html")
    csp = page.headers["content-security-policy"]
    assert "script-src 'self';" in csp
    assert "unsafe" not in csp
    assert "connect-src 'self' ws://127.0.0.1:8083;" in csp
    assert page.headers["cache-control"] == "no-cache"
    unchanged = await nobody.get("/", headers={"If-None-Match": page.headers["etag"]})
    assert unchanged.status_code == 304
    assert unchanged.headers.get("content-security-policy", csp) == csp  # it would replace the kept page's


async def test_every_answer_has_security_headers(alice: Client) -> None:
    for path in ("/", "/v1/sessions", "/v1/nothing", "/docs", "/openapi.json"):
        headers = (await alice.ask("GET", path)).headers
        assert headers["x-content-type-options"] == "nosniff"
        assert headers["x-frame-options"] == "DENY"
        assert "frame-ancestors 'none'" in headers["content-security-policy"]
        assert headers["x-request-id"]


async def test_the_docs_run_no_script_that_was_not_there_at_the_start(nobody: httpx.AsyncClient) -> None:
    csp = (await nobody.get("/docs")).headers["content-security-policy"]
    scripts = next(part for part in csp.split("; ") if part.startswith("script-src"))
    assert "sha256-" in scripts
    assert "unsafe" not in scripts


async def test_big_answers_are_compressed_and_small_ones_not(alice: Client, backends: Backends) -> None:
    events = [said(new_id(), seq, "hello") for seq in range(1, 100)]
    backends.answer("GetHistory", message_pb2.GetHistoryResponse(events=events))
    big = await alice.ask("GET", f"/v1/conversations/{new_id()}/events")
    small = await alice.ask("GET", "/v1/sessions")
    assert big.headers["content-encoding"] == "gzip"
    assert len(big.json()["events"]) == 99
    assert "content-encoding" not in small.headers


PREFLIGHT = {
    "Origin": "https://chat.example",
    "Access-Control-Request-Method": "POST",
    "Access-Control-Request-Headers": "authorization, content-type, idempotency-key",
}


async def test_pages_of_other_origins_may_not_call_unless_they_are_named(nobody: httpx.AsyncClient) -> None:
    answer = await nobody.get("/v1/nothing", headers={"Origin": "https://chat.example"})
    assert "access-control-allow-origin" not in answer.headers
    assert (await nobody.options("/v1/sync", headers=PREFLIGHT)).status_code == 405


async def test_a_named_origin_may_call(make_app: MakeApp) -> None:
    async with visitor(make_app(cors_origins=("https://chat.example",))) as http:
        asked = await http.options("/v1/sync", headers=PREFLIGHT)
        assert (asked.status_code, asked.headers["access-control-allow-origin"]) == (200, "https://chat.example")
        answer = await http.get("/v1/me", headers={"Origin": "https://chat.example"})
        assert answer.headers["access-control-allow-origin"] == "https://chat.example"
        assert "Retry-After" in answer.headers["access-control-expose-headers"]
        assert "access-control-allow-credentials" not in answer.headers
        other = await http.get("/v1/me", headers={"Origin": "https://evil.example"})
        assert "access-control-allow-origin" not in other.headers


async def test_a_fault_of_ours_tells_nothing(app: FastAPI, alice: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    async def broken(_: object) -> None:
        raise RuntimeError("secret")

    monkeypatch.setattr(app.state.gateway.tokens, "verify", broken)
    answer = await alice.ask("GET", "/v1/me")
    assert (answer.status_code, answer.json()["code"]) == (500, "internal")
    assert "secret" not in answer.text
    assert answer.headers["x-request-id"]


def test_every_example_fits_its_schema(app: FastAPI) -> None:
    described = app.openapi()
    assert described["openapi"].startswith("3.1")
    registry = Registry().with_resource("urn:api", DRAFT202012.create_resource(described))
    shown = 0
    for name, schema in described["components"]["schemas"].items():
        validator = Draft202012Validator({"$ref": f"urn:api#/components/schemas/{name}"}, registry=registry)
        for example in schema.get("examples", ()):
            validator.validate(example)
            shown += 1
    assert shown >= 25


def test_every_operation_is_named_once_and_says_how_it_fails(app: FastAPI) -> None:
    operations = [each for path in app.openapi()["paths"].values() for each in path.values()]
    ids = [each["operationId"] for each in operations]
    assert len(set(ids)) == len(ids)
    for operation in operations:
        assert operation["responses"]["default"] == {"$ref": "#/components/responses/Problem"}
        assert "422" not in operation["responses"]
        assert operation["summary"]
