"""The RPC of search: translate, call, translate."""

from __future__ import annotations

from chat.message.v1 import search_pb2 as pb
from chat.message.v1.search_pb2_grpc import SearchServiceServicer
from realchat_common.errors import Code, RealChatError
from realchat_common.ids import decode_cursor, encode_cursor, now_ms, page_limit, parse_id
from realchat_common.rpc import current_user
from realchat_message.rpc import MOST_SEQ, Context
from realchat_message.search import MessageSearch, Search, parse_query

MOST_CONVERSATIONS = 50
MOST_MS = 2**53


class SearchRpc(SearchServiceServicer):
    """Serves chat.message.v1.SearchService."""

    def __init__(self, search: MessageSearch) -> None:
        self._search = search

    async def SearchMessages(self, request: pb.SearchMessagesRequest, context: Context) -> pb.SearchMessagesResponse:
        if len(request.conversation_ids) > MOST_CONVERSATIONS:
            raise RealChatError(
                Code.INVALID_ARGUMENT, f"conversations are at most {MOST_CONVERSATIONS}", field="conversation_id"
            )
        search = Search(
            terms=parse_query(request.query),
            conversation_ids=tuple(parse_id(each, "conversation_id") for each in request.conversation_ids),
            sender_id=parse_id(request.sender_id, "sender_id") if request.sender_id else "",
            since_ms=_time(request.since_ms, "since"),
            until_ms=_time(request.until_ms, "until"),
        )
        after = decode_cursor(request.cursor, tuple[int, float, int, str]) if request.cursor else None
        if after:
            _time(after[0], "cursor"), _time(after[2], "cursor"), parse_id(after[3], "cursor")
        user_id = current_user().user_id
        hits, last = await self._search.find(search, user_id, page_limit(request.limit), now_ms(), after)
        return pb.SearchMessagesResponse(hits=hits, next_cursor=encode_cursor(*last) if last else "")

    async def ListOwnMessages(self, request: pb.ListOwnMessagesRequest, context: Context) -> pb.ListOwnMessagesResponse:
        after = decode_cursor(request.cursor, tuple[str, int]) if request.cursor else None
        if after:
            after = (parse_id(after[0], "cursor"), after[1])
            if not 0 <= after[1] <= MOST_SEQ:
                raise RealChatError(Code.INVALID_ARGUMENT, "the cursor is not valid", field="cursor")
        limit = page_limit(request.limit)
        found = await self._search.own(current_user().user_id, limit + 1, after)
        page = found[:limit]
        more = len(found) > limit
        return pb.ListOwnMessagesResponse(
            messages=page, next_cursor=encode_cursor(page[-1].conversation_id, page[-1].seq) if more else ""
        )


def _time(milliseconds: int, field: str) -> int:
    if not 0 <= milliseconds <= MOST_MS:
        raise RealChatError(Code.INVALID_ARGUMENT, f"{field} is a time", field=field)
    return milliseconds
