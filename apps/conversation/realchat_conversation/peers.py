"""The other applications that this one needs: what it asks of them, and how they are reached."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Protocol

from chat.event.v1 import event_pb2
from chat.message.v1 import message_pb2
from chat.profile.v1 import profile_pb2
from realchat_common.errors import Code, RealChatError
from realchat_common.rpc import Peer
from realchat_common.sidecar import Sidecar
from realchat_common.telemetry import log
from realchat_common.topics import publish_account_event
from realchat_conversation.domain import Kind
from realchat_conversation.preferences import MemberSettings

if TYPE_CHECKING:
    from chat.message.v1.message_pb2_grpc import MessageServiceAsyncStub
    from chat.profile.v1.profile_pb2_grpc import ProfileServiceAsyncStub

DEADLINE_SECONDS = 3.0
"""Less than our own callers' deadline, so that they hear from us what is wrong."""
PEOPLE_PER_CALL = 200
PUBLISH_SECONDS = 1.0


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
    """The people there are, and what they are to each other."""

    async def check_invitation(self, inviter_id: str, user_ids: Iterable[str], kind: Kind) -> None:
        """Whether somebody may bring people into a conversation of a kind.

        Raises:
            RealChatError: user_not_found, contact_refused; or it cannot tell.
        """


class Devices(Protocol):
    """The users' devices."""

    async def settings_changed(self, user_id: str, conversation_id: str, settings: MemberSettings) -> None:
        """Tells somebody's devices of their own settings. It may be lost: they are read with the conversation, too."""


class TopicDevices:
    """`Devices` by the topic of accounts."""

    def __init__(self, sidecar: Sidecar) -> None:
        self._sidecar = sidecar

    async def settings_changed(self, user_id: str, conversation_id: str, settings: MemberSettings) -> None:
        changed = event_pb2.MemberSettingsChanged(
            conversation_id=conversation_id,
            muted_until_ms=settings.muted_until_ms,
            pinned=settings.pinned,
            archived=settings.archived,
            draft_at_ms=settings.draft_at_ms,
        )
        event = event_pb2.AccountEvent(user_id=user_id, member_settings_changed=changed)
        try:
            await publish_account_event(self._sidecar, event, PUBLISH_SECONDS)
        except RealChatError as error:
            log.info("devices not told of settings", reason=error.detail)


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

    async def check_invitation(self, inviter_id: str, user_ids: Iterable[str], kind: Kind) -> None:
        everyone = list(user_ids)
        answers = await asyncio.gather(
            *(
                self._check(inviter_id, everyone[start : start + PEOPLE_PER_CALL], kind)
                for start in range(0, len(everyone), PEOPLE_PER_CALL)
            )
        )
        if any(answer.unknown_ids for answer in answers):
            raise RealChatError(Code.USER_NOT_FOUND)
        if any(answer.refusing_ids for answer in answers):
            raise RealChatError(Code.CONTACT_REFUSED)

    async def _check(self, inviter_id: str, user_ids: Sequence[str], kind: Kind) -> profile_pb2.CheckInvitationResponse:
        request = profile_pb2.CheckInvitationRequest(
            inviter_id=inviter_id, user_ids=user_ids, kind=event_pb2.ConversationKind.ValueType(kind)
        )
        return await self._peer.call(self._peer.stub.CheckInvitation, request, deadline=DEADLINE_SECONDS)
