"""What other services know of people who are away: all of it is read, so it may be asked again."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from chat.conversation.v1 import conversation_pb2, conversation_pb2_grpc
from chat.message.v1 import message_pb2, message_pb2_grpc
from chat.presence.v1 import presence_pb2, presence_pb2_grpc
from chat.profile.v1 import profile_pb2, profile_pb2_grpc
from realchat_auth.reminders.domain import Place, Waiting
from realchat_common.rpc import Peer


class Elsewhere(Protocol):
    """Methods raise RealChatError when they cannot tell."""

    async def last_seen(self, user_ids: Sequence[str]) -> dict[str, int]:
        """When those of some people who are not there now were last connected; 0 for never."""

    async def waiting(self, user_ids: Sequence[str], since_ms: int) -> dict[str, Waiting]:
        """What waits since before a time for those of some people for whom something does."""

    async def heard(self, user_id: str, conversation_ids: Sequence[str]) -> dict[str, str]:
        """The titles of those conversations that somebody has neither muted nor archived."""

    async def names(self, user_ids: Sequence[str]) -> dict[str, str]:
        """What those of some people who are still there are called."""


class Services:
    """`Elsewhere` through the sidecar."""

    def __init__(
        self,
        presence: Peer[presence_pb2_grpc.PresenceServiceAsyncStub],
        message: Peer[message_pb2_grpc.MessageServiceAsyncStub],
        conversation: Peer[conversation_pb2_grpc.ConversationServiceAsyncStub],
        profile: Peer[profile_pb2_grpc.ProfileServiceAsyncStub],
    ) -> None:
        self._presence = presence
        self._message = message
        self._conversation = conversation
        self._profile = profile

    async def last_seen(self, user_ids: Sequence[str]) -> dict[str, int]:
        known = [presence_pb2.UserPresence(user_id=user_id, status=presence_pb2.STATUS_ONLINE) for user_id in user_ids]
        request = presence_pb2.ComparePresenceRequest(known=known)
        answer = await self._presence.call(self._presence.stub.ComparePresence, request)
        return {one.user_id: one.last_seen_at_ms for one in answer.changed if one.status == presence_pb2.STATUS_OFFLINE}

    async def waiting(self, user_ids: Sequence[str], since_ms: int) -> dict[str, Waiting]:
        request = message_pb2.ListWaitingRequest(user_ids=user_ids, since_ms=since_ms)
        answer = await self._message.call(self._message.stub.ListWaiting, request)
        return {
            one.user_id: Waiting(
                one.read_mark,
                tuple(Place(place.conversation_id, place.peer_id, place.count) for place in one.conversations),
            )
            for one in answer.waiting
        }

    async def heard(self, user_id: str, conversation_ids: Sequence[str]) -> dict[str, str]:
        request = conversation_pb2.FilterHeardRequest(user_id=user_id, conversation_ids=conversation_ids)
        answer = await self._conversation.call(self._conversation.stub.FilterHeard, request)
        return {one.conversation_id: one.title for one in answer.conversations}

    async def names(self, user_ids: Sequence[str]) -> dict[str, str]:
        request = profile_pb2.BatchGetProfilesRequest(user_ids=user_ids)
        answer = await self._profile.call(self._profile.stub.BatchGetProfiles, request)
        return {profile.user_id: profile.display_name for profile in answer.profiles}
