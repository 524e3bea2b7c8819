"""Who may see whom."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Protocol

from chat.conversation.v1 import conversation_pb2
from realchat_common.rpc import Peer

if TYPE_CHECKING:
    from chat.conversation.v1.conversation_pb2_grpc import ConversationServiceAsyncStub

DEADLINE_SECONDS = 3.0
"""Less than our own callers' deadline, so that they hear from us what is wrong."""


class Acquaintances(Protocol):
    """Whom a user may see."""

    async def of(self, user_id: str, others: Sequence[str]) -> set[str]:
        """Those of up to 200 others whose presence the user may see. Raises RealChatError when it cannot tell."""


class SharedConversations:
    """`Acquaintances` by the conversation service: whoever shares a conversation."""

    def __init__(self, peer: Peer[ConversationServiceAsyncStub]) -> None:
        self._peer = peer

    async def of(self, user_id: str, others: Sequence[str]) -> set[str]:
        """As Acquaintances says."""
        if not others:
            return set()
        request = conversation_pb2.FilterPeersRequest(user_id=user_id, peer_ids=others)
        answer = await self._peer.call(self._peer.stub.FilterPeers, request, deadline=DEADLINE_SECONDS)
        return set(answer.peer_ids)
