"""A request that is sent twice with the same Idempotency-Key is done once.

Source: https://datatracker.ietf.org/doc/draft-ietf-httpapi-idempotency-key-header/07/
"""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Awaitable, Callable
from typing import Protocol

import msgspec
from dapr.aio.clients import DaprClient
from dapr.clients.exceptions import DaprGrpcError, DaprInternalError
from dapr.clients.grpc._state import Concurrency, StateOptions
from fastapi import Response

from realchat_common.errors import Code, RealChatError
from realchat_common.telemetry import log

STORE = "idempotency"
DEADLINE_SECONDS = 2.0
WORK_SECONDS = 60
"""A reservation that was never answered, because its replica died, ends after this long."""
KEEP_SECONDS = 86_400


class Record(msgspec.Struct, frozen=True):
    """What is known about a key: which request it stands for, and the answer once there is one."""

    fingerprint: str
    status: int = 0
    body: str = ""


class Records(Protocol):
    """Where records are kept. All methods raise unavailable when it is away."""

    async def insert(self, key: str, record: Record) -> Record | None:
        """Keeps a reservation for WORK_SECONDS; returns what is there already, and then keeps nothing."""

    async def finish(self, key: str, record: Record) -> None:
        """Puts the answer in the place of its reservation, for KEEP_SECONDS."""

    async def remove(self, key: str) -> None:
        """Forgets a reservation."""


def record_key(user_id: str, key: str) -> str:
    """The record's name: keys belong to users, and may hold anything."""
    return hashlib.sha256(f"{user_id}\n{key}".encode()).hexdigest()


def fingerprint(method: str, path: str, body: bytes) -> str:
    """What makes two requests the same one."""
    return hashlib.sha256(b"\n".join((method.encode(), path.encode(), body))).hexdigest()


def replay(known: Record, asked: str) -> Response:
    """The answer that a repeated request gets.

    Args:
        known: the record of its key.
        asked: its fingerprint.

    Raises:
        RealChatError: idempotency_mismatch, request_in_progress.
    """
    if known.fingerprint != asked:
        raise RealChatError(Code.IDEMPOTENCY_MISMATCH)
    if not known.status:
        raise RealChatError(Code.REQUEST_IN_PROGRESS, retry_after=1)
    headers = {"Idempotency-Replayed": "true"}
    return Response(known.body, known.status, headers, media_type="application/json" if known.body else None)


async def once(records: Records, key: str, asked: str, work: Callable[[], Awaitable[Response]]) -> Response:
    """Does the work unless it was done before.

    Only success is kept. After a failure the same key does the work again, which is safe: each change behind this is
    either done or not, and changes nothing the second time.
    """
    known = await records.insert(key, Record(asked))
    if known:
        return replay(known, asked)
    try:
        response = await work()
    except BaseException:
        await _settle(records.remove(key))
        raise
    await _settle(records.finish(key, Record(asked, response.status_code, bytes(response.body).decode())))
    return response


async def _settle(step: Awaitable[None]) -> None:
    """The work is over and its outcome stands, whether or not the record can be written: the reservation expires."""
    try:
        await asyncio.shield(step)
    except RealChatError as error:
        log.warning("idempotency record not written", error=str(error))


class DaprRecords:
    """Records in the sidecar's state store.

    Args:
        client: the sidecar.
    """

    def __init__(self, client: DaprClient) -> None:
        self._client = client

    async def insert(self, key: str, record: Record) -> Record | None:
        """See Records."""
        try:
            await self._save(key, record, WORK_SECONDS, etag=None)
        except DaprInternalError as error:
            known, _ = await self._get(key)
            if known is None:  # so it was not the key that was in the way
                raise RealChatError(Code.UNAVAILABLE) from error
            return known
        return None

    async def finish(self, key: str, record: Record) -> None:
        """See Records."""
        _, etag = await self._get(key)
        try:
            await self._save(key, record, KEEP_SECONDS, etag=etag)
        except DaprInternalError as error:
            raise RealChatError(Code.UNAVAILABLE) from error

    async def remove(self, key: str) -> None:
        """See Records."""
        try:
            async with asyncio.timeout(DEADLINE_SECONDS):
                await self._client.delete_state(STORE, key)
        except (DaprGrpcError, DaprInternalError, TimeoutError) as error:
            raise RealChatError(Code.UNAVAILABLE) from error

    async def _get(self, key: str) -> tuple[Record | None, str]:
        try:
            async with asyncio.timeout(DEADLINE_SECONDS):
                found = await self._client.get_state(STORE, key)
        except (DaprGrpcError, TimeoutError) as error:
            raise RealChatError(Code.UNAVAILABLE) from error
        return (msgspec.json.decode(found.data, type=Record) if found.data else None), found.etag

    async def _save(self, key: str, record: Record, ttl: int, *, etag: str | None) -> None:
        try:
            async with asyncio.timeout(DEADLINE_SECONDS):
                await self._client.save_state(
                    STORE,
                    key,
                    msgspec.json.encode(record),
                    etag=etag,
                    options=StateOptions(concurrency=Concurrency.first_write),
                    state_metadata={"ttlInSeconds": str(ttl)},
                )
        except TimeoutError as error:
            raise RealChatError(Code.UNAVAILABLE) from error
