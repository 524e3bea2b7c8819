"""Every route, with everything that clients get wrong: each is told what and where, and no service is asked."""

from __future__ import annotations

import json
from typing import Any

import httpx
import pytest
from fastapi import FastAPI
from service.gateway.backends import Backends
from service.gateway.door import Client

ID = "019a8f3e-5c1b-7d2e-9a41-2f6b8c0d1e11"
TALK = f"/v1/conversations/{ID}"
HUGE = 10**30
LINK = f"expires=1&signature={'0' * 64}"
LOGIN = {"email": "a@example.org", "password": "secret"}

BODIES: dict[tuple[str, str], dict[str, Any]] = {
    ("POST", "/v1/auth/register"): LOGIN | {"display_name": "A"},
    ("POST", "/v1/auth/login"): LOGIN,
    ("POST", "/v1/auth/refresh"): {"refresh_token": "r"},
    ("POST", "/v1/auth/logout"): {"refresh_token": "r"},
    ("POST", "/v1/auth/browser/register"): LOGIN | {"display_name": "A"},
    ("POST", "/v1/auth/browser/login"): LOGIN,
    ("PATCH", "/v1/me"): {"bio": "x"},
    ("PATCH", f"/v1/sessions/{ID}"): {"device_name": "x"},
    ("POST", "/v1/me/password"): {"current_password": "a", "new_password": "b"},
    ("POST", "/v1/me/deletion"): {"password": "a"},
    ("PATCH", f"/v1/admin/users/{ID}"): {"role": "admin"},
    ("POST", f"/v1/admin/users/{ID}/suspension"): {"reason": "spam"},
    ("POST", f"/v1/admin/reports/{ID}/resolution"): {"resolution": "suspended"},
    ("POST", f"{TALK}/messages/{ID}/report"): {"reason": "spam"},
    ("POST", f"/v1/bots/{ID}/webhooks"): {"url": "https://bots.example/hook"},
    ("POST", "/v1/bots"): {"display_name": "Weather"},
    ("POST", f"/v1/bots/{ID}/keys"): {"name": "x", "scopes": ["messages:read"]},
    ("POST", "/v1/me/second-factor"): {"password": "a"},
    ("POST", "/v1/me/second-factor/confirm"): {"code": "123456"},
    ("POST", "/v1/me/second-factor/recovery-codes"): {"password": "a", "code": "123456"},
    ("POST", "/v1/me/second-factor/remove"): {"password": "a", "code": "123456"},
    ("POST", "/v1/me/email"): {"password": "a", "email": "a@example.org"},
    ("POST", "/v1/auth/email-confirmations"): {"token": "t"},
    ("POST", "/v1/auth/password-resets"): {"email": "a@example.org"},
    ("POST", "/v1/auth/password-resets/confirm"): {"token": "t", "new_password": "b"},
    ("PATCH", "/v1/me/privacy"): {"last_seen": "nobody"},
    ("PATCH", "/v1/me/account"): {"reminders": False},
    ("POST", "/v1/contacts"): {"user_id": ID},
    ("POST", "/v1/blocks"): {"user_id": ID},
    ("POST", "/v1/conversations/direct"): {"user_id": ID},
    ("POST", "/v1/conversations"): {"title": "T", "member_ids": [ID]},
    ("PATCH", TALK): {"title": "T"},
    ("PATCH", f"{TALK}/settings"): {"pinned": True},
    ("POST", f"{TALK}/members"): {"user_ids": [ID]},
    ("POST", f"{TALK}/invites"): {"max_uses": 1},
    ("POST", "/v1/invites/preview"): {"token": "t"},
    ("POST", "/v1/invites/join"): {"token": "t"},
    ("PATCH", f"{TALK}/members/{ID}"): {"role": "admin"},
    ("POST", f"{TALK}/messages"): {"body": "x"},
    ("PATCH", f"{TALK}/messages/{ID}"): {"body": "x"},
    ("POST", f"{TALK}/messages/{ID}/forward"): {"conversation_id": ID},
    ("POST", f"{TALK}/read"): {"up_to_seq": 7},
    ("POST", f"{TALK}/delivered"): {"up_to_seq": 7},
    ("POST", f"{TALK}/attachments"): {"name": "a", "content_type": "text/plain", "size": 1},
    ("POST", f"{TALK}/scheduled"): {"body": "x", "send_at": "2126-01-02T03:04:05Z"},
    ("PUT", f"{TALK}/expiry/timer"): {"seconds": 60},
    ("PUT", f"{TALK}/expiry/retention"): {"days": 7},
    ("POST", f"{TALK}/polls"): {"question": "x", "options": ["a", "b"]},
    ("PUT", f"{TALK}/polls/{ID}/vote"): {"choices": [1]},
    ("POST", "/v1/sync"): {"positions": [{"conversation_id": ID, "after_seq": 1}]},
}
"""Each route that takes a body, with one that it accepts."""

PARTIAL = {"/v1/me", "/v1/me/privacy", "/v1/me/account", TALK, f"{TALK}/settings", f"{TALK}/invites"}
"""Those whose fields may all be left out, or null."""

ROUTES = [
    *BODIES,
    ("POST", "/v1/auth/browser/refresh"),
    ("POST", "/v1/auth/browser/logout"),
    ("GET", "/v1/sessions"),
    ("GET", "/v1/me/account"),
    ("GET", "/v1/me/export"),
    ("GET", "/v1/admin/users"),
    ("DELETE", f"/v1/admin/users/{ID}/suspension"),
    ("GET", "/v1/admin/reports"),
    ("GET", "/v1/admin/audit"),
    ("GET", "/v1/admin/dead-letters"),
    ("GET", f"/v1/admin/dead-letters/{ID}"),
    ("POST", f"/v1/admin/dead-letters/{ID}/replay"),
    ("GET", "/v1/bots"),
    ("GET", f"/v1/bots/{ID}/webhooks"),
    ("DELETE", f"/v1/bots/{ID}/webhooks/{ID}"),
    ("DELETE", f"/v1/bots/{ID}"),
    ("DELETE", f"/v1/bots/{ID}/keys/{ID}"),
    ("POST", "/v1/me/email/verification"),
    ("DELETE", "/v1/sessions"),
    ("DELETE", f"/v1/sessions/{ID}"),
    ("GET", "/v1/me"),
    ("GET", "/v1/users?prefix=a"),
    ("GET", f"/v1/users/{ID}"),
    ("GET", f"/v1/profiles?user_ids={ID}"),
    ("GET", f"/v1/presence?user_ids={ID}"),
    ("GET", "/v1/me/privacy"),
    ("GET", "/v1/contacts"),
    ("POST", f"/v1/contacts/{ID}/accept"),
    ("POST", f"/v1/contacts/{ID}/decline"),
    ("DELETE", f"/v1/contacts/{ID}"),
    ("GET", "/v1/blocks"),
    ("DELETE", f"/v1/blocks/{ID}"),
    ("GET", "/v1/conversations"),
    ("GET", TALK),
    ("GET", f"{TALK}/members"),
    ("DELETE", f"{TALK}/members/{ID}"),
    ("POST", f"{TALK}/leave"),
    ("GET", "/v1/search?q=tea"),
    ("GET", f"{TALK}/polls/{ID}"),
    ("POST", f"{TALK}/polls/{ID}/close"),
    ("GET", f"{TALK}/export"),
    ("GET", f"{TALK}/expiry"),
    ("GET", "/v1/scheduled"),
    ("DELETE", f"/v1/scheduled/{ID}"),
    ("PUT", f"/v1/attachments/{ID}/content?{LINK}"),
    ("GET", f"/v1/attachments/{ID}"),
    ("GET", f"/v1/attachments/{ID}/content?{LINK}"),
    ("GET", f"/v1/attachments/{ID}/thumbnail?{LINK}"),
    ("GET", f"{TALK}/invites"),
    ("DELETE", f"{TALK}/invites/{ID}"),
    ("GET", f"{TALK}/events"),
    ("DELETE", f"{TALK}/messages/{ID}"),
    ("GET", f"{TALK}/messages/{ID}/replies"),
    ("GET", f"{TALK}/pins"),
    ("PUT", f"{TALK}/pins/{ID}"),
    ("DELETE", f"{TALK}/pins/{ID}"),
    ("PUT", f"{TALK}/messages/{ID}/reactions/%F0%9F%91%8D"),
    ("DELETE", f"{TALK}/messages/{ID}/reactions/%F0%9F%91%8D"),
    ("GET", f"{TALK}/messages/{ID}/reactions"),
    ("GET", f"{TALK}/messages/{ID}/edits"),
    ("POST", f"{TALK}/unread"),
    ("GET", f"{TALK}/receipts"),
    ("GET", f"{TALK}/messages/{ID}/receipts"),
    ("GET", "/v1/bootstrap"),
    ("POST", "/v1/socket-tickets"),
    ("GET", "/.well-known/jwks.json"),
]


def refused(answer: httpx.Response, status: int, code: str, field: str | None = None) -> None:
    """Checks that an answer is the problem that it should be."""
    assert (answer.status_code, answer.headers["content-type"]) == (status, "application/problem+json"), answer.text
    problem = answer.json()
    assert (problem["code"], problem.get("field")) == (code, field)
    assert problem["status"] == status


def asked_of_services(backends: Backends) -> set[str]:
    """Which methods were called, but for the keys."""
    return {method for method, _, _ in backends.calls} - {"ListSigningKeys"}


def test_the_tables_name_every_route(app: FastAPI) -> None:
    described = {(method.upper(), path) for path, operations in app.openapi()["paths"].items() for method in operations}
    assert len(described) == len(ROUTES)


@pytest.mark.parametrize(
    ("method", "path"), [route for route in ROUTES if "/auth/" not in route[1] and "/." not in route[1]]
)
async def test_without_an_access_token_nothing_is_told(
    nobody: httpx.AsyncClient, backends: Backends, method: str, path: str
) -> None:
    answer = await nobody.request(method, path, json=BODIES.get((method, path)))
    refused(answer, 401, "unauthenticated")
    assert not asked_of_services(backends)


@pytest.mark.parametrize(("method", "path"), BODIES)
@pytest.mark.parametrize(
    "body",
    [
        b"{",
        b"\xff",
        b'{"body": "\xff"}',
        b'{"body": "\\ud800"}',
        b'{"\\ud800": 1}',
        b'{"body": NaN}',
        b"[" * 30_000,
        "{}".encode("utf-16"),
    ],
    ids=["open", "not utf-8", "text not utf-8", "surrogate", "surrogate name", "nan", "deep", "utf-16"],
)
async def test_what_cannot_be_read_is_malformed(
    alice: Client, backends: Backends, method: str, path: str, body: bytes
) -> None:
    answer = await alice.ask(method, path, content=body, headers={"Content-Type": "application/json"})
    refused(answer, 400, "malformed_request")
    assert not asked_of_services(backends)


@pytest.mark.parametrize(("method", "path"), BODIES)
@pytest.mark.parametrize("media_type", ["", "text/plain", "application/x-www-form-urlencoded", "application/xml"])
async def test_only_json_is_taken(alice: Client, backends: Backends, method: str, path: str, media_type: str) -> None:
    answer = await alice.ask(method, path, content=b"{}", headers={"Content-Type": media_type})
    refused(answer, 415, "unsupported_media_type")
    assert not asked_of_services(backends)


@pytest.mark.parametrize(("method", "path"), BODIES)
@pytest.mark.parametrize("media_type", ["application/json", "Application/JSON; charset=utf-8"])
async def test_the_bodies_of_the_table_are_right(alice: Client, method: str, path: str, media_type: str) -> None:
    body = httpx.Request("POST", "/", json=BODIES[method, path]).content
    answer = await alice.ask(method, path, content=body, headers={"Content-Type": media_type})
    assert answer.status_code not in (400, 415, 422)


@pytest.mark.parametrize(("method", "path"), BODIES)
async def test_fields_that_nobody_knows_are_refused(alice: Client, backends: Backends, method: str, path: str) -> None:
    answer = await alice.ask(method, path, json=BODIES[method, path] | {"admin": True})
    refused(answer, 422, "invalid_argument", "admin")
    assert not asked_of_services(backends)


@pytest.mark.parametrize(("method", "path"), [route for route in BODIES if route[1] != "/v1/auth/logout"])
@pytest.mark.parametrize("body", [[], "text", 1, True, None])
async def test_a_body_is_an_object(alice: Client, backends: Backends, method: str, path: str, body: object) -> None:
    content = httpx.Request("POST", "/", json=body).content if body is not None else b"null"
    answer = await alice.ask(method, path, content=content, headers={"Content-Type": "application/json"})
    refused(answer, 422, "invalid_argument")
    assert not asked_of_services(backends)


@pytest.mark.parametrize(
    ("method", "path", "name"),
    [
        (method, path, name)
        for (method, path), body in BODIES.items()
        for name in body
        if path not in PARTIAL | {"/v1/auth/logout"} and name not in ("up_to_seq", "size", "seconds", "days", "choices")
    ],
)
@pytest.mark.parametrize("value", [None, 1, True, {}, [1], HUGE, "absent"])
async def test_fields_have_their_type(
    alice: Client, backends: Backends, method: str, path: str, name: str, value: object
) -> None:
    body = dict(BODIES[method, path])
    if value == "absent":
        del body[name]
    else:
        body[name] = value
    answer = await alice.ask(method, path, json=body)
    assert answer.status_code == 422
    assert answer.json()["field"].split(".")[0] == name
    assert not asked_of_services(backends)


@pytest.mark.parametrize(("method", "path"), [route for route in BODIES if route[1] in PARTIAL])
@pytest.mark.parametrize("value", [{}, [1], -HUGE, "\ud800"])
async def test_fields_that_may_be_left_out_have_their_type(
    alice: Client, backends: Backends, method: str, path: str, value: object
) -> None:
    (name,) = BODIES[method, path]
    content = json.dumps({name: value}).encode()
    answer = await alice.ask(method, path, content=content, headers={"Content-Type": "application/json"})
    assert answer.status_code in (400, 422)
    assert not asked_of_services(backends)


@pytest.mark.parametrize(
    ("method", "path", "change", "field"),
    [
        ("POST", "/v1/auth/register", {"email": "a" * 321}, "email"),
        ("POST", "/v1/auth/register", {"password": "a" * 1025}, "password"),
        ("POST", "/v1/auth/login", {"device_name": "a" * 257}, "device_name"),
        ("POST", "/v1/auth/refresh", {"refresh_token": ""}, "refresh_token"),
        ("POST", "/v1/me/email", {"email": "a" * 321}, "email"),
        ("POST", "/v1/auth/password-resets/confirm", {"token": ""}, "token"),
        ("PATCH", "/v1/me", {"bio": "a" * 2049}, "bio"),
        ("PATCH", "/v1/me", {"handle": 7}, "handle"),
        ("POST", "/v1/conversations/direct", {"user_id": "bob"}, "user_id"),
        ("POST", "/v1/conversations", {"member_ids": [ID, "bob"]}, "member_ids.1"),
        ("POST", "/v1/conversations", {"member_ids": [ID] * 1000}, "member_ids"),
        ("POST", f"{TALK}/members", {"user_ids": []}, "user_ids"),
        ("PATCH", f"{TALK}/members/{ID}", {"role": "king"}, "role"),
        ("POST", f"{TALK}/messages", {"client_message_id": ""}, "client_message_id"),
        ("POST", f"{TALK}/messages", {"client_message_id": "a" * 65}, "client_message_id"),
        ("POST", f"{TALK}/messages", {"reply_to": "the last one"}, "reply_to"),
        ("POST", f"{TALK}/read", {"up_to_seq": None}, "up_to_seq"),
        ("POST", f"{TALK}/read", {"up_to_seq": -1}, "up_to_seq"),
        ("POST", f"{TALK}/read", {"up_to_seq": True}, "up_to_seq"),
        ("POST", f"{TALK}/read", {"up_to_seq": "1"}, "up_to_seq"),
        ("POST", f"{TALK}/delivered", {"up_to_seq": HUGE}, "up_to_seq"),
        ("POST", "/v1/sync", {"limit": 0}, "limit"),
        ("POST", "/v1/sync", {"limit": 501}, "limit"),
        ("POST", "/v1/sync", {"limit": HUGE}, "limit"),
        ("POST", "/v1/sync", {"positions": [{"conversation_id": ID, "after_seq": -1}]}, "positions.0.after_seq"),
        ("POST", "/v1/sync", {"positions": [{"conversation_id": ID, "after_seq": HUGE}]}, "positions.0.after_seq"),
        ("POST", "/v1/sync", {"positions": [{"conversation_id": ID, "after_seq": 1.5}]}, "positions.0.after_seq"),
        ("POST", "/v1/sync", {"positions": [{"conversation_id": ID, "after_seq": "1"}]}, "positions.0.after_seq"),
        ("POST", "/v1/sync", {"positions": [{"conversation_id": ID}] * 201}, "positions"),
    ],
)
async def test_values_have_bounds(
    alice: Client, backends: Backends, method: str, path: str, change: dict[str, Any], field: str
) -> None:
    answer = await alice.ask(method, path, json=BODIES[method, path] | change)
    refused(answer, 422, "invalid_argument", field)
    assert not asked_of_services(backends)


@pytest.mark.parametrize(
    ("method", "path", "field"),
    [
        ("DELETE", "/v1/sessions/mine", "session_id"),
        ("GET", "/v1/users/bob", "user_id"),
        ("GET", f"/v1/users/{ID}x", "user_id"),
        ("GET", "/v1/users/%00", "user_id"),
        ("GET", "/v1/users/" + "9" * 5000, "user_id"),
        ("GET", "/v1/users", "prefix"),
        ("GET", "/v1/users?prefix=", "prefix"),
        ("GET", "/v1/users?prefix=" + "a" * 65, "prefix"),
        ("GET", "/v1/users?prefix=a&limit=0", "limit"),
        ("GET", "/v1/users?prefix=a&limit=201", "limit"),
        ("GET", "/v1/users?prefix=a&limit=-1", "limit"),
        ("GET", "/v1/users?prefix=a&limit=ten", "limit"),
        ("GET", "/v1/users?prefix=a&limit=" + "9" * 5000, "limit"),
        ("GET", "/v1/users?prefix=a&cursor=" + "a" * 513, "cursor"),
        ("GET", "/v1/presence", "user_ids"),
        ("GET", "/v1/presence?user_ids=", "user_ids.0"),
        ("GET", f"/v1/presence?user_ids={ID},{ID}", "user_ids.0"),
        ("GET", "/v1/presence?" + f"user_ids={ID}&" * 201, "user_ids"),
        ("GET", "/v1/conversations?limit=201", "limit"),
        ("GET", "/v1/conversations/1", "conversation_id"),
        ("GET", f"{TALK}/members?limit=0", "limit"),
        ("DELETE", f"{TALK}/members/bob", "user_id"),
        ("POST", "/v1/conversations/1/leave", "conversation_id"),
        ("DELETE", f"{TALK}/messages/{ID}?for=nobody", "for"),
        ("GET", f"{TALK}/events?before=-1", "before"),
        ("GET", f"{TALK}/events?after={2**53}", "after"),
        ("GET", f"{TALK}/events?around={HUGE}", "around"),
        ("GET", f"{TALK}/events?before=1&after=1", "before"),
        ("GET", f"{TALK}/events?limit=1e2", "limit"),
    ],
)
async def test_what_an_address_says_is_checked(
    alice: Client, backends: Backends, method: str, path: str, field: str
) -> None:
    refused(await alice.ask(method, path), 422, "invalid_argument", field)
    assert not asked_of_services(backends)


@pytest.mark.parametrize(
    "path", ["/v1/users?prefix=%ff", "/v1/users?prefix=a&cursor=%c3", "/v1/users/%ff", "/v1/me?%ed%a0%80"]
)
async def test_an_address_is_utf_8(alice: Client, path: str) -> None:
    refused(await alice.ask("GET", path), 400, "malformed_request")


@pytest.mark.parametrize(
    "path", ["/v1/nothing", "/v2/me", "/v1", "/v1/me/", "/nothing.js", "/../settings.py", "/%2e%2e/x"]
)
async def test_what_is_not_there_is_not_found(alice: Client, path: str) -> None:
    refused(await alice.ask("GET", path), 404, "not_found")


@pytest.mark.parametrize(("method", "path"), [("PUT", "/v1/me"), ("GET", "/v1/auth/login"), ("DELETE", TALK)])
async def test_another_method_is_not_allowed(alice: Client, method: str, path: str) -> None:
    refused(await alice.ask(method, path), 405, "method_not_allowed")


@pytest.mark.parametrize("key", ["", '"', "a" * 256, "two words"])
@pytest.mark.parametrize("path", ["/v1/conversations", "/v1/conversations/direct", f"{TALK}/messages"])
async def test_an_idempotency_key_is_checked(alice: Client, backends: Backends, path: str, key: str) -> None:
    answer = await alice.ask("POST", path, json=BODIES["POST", path], headers={"Idempotency-Key": key})
    refused(answer, 422, "invalid_argument", "Idempotency-Key")
    assert not asked_of_services(backends)


async def test_a_messages_idempotency_key_is_a_client_message_id(alice: Client) -> None:
    answer = await alice.ask("POST", f"{TALK}/messages", json={"body": "x"}, headers={"Idempotency-Key": "a" * 65})
    refused(answer, 422, "invalid_argument", "Idempotency-Key")
