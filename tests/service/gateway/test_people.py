"""People over HTTP."""

from __future__ import annotations

import pytest
from service.gateway.backends import Backends
from service.gateway.door import Client

from chat.presence.v1 import presence_pb2
from chat.profile.v1 import profile_pb2 as pb
from realchat_common.ids import new_id

AT_MS = 1_767_323_045_678
AT = "2026-01-02T03:04:05.678Z"
EVERYONE, CONTACTS, NOBODY = pb.AUDIENCE_EVERYONE, pb.AUDIENCE_CONTACTS, pb.AUDIENCE_NOBODY


def profile(user_id: str, handle: str = "alice") -> pb.Profile:
    return pb.Profile(user_id=user_id, handle=handle, display_name="Älice", bio="", updated_at_ms=AT_MS)


async def test_me_is_the_profile_of_the_token(alice: Client, backends: Backends) -> None:
    backends.answer("BatchGetProfiles", pb.BatchGetProfilesResponse(profiles=[profile(alice.user_id)]))
    answer = await alice.ask("GET", "/v1/me")
    assert answer.json() == {
        "user_id": alice.user_id,
        "handle": "alice",
        "display_name": "Älice",
        "bio": "",
        "avatar_id": None,
        "status_text": "",
        "status_until": None,
        "updated_at": AT,
        "bot": False,
    }
    assert list(backends.asked("BatchGetProfiles").user_ids) == [alice.user_id]


async def test_a_profile_that_has_not_changed_is_not_sent_again(alice: Client, backends: Backends) -> None:
    backends.answer("BatchGetProfiles", pb.BatchGetProfilesResponse(profiles=[profile(alice.user_id)]))
    first = await alice.ask("GET", "/v1/me")
    etag = first.headers["etag"]
    assert etag.startswith('W/"')
    for known in (etag, etag.removeprefix("W/"), f'"other", {etag}'):
        again = await alice.ask("GET", "/v1/me", headers={"If-None-Match": known})
        assert (again.status_code, again.content, again.headers["etag"]) == (304, b"", etag)
    backends.answer("BatchGetProfiles", pb.BatchGetProfilesResponse(profiles=[profile(alice.user_id, "malice")]))
    assert (await alice.ask("GET", "/v1/me", headers={"If-None-Match": etag})).json()["handle"] == "malice"


async def test_a_change_says_only_what_changes(alice: Client, backends: Backends) -> None:
    backends.answer("UpdateProfile", pb.UpdateProfileResponse(profile=profile(alice.user_id)))
    answer = await alice.ask("PATCH", "/v1/me", json={"bio": ""})
    assert answer.json()["user_id"] == alice.user_id
    asked = backends.asked("UpdateProfile")
    assert asked.HasField("bio")
    assert not asked.HasField("handle")
    assert not asked.HasField("display_name")


async def test_a_status_has_a_text_and_an_end(alice: Client, backends: Backends) -> None:
    shown = profile(alice.user_id)
    shown.status_text, shown.status_until_ms = "At tea", AT_MS
    backends.answer("UpdateProfile", pb.UpdateProfileResponse(profile=shown))
    answer = await alice.ask("PATCH", "/v1/me", json={"status_text": "At tea", "status_until": AT, "avatar_id": ""})
    assert (answer.json()["status_text"], answer.json()["status_until"]) == ("At tea", AT)
    asked = pb.UpdateProfileRequest(status_text="At tea", status_until_ms=AT_MS, avatar_id="")
    assert backends.asked("UpdateProfile") == asked
    refused = await alice.ask("PATCH", "/v1/me", json={"status_text": "x", "status_until": "2026-01-02T03:04:05"})
    assert (refused.status_code, refused.json()["field"]) == (422, "status_until")


async def test_several_profiles_come_in_one_answer(alice: Client, backends: Backends) -> None:
    bob, gone = new_id(), new_id()
    backends.answer("BatchGetProfiles", pb.BatchGetProfilesResponse(profiles=[profile(bob, "bob")]))
    answer = await alice.ask("GET", "/v1/profiles", params={"user_ids": [bob, gone]})
    assert [user["handle"] for user in answer.json()["users"]] == ["bob"]
    assert list(backends.asked("BatchGetProfiles").user_ids) == [bob, gone]


async def test_people_are_found_page_by_page(alice: Client, backends: Backends) -> None:
    bob = new_id()
    backends.answer("SearchProfiles", pb.SearchProfilesResponse(profiles=[profile(bob, "bob")], next_cursor="n"))
    answer = await alice.ask("GET", "/v1/users", params={"prefix": "Bö", "limit": 1, "cursor": "c"})
    assert ([user["user_id"] for user in answer.json()["users"]], answer.json()["next_cursor"]) == ([bob], "n")
    assert backends.asked("SearchProfiles") == pb.SearchProfilesRequest(prefix="Bö", limit=1, cursor="c")
    backends.answer("SearchProfiles", pb.SearchProfilesResponse())
    assert (await alice.ask("GET", "/v1/users", params={"prefix": "b"})).json() == {"users": [], "next_cursor": None}


async def test_somebody_unknown_is_not_found(alice: Client) -> None:
    answer = await alice.ask("GET", f"/v1/users/{new_id()}")
    assert (answer.status_code, answer.json()["code"]) == (404, "user_not_found")


async def test_ids_are_asked_for_in_their_canonical_form(alice: Client, backends: Backends) -> None:
    bob = new_id()
    await alice.ask("GET", f"/v1/users/{bob.upper()}")
    assert list(backends.asked("BatchGetProfiles").user_ids) == [bob]


async def test_presence_of_several_people(alice: Client, backends: Backends) -> None:
    here, gone, unknown = new_id(), new_id(), new_id()
    backends.answer(
        "GetPresence",
        presence_pb2.GetPresenceResponse(
            presences=[
                presence_pb2.UserPresence(user_id=here, status=presence_pb2.STATUS_ONLINE),
                presence_pb2.UserPresence(user_id=gone, status=presence_pb2.STATUS_OFFLINE, last_seen_at_ms=AT_MS),
                presence_pb2.UserPresence(user_id=unknown),
            ]
        ),
    )
    visible = [pb.Visibility(user_id=user, present=True, last_seen=True) for user in (here, gone, unknown)]
    backends.answer("GetVisibility", pb.GetVisibilityResponse(visibilities=visible))
    answer = await alice.ask("GET", "/v1/presence", params={"user_ids": [here, gone, unknown]})
    assert answer.json()["presences"] == [
        {"user_id": here, "status": "online", "last_seen_at": None},
        {"user_id": gone, "status": "offline", "last_seen_at": AT},
        {"user_id": unknown, "status": "offline", "last_seen_at": None},
    ]
    assert list(backends.asked("GetPresence").user_ids) == [here, gone, unknown]


async def test_who_does_not_show_themselves_is_offline_and_was_never_seen(alice: Client, backends: Backends) -> None:
    bob = new_id()
    online = presence_pb2.UserPresence(user_id=bob, status=presence_pb2.STATUS_ONLINE, last_seen_at_ms=AT_MS)
    backends.answer("GetPresence", presence_pb2.GetPresenceResponse(presences=[online]))
    backends.answer("GetVisibility", pb.GetVisibilityResponse(visibilities=[pb.Visibility(user_id=bob)]))
    answer = await alice.ask("GET", "/v1/presence", params={"user_ids": [bob]})
    assert answer.json()["presences"] == [{"user_id": bob, "status": "offline", "last_seen_at": None}]
    assert backends.asked("GetVisibility") == pb.GetVisibilityRequest(viewer_id=alice.user_id, user_ids=[bob])


@pytest.mark.parametrize(
    ("method", "path", "rpc"),
    [
        ("POST", "/v1/contacts", "RequestContact"),
        ("POST", "/v1/contacts/{}/accept", "AcceptContact"),
        ("POST", "/v1/contacts/{}/decline", "DeclineContact"),
        ("DELETE", "/v1/contacts/{}", "RemoveContact"),
        ("POST", "/v1/blocks", "BlockUser"),
        ("DELETE", "/v1/blocks/{}", "UnblockUser"),
    ],
)
async def test_contacts_and_blocks(alice: Client, backends: Backends, method: str, path: str, rpc: str) -> None:
    bob = new_id()
    shown = pb.Relation(user_id=bob, state=pb.CONTACT_STATE_CONTACT, changed_at_ms=AT_MS)
    backends.answer(rpc, getattr(pb, f"{rpc}Response")(relation=shown))
    body = None if "{}" in path else {"user_id": bob}
    answer = await alice.ask(method, path.format(bob), json=body)
    assert backends.asked(rpc).user_id == bob
    if method == "DELETE":
        assert answer.status_code == 204
    else:
        assert answer.json() == {"user_id": bob, "state": "contact", "blocked": False, "changed_at": AT}


async def test_when_somebody_was_here_last_may_be_hidden(alice: Client, backends: Backends) -> None:
    bob = new_id()
    away = presence_pb2.UserPresence(user_id=bob, status=presence_pb2.STATUS_AWAY, last_seen_at_ms=AT_MS)
    backends.answer("GetPresence", presence_pb2.GetPresenceResponse(presences=[away]))
    visible = pb.Visibility(user_id=bob, present=True)
    backends.answer("GetVisibility", pb.GetVisibilityResponse(visibilities=[visible]))
    answer = await alice.ask("GET", "/v1/presence", params={"user_ids": [bob]})
    assert answer.json()["presences"] == [{"user_id": bob, "status": "away", "last_seen_at": None}]


async def test_privacy_settings_are_read_and_changed(alice: Client, backends: Backends) -> None:
    privacy = pb.Privacy(last_seen=NOBODY, receipts=EVERYONE, direct=CONTACTS, groups=EVERYONE)
    shown = {
        "last_seen": "nobody",
        "read_receipts": "everyone",
        "direct_messages": "contacts",
        "group_invitations": "everyone",
    }
    backends.answer("GetPrivacy", pb.GetPrivacyResponse(privacy=privacy))
    assert (await alice.ask("GET", "/v1/me/privacy")).json() == shown
    backends.answer("UpdatePrivacy", pb.UpdatePrivacyResponse(privacy=privacy))
    changed = await alice.ask("PATCH", "/v1/me/privacy", json={"last_seen": "nobody", "direct_messages": "contacts"})
    assert changed.json() == shown
    assert backends.asked("UpdatePrivacy").privacy == pb.Privacy(last_seen=NOBODY, direct=CONTACTS)


async def test_contacts_and_blocks_come_in_pages(alice: Client, backends: Backends) -> None:
    bob = pb.Relation(user_id=new_id(), state=pb.CONTACT_STATE_INCOMING, blocked=False, changed_at_ms=AT_MS)
    backends.answer("ListContacts", pb.ListContactsResponse(relations=[bob], next_cursor="n"))
    answer = await alice.ask("GET", "/v1/contacts", params={"state": "incoming", "limit": 1, "cursor": "c"})
    assert (answer.json()["relations"][0]["state"], answer.json()["next_cursor"]) == ("incoming", "n")
    asked = pb.ListContactsRequest(state=pb.CONTACT_STATE_INCOMING, limit=1, cursor="c")
    assert backends.asked("ListContacts") == asked
    backends.answer("ListBlocks", pb.ListBlocksResponse(relations=[bob]))
    assert (await alice.ask("GET", "/v1/blocks")).json()["next_cursor"] is None
