"""What hangs on a message: answers, a pin, its way to other conversations."""

from __future__ import annotations

import uuid
from collections.abc import AsyncIterator

from realchat.api import Api
from realchat.models import Changed, Event, Pin, Pins, Replies, Sent


class Threads:
    """Answers, pins and forwarding."""

    def __init__(self, api: Api) -> None:
        self._api = api

    async def replies(self, conversation_id: str, message_id: str) -> AsyncIterator[Event]:
        """The messages that answer one, oldest first."""
        path = f"/v1/conversations/{conversation_id}/messages/{message_id}/replies"
        async for page in self._api.pages(path, Replies):
            for reply in page.replies:
                yield reply

    async def forward(self, message: Event, conversation_id: str) -> Sent:
        """Sends what a message says to another conversation, with the name of who wrote it first."""
        own_id = uuid.uuid4().hex
        path = f"/v1/conversations/{message.conversation_id}/messages/{message.message_id}/forward"
        asked = {"conversation_id": conversation_id, "client_message_id": own_id}
        return await self._api.ask("POST", path, Sent, json=asked, key=own_id)

    async def pins(self, conversation_id: str) -> list[Pin]:
        """All pinned messages, the newest pin first."""
        return (await self._api.ask("GET", f"/v1/conversations/{conversation_id}/pins", Pins)).pins

    async def pin(self, conversation_id: str, message_id: str, *, remove: bool = False) -> Changed:
        """Pins a message, or unpins it: in a group its administrators may, in a direct conversation both."""
        path = f"/v1/conversations/{conversation_id}/pins/{message_id}"
        return await self._api.ask("DELETE" if remove else "PUT", path, Changed)
