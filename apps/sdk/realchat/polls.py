"""Polls: messages that ask."""

from __future__ import annotations

import uuid
from collections.abc import Sequence

from realchat.api import Api
from realchat.models import Changed, Poll, Sent


class Polls:
    """Asks, votes and closes."""

    def __init__(self, api: Api) -> None:
        self._api = api

    async def create(
        self, conversation_id: str, question: str, options: Sequence[str], *, multiple: bool = False
    ) -> Sent:
        """Sends a poll.

        Args:
            conversation_id: where.
            question: 1 to 8,000 characters.
            options: 2 to 12 different ones of 1 to 200 characters.
            multiple: more than one may be chosen.
        """
        own_id = uuid.uuid4().hex
        asked = {"client_message_id": own_id, "question": question, "options": list(options), "multiple": multiple}
        return await self._api.ask("POST", _path(conversation_id), Sent, json=asked, key=own_id)

    async def get(self, conversation_id: str, message_id: str) -> Poll:
        """The results as they stand."""
        return await self._api.ask("GET", _path(conversation_id, message_id), Poll)

    async def vote(self, conversation_id: str, message_id: str, *choices: int) -> Changed:
        """Votes for options, counted from 0, in place of an earlier vote; for none to take it back."""
        path = f"{_path(conversation_id, message_id)}/vote"
        return await self._api.ask("PUT", path, Changed, json={"choices": choices})

    async def close(self, conversation_id: str, message_id: str) -> Changed:
        """Ends a poll, which its author and a group's administrators may."""
        path = f"{_path(conversation_id, message_id)}/close"
        return await self._api.ask("POST", path, Changed, key=uuid.uuid4().hex)


def _path(conversation_id: str, message_id: str = "") -> str:
    path = f"/v1/conversations/{conversation_id}/polls"
    return f"{path}/{message_id}" if message_id else path
