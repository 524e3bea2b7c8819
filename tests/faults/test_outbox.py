"""A transaction of the outbox store that fails leaves a sidecar spinning, until the janitor releases it."""

from __future__ import annotations

import asyncio

import grpc
import pytest
from dapr.proto import api_service_v1, api_v1, common_v1
from realchat_message.segments import STORE, pointer_json, segment_key
from stack import Stack
from support.chat import Device, eventually, online
from support.fixtures import NewPerson
from support.outbox import at_rest, pending_entries

from chat.event.v1 import event_pb2 as pb

pytestmark = [pytest.mark.faults, pytest.mark.timeout(300)]


async def fails_to_insert(stack: Stack, conversation_id: str, first_seq: int) -> None:
    """Tries to write over a segment, as a writer does whose probe came too early; its pointer names the next seq."""
    key = segment_key(conversation_id, first_seq)
    pointer = pb.Pointer(conversation_id=conversation_id, first_seq=first_seq + 1, last_seq=first_seq + 1)
    first_write = common_v1.StateOptions(concurrency=common_v1.StateOptions.CONCURRENCY_FIRST_WRITE)
    operations = [
        api_v1.TransactionalStateOperation(
            operationType="upsert",
            request=common_v1.StateItem(
                key=key, value=b"never", metadata={"type": "chat.pointer"}, options=first_write
            ),
        ),
        api_v1.TransactionalStateOperation(
            operationType="upsert",
            request=common_v1.StateItem(
                key=key,
                value=pointer_json(pointer),
                metadata={"outbox.projection": "true", "contentType": "application/json"},
            ),
        ),
    ]
    async with grpc.aio.insecure_channel(stack.sidecar_grpc_addresses("message")[0]) as channel:
        with pytest.raises(grpc.aio.AioRpcError, match="no item was updated"):
            await api_service_v1.DaprStub(channel).ExecuteStateTransaction(  # type: ignore[no-untyped-call]
                api_v1.ExecuteStateTransactionRequest(storeName=STORE, operations=operations),
                metadata=(("dapr-api-token", stack.dapr_api_token),),
                timeout=10,
            )


async def test_a_failed_transaction_is_released_and_nobody_sees_a_phantom(
    stack: Stack, person: NewPerson, socket_urls: list[str]
) -> None:
    alice, bob = await person("Alice"), await person("Bob")
    conversation = await alice.talks_to(bob)
    alices, bobs = Device(alice, socket_urls), Device(bob, socket_urls)
    async with online(alices, bobs):
        await alices.sends(conversation, "real")
        await eventually(lambda: bobs.cursor(conversation) == 2, "the message arrives")
        await eventually(lambda: at_rest(stack), "the outbox is done with it", 60)
        before = await bob.history(conversation)

        await fails_to_insert(stack, conversation, 2)
        await eventually(lambda: holds_one(stack), "the entry pends", 10)
        await eventually(lambda: at_rest(stack), "the janitor releases it", 60)

        assert await bob.history(conversation) == before
        assert bobs.cursor(conversation) == 2
        await alices.sends(conversation, "real again")
        await eventually(lambda: bobs.cursor(conversation) == 3, "the log goes on")
        assert bobs.violations == []


async def holds_one(stack: Stack) -> bool:
    await asyncio.sleep(0)
    return await pending_entries(stack) == 1
