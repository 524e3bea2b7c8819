"""Contacts, and who is blocked."""

from __future__ import annotations

import uuid
from collections.abc import AsyncIterator
from typing import Literal

from realchat.api import Api
from realchat.models import Relation, Relations


class Contacts:
    """What people are to each other."""

    def __init__(self, api: Api) -> None:
        self._api = api

    def list(self, state: Literal["contact", "incoming", "outgoing"] = "contact") -> AsyncIterator[Relation]:
        """One's contacts, or requests that wait for an answer."""
        return self._pages("/v1/contacts", state)

    async def request(self, user_id: str) -> Relation:
        """Asks somebody to be a contact; or accepts, if they have asked already."""
        return await self._tell("/v1/contacts", user_id)

    async def accept(self, user_id: str) -> Relation:
        """Accepts somebody's request."""
        return await self._tell(f"/v1/contacts/{user_id}/accept")

    async def decline(self, user_id: str) -> Relation:
        """Declines somebody's request; they are not told."""
        return await self._tell(f"/v1/contacts/{user_id}/decline")

    async def remove(self, user_id: str) -> None:
        """Ends being contacts, or takes one's own request back."""
        await self._api.ask("DELETE", f"/v1/contacts/{user_id}", type(None))

    def blocked(self) -> AsyncIterator[Relation]:
        """Whom one has blocked."""
        return self._pages("/v1/blocks", None)

    async def block(self, user_id: str) -> Relation:
        """Blocks somebody: no direct messages, invitations, presence, typing or receipts, either way."""
        return await self._tell("/v1/blocks", user_id)

    async def unblock(self, user_id: str) -> None:
        """Takes a block back."""
        await self._api.ask("DELETE", f"/v1/blocks/{user_id}", type(None))

    async def _tell(self, path: str, user_id: str = "") -> Relation:
        body = {"user_id": user_id} if user_id else None
        return await self._api.ask("POST", path, Relation, json=body, key=uuid.uuid4().hex)

    async def _pages(self, path: str, state: str | None) -> AsyncIterator[Relation]:
        async for page in self._api.pages(path, Relations, {"state": state}):
            for relation in page.relations:
                yield relation
