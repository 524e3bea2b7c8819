"""Answers put together from several services."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable
from typing import TypeVar

from chat.conversation.v1 import conversation_pb2
from chat.message.v1 import message_pb2
from chat.presence.v1 import presence_pb2
from chat.profile.v1 import profile_pb2
from realchat_common.errors import Code, RealChatError
from realchat_common.identity import User
from realchat_gateway.gateway import Gateway
from realchat_gateway.schemas.inbox import Bootstrap, Failure, Inbox, InboxConversation
from realchat_gateway.schemas.people import Presence, Profile
from realchat_gateway.schemas.privacy import Privacy

MOST_PEOPLE = 200
"""As many as profile and presence answer for at once."""

T = TypeVar("T")


async def page(gateway: Gateway, user: User, *, cursor: str = "", limit: int = 50) -> Inbox:
    """The user's conversations by newest activity. Those that they have just left are left out."""
    listed = await gateway.message.call(
        gateway.message.stub.ListInbox, message_pb2.ListInboxRequest(limit=limit, cursor=cursor), user
    )
    known: dict[str, conversation_pb2.Conversation] = {}
    if listed.entries:
        ids = [entry.conversation_id for entry in listed.entries]
        answer = await gateway.conversation.call(
            gateway.conversation.stub.BatchGetConversations,
            conversation_pb2.BatchGetConversationsRequest(conversation_ids=ids),
            user,
        )
        known = {conversation.conversation_id: conversation for conversation in answer.conversations}
    return Inbox(
        conversations=[
            InboxConversation.merged(entry, known[entry.conversation_id])
            for entry in listed.entries
            if entry.conversation_id in known
        ],
        next_cursor=listed.next_cursor or None,
        epoch=listed.epoch,
    )


async def bootstrap(gateway: Gateway, user: User) -> Bootstrap:
    """What a client shows first, asked in parallel; a part that fails says so and leaves the others be."""
    async with asyncio.TaskGroup() as group:
        me = group.create_task(_part(_me(gateway, user)))
        privacy = group.create_task(_part(_privacy(gateway, user)))
        inbox = await _part(page(gateway, user))
        if isinstance(inbox, Failure):
            return Bootstrap(me=await me, privacy=await privacy, conversations=inbox, people=inbox, presence=inbox)
        members = (member.user_id for conversation in inbox.conversations for member in conversation.members)
        ids = list(dict.fromkeys((user.user_id, *members)))[:MOST_PEOPLE]
        people = group.create_task(_part(_profiles(gateway, user, ids)))
        presences = group.create_task(_part(presence(gateway, user, ids)))
    return Bootstrap(
        me=me.result(),
        privacy=privacy.result(),
        conversations=inbox.conversations,
        next_cursor=inbox.next_cursor,
        epoch=inbox.epoch,
        people=people.result(),
        presence=presences.result(),
    )


async def _part(asked: Awaitable[T]) -> T | Failure:
    try:
        return await asked
    except RealChatError as error:
        return Failure(error=error.code.value)


async def _me(gateway: Gateway, user: User) -> Profile:
    profiles = await _profiles(gateway, user, [user.user_id])
    if not profiles:
        raise RealChatError(Code.USER_NOT_FOUND)
    return profiles[0]


async def _privacy(gateway: Gateway, user: User) -> Privacy:
    answer = await gateway.profile.call(gateway.profile.stub.GetPrivacy, profile_pb2.GetPrivacyRequest(), user)
    return Privacy.of(answer.privacy)


async def _profiles(gateway: Gateway, user: User, ids: list[str]) -> list[Profile]:
    asked = profile_pb2.BatchGetProfilesRequest(user_ids=ids)
    answer = await gateway.profile.call(gateway.profile.stub.BatchGetProfiles, asked, user)
    return [Profile.of(profile) for profile in answer.profiles]


async def presence(gateway: Gateway, user: User, ids: list[str]) -> list[Presence]:
    """Who of some people is there, as far as they let the user see it."""
    asked = presence_pb2.GetPresenceRequest(user_ids=ids)
    allowed = profile_pb2.GetVisibilityRequest(viewer_id=user.user_id, user_ids=ids)
    answer, visible = await asyncio.gather(
        gateway.presence.call(gateway.presence.stub.GetPresence, asked, user),
        gateway.profile.call(gateway.profile.stub.GetVisibility, allowed, user),
    )
    shown = {visibility.user_id: visibility for visibility in visible.visibilities}
    return [
        Presence.of(presence, shown.get(presence.user_id, profile_pb2.Visibility())) for presence in answer.presences
    ]
