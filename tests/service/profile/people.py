"""What people and services do with profiles."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import pytest
from realchat_profile.teller import Teller

from chat.event.v1 import event_pb2
from chat.message.v1 import message_pb2
from chat.profile.v1 import profile_pb2
from realchat_common.errors import Code, RealChatError
from realchat_common.identity import User
from realchat_common.ids import new_id


@dataclass
class Heard:
    """Listeners that remember, and may be away."""

    relations: list[message_pb2.SetRelationRequest] = field(default_factory=list)
    privacies: list[message_pb2.SetReceiptPrivacyRequest] = field(default_factory=list)
    events: list[event_pb2.AccountEvent] = field(default_factory=list)
    forgotten: list[str] = field(default_factory=list)
    away: bool = False

    async def set_relation(self, request: message_pb2.SetRelationRequest) -> None:
        if self.away:
            raise RealChatError(Code.UNAVAILABLE)
        self.relations.append(request)

    async def set_receipt_privacy(self, request: message_pb2.SetReceiptPrivacyRequest) -> None:
        if self.away:
            raise RealChatError(Code.UNAVAILABLE)
        self.privacies.append(request)

    async def forget(self, request: message_pb2.ForgetUserRequest) -> None:
        if self.away:
            raise RealChatError(Code.UNAVAILABLE)
        self.forgotten.append(request.user_id)

    async def publish(self, event: event_pb2.AccountEvent) -> None:
        self.events.append(event)


@dataclass
class People:
    """The profile service, as its callers reach it."""

    auth: Any
    gateway: Any
    conversation: Any
    listeners: Heard
    teller: Teller

    async def joins(self, name: str, user_id: str = "", *, bot: bool = False) -> profile_pb2.Profile:
        request = profile_pb2.CreateProfileRequest(user_id=user_id or new_id(), display_name=name, bot=bot)
        answer: profile_pb2.CreateProfileResponse = await self.auth.call(self.auth.stub.CreateProfile, request)
        return answer.profile

    async def changes(self, user_id: str, **fields: Any) -> profile_pb2.Profile:
        request = profile_pb2.UpdateProfileRequest(**fields)
        answer: profile_pb2.UpdateProfileResponse = await self.gateway.call(
            self.gateway.stub.UpdateProfile, request, User(user_id, new_id())
        )
        return answer.profile

    async def gets(self, *user_ids: str) -> list[profile_pb2.Profile]:
        request = profile_pb2.BatchGetProfilesRequest(user_ids=user_ids)
        return list((await self.gateway.call(self.gateway.stub.BatchGetProfiles, request)).profiles)

    async def does(self, user_id: str, verb: str, peer_id: str) -> profile_pb2.Relation:
        """One of the acts on a relation, by the name of its RPC."""
        request = getattr(profile_pb2, f"{verb}Request")(user_id=peer_id)
        answer = await self.gateway.call(getattr(self.gateway.stub, verb), request, User(user_id, new_id()))
        relation: profile_pb2.Relation = answer.relation
        return relation

    async def lists(self, user_id: str, state: int = 0, limit: int = 0, cursor: str = "") -> Any:
        """Contacts or requests."""
        request = profile_pb2.ListContactsRequest(
            state=profile_pb2.ContactState.ValueType(state), limit=limit, cursor=cursor
        )
        return await self.gateway.call(self.gateway.stub.ListContacts, request, User(user_id, new_id()))

    async def lets(self, user_id: str, **settings: Any) -> profile_pb2.Privacy:
        """Changes privacy settings; without any, reads them."""
        user = User(user_id, new_id())
        if not settings:
            asked = profile_pb2.GetPrivacyRequest()
            answer = await self.gateway.call(self.gateway.stub.GetPrivacy, asked, user)
        else:
            change = profile_pb2.UpdatePrivacyRequest(privacy=profile_pb2.Privacy(**settings))
            answer = await self.gateway.call(self.gateway.stub.UpdatePrivacy, change, user)
        privacy: profile_pb2.Privacy = answer.privacy
        return privacy

    async def blocked_by(self, user_id: str) -> list[str]:
        request = profile_pb2.ListBlocksRequest()
        answer = await self.gateway.call(self.gateway.stub.ListBlocks, request, User(user_id, new_id()))
        return [relation.user_id for relation in answer.relations]

    async def visible(self, viewer_id: str, *user_ids: str) -> list[profile_pb2.Visibility]:
        request = profile_pb2.GetVisibilityRequest(viewer_id=viewer_id, user_ids=user_ids)
        return list((await self.gateway.call(self.gateway.stub.GetVisibility, request)).visibilities)

    async def invites(self, inviter_id: str, *user_ids: str, kind: int = 0) -> profile_pb2.CheckInvitationResponse:
        request = profile_pb2.CheckInvitationRequest(
            inviter_id=inviter_id, user_ids=user_ids, kind=event_pb2.ConversationKind.ValueType(kind)
        )
        answer: profile_pb2.CheckInvitationResponse = await self.conversation.call(
            self.conversation.stub.CheckInvitation, request
        )
        return answer

    async def search(self, prefix: str, limit: int = 0, cursor: str = "") -> profile_pb2.SearchProfilesResponse:
        request = profile_pb2.SearchProfilesRequest(prefix=prefix, limit=limit, cursor=cursor)
        answer: profile_pb2.SearchProfilesResponse = await self.gateway.call(
            self.gateway.stub.SearchProfiles, request, User(new_id(), new_id())
        )
        return answer

    async def finds(self, prefix: str) -> list[str]:
        """The handles that a search finds."""
        return [profile.handle for profile in (await self.search(prefix)).profiles]

    async def refused(self, attempt: Any) -> RealChatError:
        """The error with which something is refused."""
        with pytest.raises(RealChatError) as refusal:
            await attempt
        return refusal.value
