"""What people and services do with profiles."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pytest

from chat.profile.v1 import profile_pb2
from realchat_common.errors import RealChatError
from realchat_common.identity import User
from realchat_common.ids import new_id


@dataclass
class People:
    """The profile service, as its callers reach it."""

    auth: Any
    gateway: Any
    conversation: Any

    async def joins(self, name: str, user_id: str = "") -> profile_pb2.Profile:
        request = profile_pb2.CreateProfileRequest(user_id=user_id or new_id(), display_name=name)
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
        return list((await self.conversation.call(self.conversation.stub.BatchGetProfiles, request)).profiles)

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
