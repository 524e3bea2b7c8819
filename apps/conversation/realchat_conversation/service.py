"""The use cases of conversations.

A change is decided under the conversation's lock and written together with its event; then the outbox brings the event
into the log, and only then the request is answered. So a request that is answered as unavailable may have had its
effect; repeating it brings about nothing new, and succeeds.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from hashlib import sha256

import msgspec

from realchat_common.errors import Code, RealChatError
from realchat_conversation.domain import (
    Action,
    AddMembers,
    ChangeRole,
    Conversation,
    Depart,
    Kind,
    Leave,
    Member,
    MembersAdded,
    RemoveMember,
    Rename,
    Summary,
    created,
    decide,
    evolve,
    new_direct,
    new_group,
    ordered_pair,
    repeats,
    summary,
)
from realchat_conversation.groups import Configure, normalise_title
from realchat_conversation.outbox import Outbox
from realchat_conversation.peers import Devices, Directory
from realchat_conversation.preferences import MemberSettings, SettingsChange
from realchat_conversation.roles import Role
from realchat_conversation.store import Held, Origin, Store
from realchat_conversation.wire import to_change, to_event

DEPARTURES = 20
"""Conversations that a user is taken out of in one call, which is bounded in time."""


class Conversations:
    """What users can do with conversations. Ids are canonical; errors are those of the contract.

    Args:
        store: the conversations.
        outbox: the way to the log.
        directory: the people there are.
        devices: told of what one of them changes for all of them.
        new_id: makes ids.
        clock: milliseconds since the Unix epoch.
    """

    def __init__(
        self,
        store: Store,
        outbox: Outbox,
        directory: Directory,
        devices: Devices,
        new_id: Callable[[], str],
        clock: Callable[[], int],
    ) -> None:
        self._store = store
        self._outbox = outbox
        self._directory = directory
        self._devices = devices
        self._new_id = new_id
        self._clock = clock

    async def create_direct(self, user_id: str, peer_id: str) -> tuple[Summary, bool]:
        """The direct conversation of two, and whether it was made now."""
        origin = Origin(user_id, direct_pair=ordered_pair(user_id, peer_id))
        draft = new_direct(self._new_id(), user_id, peer_id, self._clock())
        return await self._create(draft, origin)

    async def create_group(
        self, user_id: str, title: str, member_ids: Iterable[str], idempotency_key: str | None
    ) -> Summary:
        """A new group, or the one that the same key has made before.

        Raises:
            RealChatError: among others idempotency_mismatch, when the key came with another title or other members.
        """
        draft = new_group(self._new_id(), user_id, normalise_title(title), member_ids, self._clock())
        origin = Origin(user_id)
        if idempotency_key:
            content = msgspec.json.encode((draft.title, sorted(draft.members)))
            origin = Origin(user_id, idempotency_key=idempotency_key, content_digest=sha256(content).digest())
        group, _ = await self._create(draft, origin)
        return group

    async def _create(self, draft: Conversation, origin: Origin) -> tuple[Summary, bool]:
        event = to_event(draft.conversation_id, self._new_id(), origin.creator_id, created(draft))
        existing = await self._store.find(origin)
        if existing is None:
            others = [user_id for user_id in draft.members if user_id != origin.creator_id]
            await self._check_invitation(origin.creator_id, others, draft.kind)
            existing = await self._store.create(draft, origin, event)
        if existing is None:
            await self._outbox.flush(draft.conversation_id, event.event_id)
            return summary(draft, origin.creator_id), True
        if existing.content_digest != origin.content_digest:
            raise RealChatError(Code.IDEMPOTENCY_MISMATCH)
        await self._outbox.flush(existing.conversation_id)
        found = await self._store.summaries([existing.conversation_id], origin.creator_id)
        if not found:
            raise RealChatError(Code.CONVERSATION_NOT_FOUND, "the creator has left the group")
        return found[existing.conversation_id], False

    async def summaries(self, conversation_ids: Sequence[str], user_id: str) -> list[Summary]:
        """Those of the conversations in which the user is, each once, in the order asked for."""
        found = await self._store.summaries(conversation_ids, user_id)
        return [
            found[conversation_id] for conversation_id in dict.fromkeys(conversation_ids) if conversation_id in found
        ]

    async def members(
        self, conversation_id: str, user_id: str, after: int, limit: int
    ) -> tuple[list[Member], int | None]:
        """A page of members in order of joining, and the position after which the next page begins."""
        return await self._store.members(conversation_id, user_id, after, limit)

    async def add_members(self, conversation_id: str, actor_id: str, user_ids: Iterable[str]) -> Summary:
        """Adds people to a group."""
        # Asked before the lock is taken, so that nobody waits for the directory; and only if it would be allowed.
        change = decide(await self._store.load(conversation_id), actor_id, AddMembers(tuple(user_ids)))
        joining = tuple(member.user_id for member in change.members) if isinstance(change, MembersAdded) else ()
        await self._check_invitation(actor_id, joining, Kind.GROUP)
        # Who is removed only now is not added again unasked.
        return summary(await self._change(conversation_id, actor_id, AddMembers(joining)), actor_id)

    async def peers(self, user_id: str, peer_ids: Iterable[str]) -> list[str]:
        """Those of the people who are in a conversation with a user."""
        return await self._store.peers(user_id, peer_ids)

    async def heard(self, user_id: str, conversation_ids: Iterable[str]) -> dict[str, str]:
        """The titles of those conversations that a user is in and wants to hear of."""
        return await self._store.heard(user_id, conversation_ids, self._clock())

    async def remove_member(self, conversation_id: str, actor_id: str, user_id: str) -> None:
        """Removes somebody from a group."""
        await self._change(conversation_id, actor_id, RemoveMember(user_id))

    async def leave(self, conversation_id: str, actor_id: str) -> None:
        """Takes the actor out of a group."""
        await self._change(conversation_id, actor_id, Leave())

    async def remove_user(self, user_id: str) -> bool:
        """Takes somebody whose account was deleted out of some of their conversations; returns whether of all."""
        conversation_ids = await self._store.conversations_of(user_id, DEPARTURES + 1)
        for conversation_id in conversation_ids[:DEPARTURES]:
            try:
                await self._change(conversation_id, user_id, Depart())
            except RealChatError as error:
                if error.code is not Code.CONVERSATION_NOT_FOUND:  # removed by somebody else, just now
                    raise
        return len(conversation_ids) <= DEPARTURES

    async def change_role(self, conversation_id: str, actor_id: str, user_id: str, role: Role) -> None:
        """Gives a member of a group another role."""
        await self._change(conversation_id, actor_id, ChangeRole(user_id, role))

    async def rename(self, conversation_id: str, actor_id: str, title: str) -> Summary:
        """Gives a group another title."""
        return summary(await self._change(conversation_id, actor_id, Rename(normalise_title(title))), actor_id)

    async def configure(self, conversation_id: str, actor_id: str, action: Configure) -> Summary:
        """Changes a group's description, avatar or rules."""
        return summary(await self._change(conversation_id, actor_id, action), actor_id)

    async def change_settings(self, conversation_id: str, user_id: str, change: SettingsChange) -> MemberSettings:
        """Changes a member's own settings."""
        settings = await self._store.change_settings(conversation_id, user_id, change.checked(), self._clock())
        await self._devices.settings_changed(user_id, conversation_id, settings)
        return settings

    async def _change(self, conversation_id: str, actor_id: str, action: Action) -> Conversation:
        async with self._store.locked(conversation_id) as held:
            conversation = held.conversation
            try:
                change = decide(conversation, actor_id, action)
            except RealChatError:
                event_id = await self._repeated(held, actor_id, action)
                if event_id is None:
                    raise
            else:
                event_id = None
                if change:
                    event_id = self._new_id()
                    conversation = evolve(conversation, actor_id, change)
                    event = to_event(conversation_id, event_id, actor_id, change)
                    await held.record(conversation, event, self._clock())
        await self._outbox.flush(conversation_id, event_id)
        return conversation

    async def _repeated(self, held: Held, actor_id: str, action: Action) -> str | None:
        """The event of the actor's earlier request, never answered, that this one repeats."""
        for event in await held.unanswered(actor_id):
            if repeats(action, to_change(event)):
                return event.event_id
        return None

    async def _check_invitation(self, inviter_id: str, user_ids: Sequence[str], kind: Kind) -> None:
        if user_ids:
            await self._directory.check_invitation(inviter_id, user_ids, kind)
