"""Bots, and the keys by which they come in."""

from __future__ import annotations

import asyncio

import pytest
from realchat_auth.tables import ApiKey
from service.auth.office import PASSWORD, Office
from sqlalchemy import text

from realchat_common.errors import Code
from realchat_common.identity import User
from realchat_common.ids import new_id

SCOPES = ["messages:write", "messages:read", "messages:read"]


async def _bot(office: Office, email: str = "alice@example.com") -> tuple[str, str]:
    """Somebody and their bot."""
    alice = await office.registers(email)
    return alice.user_id, str((await office.bots.create(alice.user_id, "Weather")).bot_id)


async def _key(office: Office, alice: str, bot: str, days: int = 0) -> tuple[ApiKey, str]:
    return await office.bots.create_key(bot, alice, "production", SCOPES, days)


async def test_a_bot_has_a_profile_and_comes_in_by_its_keys(office: Office) -> None:
    alice, bot = await _bot(office)
    assert office.profiles()[-1] == (bot, "Weather")
    key, secret = await _key(office, alice, bot)
    verified = await office.bots.verify(secret)
    assert (str(verified.bot_id), verified.key_id) == (bot, key.key_id)
    assert verified.scopes == ["messages:read", "messages:write"]
    ((listed, keys),) = await office.bots.of(alice)
    assert (str(listed.bot_id), [each.key_id for each in keys]) == (bot, [key.key_id])
    assert keys[0].last_used_at_ms == office.now_ms


async def test_keys_are_stored_as_digests_and_shown_by_their_beginning(office: Office) -> None:
    alice, bot = await _bot(office)
    key, secret = await _key(office, alice, bot)
    assert secret.startswith(key.prefix)
    assert len(key.prefix) == 12
    async with office.engine.connect() as connection:
        dump = str((await connection.execute(text("SELECT * FROM api_key"))).all())
    assert key.prefix in dump
    assert secret not in dump
    assert secret.removeprefix("rck_") not in dump


async def test_a_key_that_ended_or_expired_or_never_was_opens_nothing(office: Office) -> None:
    alice, bot = await _bot(office)
    key, secret = await _key(office, alice, bot)
    _, brief = await _key(office, alice, bot, days=1)
    for _ in range(2):  # a retry
        await office.bots.revoke_key(str(key.key_id), bot, alice)
    assert office.revoked() == [str(key.key_id)]
    office.passes(24 * 3600)
    for text_ in (secret, brief, "", "rck_nothing", "\x00"):
        assert (await office.refused(office.bots.verify(text_))).code is Code.UNAUTHENTICATED
    ((_, keys),) = await office.bots.of(alice)
    assert keys == []


async def test_nobody_has_anything_to_do_with_another_ones_bot(office: Office) -> None:
    alice, bot = await _bot(office)
    key, secret = await _key(office, alice, bot)
    mallory = (await office.registers("mallory@example.com")).user_id
    for attempt in (
        office.bots.remove(bot, mallory),
        office.bots.create_key(bot, mallory, "mine", SCOPES, 0),
        office.bots.revoke_key(str(key.key_id), bot, mallory),
        office.bots.remove(new_id(), alice),
    ):
        assert (await office.refused(attempt)).code is Code.BOT_NOT_FOUND
    assert await office.bots.of(mallory) == []
    await office.bots.verify(secret)


@pytest.mark.parametrize(
    ("scopes", "days", "name", "field"),
    [
        ([], 0, "x", "scopes"),
        (["accounts:write"], 0, "x", "scopes"),
        (["messages:read", "*"], 0, "x", "scopes"),
        (["messages:read"], -1, "x", "days"),
        (["messages:read"], 366, "x", "days"),
        (["messages:read"], 0, " ", "name"),
    ],
)
async def test_keys_are_good_for_what_there_is(
    office: Office, scopes: list[str], days: int, name: str, field: str
) -> None:
    alice, bot = await _bot(office)
    refusal = await office.refused(office.bots.create_key(bot, alice, name, scopes, days))
    assert (refusal.code, refusal.field) == (Code.INVALID_ARGUMENT, field)


async def test_there_are_not_more_bots_and_keys_than_there_may_be_also_when_all_are_made_at_once(
    office: Office,
) -> None:
    alice, bot = await _bot(office)
    made = await asyncio.gather(*(office.bots.create(alice, f"Bot {n}") for n in range(25)), return_exceptions=True)
    assert sum(not isinstance(each, Exception) for each in made) == 19
    keys = await asyncio.gather(*(_key(office, alice, bot) for _ in range(15)), return_exceptions=True)
    assert sum(not isinstance(each, Exception) for each in keys) == 10


async def test_a_removed_bot_ends_its_keys_and_is_forgotten_elsewhere(office: Office) -> None:
    alice, bot = await _bot(office)
    key, secret = await _key(office, alice, bot)
    assert await office.bots.remove(bot, alice) == [str(key.key_id)] == office.revoked()
    assert (await office.refused(office.bots.verify(secret))).code is Code.UNAUTHENTICATED
    await office.erasure.deliver_due()
    assert [str(raw.hex()) for raw in office.elsewhere.taken] == [bot.replace("-", "")]


async def test_who_deletes_their_account_takes_their_bots_along(office: Office) -> None:
    tokens = await office.registers()
    bot = str((await office.bots.create(tokens.user_id, "Weather")).bot_id)
    key, secret = await _key(office, tokens.user_id, bot)
    ended = await office.credentials.delete_account(User(tokens.user_id, tokens.session_id), PASSWORD)
    assert set(ended) == {tokens.session_id, str(key.key_id)} == set(office.revoked())
    assert (await office.refused(office.bots.verify(secret))).code is Code.UNAUTHENTICATED
    await office.erasure.deliver_due()
    assert {raw.hex() for raw in office.elsewhere.taken} == {i.replace("-", "") for i in (bot, tokens.user_id)}
