"""Making, changing and reading profiles."""

from __future__ import annotations

import asyncio

import httpx
import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from realchat_profile.api import public_app
from realchat_profile.store import ProfileStore
from service.profile.people import People
from sqlalchemy.ext.asyncio import AsyncEngine

from chat.profile.v1 import profile_pb2
from realchat_common.errors import Code, RealChatError
from realchat_common.ids import new_id, now_ms
from realchat_common.tokens import AccessTokens


async def test_a_new_profile_has_a_name_and_a_handle(people: People) -> None:
    ada = await people.joins("Ada Lovelace")
    assert (ada.handle, ada.display_name, ada.bio) == ("ada.lovelace", "Ada Lovelace", "")
    assert await people.gets(ada.user_id) == [ada]


async def test_creating_twice_changes_nothing(people: People) -> None:
    ada = await people.joins("Ada Lovelace")
    await people.changes(ada.user_id, display_name="Countess")
    again = await people.joins("Ada Byron", ada.user_id)
    assert (again.handle, again.display_name) == ("ada.lovelace", "Countess")


async def test_a_profile_says_that_it_is_a_bots_also_when_that_is_told_later(people: People) -> None:
    weather, ada = await people.joins("Weather", bot=True), await people.joins("Ada")
    assert (weather.bot, ada.bot) == (True, False)
    assert (await people.joins("Ada", ada.user_id, bot=True)).bot
    assert (await people.joins("Ada", ada.user_id)).bot
    assert [profile.bot for profile in await people.gets(weather.user_id, ada.user_id)] == [True, True]


async def test_one_account_created_many_times_at_once_has_one_profile(people: People) -> None:
    user_id = new_id()
    profiles = await asyncio.gather(*(people.joins("Ada", user_id) for _ in range(8)))
    assert {profile.handle for profile in profiles} == {"ada"}


async def test_many_with_one_name_at_once_all_get_a_handle(people: People) -> None:
    profiles = await asyncio.gather(*(people.joins("Ada") for _ in range(12)))
    handles = {profile.handle for profile in profiles}
    assert len(handles) == 12
    assert "ada" in handles
    assert all(handle.startswith("ada") for handle in handles)


async def test_of_many_who_want_one_handle_at_once_one_gets_it(people: People) -> None:
    everybody = [await people.joins(f"Person {n}") for n in range(6)]
    outcomes = await asyncio.gather(
        *(people.changes(person.user_id, handle="Queen") for person in everybody), return_exceptions=True
    )
    refusals = [outcome for outcome in outcomes if isinstance(outcome, RealChatError)]
    assert [(refusal.code, refusal.field) for refusal in refusals] == [(Code.HANDLE_TAKEN, "handle")] * 5
    assert await people.finds("queen") == ["queen"]


async def test_a_change_leaves_the_rest_as_it_is(people: People) -> None:
    ada = await people.joins("Ada")
    changed = await people.changes(ada.user_id, bio="Notes\r\non the engine")
    assert (changed.handle, changed.display_name, changed.bio) == ("ada", "Ada", "Notes\non the engine")
    assert changed.updated_at_ms >= ada.updated_at_ms
    assert await people.changes(ada.user_id) == changed
    assert await people.changes(ada.user_id, handle="ADA", bio=changed.bio) == changed
    assert (await people.changes(ada.user_id, bio="")).bio == ""


async def test_a_handle_given_up_is_free(people: People) -> None:
    ada, bob = await people.joins("Ada"), await people.joins("Bob")
    await people.changes(ada.user_id, handle="countess")
    assert (await people.changes(bob.user_id, handle="ada")).handle == "ada"


async def test_a_handle_changes_three_times_in_a_month(people: People) -> None:
    ada, other = await people.joins("Ada"), await people.joins("Other")
    for handle in ("ada1", "ada2", "ADA2", "ada3"):
        await people.changes(ada.user_id, handle=handle)
    refusal = await people.refused(people.changes(ada.user_id, handle="ada4"))
    assert (refusal.code, refusal.field) == (Code.RATE_LIMITED, "handle")
    assert refusal.retry_after is not None
    assert refusal.retry_after > 29 * 24 * 3600
    assert (await people.changes(ada.user_id, handle="ada3", bio="still me")).bio == "still me"
    assert (await people.refused(people.changes(other.user_id, handle="ada3"))).code is Code.HANDLE_TAKEN
    assert (await people.refused(people.changes(other.user_id, handle="Support"))).code is Code.HANDLE_TAKEN


async def test_a_status_ends_by_itself_and_an_avatar_can_be_taken_away(people: People) -> None:
    ada, avatar = await people.joins("Ada"), new_id()
    shown = await people.changes(ada.user_id, status_text=" At tea ", status_until_ms=now_ms() + 200, avatar_id=avatar)
    assert (shown.status_text, shown.avatar_id) == ("At tea", avatar)
    async with asyncio.timeout(5):
        while (await people.gets(ada.user_id))[0].status_text:
            await asyncio.sleep(0.05)
    assert (await people.gets(ada.user_id))[0].status_until_ms == 0
    assert (await people.changes(ada.user_id, status_text="Always", avatar_id="")).avatar_id == ""
    assert (await people.gets(ada.user_id))[0].status_text == "Always"
    assert (await people.changes(ada.user_id, status_text="")).status_text == ""


async def test_bad_input_is_refused_by_field(people: People) -> None:
    ada = await people.joins("Ada")
    for field, value in (
        ("handle", "a b"),
        ("handle", "\x00\x00\x00"),
        ("display_name", " "),
        ("bio", "x" * 501),
        ("avatar_id", "x"),
        ("status_text", "x" * 141),
    ):
        refusal = await people.refused(people.changes(ada.user_id, **{field: value}))
        assert (refusal.code, refusal.field) == (Code.INVALID_ARGUMENT, field)
    for until_ms in (1, now_ms() - 1, 2**62):
        refusal = await people.refused(people.changes(ada.user_id, status_text="x", status_until_ms=until_ms))
        assert (refusal.code, refusal.field) == (Code.INVALID_ARGUMENT, "status_until")
    assert (await people.refused(people.joins("Ada", "not-an-id"))).field == "user_id"
    assert (await people.refused(people.gets("not-an-id"))).field == "user_ids"
    assert (await people.refused(people.gets(*[new_id()] * 201))).field == "user_ids"
    assert await people.gets(ada.user_id) == [ada]


async def test_an_account_whose_profile_is_still_to_be_made_may_try_again(people: People) -> None:
    refusal = await people.refused(people.changes(new_id(), bio="early"))
    assert refusal.code is Code.UNAVAILABLE
    assert refusal.code.temporary


async def test_many_are_read_at_once_in_the_order_asked_without_unknown_ones(people: People) -> None:
    ada, bob = await people.joins("Ada"), await people.joins("Bob")
    got = await people.gets(bob.user_id, new_id(), ada.user_id.upper(), bob.user_id)
    assert [profile.handle for profile in got] == ["bob", "ada"]
    assert await people.gets() == []


# Public HTTP


@pytest.fixture
def signing_key() -> Ed25519PrivateKey:
    return Ed25519PrivateKey.generate()


@pytest.fixture
def http(engine: AsyncEngine, signing_key: Ed25519PrivateKey) -> httpx.AsyncClient:
    async def keys() -> dict[str, bytes]:
        return {"kid": signing_key.public_key().public_bytes_raw()}

    app = public_app(ProfileStore(engine), AccessTokens(keys, "realchat"))
    return httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://profile")


def _token(key: Ed25519PrivateKey) -> str:
    now = now_ms() // 1000
    claims = {"iss": "realchat", "aud": "realchat", "sub": new_id(), "sid": new_id(), "iat": now, "exp": now + 900}
    return jwt.encode(claims, key, algorithm="EdDSA", headers={"kid": "kid"})


async def test_a_profile_is_read_over_http_with_an_access_token(
    people: People, http: httpx.AsyncClient, signing_key: Ed25519PrivateKey
) -> None:
    ada = await people.joins("Ada")
    headers = {"Authorization": f"Bearer {_token(signing_key)}"}
    answer = await http.get(f"/v1/profiles/{ada.user_id}", headers=headers)
    assert answer.status_code == 200
    assert answer.json() | {"updated_at": ""} == {
        "user_id": ada.user_id,
        "handle": "ada",
        "display_name": "Ada",
        "bio": "",
        "avatar_id": None,
        "status_text": "",
        "status_until": None,
        "updated_at": "",
        "bot": False,
    }
    for user_id, status, code in ((new_id(), 404, "user_not_found"), ("x", 422, "invalid_argument")):
        answer = await http.get(f"/v1/profiles/{user_id}", headers=headers)
        assert (answer.status_code, answer.json()["code"]) == (status, code)


async def test_without_a_valid_token_nothing_is_read(people: People, http: httpx.AsyncClient) -> None:
    ada = await people.joins("Ada")
    forged = _token(Ed25519PrivateKey.generate())
    for header in ("", "Bearer", "Bearer x", f"Bearer {forged}", f"Basic {forged}", forged):
        answer = await http.get(f"/v1/profiles/{ada.user_id}", headers={"Authorization": header})
        assert (answer.status_code, answer.json()["code"]) == (401, "unauthenticated")
        assert answer.headers["www-authenticate"] == "Bearer"


async def test_the_profile_of_a_deleted_account_is_erased_for_good_and_its_handle_is_free(people: People) -> None:
    alice = await people.joins("Alice")
    request = profile_pb2.DeleteProfileRequest(user_id=alice.user_id)
    people.listeners.away = True
    failed = await people.refused(people.auth.call(people.auth.stub.DeleteProfile, request))
    assert failed.code is Code.UNAVAILABLE  # auth asks again, until the message service has forgotten, too
    people.listeners.away = False
    for _ in range(2):
        await people.auth.call(people.auth.stub.DeleteProfile, request)
    assert await people.gets(alice.user_id) == []
    assert await people.finds("alice") == []
    assert people.listeners.forgotten == [alice.user_id] * 2
    late = await people.refused(people.joins("Alice", alice.user_id))  # a creation that comes after the erasure
    assert late.code is Code.USER_NOT_FOUND
    assert (await people.joins("Alice")).handle == "alice"
