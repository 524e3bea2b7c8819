"""Search over messages."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query

from chat.message.v1 import search_pb2 as pb
from realchat_gateway.access import Reader
from realchat_gateway.api.paging import Cursor, Limit
from realchat_gateway.edge import ApiRoute
from realchat_gateway.gateway import GatewayDep
from realchat_gateway.schemas.base import AskedTime, Id
from realchat_gateway.schemas.search import Hit, Hits

router = APIRouter(prefix="/v1", tags=["messages"], route_class=ApiRoute)


@router.get("/search")
async def search_messages(
    user: Reader,
    gateway: GatewayDep,
    q: Annotated[
        str,
        Query(
            min_length=1,
            max_length=256,
            description='Words, all of which are looked for; `"in quotes"`, those that follow each other; '
            "`beg*`, the beginning of one.",
            examples=['raven "writing desk" wonder*'],
        ),
    ],
    conversation_id: Annotated[
        list[Id], Query(max_length=50, description="Only in these conversations.", default_factory=list)
    ],
    sender_id: Annotated[Id | None, Query(description="Only what this user sent.")] = None,
    since: Annotated[AskedTime | None, Query(description="Only what was sent then or later.")] = None,
    until: Annotated[AskedTime | None, Query(description="Only what was sent before then.")] = None,
    cursor: Cursor = "",
    limit: Limit = 50,
) -> Hits:
    """Messages by what they say, in the conversations that the caller is in now: the best first, then the newest."""
    asked = pb.SearchMessagesRequest(
        query=q,
        conversation_ids=conversation_id,
        sender_id=sender_id or "",
        since_ms=int(since or 0),
        until_ms=int(until or 0),
        limit=limit,
        cursor=cursor,
    )
    answer = await gateway.search.call(gateway.search.stub.SearchMessages, asked, user)
    return Hits(hits=[Hit.of(hit) for hit in answer.hits], next_cursor=answer.next_cursor or None)
