"""The other applications that this one needs: what it asks of them, and how they are reached."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Protocol

from chat.event.v1 import event_pb2
from chat.message.v1 import message_pb2
from chat.profile.v1 import profile_pb2
from realchat_common.rpc import Peer

if TYPE_CHECKING:
    from chat.message.v1.message_pb2_grpc import MessageServiceAsyncStub
    from chat.profile.v1.profile_pb2_grpc import ProfileServiceAsyncStub

DEADLINE_SECONDS = 3.0
"""Less than our own callers' deadline, so that they hear from us what is wrong."""
PROFILES_PER_CALL = 200


class ConversationLog(Protocol):
    """The log of every conversation."""

    async def append(self, event: event_pb2.Event) -> int:
        """Appends a change once: the same event_id again changes nothing and has the same answer.

        Returns:
            Its seq.

        Raises:
            RealChatError: it may have been appended all the same.
        """


class Directory(Protocol):
    """The people there are."""

    async def known(self, user_ids: Iterable[str]) -> set[str]:
        """Those of the users that exist. Raises RealChatError when it cannot tell."""


class MessageLog:
    """`ConversationLog` in the message service."""

    def __init__(self, peer: Peer[MessageServiceAsyncStub]) -> None:
        self._peer = peer

    async def append(self, event: event_pb2.Event) -> int:
        request = message_pb2.AppendChangeRequest(event=event)
        answer = await self._peer.call(self._peer.stub.AppendChange, request, deadline=DEADLINE_SECONDS)
        return answer.seq


class ProfileDirectory:
    """`Directory` in the profile service."""

    def __init__(self, peer: Peer[ProfileServiceAsyncStub]) -> None:
        self._peer = peer

    async def known(self, user_ids: Iterable[str]) -> set[str]:
        everyone = list(user_ids)
        answers = await asyncio.gather(
            *(
                self._known(everyone[start : start + PROFILES_PER_CALL])
                for start in range(0, len(everyone), PROFILES_PER_CALL)
            )
        )
        return {user_id for answer in answers for user_id in answer}

    async def _known(self, user_ids: Sequence[str]) -> list[str]:
        request = profile_pb2.BatchGetProfilesRequest(user_ids=user_ids)
        answer = await self._peer.call(self._peer.stub.BatchGetProfiles, request, deadline=DEADLINE_SECONDS)
        return [profile.user_id for profile in answer.profiles]
