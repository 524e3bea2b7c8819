"""People: profiles and presence."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query

from chat.profile.v1 import profile_pb2 as pb
from realchat_common.errors import Code, RealChatError
from realchat_gateway import inbox
from realchat_gateway.access import Reader, Writer
from realchat_gateway.api.paging import Cursor, Limit
from realchat_gateway.edge import ApiRoute
from realchat_gateway.gateway import GatewayDep
from realchat_gateway.schemas.base import Id
from realchat_gateway.schemas.people import KnownProfiles, Presences, Profile, ProfileChange, Profiles
from realchat_gateway.schemas.privacy import Privacy, PrivacyChange

router = APIRouter(prefix="/v1", tags=["people"], route_class=ApiRoute)

UserIds = Annotated[list[Id], Query(min_length=1, max_length=200, description="Repeat it for more.")]


@router.get("/me")
async def get_me(user: Reader, gateway: GatewayDep) -> Profile:
    """The caller's profile."""
    return await get_user(user.user_id, user, gateway)


@router.patch("/me")
async def change_me(body: ProfileChange, user: Writer, gateway: GatewayDep) -> Profile:
    """Changes the caller's profile."""
    change = pb.UpdateProfileRequest(**body.model_dump(exclude_none=True, exclude={"status_until"}))
    if body.status_until:
        change.status_until_ms = int(body.status_until.timestamp() * 1000)
    answer = await gateway.profile.call(gateway.profile.stub.UpdateProfile, change, user)
    return Profile.of(answer.profile)


@router.get("/me/privacy")
async def get_privacy(user: Reader, gateway: GatewayDep) -> Privacy:
    """What the caller lets others do and see."""
    answer = await gateway.profile.call(gateway.profile.stub.GetPrivacy, pb.GetPrivacyRequest(), user)
    return Privacy.of(answer.privacy)


@router.patch("/me/privacy")
async def change_privacy(body: PrivacyChange, user: Writer, gateway: GatewayDep) -> Privacy:
    """Changes what the caller lets others do and see."""
    asked = pb.UpdatePrivacyRequest(privacy=body.to_privacy())
    return Privacy.of((await gateway.profile.call(gateway.profile.stub.UpdatePrivacy, asked, user)).privacy)


@router.get("/users")
async def find_users(
    prefix: Annotated[str, Query(min_length=1, max_length=64, examples=["ali"])],
    user: Reader,
    gateway: GatewayDep,
    cursor: Cursor = "",
    limit: Limit = 50,
) -> Profiles:
    """People whose handle or name begins with a text."""
    search = pb.SearchProfilesRequest(prefix=prefix, limit=limit, cursor=cursor)
    answer = await gateway.profile.call(gateway.profile.stub.SearchProfiles, search, user)
    users = [Profile.of(profile) for profile in answer.profiles]
    return Profiles(users=users, next_cursor=answer.next_cursor or None)


@router.get("/users/{user_id}")
async def get_user(user_id: Id, user: Reader, gateway: GatewayDep) -> Profile:
    """Somebody's profile."""
    asked = pb.BatchGetProfilesRequest(user_ids=[user_id])
    answer = await gateway.profile.call(gateway.profile.stub.BatchGetProfiles, asked, user)
    if not answer.profiles:
        raise RealChatError(Code.USER_NOT_FOUND)
    return Profile.of(answer.profiles[0])


@router.get("/profiles")
async def get_profiles(user_ids: UserIds, user: Reader, gateway: GatewayDep) -> KnownProfiles:
    """The profiles of several people, in the order asked for."""
    asked = pb.BatchGetProfilesRequest(user_ids=user_ids)
    answer = await gateway.profile.call(gateway.profile.stub.BatchGetProfiles, asked, user)
    return KnownProfiles(users=[Profile.of(profile) for profile in answer.profiles])


@router.get("/presence")
async def get_presence(user_ids: UserIds, user: Reader, gateway: GatewayDep) -> Presences:
    """Who is there, as far as they let the caller see it: others are offline and were never seen."""
    return Presences(presences=await inbox.presence(gateway, user, user_ids))
