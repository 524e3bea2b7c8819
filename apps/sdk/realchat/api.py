"""The HTTP side: requests as somebody, with a session that renews itself."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Mapping
from typing import Any, NamedTuple, Protocol, TypeVar

import httpx
import msgspec

from realchat.backoff import delay
from realchat.codes import Code
from realchat.errors import ConnectionLostError, LoggedOutError, RealChatError, UnauthenticatedError, error_of
from realchat.models import Tokens
from realchat.tokens import TokenStore

T = TypeVar("T")


class Paged(Protocol):
    """An answer that may not be all there is."""

    @property
    def next_cursor(self) -> str | None:
        """Where the next page is; None on the last."""


P = TypeVar("P", bound=Paged)
Json = Mapping[str, Any]
Query = Mapping[str, str | int | list[str] | None]

MARGIN_SECONDS = 30.0
"""So long before its end an access token is not used any more."""
LONGEST_DELAY = 4.0
"""Between two tries of one request, if the server does not ask for more."""
PAGE = 200
"""Of a list at a time: as many as the server gives."""
_REPEATABLE = frozenset({"GET", "PUT", "PATCH", "DELETE"})


class _Request(NamedTuple):
    method: str
    path: str
    content: bytes | None
    query: dict[str, str | int | list[str]] | None
    headers: dict[str, str]


def _json_request(method: str, path: str, json: Json | None, query: Query | None, headers: dict[str, str]) -> _Request:
    given = {name: value for name, value in (query or {}).items() if value is not None}
    if json is None:
        return _Request(method, path, None, given or None, headers)
    headers = {**headers, "Content-Type": "application/json"}
    return _Request(method, path, msgspec.json.encode(json), given or None, headers)


class Api:
    """Asks the gateway.

    Args:
        http: with the gateway's base URL and a timeout for each try.
        store: has the session.
        patience: seconds within which a request that may be repeated is, while failures are temporary.
    """

    def __init__(self, http: httpx.AsyncClient, store: TokenStore, patience: float) -> None:
        self._http = http
        self._store = store
        self._patience = patience
        self._tokens = store.load()
        self._refreshing: asyncio.Task[Tokens] | None = None

    @property
    def tokens(self) -> Tokens:
        """The session. Raises LoggedOutError when there is none."""
        if self._tokens is None:
            raise LoggedOutError(Code.UNAUTHENTICATED, "nobody is logged in")
        return self._tokens

    def adopt(self, tokens: Tokens | None) -> Tokens | None:
        """Goes on with a new session; None forgets the one there is."""
        if tokens:
            tokens = msgspec.structs.replace(tokens, expires_at=time.time() + tokens.expires_in)
        self._tokens = tokens
        self._store.save(tokens)
        return tokens

    async def close(self) -> None:
        """Waits for a refresh under way: tokens that came and are not kept would be a session lost."""
        if self._refreshing:
            await asyncio.wait([self._refreshing])

    async def ask(
        self,
        method: str,
        path: str,
        kind: type[T],
        *,
        json: Json | None = None,
        query: Query | None = None,
        key: str = "",
    ) -> T:
        """A request as the person who is logged in.

        Args:
            method: those other than POST are repeated while failures are temporary.
            path: from `/v1` on.
            kind: the type of the answer.
            json: the body.
            query: what is None is left out.
            key: an idempotency key; with it a POST is repeated, too.

        Raises:
            RealChatError: of a class that says what to do about it.
        """
        headers = {"Idempotency-Key": f'"{key}"'} if key else {}
        request = _json_request(method, path, json, query, headers)
        return _decoded(await self._repeated(request, repeat=bool(key) or method in _REPEATABLE), kind)

    async def pages(self, path: str, kind: type[P], query: Query | None = None) -> AsyncIterator[P]:
        """The pages of a list, until there are no more. Raises RealChatError."""
        cursor: str | None = None
        while True:
            page = await self.ask("GET", path, kind, query={"limit": PAGE, **(query or {}), "cursor": cursor})
            yield page
            if not (cursor := page.next_cursor):
                return

    async def ask_anonymously(self, path: str, kind: type[T], json: Json) -> T:
        """A POST as nobody, once. Raises RealChatError."""
        return _decoded(await self._once(_json_request("POST", path, json, None, {}), {}), kind)

    async def put(self, path: str, data: bytes, kind: type[T]) -> T:
        """Brings bytes to a link that the server gave. Raises RealChatError."""
        headers = {"Content-Type": "application/octet-stream"}
        return _decoded(await self._repeated(_Request("PUT", path, data, None, headers), repeat=True), kind)

    async def fetch(self, path: str) -> bytes:
        """Gets bytes from a link that the server gave. Raises RealChatError."""
        return await self._repeated(_Request("GET", path, None, None, {}), repeat=True)

    async def _repeated(self, request: _Request, *, repeat: bool) -> bytes:
        until = time.monotonic() + self._patience
        attempt = 0
        while True:
            try:
                return await self._as_person(request)
            except RealChatError as error:
                attempt += 1
                wait = delay(attempt, error.retry_after or 0.0, LONGEST_DELAY)
                if not (repeat and error.temporary) or time.monotonic() + wait > until:
                    raise
            await asyncio.sleep(wait)

    async def _as_person(self, request: _Request) -> bytes:
        token = await self.access_token()
        try:
            return await self._once(request, {"Authorization": f"Bearer {token}"})
        except UnauthenticatedError:
            token = (await self.refreshed(token)).access_token
        return await self._once(request, {"Authorization": f"Bearer {token}"})

    async def _once(self, request: _Request, identity: dict[str, str]) -> bytes:
        try:
            answer = await self._http.request(
                request.method,
                request.path,
                content=request.content,
                params=request.query,
                headers={**request.headers, **identity},
            )
        except httpx.TransportError as error:
            raise ConnectionLostError(str(error) or type(error).__name__) from error
        if answer.is_success:
            return answer.content
        raise error_of(_problem(answer), answer.status_code)

    async def access_token(self) -> str:
        """One that is good for a while. Raises LoggedOutError, or what kept the session from being renewed."""
        tokens = self.tokens
        if tokens.expires_at and tokens.expires_at - time.time() < MARGIN_SECONDS:
            tokens = await self.refreshed(tokens.access_token)
        return tokens.access_token

    async def refreshed(self, used: str) -> Tokens:
        """New tokens in place of those with a certain access token; all who ask at once get the same.

        The refresh goes on when whoever asked is cancelled, for it uses the refresh token up.

        Raises:
            LoggedOutError: the session has ended.
            RealChatError: something temporary; the session is as it was.
        """
        if self.tokens.access_token != used:
            return self.tokens
        if self._refreshing is None:
            self._refreshing = asyncio.create_task(self._refresh(used))
            self._refreshing.add_done_callback(self._refresh_ended)
        return await asyncio.shield(self._refreshing)

    def _refresh_ended(self, task: asyncio.Task[Tokens]) -> None:
        self._refreshing = None
        if not task.cancelled():
            task.exception()  # perhaps nobody waits for it any more

    async def _refresh(self, used: str) -> Tokens:
        async with self._store.exclusive():
            self._tokens = self._store.load()  # another program may have been first
            if self.tokens.access_token != used:
                return self.tokens
            try:
                fresh = await self.ask_anonymously(
                    "/v1/auth/refresh", Tokens, {"refresh_token": self.tokens.refresh_token}
                )
            except UnauthenticatedError as error:
                self.adopt(None)
                raise LoggedOutError(error.code, error.detail) from error
            self.adopt(fresh)
            return self.tokens


def _decoded(content: bytes, kind: type[T]) -> T:
    try:
        return msgspec.json.decode(content or b"null", type=kind)
    except msgspec.DecodeError as error:
        raise RealChatError("unexpected_answer", f"this does not look like RealChat: {error}") from error


def _problem(answer: httpx.Response) -> dict[str, Any]:
    """The problem+json document, or what a proxy's answer comes to."""
    try:
        problem = msgspec.json.decode(answer.content, type=dict[str, Any])
    except msgspec.DecodeError:
        problem = {"detail": f"HTTP {answer.status_code}"}
    if "code" not in problem:
        problem["code"] = Code.UNAVAILABLE.value if answer.status_code >= 500 else f"http_{answer.status_code}"
    if "retry_after" not in problem and answer.headers.get("Retry-After", "").isdecimal():
        problem["retry_after"] = float(answer.headers["Retry-After"])
    return problem
