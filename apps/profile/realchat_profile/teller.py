"""Tells other services what people are to each other, and what they let others see.

Not events are owed but the state: a row whose `told_version` is behind its `version` is told as it is now, until it
was taken. So nothing is lost in a crash, nothing waits for its predecessors, and what is told twice or late changes
nothing, since whoever hears it compares versions. The message service is told by a call, before the request is
answered, so that who has blocked somebody gets no message of theirs afterwards.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from typing import TYPE_CHECKING, Protocol

from prometheus_client import Counter

from chat.event.v1 import event_pb2
from chat.message.v1 import message_pb2
from chat.profile.v1 import profile_pb2
from realchat_common.errors import RealChatError
from realchat_common.ids import now_ms
from realchat_common.rpc import Peer
from realchat_common.sidecar import Sidecar
from realchat_common.telemetry import log
from realchat_common.topics import publish_account_event
from realchat_profile.privacy_store import PrivacyRow, PrivacyStore
from realchat_profile.relation_store import RelationRow, RelationStore

if TYPE_CHECKING:
    from chat.message.v1.message_pb2_grpc import MessageServiceAsyncStub

DEADLINE_SECONDS = 2.0
"""Short, since somebody waits for the first attempt."""
AGAIN_SECONDS = 1.0
GRACE_MS = 5_000
"""For so long a change is left to the request that made it."""
BATCH = 50

TOLD = Counter("realchat_profile_told_total", "Attempts to tell others of a change, by outcome.", ("outcome",))


class Listeners(Protocol):
    """Who is told. Methods raise RealChatError."""

    async def set_relation(self, request: message_pb2.SetRelationRequest) -> None:
        """Tells the message service."""

    async def set_receipt_privacy(self, request: message_pb2.SetReceiptPrivacyRequest) -> None:
        """Tells the message service."""

    async def publish(self, event: event_pb2.AccountEvent) -> None:
        """Tells everybody else."""

    async def forget(self, request: message_pb2.ForgetUserRequest) -> None:
        """Tells the message service."""


class SidecarListeners:
    """`Listeners` through the sidecar."""

    def __init__(self, sidecar: Sidecar, message: Peer[MessageServiceAsyncStub]) -> None:
        self._sidecar = sidecar
        self._message = message

    async def set_relation(self, request: message_pb2.SetRelationRequest) -> None:
        await self._message.call(self._message.stub.SetRelation, request, deadline=DEADLINE_SECONDS)

    async def set_receipt_privacy(self, request: message_pb2.SetReceiptPrivacyRequest) -> None:
        await self._message.call(self._message.stub.SetReceiptPrivacy, request, deadline=DEADLINE_SECONDS)

    async def forget(self, request: message_pb2.ForgetUserRequest) -> None:
        await self._message.call(self._message.stub.ForgetUser, request, deadline=DEADLINE_SECONDS)

    async def publish(self, event: event_pb2.AccountEvent) -> None:
        await publish_account_event(self._sidecar, event, DEADLINE_SECONDS)


class Teller:
    """Tells listeners what they do not know yet."""

    def __init__(self, relations: RelationStore, privacies: PrivacyStore, listeners: Listeners) -> None:
        self._relations = relations
        self._privacies = privacies
        self._listeners = listeners

    async def tell(self, row: RelationRow | PrivacyRow) -> None:
        """Tries once. What is not taken stays untold, and `run` comes back to it."""
        if row.told_version >= row.version:
            return
        try:
            await (self._relation(row) if isinstance(row, RelationRow) else self._privacy(row))
        except RealChatError as error:
            TOLD.labels("failed").inc()
            log.warning("still to be told", version=row.version, reason=error.detail)
        else:
            TOLD.labels("ok").inc()

    async def forget(self, user_id: str) -> None:
        """Tells of an account that was deleted. Raises RealChatError when that is not taken: the caller asks again."""
        await self._listeners.forget(message_pb2.ForgetUserRequest(user_id=user_id))

    async def _relation(self, row: RelationRow) -> None:
        relation = row.relation
        request = message_pb2.SetRelationRequest(
            user_id=str(row.low_id),
            peer_id=str(row.high_id),
            contacts=relation.contacts,
            apart=bool(relation.blocked_by),
            version=row.version,
        )
        await self._listeners.set_relation(request)
        for event in _events(row):
            await self._listeners.publish(event)
        await self._relations.told(row)

    async def _privacy(self, row: PrivacyRow) -> None:
        user_id = str(row.user_id)
        await self._listeners.set_receipt_privacy(
            message_pb2.SetReceiptPrivacyRequest(
                user_id=user_id, audience=profile_pb2.Audience.ValueType(row.receipts), version=row.version
            )
        )
        changed = event_pb2.PrivacyChanged(version=row.version)
        await self._listeners.publish(event_pb2.AccountEvent(user_id=user_id, privacy_changed=changed))
        await self._privacies.told(row)

    async def run(self) -> None:
        """Takes up every second what requests have left behind. Never returns."""
        while True:
            if await self.sweep() < BATCH:
                await asyncio.sleep(AGAIN_SECONDS)

    async def sweep(self) -> int:
        """One round of `run`; returns how much there was to tell."""
        before_ms = now_ms() - GRACE_MS
        relations = await self._relations.untold(before_ms, BATCH)
        rows: list[RelationRow | PrivacyRow] = [*relations, *await self._privacies.untold(before_ms, BATCH)]
        for row in rows:
            await self.tell(row)
        return len(rows)


def _events(row: RelationRow) -> Iterator[event_pb2.AccountEvent]:
    relation = row.relation
    for user_id in (str(row.low_id), str(row.high_id)):
        yield event_pb2.AccountEvent(
            user_id=user_id,
            relation_changed=event_pb2.RelationChanged(
                peer_id=row.peer_of(user_id),
                contacts=relation.contacts,
                blocked=user_id in relation.blocked_by,
                apart=bool(relation.blocked_by),
                version=row.version,
            ),
        )
