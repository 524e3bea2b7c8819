"""Requests that are sent twice with one Idempotency-Key."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import pytest
from fastapi import FastAPI, Response
from realchat_gateway.idempotency import Record, once
from service.gateway.backends import Backends
from service.gateway.door import Client, MakeApp, MemoryRecords

from chat.conversation.v1 import conversation_pb2 as pb
from chat.event.v1 import event_pb2
from realchat_common.errors import Code, RealChatError
from realchat_common.ids import new_id

KEY = {"Idempotency-Key": '"k1"'}
GROUP = {"title": "Tea", "member_ids": []}


TEA = pb.Conversation(
    conversation_id=new_id(), kind=event_pb2.CONVERSATION_KIND_GROUP, title="Tea", role=event_pb2.ROLE_OWNER
)


@pytest.fixture(autouse=True)
def _conversations(backends: Backends) -> None:
    backends.answer("CreateGroup", pb.CreateGroupResponse(conversation=TEA))
    backends.answer("CreateDirect", pb.CreateDirectResponse(conversation=TEA, created=True))
    backends.answer("AddMembers", pb.AddMembersResponse(conversation=TEA))


@pytest.mark.parametrize(
    ("path", "body", "method", "status"),
    [
        ("/v1/conversations", GROUP, "CreateGroup", 201),
        ("/v1/conversations/direct", {"user_id": new_id()}, "CreateDirect", 201),
        (f"/v1/conversations/{new_id()}/members", {"user_ids": [new_id()]}, "AddMembers", 200),
        (f"/v1/conversations/{new_id()}/leave", None, "LeaveConversation", 204),
    ],
    ids=["group", "direct", "members", "leave"],
)
async def test_the_same_request_is_done_once(
    alice: Client, backends: Backends, path: str, body: object, method: str, status: int
) -> None:
    first, again = [await alice.ask("POST", path, json=body, headers=KEY) for _ in range(2)]
    assert first.status_code == again.status_code == status
    assert first.content == again.content
    assert "idempotency-replayed" not in first.headers
    assert again.headers["idempotency-replayed"] == "true"
    assert backends.times(method) == 1


async def test_another_request_with_the_same_key_is_refused(alice: Client) -> None:
    await alice.ask("POST", "/v1/conversations", json=GROUP, headers=KEY)
    for path, body in (
        ("/v1/conversations", GROUP | {"title": "T"}),
        ("/v1/conversations/direct", {"user_id": new_id()}),
    ):
        answer = await alice.ask("POST", path, json=body, headers=KEY)
        assert (answer.status_code, answer.json()["code"]) == (422, "idempotency_mismatch")


async def test_keys_of_others_do_not_matter(app: FastAPI, log_in: Callable[..., Client], backends: Backends) -> None:
    for person in (log_in(app), log_in(app)):
        answer = await person.ask("POST", "/v1/conversations", json=GROUP, headers=KEY)
        assert (answer.status_code, "idempotency-replayed" in answer.headers) == (201, False)
    assert backends.times("CreateGroup") == 2


async def test_without_a_key_each_request_is_done(alice: Client, backends: Backends) -> None:
    for _ in range(2):
        await alice.ask("POST", "/v1/conversations", json=GROUP)
    assert backends.times("CreateGroup") == 2


async def test_what_failed_may_be_tried_again(alice: Client, backends: Backends, records: MemoryRecords) -> None:
    backends.answer("CreateGroup", RealChatError(Code.UNAVAILABLE))
    assert (await alice.ask("POST", "/v1/conversations", json=GROUP, headers=KEY)).status_code == 503
    assert (await alice.ask("POST", "/v1/conversations", json={"title": 1}, headers=KEY)).status_code == 422
    assert not records.known
    backends.answer("CreateGroup", pb.CreateGroupResponse(conversation=TEA))
    assert (await alice.ask("POST", "/v1/conversations", json=GROUP, headers=KEY)).status_code == 201


async def test_a_repeated_request_counts_as_any_other(make_app: MakeApp, log_in: Callable[..., Client]) -> None:
    alice = log_in(make_app({"write": "2/minute"}))
    statuses = [(await alice.ask("POST", "/v1/conversations", json=GROUP, headers=KEY)).status_code for _ in range(3)]
    assert statuses == [201, 201, 429]


async def test_while_a_request_is_worked_on_its_twin_is_told_to_wait() -> None:
    records, go = MemoryRecords(), asyncio.Event()

    async def work() -> Response:
        await go.wait()
        return Response("{}", 201)

    async with asyncio.TaskGroup() as group:
        first = group.create_task(once(records, "k", "this", work))
        await asyncio.sleep(0)
        with pytest.raises(RealChatError) as refused:
            await once(records, "k", "this", work)
        go.set()
    assert refused.value.code is Code.REQUEST_IN_PROGRESS
    assert (await first).status_code == 201
    assert (await once(records, "k", "this", work)).headers["idempotency-replayed"] == "true"


async def test_a_cancelled_request_may_be_tried_again() -> None:
    records = MemoryRecords()

    async def work() -> Response:
        await asyncio.Event().wait()
        raise AssertionError

    task = asyncio.create_task(once(records, "k", "this", work))
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert not records.known


class Forgetful(MemoryRecords):
    """Records whose store goes away while the work is done."""

    async def finish(self, key: str, record: Record) -> None:
        raise RealChatError(Code.UNAVAILABLE)


async def test_what_was_done_is_answered_even_when_it_cannot_be_noted() -> None:
    async def work() -> Response:
        return Response("{}", 201)

    assert (await once(Forgetful(), "k", "this", work)).status_code == 201
