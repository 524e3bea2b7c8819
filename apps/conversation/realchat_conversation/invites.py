"""Invitations to groups: whoever has the token joins.

A token has 256 random bits and is kept as its hash only. All that is decided about an invitation is decided under the
lock of its group, so its uses are never more than allowed (tests/service/conversation/test_invites.py).
"""

from __future__ import annotations

import secrets
from collections.abc import Callable
from hashlib import sha256

from sqlalchemy import BigInteger
from sqlmodel import Field, col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from realchat_common.errors import Code, RealChatError
from realchat_conversation.domain import Conversation, Summary, evolve, join, permit_inviting, summary
from realchat_conversation.outbox import Outbox
from realchat_conversation.store import Store
from realchat_conversation.tables import Table, id_column
from realchat_conversation.wire import to_event

MOST_INVITES = 100
"""That can be used, per group."""


class InviteRow(Table, table=True):
    """An invitation. One that has ended stays until its group gets another."""

    __tablename__ = "invite"

    invite_id: str = id_column(primary_key=True)
    conversation_id: str = id_column()
    creator_id: str = id_column()
    token_hash: bytes
    created_at_ms: int = Field(sa_type=BigInteger)
    expires_at_ms: int = Field(sa_type=BigInteger)
    """0 for never."""
    max_uses: int
    """0 for any number."""
    uses: int = 0

    def usable(self, now_ms: int) -> bool:
        """Whether somebody may join by it."""
        return (not self.expires_at_ms or now_ms < self.expires_at_ms) and (
            not self.max_uses or self.uses < self.max_uses
        )


class Invites:
    """The use cases of invitations. Errors are those of the contract.

    Args:
        store: the conversations.
        outbox: the way to the log.
        new_id: makes ids.
        clock: milliseconds since the Unix epoch.
    """

    def __init__(self, store: Store, outbox: Outbox, new_id: Callable[[], str], clock: Callable[[], int]) -> None:
        self._store = store
        self._outbox = outbox
        self._new_id = new_id
        self._clock = clock

    async def create(
        self, conversation_id: str, actor_id: str, expires_in_ms: int, max_uses: int
    ) -> tuple[InviteRow, str]:
        """A new invitation and its token; 0 stands for no expiry and any number of uses."""
        token, now_ms = secrets.token_urlsafe(32), self._clock()
        invite = InviteRow(
            invite_id=self._new_id(),
            conversation_id=conversation_id,
            creator_id=actor_id,
            token_hash=_hash(token),
            created_at_ms=now_ms,
            expires_at_ms=now_ms + expires_in_ms if expires_in_ms else 0,
            max_uses=max_uses,
        )
        async with self._store.locked(conversation_id) as held:
            permit_inviting(held.conversation, actor_id)
            usable = 0
            for other in await _invites(held.session, conversation_id):
                if other.usable(now_ms):
                    usable += 1
                else:
                    await held.session.delete(other)
            if usable >= MOST_INVITES:
                raise RealChatError(Code.TOO_MANY_INVITES, f"at most {MOST_INVITES}")
            held.session.add(invite)
        return invite, token

    async def list(self, conversation_id: str, actor_id: str) -> list[InviteRow]:
        """The invitations that can be used, newest first."""
        async with self._store.locked(conversation_id) as held:
            permit_inviting(held.conversation, actor_id)
            now_ms = self._clock()
            return [invite for invite in await _invites(held.session, conversation_id) if invite.usable(now_ms)]

    async def revoke(self, conversation_id: str, actor_id: str, invite_id: str) -> None:
        """Ends an invitation."""
        async with self._store.locked(conversation_id) as held:
            permit_inviting(held.conversation, actor_id)
            for invite in await _invites(held.session, conversation_id):
                if invite.invite_id == invite_id:
                    await held.session.delete(invite)

    async def preview(self, token: str) -> Conversation:
        """What a token leads to."""
        invite = await self._find(token)
        if not invite.usable(self._clock()):
            raise RealChatError(Code.INVITE_NOT_FOUND)
        conversation = await self._store.load(invite.conversation_id)
        if not conversation.members:
            raise RealChatError(Code.INVITE_NOT_FOUND)
        return conversation

    async def join(self, token: str, user_id: str) -> Summary:
        """Joins by a token. Who is in the group already stays as they are, and uses nothing up."""
        found = await self._find(token)
        event_id = None
        async with self._store.locked(found.conversation_id) as held:
            conversation, now_ms = held.conversation, self._clock()
            invite = await held.session.get(InviteRow, found.invite_id)
            change = join(conversation, user_id)
            if change:
                if invite is None or not invite.usable(now_ms):
                    raise RealChatError(Code.INVITE_NOT_FOUND)
                invite.uses += 1
                event_id = self._new_id()
                conversation = evolve(conversation, user_id, change)
                event = to_event(found.conversation_id, event_id, user_id, change)
                await held.record(conversation, event, now_ms)
        await self._outbox.flush(found.conversation_id, event_id)
        return summary(conversation, user_id)

    async def _find(self, token: str) -> InviteRow:
        async with self._store.reading() as session:
            found = await session.exec(select(InviteRow).where(InviteRow.token_hash == _hash(token)))
            invite = found.one_or_none()
        if invite is None:
            raise RealChatError(Code.INVITE_NOT_FOUND)
        return invite


def _hash(token: str) -> bytes:
    return sha256(token.encode()).digest()


async def _invites(session: AsyncSession, conversation_id: str) -> list[InviteRow]:
    query = (
        select(InviteRow)
        .where(InviteRow.conversation_id == conversation_id)
        .order_by(col(InviteRow.created_at_ms).desc(), col(InviteRow.invite_id).desc())
    )
    return list(await session.exec(query))
