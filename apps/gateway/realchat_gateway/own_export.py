"""All that is kept of somebody as JSON lines: page by page from the services that keep it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from functools import partial
from typing import Protocol, TypeVar

from pydantic import BaseModel

from chat.auth.v1 import account_pb2, auth_pb2, bot_pb2
from chat.message.v1 import schedule_pb2, search_pb2
from chat.profile.v1 import profile_pb2
from realchat_common.identity import User
from realchat_common.ids import rfc3339
from realchat_common.wire import event_json
from realchat_gateway import inbox
from realchat_gateway.export import PAGE, PAGE_SECONDS, line
from realchat_gateway.gateway import Gateway
from realchat_gateway.schemas.accounts import Session
from realchat_gateway.schemas.bots import Bot
from realchat_gateway.schemas.contacts import STATES, Relation
from realchat_gateway.schemas.credentials import Account
from realchat_gateway.schemas.people import Profile
from realchat_gateway.schemas.privacy import Privacy
from realchat_gateway.schemas.schedule import Scheduled


async def exported(gateway: Gateway, user: User, now_ms: int) -> AsyncIterator[bytes]:
    """The lines: a head, each thing under the name of its kind, and an end that tells whole from broken off.

    Raises:
        RealChatError: what auth answers, before the first line.
    """
    asked = account_pb2.GetAccountRequest()
    account = Account.of((await gateway.account.call(gateway.account.stub.GetAccount, asked, user)).account)

    async def lines() -> AsyncIterator[bytes]:
        count = 1
        yield line({"user_id": user.user_id, "exported_at": rfc3339(now_ms)})
        yield line({"account": account.model_dump(mode="json")})
        for part in (_access, _person, _people, _conversations, _messages):
            async for kind, thing in part(gateway, user):
                yield line({kind: thing.model_dump(mode="json") if isinstance(thing, BaseModel) else thing})
                count += 1
        yield line({"end": True, "things": count})

    return lines()


Things = AsyncIterator[tuple[str, object]]


async def _access(gateway: Gateway, user: User) -> Things:
    """How they come in: sessions and bots, without tokens and keys' secrets."""
    sessions = await gateway.auth.call(gateway.auth.stub.ListSessions, auth_pb2.ListSessionsRequest(), user)
    for session in sessions.sessions:
        yield "session", Session.of(session, user.session_id)
    bots = await gateway.bot.call(gateway.bot.stub.ListBots, bot_pb2.ListBotsRequest(), user)
    for bot in bots.bots:
        yield "bot", Bot.of(bot)


async def _person(gateway: Gateway, user: User) -> Things:
    asked = profile_pb2.BatchGetProfilesRequest(user_ids=[user.user_id])
    for profile in (await gateway.profile.call(gateway.profile.stub.BatchGetProfiles, asked, user)).profiles:
        yield "profile", Profile.of(profile)
    kept = await gateway.profile.call(gateway.profile.stub.GetPrivacy, profile_pb2.GetPrivacyRequest(), user)
    yield "privacy", Privacy.of(kept.privacy)


async def _people(gateway: Gateway, user: User) -> Things:
    """Contacts, requests and blocks."""
    profile = gateway.profile

    async def contacts(state: profile_pb2.ContactState.ValueType, cursor: str) -> profile_pb2.ListContactsResponse:
        asked = profile_pb2.ListContactsRequest(state=state, cursor=cursor, limit=PAGE)
        return await profile.call(profile.stub.ListContacts, asked, user)

    async def blocks(cursor: str) -> profile_pb2.ListBlocksResponse:
        return await profile.call(
            profile.stub.ListBlocks, profile_pb2.ListBlocksRequest(cursor=cursor, limit=PAGE), user
        )

    for state in (STATES["contact"], STATES["outgoing"], STATES["incoming"]):
        async for page in _pages(partial(contacts, state)):
            for relation in page.relations:
                yield "contact", Relation.of(relation)
    async for blocked in _pages(blocks):
        for relation in blocked.relations:
            yield "block", Relation.of(relation)


async def _conversations(gateway: Gateway, user: User) -> Things:
    """Where they are members, as what, with which settings and draft; what others have said there is not theirs."""
    async for page in _pages(lambda cursor: inbox.page(gateway, user, cursor=cursor, limit=PAGE)):
        for conversation in page.conversations:
            yield "conversation", conversation.model_dump(mode="json", exclude={"members", "last_message"})


async def _messages(gateway: Gateway, user: User) -> Things:
    """Messages that wait for their time, and those that were sent, also to what they have left since."""

    async def scheduled(cursor: str) -> schedule_pb2.ListScheduledResponse:
        asked = schedule_pb2.ListScheduledRequest(cursor=cursor, limit=PAGE)
        return await gateway.schedule.call(gateway.schedule.stub.ListScheduled, asked, user)

    async def sent(cursor: str) -> search_pb2.ListOwnMessagesResponse:
        asked = search_pb2.ListOwnMessagesRequest(cursor=cursor, limit=PAGE)
        return await gateway.search.call(gateway.search.stub.ListOwnMessages, asked, user, deadline=PAGE_SECONDS)

    async for waiting in _pages(scheduled):
        for each in waiting.scheduled:
            yield "scheduled", Scheduled.of(each)
    async for own in _pages(sent):
        for event in own.messages:
            yield "message", event_json(event)


class _Page(Protocol):
    @property
    def next_cursor(self) -> str | None: ...


P = TypeVar("P", bound=_Page)


async def _pages(ask: Callable[[str], Awaitable[P]]) -> AsyncIterator[P]:
    cursor: str | None = ""
    while cursor is not None:
        page = await ask(cursor)
        yield page
        cursor = page.next_cursor or None
