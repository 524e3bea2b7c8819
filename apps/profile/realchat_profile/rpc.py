"""ProfileService over gRPC."""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from dataclasses import fields
from typing import Any

from chat.event.v1 import event_pb2
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
from realchat_profile.privacy import Audience, Privacy
from realchat_profile.privacy_store import PrivacyStore
from realchat_profile.relation_store import RelationRow, RelationStore
from realchat_profile.relations import Act, Contact, Relation
from realchat_profile.store import Profile, ProfileStore
from realchat_profile.teller import Teller

MOST_IDS = 200
SETTINGS = tuple(field.name for field in fields(Privacy))


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
        bot=profile.bot,
    )


def _relation(row: RelationRow, user_id: str) -> profile_pb2.Relation:
    return profile_pb2.Relation(
        user_id=row.peer_of(user_id),
        state=profile_pb2.ContactState.ValueType(row.relation.state(user_id)),
        blocked=user_id in row.relation.blocked_by,
        changed_at_ms=row.changed_at_ms,
    )


def _privacy(privacy: Privacy) -> profile_pb2.Privacy:
    return profile_pb2.Privacy(**{name: profile_pb2.Audience.ValueType(getattr(privacy, name)) for name in SETTINGS})


def _changed(wanted: profile_pb2.Privacy) -> dict[str, Audience]:
    """The settings that are given. Raises invalid_argument."""
    changed: dict[str, Audience] = {}
    for name in SETTINGS:
        number = getattr(wanted, name)
        try:
            if number:
                changed[name] = Audience(number)
        except ValueError as error:
            raise RealChatError(Code.INVALID_ARGUMENT, "there is no such audience", field=name) from error
    return changed


def _visibility(user_id: str, relation: Relation, privacy: Privacy) -> profile_pb2.Visibility:
    return profile_pb2.Visibility(
        user_id=user_id,
        contact=relation.contacts,
        present=not relation.blocked_by,
        last_seen=privacy.last_seen.has(relation),
        receipts=privacy.receipts.has(relation),
    )


def _user_ids(texts: Sequence[str]) -> list[str]:
    if len(texts) > MOST_IDS:
        raise RealChatError(Code.INVALID_ARGUMENT, f"at most {MOST_IDS} ids", field="user_ids")
    return list(dict.fromkeys(parse_id(text, "user_ids") for text in texts))


def _after_user(cursor: str) -> str:
    return parse_id(decode_cursor(cursor, tuple[str])[0], "cursor") if cursor else ""


def _after(cursor: str) -> str:
    if not cursor:
        return ""
    (handle,) = decode_cursor(cursor, tuple[str])
    if not is_handle(handle):
        raise RealChatError(Code.INVALID_ARGUMENT, "the cursor is not valid", field="cursor")
    return handle


class ProfileServicer(profile_pb2_grpc.ProfileServiceServicer):
    """Translates; contracts/proto/chat/profile/v1/profile.proto says what each method does."""

    def __init__(self, store: ProfileStore, relations: RelationStore, privacies: PrivacyStore, teller: Teller) -> None:
        self._store = store
        self._relations = relations
        self._privacies = privacies
        self._teller = teller

    async def CreateProfile(
        self, request: profile_pb2.CreateProfileRequest, context: Any
    ) -> profile_pb2.CreateProfileResponse:
        user_id = parse_id(request.user_id, "user_id")
        display_name = display_name_of(request.display_name)
        handles = handle_candidates(display_name, secrets.choice)
        profile = await self._store.create(user_id, display_name, handles, now_ms(), bot=request.bot)
        return profile_pb2.CreateProfileResponse(profile=_message(profile))

    async def DeleteProfile(
        self, request: profile_pb2.DeleteProfileRequest, context: Any
    ) -> profile_pb2.DeleteProfileResponse:
        user_id = parse_id(request.user_id, "user_id")
        await self._store.erase(user_id)
        await self._teller.forget(user_id)
        return profile_pb2.DeleteProfileResponse()

    async def BatchGetProfiles(
        self, request: profile_pb2.BatchGetProfilesRequest, context: Any
    ) -> profile_pb2.BatchGetProfilesResponse:
        profiles = await self._store.batch(_user_ids(request.user_ids))
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

    async def RequestContact(
        self, request: profile_pb2.RequestContactRequest, context: Any
    ) -> profile_pb2.RequestContactResponse:
        return profile_pb2.RequestContactResponse(relation=await self._act(Act.REQUEST, request.user_id))

    async def AcceptContact(
        self, request: profile_pb2.AcceptContactRequest, context: Any
    ) -> profile_pb2.AcceptContactResponse:
        return profile_pb2.AcceptContactResponse(relation=await self._act(Act.ACCEPT, request.user_id))

    async def DeclineContact(
        self, request: profile_pb2.DeclineContactRequest, context: Any
    ) -> profile_pb2.DeclineContactResponse:
        return profile_pb2.DeclineContactResponse(relation=await self._act(Act.DECLINE, request.user_id))

    async def RemoveContact(
        self, request: profile_pb2.RemoveContactRequest, context: Any
    ) -> profile_pb2.RemoveContactResponse:
        return profile_pb2.RemoveContactResponse(relation=await self._act(Act.REMOVE, request.user_id))

    async def BlockUser(self, request: profile_pb2.BlockUserRequest, context: Any) -> profile_pb2.BlockUserResponse:
        return profile_pb2.BlockUserResponse(relation=await self._act(Act.BLOCK, request.user_id))

    async def UnblockUser(
        self, request: profile_pb2.UnblockUserRequest, context: Any
    ) -> profile_pb2.UnblockUserResponse:
        return profile_pb2.UnblockUserResponse(relation=await self._act(Act.UNBLOCK, request.user_id))

    async def _act(self, act: Act, peer_id: str) -> profile_pb2.Relation:
        user_id = current_user().user_id
        row = await self._relations.act(user_id, parse_id(peer_id, "user_id"), act, now_ms())
        await self._teller.tell(row)
        return _relation(row, user_id)

    async def ListContacts(
        self, request: profile_pb2.ListContactsRequest, context: Any
    ) -> profile_pb2.ListContactsResponse:
        user_id, limit = current_user().user_id, page_limit(request.limit)
        try:
            state = Contact(request.state or Contact.CONTACT)
        except ValueError as error:
            raise RealChatError(Code.INVALID_ARGUMENT, "there is no such state", field="state") from error
        if state is Contact.NONE:
            raise RealChatError(Code.INVALID_ARGUMENT, "those who are nothing are not listed", field="state")
        rows = await self._relations.contacts(user_id, state, _after_user(request.cursor), limit + 1)
        relations, cursor = _page(rows, user_id, limit)
        return profile_pb2.ListContactsResponse(relations=relations, next_cursor=cursor)

    async def ListBlocks(self, request: profile_pb2.ListBlocksRequest, context: Any) -> profile_pb2.ListBlocksResponse:
        user_id, limit = current_user().user_id, page_limit(request.limit)
        rows = await self._relations.blocks(user_id, _after_user(request.cursor), limit + 1)
        relations, cursor = _page(rows, user_id, limit)
        return profile_pb2.ListBlocksResponse(relations=relations, next_cursor=cursor)

    async def GetVisibility(
        self, request: profile_pb2.GetVisibilityRequest, context: Any
    ) -> profile_pb2.GetVisibilityResponse:
        viewer_id, user_ids = parse_id(request.viewer_id, "viewer_id"), _user_ids(request.user_ids)
        relations = await self._relations.with_each(viewer_id, user_ids)
        privacies = await self._privacies.of([user_id for user_id in user_ids if user_id != viewer_id])
        return profile_pb2.GetVisibilityResponse(
            visibilities=[
                _visibility(user_id, relations.get(user_id, Relation()), privacies.get(user_id, Privacy()))
                for user_id in user_ids
            ]
        )

    async def CheckInvitation(
        self, request: profile_pb2.CheckInvitationRequest, context: Any
    ) -> profile_pb2.CheckInvitationResponse:
        inviter_id, user_ids = parse_id(request.inviter_id, "inviter_id"), _user_ids(request.user_ids)
        known = await self._store.known(user_ids)
        relations = await self._relations.with_each(inviter_id, user_ids)
        privacies = await self._privacies.of(user_ids)
        direct = request.kind == event_pb2.CONVERSATION_KIND_DIRECT
        return profile_pb2.CheckInvitationResponse(
            unknown_ids=[user_id for user_id in user_ids if user_id not in known],
            refusing_ids=[
                user_id
                for user_id in user_ids
                for privacy in [privacies.get(user_id, Privacy())]
                if not (privacy.direct if direct else privacy.groups).has(relations.get(user_id, Relation()))
            ],
        )

    async def GetPrivacy(self, request: profile_pb2.GetPrivacyRequest, context: Any) -> profile_pb2.GetPrivacyResponse:
        user_id = current_user().user_id
        privacy = (await self._privacies.of([user_id])).get(user_id, Privacy())
        return profile_pb2.GetPrivacyResponse(privacy=_privacy(privacy))

    async def UpdatePrivacy(
        self, request: profile_pb2.UpdatePrivacyRequest, context: Any
    ) -> profile_pb2.UpdatePrivacyResponse:
        row = await self._privacies.change(current_user().user_id, _changed(request.privacy), now_ms())
        await self._teller.tell(row)
        return profile_pb2.UpdatePrivacyResponse(privacy=_privacy(row.privacy))


def _page(rows: Sequence[RelationRow], user_id: str, limit: int) -> tuple[list[profile_pb2.Relation], str]:
    """A page of relations, of which there may be one more, and the cursor of the next page."""
    relations = [_relation(row, user_id) for row in rows[:limit]]
    return relations, encode_cursor(relations[-1].user_id) if len(rows) > limit else ""
