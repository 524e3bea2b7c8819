"""A conversation as JSON lines: page by page from the history, so what comes is what the reader may see, and no more of
it is in memory than a page."""

from __future__ import annotations

from collections.abc import AsyncIterator

import msgspec

from chat.message.v1 import message_pb2 as pb
from realchat_common.identity import User
from realchat_common.ids import rfc3339
from realchat_common.wire import event_bytes
from realchat_gateway.gateway import Gateway

PAGE = 200
PAGE_SECONDS = 10.0

NDJSON = "application/x-ndjson"


async def exported(gateway: Gateway, user: User, conversation_id: str, now_ms: int) -> AsyncIterator[bytes]:
    """The lines: a head, the events up to now in order, and an end that tells a whole export from one that broke off.

    Raises:
        RealChatError: what the message service answers; before the first line, when the user may not read at all.
    """
    page = await _page(gateway, user, conversation_id, 0)
    last_seq, events = page.last_seq, 0

    async def lines() -> AsyncIterator[bytes]:
        nonlocal page, events
        yield line({"conversation_id": conversation_id, "exported_at": rfc3339(now_ms), "last_seq": last_seq})
        while True:
            shown = [event for event in page.events if event.seq <= last_seq]
            yield b"".join(event_bytes(event) + b"\n" for event in shown)
            events += len(shown)
            if not page.has_more or len(shown) < len(page.events):
                break
            page = await _page(gateway, user, conversation_id, page.events[-1].seq)
        yield line({"end": True, "events": events})

    return lines()


async def _page(gateway: Gateway, user: User, conversation_id: str, after: int) -> pb.GetHistoryResponse:
    asked = pb.GetHistoryRequest(conversation_id=conversation_id, after_seq=after, limit=PAGE)
    return await gateway.message.call(gateway.message.stub.GetHistory, asked, user, deadline=PAGE_SECONDS)


def line(value: object) -> bytes:
    """A value as a line of JSON."""
    return msgspec.json.encode(value) + b"\n"
