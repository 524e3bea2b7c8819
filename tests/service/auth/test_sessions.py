"""Refresh tokens, and the sessions that they keep alive."""

from __future__ import annotations

import asyncio

from realchat_auth.domain import DAY_MS
from realchat_auth.service import Tokens
from service.auth.office import Office

from realchat_common.errors import Code
from realchat_common.identity import User
from realchat_common.ids import new_id

DAY = DAY_MS / 1000


async def _refresh_code(office: Office, refresh_token: str) -> Code:
    return (await office.refused(office.accounts.refresh(refresh_token))).code


async def test_each_refresh_gives_new_tokens_of_the_same_session(office: Office) -> None:
    first = await office.registers()
    second = await office.accounts.refresh(first.refresh_token)
    third = await office.accounts.refresh(second.refresh_token)
    assert len({first.refresh_token, second.refresh_token, third.refresh_token}) == 3
    assert {tokens.session_id for tokens in (first, second, third)} == {first.session_id}
    assert (await office.user_of(third.access_token)).session_id == first.session_id


async def test_an_old_token_ends_the_session_and_says_so(office: Office) -> None:
    first = await office.registers()
    second = await office.accounts.refresh(first.refresh_token)
    await office.accounts.refresh(second.refresh_token)
    assert await _refresh_code(office, first.refresh_token) is Code.REFRESH_TOKEN_REUSED
    assert await _refresh_code(office, second.refresh_token) is Code.SESSION_REVOKED
    assert office.revoked() == [first.session_id]


async def test_a_token_used_again_after_the_grace_ends_the_session(office: Office) -> None:
    first = await office.registers()
    second = await office.accounts.refresh(first.refresh_token)
    office.passes(11)
    assert await _refresh_code(office, first.refresh_token) is Code.REFRESH_TOKEN_REUSED
    assert await _refresh_code(office, second.refresh_token) is Code.SESSION_REVOKED


async def test_who_lost_the_answer_may_ask_again(office: Office) -> None:
    first = await office.registers()
    await office.accounts.refresh(first.refresh_token)  # its answer is lost
    office.passes(9)
    second = await office.accounts.refresh(first.refresh_token)
    office.passes(900)
    await office.accounts.refresh(second.refresh_token)
    assert office.revoked() == []


async def test_two_refreshes_at_once_lock_nobody_out(office: Office) -> None:
    first = await office.registers()
    answers = await asyncio.gather(*(office.accounts.refresh(first.refresh_token) for _ in range(5)))
    assert len({answer.refresh_token for answer in answers}) == 5
    office.passes(900)
    for kept in answers[:1]:  # a client keeps one of them
        await office.accounts.refresh(kept.refresh_token)
    assert office.revoked() == []


async def test_a_thief_within_the_grace_is_found_when_both_go_on(office: Office) -> None:
    first = await office.registers()
    owners = await office.accounts.refresh(first.refresh_token)
    thiefs = await office.accounts.refresh(first.refresh_token)
    office.passes(900)
    await office.accounts.refresh(owners.refresh_token)
    assert await _refresh_code(office, thiefs.refresh_token) is Code.REFRESH_TOKEN_REUSED


async def test_a_token_once_its_successor_was_used_is_no_retry_even_within_the_grace(office: Office) -> None:
    first = await office.registers()
    second = await office.accounts.refresh(first.refresh_token)
    await office.accounts.refresh(second.refresh_token)
    assert await _refresh_code(office, first.refresh_token) is Code.REFRESH_TOKEN_REUSED


async def test_reuse_found_by_many_at_once_is_published_once(office: Office) -> None:
    first = await office.registers()
    await office.accounts.refresh(first.refresh_token)
    office.passes(11)
    codes = await asyncio.gather(*(_refresh_code(office, first.refresh_token) for _ in range(5)))
    assert sorted(code.value for code in codes) == ["refresh_token_reused"] + ["session_revoked"] * 4
    assert office.revoked() == [first.session_id]


async def test_an_unknown_or_expired_token_is_invalid(office: Office) -> None:
    alice = await office.registers()
    for token in ("", "rt_nothing", "\x00", "🐎" * 1000):
        assert await _refresh_code(office, token) is Code.INVALID_REFRESH_TOKEN
    office.passes(30 * DAY)
    assert await _refresh_code(office, alice.refresh_token) is Code.INVALID_REFRESH_TOKEN
    assert office.revoked() == []


async def test_a_session_in_use_lasts(office: Office) -> None:
    tokens = await office.registers()
    for _ in range(5):
        office.passes(20 * DAY)
        tokens = await office.accounts.refresh(tokens.refresh_token)
    assert len(await office.accounts.sessions(tokens.user_id)) == 1


async def test_sessions_are_listed_newest_first_without_those_that_ended(office: Office) -> None:
    first = await office.registers()
    office.passes(60)
    second, third = await office.logs_in(), await office.logs_in()
    await office.accounts.log_out(third.refresh_token)
    await office.registers("bob@example.com")
    office.passes(60)
    await office.accounts.refresh(first.refresh_token)
    newer, older = await office.accounts.sessions(first.user_id)
    assert [str(newer.session_id), str(older.session_id)] == [second.session_id, first.session_id]
    assert (newer.device_name, older.device_name) == ("Safari on iPhone", "Firefox on Linux")
    assert older.last_seen_at_ms - older.created_at_ms == 120_000
    office.passes(31 * DAY)
    assert await office.accounts.sessions(first.user_id) == []


async def test_one_session_is_revoked_and_the_others_go_on(office: Office) -> None:
    laptop = await office.registers()
    phone = await office.logs_in()
    await office.accounts.revoke(phone.session_id, laptop.user_id)
    await office.accounts.revoke(phone.session_id, laptop.user_id)  # a retry
    assert office.revoked() == [phone.session_id]
    assert await _refresh_code(office, phone.refresh_token) is Code.SESSION_REVOKED
    await office.accounts.refresh(laptop.refresh_token)


async def test_all_other_sessions_are_revoked_and_the_own_one_goes_on(office: Office) -> None:
    laptop = await office.registers()
    phone, tablet = await office.logs_in(), await office.logs_in()
    bob = await office.registers("bob@example.com")
    user = User(laptop.user_id, laptop.session_id)
    assert await office.accounts.revoke_others(user) == [phone.session_id, tablet.session_id]
    assert await office.accounts.revoke_others(user) == []
    assert office.revoked() == [phone.session_id, tablet.session_id]
    assert await _refresh_code(office, phone.refresh_token) is Code.SESSION_REVOKED
    for tokens in (laptop, bob):
        await office.accounts.refresh(tokens.refresh_token)


async def test_a_session_is_renamed_by_its_owner_while_it_goes_on(office: Office) -> None:
    laptop, bob = await office.registers(), await office.registers("bob@example.com")
    renamed = await office.accounts.rename(laptop.session_id, laptop.user_id, "  Kitchen  ")
    (listed,) = await office.accounts.sessions(laptop.user_id)
    assert renamed.device_name == listed.device_name == "Kitchen"
    for name in ("", " ", "x" * 65, "a\u0000"):
        refusal = await office.refused(office.accounts.rename(laptop.session_id, laptop.user_id, name))
        assert (refusal.code, refusal.field) == (Code.INVALID_ARGUMENT, "device_name")
    foreign = await office.refused(office.accounts.rename(laptop.session_id, bob.user_id, "Mine"))
    await office.accounts.revoke(laptop.session_id, laptop.user_id)
    ended = await office.refused(office.accounts.rename(laptop.session_id, laptop.user_id, "Gone"))
    assert foreign.code is ended.code is Code.SESSION_NOT_FOUND


async def test_nobody_ends_another_ones_session(office: Office) -> None:
    alice, bob = await office.registers(), await office.registers("bob@example.com")
    for session_id in (alice.session_id, new_id()):
        refusal = await office.refused(office.accounts.revoke(session_id, bob.user_id))
        assert refusal.code is Code.SESSION_NOT_FOUND
    await office.accounts.refresh(alice.refresh_token)


async def test_logging_out_ends_the_session_by_any_of_its_tokens_and_twice_is_no_error(office: Office) -> None:
    first = await office.registers()
    second = await office.accounts.refresh(first.refresh_token)
    for token in (first.refresh_token, second.refresh_token, "rt_unknown"):
        await office.accounts.log_out(token)
    assert office.revoked() == [first.session_id]
    assert await _refresh_code(office, second.refresh_token) is Code.SESSION_REVOKED


async def test_a_refresh_and_a_revocation_at_once_leave_no_session(office: Office) -> None:
    async def race(tokens: Tokens) -> None:
        await asyncio.gather(
            office.accounts.refresh(tokens.refresh_token),
            office.accounts.revoke(tokens.session_id, tokens.user_id),
            return_exceptions=True,
        )

    all_tokens = [await office.registers(f"user{n}@example.com") for n in range(10)]
    await asyncio.gather(*(race(tokens) for tokens in all_tokens))
    for tokens in all_tokens:
        assert await office.accounts.sessions(tokens.user_id) == []
    assert sorted(office.revoked()) == sorted(tokens.session_id for tokens in all_tokens)


async def test_a_revocation_is_published_when_the_broker_is_back(office: Office) -> None:
    alice = await office.registers()
    office.broker.away = True
    await office.accounts.log_out(alice.refresh_token)
    assert await _refresh_code(office, alice.refresh_token) is Code.SESSION_REVOKED
    office.passes(6)
    assert await office.outbox.deliver_due() == 1
    office.broker.away = False
    office.passes(6)
    assert await office.outbox.deliver_due() == 1
    assert office.revoked() == [alice.session_id]
    office.passes(6)
    assert await office.outbox.deliver_due() == 0


async def test_the_purge_removes_what_has_ended_and_nothing_else(office: Office) -> None:
    old = await office.registers()
    ended = await office.logs_in()
    await office.accounts.log_out(ended.refresh_token)
    await office.refused(office.logs_in(password="wrong horse"))
    await office.accounts.purge()
    assert (await office.rows("session"), await office.rows("lockout")) == (2, 1)
    office.passes(25 * DAY)
    young = await office.logs_in()
    await office.refused(office.logs_in("bob@example.com"))
    office.passes(5 * DAY)
    await office.accounts.purge()
    assert (await office.rows("session"), await office.rows("token"), await office.rows("lockout")) == (1, 1, 0)
    assert await _refresh_code(office, old.refresh_token) is Code.INVALID_REFRESH_TOKEN
    await office.accounts.refresh(young.refresh_token)
