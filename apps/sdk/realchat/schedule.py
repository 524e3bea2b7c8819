"""Messages that are sent later, by the server."""

from __future__ import annotations

import uuid
from collections.abc import AsyncIterator, Sequence
from datetime import datetime

from realchat.api import Api
from realchat.models import AllScheduled, Scheduled


class Schedule:
    """Messages that wait for their time."""

    def __init__(self, api: Api) -> None:
        self._api = api

    async def send(
        self,
        conversation_id: str,
        body: str,
        send_at: datetime,
        *,
        reply_to: str | None = None,
        attachment_ids: Sequence[str] = (),
    ) -> Scheduled:
        """Has a message sent at a time, within a year; `send_at` knows its time zone. Its files are kept until then."""
        asked = {
            "body": body,
            "send_at": send_at.isoformat(),
            "reply_to": reply_to,
            "attachment_ids": list(attachment_ids),
        }
        path = f"/v1/conversations/{conversation_id}/scheduled"
        return await self._api.ask("POST", path, Scheduled, json=asked, key=uuid.uuid4().hex)

    async def waiting(self) -> AsyncIterator[Scheduled]:
        """One's messages that wait, the next one first."""
        async for page in self._api.pages("/v1/scheduled", AllScheduled):
            for each in page.scheduled:
                yield each

    async def cancel(self, scheduled_id: str) -> None:
        """Cancels a message that waits."""
        await self._api.ask("DELETE", f"/v1/scheduled/{scheduled_id}", type(None))
