"""Search over HTTP."""

from __future__ import annotations

import pytest
from service.gateway.backends import Backends
from service.gateway.door import Client
from service.gateway.test_conversations import AT_MS

from chat.event.v1 import event_pb2
from chat.message.v1 import search_pb2 as pb
from realchat_common.errors import Code, RealChatError
from realchat_common.ids import new_id


async def test_a_search_is_passed_on_with_its_filters(alice: Client, backends: Backends) -> None:
    talk, other, message, sender = new_id(), new_id(), new_id(), new_id()
    event = event_pb2.Event(
        conversation_id=talk,
        seq=2,
        event_id=message,
        actor_id=sender,
        occurred_at_ms=AT_MS,
        message_sent=event_pb2.MessageSent(message_id=message, client_message_id="1", body="some tea"),
    )
    hit = pb.SearchHit(message=event, highlights=[pb.Highlight(start=5, length=3)])
    backends.answer("SearchMessages", pb.SearchMessagesResponse(hits=[hit], next_cursor="more"))
    answer = await alice.ask(
        "GET",
        "/v1/search",
        params={
            "q": "tea*",
            "conversation_id": [talk, other],
            "sender_id": sender,
            "since": "1970-01-01T00:00:01Z",
            "until": "1970-01-01T02:00:00.5+01:00",
            "limit": 3,
        },
    )
    (found,) = answer.json()["hits"]
    assert (found["message"]["data"]["body"], found["highlights"]) == ("some tea", [{"start": 5, "length": 3}])
    assert answer.json()["next_cursor"] == "more"
    assert backends.asked("SearchMessages") == pb.SearchMessagesRequest(
        query="tea*", conversation_ids=[talk, other], sender_id=sender, since_ms=1000, until_ms=3_600_500, limit=3
    )
    assert backends.caller("SearchMessages").user.user_id == alice.user_id  # type: ignore[union-attr]


@pytest.mark.parametrize(
    "query", ["", "q=", "q=tea&since=yesterday", "q=tea&until=1969-01-01T00:00:00Z", "q=tea&conversation_id=x"]
)
async def test_a_search_that_cannot_be_meant_is_refused(alice: Client, backends: Backends, query: str) -> None:
    answer = await alice.ask("GET", f"/v1/search?{query}")
    assert (answer.status_code, answer.json()["code"]) == (422, "invalid_argument")
    assert backends.times("SearchMessages") == 0


async def test_where_one_is_not_a_member_nothing_is_searched(alice: Client, backends: Backends) -> None:
    backends.answer("SearchMessages", RealChatError(Code.CONVERSATION_NOT_FOUND))
    assert (await alice.ask("GET", f"/v1/search?q=tea&conversation_id={new_id()}")).status_code == 404
