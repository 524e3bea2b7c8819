"""What the services say of their HTTP in OpenAPI is what they do: schemathesis asks, within what they say and outside.

The same requests come every time, and few; raise `EXAMPLES` to look for more.
"""

from __future__ import annotations

import asyncio
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from http.cookiejar import DefaultCookiePolicy
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest
import requests
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from schemathesis import Case, GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.schemas import APIOperation
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)
from service.gateway.test_bad_input import BODIES, ID, ROUTES
from stack import Stack, paths
from support.chat import PASSWORD, Person
from support.fixtures import NewPerson
from support.routes import route_of

EXAMPLES = 2
"""Requests to each route that its description allows, and as many that it does not."""
CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
]

bounded = settings(
    max_examples=EXAMPLES,
    derandomize=True,
    database=None,
    deadline=None,
    phases=[Phase.generate],
    suppress_health_check=list(HealthCheck),
)

Operation = APIOperation[Any, Any, Any, Any]


class Asker:
    """Sends each request with an access token and without, over connections that are kept."""

    def __init__(self, session: requests.Session, person: Person) -> None:
        self._session = session
        self._authorization = {"Authorization": f"Bearer {person.access_token}"}

    def ask(self, case: Case[Any]) -> None:
        """Fails if an answer is not as described."""
        for headers in self._authorization, {}:
            case.call_and_validate(session=self._session, headers=headers, checks=CHECKS)

    def ask_anything(self, operation: Operation, known: dict[str, str] | None = None) -> None:
        """What may be asked, about what is there, and what may not."""
        bounded(given(operation.as_strategy(path_parameters=known))(self.ask))()
        if list(operation.iter_parameters()) or operation.body:
            bounded(given(operation.as_strategy(GenerationMode.NEGATIVE))(self.ask))()


def described(url: str) -> Any:
    """The description that an application gives of itself."""
    return schemathesis.openapi.from_url(f"{url}/openapi.json")


@pytest.fixture(scope="module")
def session() -> Iterator[requests.Session]:
    with requests.Session() as session:
        session.cookies.set_policy(DefaultCookiePolicy(allowed_domains=[]))  # each request is one by itself
        yield session


@pytest.fixture(scope="module")
def gateway(stack: Stack) -> Any:
    return described(stack.web_url)


@pytest.fixture(scope="module")
async def operator(stack: Stack, http: httpx.AsyncClient) -> Person:
    """An administrator of the instance."""
    olga = await Person.registers(http, "Olga")
    command = [sys.executable, "-m", "stack.admin", olga.email, "--name", stack.name]
    await asyncio.to_thread(subprocess.run, command, check=True, cwd=paths.ROOT / "dev")
    return olga


@pytest.fixture(scope="module")
async def friends(http: httpx.AsyncClient) -> tuple[Person, Person]:
    """Two to whom no request about a group does any harm."""
    return await Person.registers(http, "Alice"), await Person.registers(http, "Bob")


async def there(path: str, alice: Person, bob: Person) -> dict[str, str]:
    """For each parameter of a path something that is there, unless it takes much to put it there."""
    found = {"user_id": bob.user_id, "session_id": alice.session_id, "emoji": "👍"}
    if "{conversation_id}" in path:
        talk = found["conversation_id"] = await alice.makes_group("Described", bob)
        kind, said = ("polls", {"question": "Tea?", "options": ["Yes", "No"]}) if "/polls" in path else ("messages", {})
        message = await alice.asks("POST", f"/v1/conversations/{talk}/{kind}", json=said or {"body": "Tea?"})
        found["message_id"] = message["message_id"]
    if "{bot_id}" in path:
        found["bot_id"] = (await alice.asks("POST", "/v1/bots", json={"display_name": "Bot"}))["bot_id"]
    return {part[1:-1]: found.get(part[1:-1], ID) for part in path.split("/") if part.startswith("{")}


def with_what_is_there(body: dict[str, Any], alice: Person, bob: Person) -> dict[str, Any]:
    """A body that is accepted."""
    values = {
        "user_id": bob.user_id,
        "user_ids": [bob.user_id],
        "member_ids": [bob.user_id],
        "password": PASSWORD,
        "current_password": PASSWORD,
        "refresh_token": alice.refresh_token,
        "send_at": (datetime.now(UTC) + timedelta(days=1)).isoformat(),
    }
    return {name: values.get(name, value) for name, value in body.items()}


@pytest.mark.parametrize(("method", "address"), ROUTES)
async def test_a_route_of_the_gateway_answers_as_it_is_described(
    method: str,
    address: str,
    gateway: Any,
    session: requests.Session,
    person: NewPerson,
    friends: tuple[Person, Person],
    operator: Person,
) -> None:
    path = route_of(method, address).partition(" ")[2]
    alice, bob = friends if path.startswith("/v1/conversations/") else (await person("Alice"), await person("Bob"))
    asker = Asker(session, operator if path.startswith("/v1/admin/") else alice)
    operation, parameters = gateway[path][method], await there(path, alice, bob)
    case = operation.Case(
        path_parameters=parameters,
        query={name: values[0] for name, values in parse_qs(urlsplit(address).query).items()},
    )
    if body := BODIES.get((method, address)):
        case.body, case.media_type = with_what_is_there(body, alice, bob), "application/json"
    await asyncio.to_thread(asker.ask, case)
    await asyncio.to_thread(asker.ask_anything, operation, parameters)


@pytest.mark.parametrize("app", ["auth", "profile"])
async def test_a_service_answers_as_it_is_described(
    app: str, stack: Stack, session: requests.Session, friends: tuple[Person, Person]
) -> None:
    asker = Asker(session, friends[0])
    for found in described(stack.urls(app)[0]).get_all_operations():
        await asyncio.to_thread(asker.ask_anything, found.ok(), None)
