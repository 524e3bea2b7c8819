"""Whatever is sent to a route, an RPC or a socket, the answer is a code of the catalogue, never a failure of ours."""

from __future__ import annotations

import asyncio
import base64
import importlib
import json
import time
import uuid
from collections.abc import Iterator
from typing import Any

import grpc
import httpx
import jwt
import pytest
from google.protobuf.descriptor import FieldDescriptor
from google.protobuf.message import Message
from google.rpc import error_details_pb2
from grpc_status import rpc_status
from stack import Stack
from support.chat import Person, opened
from support.fixtures import NewPerson
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed

from chat.calls import CALLERS
from chat.errors import Code
from realchat_common.identity import Identity, User

CODES = {code.value: code for code in Code}
SOMEBODY = "018f0000-0000-7000-8000-000000000000"


def assert_problem(answer: httpx.Response, what: str) -> None:
    """The answer is a success or a problem whose status is that of its code, and not ours to be blamed."""
    if answer.is_success:
        return
    assert answer.headers["content-type"] == "application/problem+json", f"{what}: {answer.text[:200]}"
    problem = answer.json()
    assert CODES[problem["code"]].http == answer.status_code == problem["status"], what
    assert answer.status_code not in (500, 502, 503, 504), f"{what}: {problem}"


# Over HTTP

PATH_VALUES = ["x", SOMEBODY, "%00", "a" * 300, "..%2f..", "%ff%fe"]
BODIES = {
    "nothing": b"",
    "not JSON": b"{",
    "null": b"null",
    "a list": b"[1]",
    "a number": b"1e999",
    "an unknown field": b'{"no_such_field": 1}',
    "invalid UTF-8": b'{"body": "\xff\xfe", "title": "\xff"}',
    "deep nesting": b'{"a":' * 5_000 + b"1" + b"}" * 5_000,
    "huge": b'{"body": "' + b"x" * 2_000_000 + b'"}',
}
FIELD_VALUES: list[Any] = [None, 1, -1, 2**70, True, "", "\x00", "x" * 60_000, [], {}, ["x"], [None] * 5_000, "\ud800"]


def operations(openapi: dict[str, Any]) -> Iterator[tuple[str, str, dict[str, Any]]]:
    for path, methods in openapi["paths"].items():
        for method, operation in methods.items():
            yield method.upper(), path, operation


def body_fields(openapi: dict[str, Any], operation: dict[str, Any]) -> list[str]:
    schema = operation.get("requestBody", {}).get("content", {}).get("application/json", {}).get("schema", {})
    reference = schema.get("$ref", "").rpartition("/")[2]
    return list(openapi["components"]["schemas"].get(reference, schema).get("properties", {}))


def with_somebody(path: str, value: str = SOMEBODY) -> str:
    """A path with a value for each of its parameters."""
    return "/".join(value if part.startswith("{") else part for part in path.split("/"))


def bad_urls(path: str, operation: dict[str, Any]) -> Iterator[str]:
    if "{" in path:
        yield from (with_somebody(path, value) for value in PATH_VALUES)
    for parameter in operation.get("parameters", []):
        if parameter["in"] == "query":
            for value in ("", "x", "-1", str(2**53 - 1), str(2**70), "%00", "%ff", "a" * 5_000):
                yield f"{with_somebody(path)}?{parameter['name']}={value}"


def bad_bodies(openapi: dict[str, Any], operation: dict[str, Any]) -> Iterator[bytes]:
    yield from BODIES.values()
    for field in body_fields(openapi, operation):
        yield from (json.dumps({field: value}).encode() for value in FIELD_VALUES)


async def test_every_route_answers_bad_input_with_a_code(http: httpx.AsyncClient, person: NewPerson) -> None:
    openapi = (await http.get("/openapi.json")).json()
    for method, path, operation in operations(openapi):
        # Somebody new each time: a well-formed logout among the requests ends the session.
        authorization = {"Authorization": f"Bearer {(await person('Alice')).access_token}"}
        for url in bad_urls(path, operation):
            assert_problem(await http.request(method, url, headers=authorization), f"{method} {url[:200]}")
        if method not in ("POST", "PUT", "PATCH"):
            continue
        url = with_somebody(path)
        for body in bad_bodies(openapi, operation):
            headers = {**authorization, "Content-Type": "application/json"}
            answer = await http.request(method, url, headers=headers, content=body)
            assert_problem(answer, f"{method} {url} {body[:100]!r}")
        text = {**authorization, "Content-Type": "text/plain"}
        assert_problem(await http.request(method, url, headers=text, content=b"hello"), f"{method} {url} as text")


def forged(alice: Person) -> dict[str, str]:
    """Tokens that nobody may accept."""
    claims = jwt.decode(alice.access_token, options={"verify_signature": False})
    header, payload, signature = alice.access_token.split(".")
    unsigned = base64.urlsafe_b64encode(b'{"alg":"none","typ":"JWT"}').rstrip(b"=").decode()
    other = base64.urlsafe_b64encode(json.dumps({**claims, "sub": SOMEBODY}).encode()).rstrip(b"=").decode()
    kid = jwt.get_unverified_header(alice.access_token)["kid"]
    return {
        "nothing": "",
        "garbage": "garbage",
        "alg none": f"{unsigned}.{payload}.",
        "another subject": f"{header}.{other}.{signature}",
        "HS256 with a guess": jwt.encode(claims, "realchat" * 8, algorithm="HS256", headers={"kid": kid}),
        "no signature": f"{header}.{payload}.",
        "the refresh token": alice.refresh_token,
        "huge": "a" * 7_000,
    }


async def test_forged_tokens_open_nothing_over_http(http: httpx.AsyncClient, person: NewPerson) -> None:
    alice = await person("Alice")
    for what, token in forged(alice).items():
        answer = await http.get("/v1/me", headers={"Authorization": f"Bearer {token}".strip()})
        assert (answer.status_code, answer.json()["code"]) == (401, "unauthenticated"), what


# Over the socket

BAD_FRAMES: dict[str, str] = {
    "empty": "",
    "not JSON": "{",
    "null": "null",
    "a list": "[]",
    "no type": "{}",
    "a type that is no text": '{"type": 1}',
    "an unknown type": '{"type": "fly", "id": "1"}',
    "an unknown field": '{"type": "ping", "id": "1", "extra": 1}',
    "an id that is no text": '{"type": "ping", "id": {"a": 1}}',
    "a long id": json.dumps({"type": "ping", "id": "x" * 1_000}),
    "deep nesting": '{"type": "send", "body": ' + "[" * 5_000 + "]" * 5_000 + "}",
    "auth again": '{"type": "auth", "id": "1", "token": "x"}',
    "resume of nonsense": '{"type": "resume", "id": "1", "conversations": {"x": -1}}',
    "resume of a huge seq": json.dumps({"type": "resume", "id": "1", "conversations": {SOMEBODY: 2**80}}),
    "send nowhere": json.dumps(
        {"type": "send", "id": "1", "conversation_id": SOMEBODY, "client_message_id": "1", "body": "x"}
    ),
    "send to nonsense": '{"type": "send", "id": "1", "conversation_id": "x", "client_message_id": "1", "body": "x"}',
    "send of a number": json.dumps(
        {"type": "send", "id": "1", "conversation_id": SOMEBODY, "client_message_id": 1, "body": 2}
    ),
}


@pytest.mark.parametrize("what", BAD_FRAMES)
async def test_a_bad_frame_gets_an_error_with_a_code_and_the_socket_stays(
    what: str, person: NewPerson, socket_urls: list[str]
) -> None:
    alice = await person("Alice")
    errors: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
    async with opened(socket_urls[0], alice.access_token, errors.put_nowait) as socket:
        answer = socket.expects("1")
        await socket.connection.send(BAD_FRAMES[what])
        async with asyncio.timeout(10):
            unanswered = asyncio.create_task(errors.get())
            done, waiting = await asyncio.wait([answer, unanswered], return_when=asyncio.FIRST_COMPLETED)
            for task in waiting:
                task.cancel()
        frame = done.pop().result()
        if what.startswith("resume of a huge") or what == "resume of nonsense":
            assert frame["type"] in ("error", "resumed")
        else:
            assert frame["type"] == "error", frame
            assert frame["temporary"] is CODES[frame["code"]].temporary
            assert frame["code"] != "internal"
        assert (await socket.ask({"type": "ping"}))["type"] == "pong"


@pytest.mark.parametrize(
    ("what", "payload", "code"),
    [("binary", b"\x00\x01", 4204), ("huge", "x" * 200_000, 4201), ("a storm of nonsense", "{", 4200)],
)
async def test_what_cannot_go_on_is_closed_with_a_code(
    what: str, payload: str | bytes, code: int, person: NewPerson, socket_urls: list[str]
) -> None:
    alice = await person("Alice")
    async with opened(socket_urls[0], alice.access_token) as socket, asyncio.timeout(20):
        try:
            while True:
                await socket.connection.send(payload)
                await asyncio.sleep(0.01)
        except ConnectionClosed:
            pass
        assert socket.connection.close_code == code


async def test_forged_tokens_open_no_socket(person: NewPerson, socket_urls: list[str]) -> None:
    alice = await person("Alice")
    for what, token in forged(alice).items():
        async with connect(socket_urls[0], subprotocols=["realchat.v1"], ping_interval=None) as connection:  # type: ignore[list-item]
            await connection.send(json.dumps({"type": "auth", "id": "1", "token": token}))
            frames = [json.loads(frame) async for frame in _frames(connection)]
        assert [frame["code"] for frame in frames] == ["unauthenticated"], what
        assert connection.close_code == 4101, what


async def _frames(connection: Any) -> Any:
    async with asyncio.timeout(10):
        try:
            while True:
                yield await connection.recv()
        except ConnectionClosed:
            return


# Over gRPC

METHODS = sorted(CALLERS)


def requests(kind: type[Message]) -> Iterator[Message]:
    """Requests of a type with every field empty, nonsense, huge or out of range."""
    yield kind()
    for text, number in (("x", -1), ("\x00", 2**31 - 1), ("y" * 20_000, 10**9), (SOMEBODY, 1)):
        yield filled(kind(), text, number)


def filled(message: Message, text: str, number: int, depth: int = 0) -> Message:
    for field in message.DESCRIPTOR.fields:
        if field.containing_oneof and field.containing_oneof.fields[-1] is not field:
            continue
        value = _value(field, text, number)
        if field.is_repeated:
            if value is None:
                if depth < 3:
                    for _ in range(3):
                        filled(getattr(message, field.name).add(), text, number, depth + 1)
            else:
                getattr(message, field.name).extend([value] * (300 // 10**depth))  # what gRPC still carries
        elif value is not None:
            setattr(message, field.name, value)
        elif depth < 3:
            filled(getattr(message, field.name), text, number, depth + 1)
    return message


def _value(field: Any, text: str, number: int) -> Any:
    match field.cpp_type:
        case FieldDescriptor.CPPTYPE_STRING:
            return text.encode() if field.type == FieldDescriptor.TYPE_BYTES else text
        case FieldDescriptor.CPPTYPE_INT32 | FieldDescriptor.CPPTYPE_INT64:
            return number
        case FieldDescriptor.CPPTYPE_ENUM:
            return number % 1000
        case FieldDescriptor.CPPTYPE_BOOL:
            return True
        case _:
            return None


def service_of(method: str) -> tuple[str, Any, Any]:
    """The application, stub class and request class of a full method name."""
    service, name = method.strip("/").split("/")
    package, _, service_name = service.rpartition(".")
    app_id = package.split(".")[1]
    module = f"{package}.{service_name.removesuffix('Service').lower()}_pb2"
    stub = getattr(importlib.import_module(module + "_grpc"), f"{service_name}Stub")
    return app_id, stub, getattr(importlib.import_module(module), f"{name}Request")


def code_of(error: grpc.aio.AioRpcError) -> str:
    status = rpc_status.from_call(error)  # type: ignore[arg-type]
    assert status, error
    info = error_details_pb2.ErrorInfo()
    assert status.details[0].Unpack(info)
    return str(info.reason)


async def ask(stack: Stack, method: str, request: Message, caller: str, user: User | None, token: str) -> str:
    """Calls a method as an application; the code of the error, or ok."""
    app_id, stub, _ = service_of(method)
    assertion = Identity(caller, stack.vault.seed[f"caller/{caller}"]).assertion(app_id, user)
    async with grpc.aio.insecure_channel(stack.grpc_addresses(app_id)[0]) as channel:
        call = getattr(stub(channel), method.rpartition("/")[2])
        try:
            await call(request, timeout=20, metadata=(("dapr-api-token", token), ("x-realchat-caller", assertion)))
        except grpc.aio.AioRpcError as error:
            return code_of(error)
    return "ok"


@pytest.mark.parametrize("method", METHODS)
async def test_every_rpc_answers_bad_input_with_a_code(method: str, stack: Stack, person: NewPerson) -> None:
    caller = min(CALLERS[method])
    alice = await person("Alice")
    user = User(alice.user_id, alice.session_id) if caller in ("gateway", "delivery") else None
    token = stack.vault.seed["app-api-token"]
    for request in requests(service_of(method)[2]):
        code = await ask(stack, method, request, caller, user, token)
        assert code == "ok" or CODES[code].http < 500, f"{method} {str(request)[:100]}: {code}"


@pytest.mark.parametrize("method", METHODS)
async def test_every_rpc_refuses_whom_the_call_graph_does_not_name(method: str, stack: Stack) -> None:
    request = service_of(method)[2]()
    token = stack.vault.seed["app-api-token"]
    stranger = next(app for app in ("presence", "profile", "auth") if app not in CALLERS[method])
    assert await ask(stack, method, request, stranger, None, token) == "caller_not_allowed"
    assert await ask(stack, method, request, min(CALLERS[method]), None, "wrong") == "unauthenticated"
    if stranger not in ("gateway", "delivery"):
        impostor = User(SOMEBODY, SOMEBODY)
        assert await ask(stack, method, request, stranger, impostor, token) == "caller_not_allowed"


async def test_an_expired_ticket_opens_no_socket(stack: Stack, socket_urls: list[str]) -> None:
    past = int(time.time()) - 120
    claims = {
        "sub": SOMEBODY,
        "sid": SOMEBODY,
        "jti": uuid.uuid4().hex,
        "aud": "realchat.socket",
        "iat": past,
        "exp": past + 30,
    }
    ticket = jwt.encode(claims, stack.vault.seed["ticket-key"], algorithm="HS256")
    async with connect(socket_urls[0], subprotocols=["realchat.v1"], ping_interval=None) as connection:  # type: ignore[list-item]
        await connection.send(json.dumps({"type": "auth", "id": "1", "ticket": ticket}))
        frames = [json.loads(frame) async for frame in _frames(connection)]
    assert [frame["code"] for frame in frames] == ["unauthenticated"]
