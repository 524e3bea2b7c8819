"""Who may see whom."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Protocol

from chat.conversation.v1 import conversation_pb2
from chat.profile.v1 import profile_pb2
from realchat_common.rpc import Peer

if TYPE_CHECKING:
    from chat.conversation.v1.conversation_pb2_grpc import ConversationServiceAsyncStub
    from chat.profile.v1.profile_pb2_grpc import ProfileServiceAsyncStub

DEADLINE_SECONDS = 3.0
"""Less than our own callers' deadline, so that they hear from us what is wrong."""


class Acquaintances(Protocol):
    """Whom a user may see."""

    async def of(self, user_id: str, others: Sequence[str]) -> Mapping[str, bool]:
        """Those of up to 200 others whose presence the user may see; True for those who also show when they were here.

        Raises RealChatError when it cannot tell.
        """


class KnownPeople:
    """`Acquaintances` by the conversation and the profile service: contacts and whoever shares a conversation, unless
    one has blocked the other.
    """

    def __init__(
        self, conversation: Peer[ConversationServiceAsyncStub], profile: Peer[ProfileServiceAsyncStub]
    ) -> None:
        self._conversation = conversation
        self._profile = profile

    async def of(self, user_id: str, others: Sequence[str]) -> Mapping[str, bool]:
        """As Acquaintances says."""
        if not others:
            return {}
        shared = conversation_pb2.FilterPeersRequest(user_id=user_id, peer_ids=others)
        allowed = profile_pb2.GetVisibilityRequest(viewer_id=user_id, user_ids=others)
        peers, visible = await asyncio.gather(
            self._conversation.call(self._conversation.stub.FilterPeers, shared, deadline=DEADLINE_SECONDS),
            self._profile.call(self._profile.stub.GetVisibility, allowed, deadline=DEADLINE_SECONDS),
        )
        return {
            each.user_id: each.last_seen
            for each in visible.visibilities
            if each.present and (each.contact or each.user_id in peers.peer_ids)
        }
