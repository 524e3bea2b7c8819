"""What is told only as it happens: receipts and the like. It is not kept, and the first to be dropped under load.

From node to node it goes by the nodes' channels, one round trip to Redis, and not by a topic of Kafka: nothing has to
be kept or ordered, no node is bothered that has none of the users, and two sidecars and a broker have less to do.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import Literal

import msgspec
from prometheus_client import Counter

from chat.event.v1 import event_pb2 as pb
from realchat_common.errors import Code, RealChatError
from realchat_common.ids import now_ms
from realchat_delivery.domain import TYPING_SECONDS, Audience
from realchat_delivery.frames import Notice, Receipt, ServerTyping
from realchat_delivery.hub import Hub
from realchat_delivery.log import Log
from realchat_delivery.packets import Packet
from realchat_delivery.registry import Registry

MOST_TOLD = 100
"""In larger conversations members are told of their own receipts only; who wants to know the others' asks. Nobody is
told who types."""
AT_ONCE = 64
"""News worked on at the same time; what comes meanwhile is dropped."""
TYPING_AT_ONCE = 32
"""Of these, for typing at most."""
MOST_AGE_MS = 30_000
"""What is older is dropped: clients have asked for it meanwhile."""

TOLD = Counter("realchat_notices_total", "What is told only as it happens, by kind and outcome.", ("kind", "outcome"))


class Notices:
    """Tells users' devices, wherever they are.

    Args:
        hub: this node's sockets.
        registry: the other nodes.
        messages_log: who is in a conversation.
    """

    def __init__(self, hub: Hub, registry: Registry, messages_log: Log) -> None:
        self._hub = hub
        self._registry = registry
        self._log = messages_log
        self._working = 0

    async def receipts(self, moved: pb.ReceiptsMoved) -> None:
        """How far members have come. What cannot be told now is dropped."""
        if self._working >= AT_ONCE or now_ms() - moved.at_ms > MOST_AGE_MS:
            TOLD.labels("receipt", "dropped").inc(len(moved.receipts))
            return
        self._working += 1
        try:
            audience = await self._log.audience(moved.conversation_id, moved.members_seq)
            everybody = audience.members if len(audience.members) <= MOST_TOLD else frozenset()
            for receipt in moved.receipts:
                whose = {receipt.user_id} & audience.members
                frame = Receipt(
                    conversation_id=moved.conversation_id,
                    user_id=receipt.user_id,
                    delivered_up_to=receipt.delivered_up_to,
                    read_up_to=receipt.read_up_to,
                )
                others = frozenset() if receipt.private else everybody - whose - set(receipt.hidden_from)
                await self.tell(others, frame)
                await self.tell(whose, msgspec.structs.replace(frame, marked_unread=receipt.marked_unread))
            TOLD.labels("receipt", "told").inc(len(moved.receipts))
        except RealChatError:
            TOLD.labels("receipt", "failed").inc(len(moved.receipts))
        finally:
            self._working -= 1

    async def typing(self, user_id: str, conversation_id: str, state: Literal["start", "stop"]) -> None:
        """Tells the other members who types. What cannot be told now is dropped.

        Raises:
            RealChatError: conversation_not_found, also for those who are not members.
        """
        if self._working >= TYPING_AT_ONCE:
            TOLD.labels("typing", "dropped").inc()
            return
        self._working += 1
        try:
            audience = await self._audience(conversation_id, user_id)
            if len(audience.members) <= MOST_TOLD and not audience.apart:
                frame = ServerTyping(
                    conversation_id=conversation_id,
                    user_id=user_id,
                    state=state,
                    expires_in_ms=int(TYPING_SECONDS * 1000) if state == "start" else 0,
                )
                await self.tell(audience.members - {user_id}, frame)
                TOLD.labels("typing", "told").inc()
        except RealChatError as error:
            if not error.code.temporary:
                raise
            TOLD.labels("typing", "failed").inc()
        finally:
            self._working -= 1

    async def _audience(self, conversation_id: str, user_id: str) -> Audience:
        """The audience, for one of its members. Raises conversation_not_found."""
        audience = await self._log.audience_now(conversation_id)
        if user_id not in audience.members:
            raise RealChatError(Code.CONVERSATION_NOT_FOUND)
        return audience

    async def tell(self, user_ids: Collection[str], notice: Notice) -> None:
        """Tells users something. Raises RealChatError; then this node's users are told nonetheless."""
        if user_ids:
            self._hub.notify(user_ids, notice)
            await self._registry.tell(user_ids, Packet(whole=list(user_ids), notice=notice).encoded())
