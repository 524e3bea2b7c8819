"""All that is kept of somebody, over HTTP."""

from __future__ import annotations

import json

from service.gateway.backends import Backends
from service.gateway.door import Client
from service.gateway.test_conversations import AT_MS

from chat.auth.v1 import account_pb2, auth_pb2
from chat.event.v1 import event_pb2
from chat.message.v1 import search_pb2
from chat.profile.v1 import profile_pb2
from realchat_common.errors import Code, RealChatError
from realchat_common.ids import new_id

EVERYONE = profile_pb2.AUDIENCE_EVERYONE


def told(alice: Client, backends: Backends) -> None:
    account = account_pb2.Account(user_id=alice.user_id, email="alice@example.com", created_at_ms=AT_MS)
    backends.answer("GetAccount", account_pb2.GetAccountResponse(account=account))
    session = auth_pb2.Session(session_id=new_id(), created_at_ms=AT_MS, last_seen_at_ms=AT_MS)
    backends.answer("ListSessions", auth_pb2.ListSessionsResponse(sessions=[session]))
    privacy = profile_pb2.Privacy(last_seen=EVERYONE, receipts=EVERYONE, direct=EVERYONE, groups=EVERYONE)
    backends.answer("GetPrivacy", profile_pb2.GetPrivacyResponse(privacy=privacy))
    friend = profile_pb2.Relation(user_id=new_id(), state=profile_pb2.CONTACT_STATE_CONTACT)
    backends.answer("ListContacts", profile_pb2.ListContactsResponse(relations=[friend]))
    foe = profile_pb2.Relation(user_id=new_id(), state=profile_pb2.CONTACT_STATE_NONE, blocked=True)
    backends.answer("ListBlocks", profile_pb2.ListBlocksResponse(relations=[foe]))
    message = event_pb2.Event(
        conversation_id=new_id(),
        seq=7,
        event_id=new_id(),
        actor_id=alice.user_id,
        occurred_at_ms=AT_MS,
        message_sent=event_pb2.MessageSent(message_id=new_id(), client_message_id="1", body="mine"),
    )
    backends.answer("ListOwnMessages", search_pb2.ListOwnMessagesResponse(messages=[message]))


async def test_an_export_of_my_data_is_all_that_is_kept_of_me_in_lines_with_an_end(
    alice: Client, backends: Backends
) -> None:
    told(alice, backends)
    answer = await alice.ask("GET", "/v1/me/export")
    assert (answer.status_code, answer.headers["content-type"]) == (200, "application/x-ndjson")
    head, *things, end = [json.loads(each) for each in answer.text.splitlines()]
    assert head["user_id"] == alice.user_id
    kinds = [kind for thing in things for kind in thing]
    assert kinds == ["account", "session", "privacy", "contact", "contact", "contact", "block", "message"]
    assert end == {"end": True, "things": len(things)}
    assert things[0]["account"]["email"] == "alice@example.com"
    assert things[-1]["message"]["data"]["body"] == "mine"
    caller = backends.caller("ListOwnMessages").user
    assert caller is not None
    assert caller.user_id == alice.user_id


async def test_exports_of_my_data_are_few_within_an_hour(alice: Client, backends: Backends) -> None:
    told(alice, backends)
    answers = [await alice.ask("GET", "/v1/me/export") for _ in range(11)]
    assert [answer.status_code for answer in answers] == [200] * 10 + [429]
    assert answers[-1].json()["code"] == "rate_limited"
    assert answers[-1].headers["ratelimit-policy"] == '"export";q=10;w=3600'


async def test_what_cannot_be_had_is_an_error_before_the_first_line(alice: Client, backends: Backends) -> None:
    backends.answer("GetAccount", RealChatError(Code.UNAVAILABLE))
    answer = await alice.ask("GET", "/v1/me/export")
    assert (answer.status_code, answer.json()["code"]) == (503, "unavailable")
