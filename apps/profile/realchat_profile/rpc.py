"""ProfileService over gRPC."""

from __future__ import annotations

import secrets
from typing import Any

from chat.profile.v1 import profile_pb2, profile_pb2_grpc
from realchat_common.errors import Code, RealChatError
from realchat_common.ids import decode_cursor, encode_cursor, now_ms, page_limit, parse_id
from realchat_common.rpc import current_user
from realchat_profile.domain import (
    display_name_of,
    handle_candidates,
    is_handle,
    parse_change,
    parse_status,
    search_prefix,
)
from realchat_profile.store import Profile, ProfileStore

MOST_IDS = 200


def _message(profile: Profile) -> profile_pb2.Profile:
    status = profile.status.at(now_ms())
    return profile_pb2.Profile(
        user_id=str(profile.user_id),
        handle=profile.handle,
        display_name=profile.display_name,
        bio=profile.bio,
        updated_at_ms=profile.updated_at_ms,
        avatar_id=str(profile.avatar_id) if profile.avatar_id else "",
        status_text=status.text,
        status_until_ms=status.until_ms,
    )


def _after(cursor: str) -> str:
    if not cursor:
        return ""
    (handle,) = decode_cursor(cursor, tuple[str])
    if not is_handle(handle):
        raise RealChatError(Code.INVALID_ARGUMENT, "the cursor is not valid", field="cursor")
    return handle


class ProfileServicer(profile_pb2_grpc.ProfileServiceServicer):
    """Translates; contracts/proto/chat/profile/v1/profile.proto says what each method does."""

    def __init__(self, store: ProfileStore) -> None:
        self._store = store

    async def CreateProfile(
        self, request: profile_pb2.CreateProfileRequest, context: Any
    ) -> profile_pb2.CreateProfileResponse:
        user_id = parse_id(request.user_id, "user_id")
        display_name = display_name_of(request.display_name)
        handles = handle_candidates(display_name, secrets.choice)
        profile = await self._store.create(user_id, display_name, handles, now_ms())
        return profile_pb2.CreateProfileResponse(profile=_message(profile))

    async def DeleteProfile(
        self, request: profile_pb2.DeleteProfileRequest, context: Any
    ) -> profile_pb2.DeleteProfileResponse:
        await self._store.erase(parse_id(request.user_id, "user_id"))
        return profile_pb2.DeleteProfileResponse()

    async def BatchGetProfiles(
        self, request: profile_pb2.BatchGetProfilesRequest, context: Any
    ) -> profile_pb2.BatchGetProfilesResponse:
        if len(request.user_ids) > MOST_IDS:
            raise RealChatError(Code.INVALID_ARGUMENT, f"at most {MOST_IDS} ids", field="user_ids")
        profiles = await self._store.batch([parse_id(user_id, "user_ids") for user_id in request.user_ids])
        return profile_pb2.BatchGetProfilesResponse(profiles=map(_message, profiles))

    async def UpdateProfile(
        self, request: profile_pb2.UpdateProfileRequest, context: Any
    ) -> profile_pb2.UpdateProfileResponse:
        user, now = current_user(), now_ms()
        change = parse_change(
            request.handle if request.HasField("handle") else None,
            request.display_name if request.HasField("display_name") else None,
            request.bio if request.HasField("bio") else None,
            request.avatar_id if request.HasField("avatar_id") else None,
            parse_status(request.status_text, request.status_until_ms, now)
            if request.HasField("status_text")
            else None,
        )
        profile = await self._store.update(user.user_id, change, now)
        return profile_pb2.UpdateProfileResponse(profile=_message(profile))

    async def SearchProfiles(
        self, request: profile_pb2.SearchProfilesRequest, context: Any
    ) -> profile_pb2.SearchProfilesResponse:
        limit = page_limit(request.limit)
        found = await self._store.search(search_prefix(request.prefix), _after(request.cursor), limit + 1)
        page = found[:limit]
        return profile_pb2.SearchProfilesResponse(
            profiles=map(_message, page),
            next_cursor=encode_cursor(page[-1].handle) if len(found) > limit else "",
        )
