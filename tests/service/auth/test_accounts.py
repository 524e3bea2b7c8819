"""Registering and logging in."""

from __future__ import annotations

import asyncio
import time

import pytest
from argon2 import PasswordHasher, extract_parameters
from realchat_auth.store import AuthStore
from service.auth.office import HASHER, PASSWORD, Office
from sqlalchemy import text

from realchat_common.errors import Code, RealChatError


async def test_who_registers_is_logged_in_and_has_a_profile(office: Office) -> None:
    alice = await office.registers()
    user = await office.user_of(alice.access_token)
    assert (user.user_id, user.session_id) == (alice.user_id, alice.session_id)
    assert office.profiles() == [(alice.user_id, "Alice")]
    assert (await office.logs_in()).user_id == alice.user_id


async def test_an_address_has_one_account_in_whatever_case(office: Office) -> None:
    alice = await office.registers("Alice@Example.com")
    assert (await office.refused(office.registers("alice@EXAMPLE.com"))).code is Code.EMAIL_TAKEN
    assert (await office.logs_in("ALICE@example.com")).user_id == alice.user_id


async def test_of_many_who_register_one_address_at_once_one_succeeds(office: Office) -> None:
    outcomes = await asyncio.gather(
        *(office.registers(f"{'A' if n % 2 else 'a'}lice@example.com") for n in range(8)), return_exceptions=True
    )
    codes = [outcome.code for outcome in outcomes if isinstance(outcome, RealChatError)]
    assert codes == [Code.EMAIL_TAKEN] * 7
    assert await office.rows("account") == await office.rows("session") == 1
    assert await office.rows("owed WHERE kind <> 'mail'") == 0


@pytest.mark.parametrize(
    ("email", "password", "name", "field"),
    [
        ("nobody", PASSWORD, "Alice", "email"),
        ("alice@example.com", "short", "Alice", "password"),
        ("alice@example.com", PASSWORD, " ", "display_name"),
        ("alice@example.com", PASSWORD, "A" * 65, "display_name"),
        ("alice@example.com", PASSWORD, "Al\x00ice", "display_name"),
        ("alice@example.com", PASSWORD, "\u202eecila", "display_name"),
    ],
)
async def test_bad_input_is_refused_and_leaves_nothing(
    office: Office, email: str, password: str, name: str, field: str
) -> None:
    refusal = await office.refused(office.accounts.register(email, password, name, ""))
    assert (refusal.code, refusal.field) == (Code.INVALID_ARGUMENT, field)
    assert await office.rows("account") == await office.rows("owed") == 0


async def test_an_unknown_address_and_a_wrong_password_look_the_same(office: Office) -> None:
    await office.registers()
    wrong = await office.refused(office.logs_in(password="wrong horse battery"))
    for stranger in ("bob@example.com", "not an address", "nul\x00@example.com", "bob@nowhere.invalid"):
        unknown = await office.refused(office.logs_in(stranger))
        assert unknown.problem() == wrong.problem()
    assert wrong.code is Code.INVALID_CREDENTIALS


async def test_an_unknown_address_and_a_wrong_password_take_as_long(office: Office) -> None:
    slow = PasswordHasher(2, 19 * 1024, 1)
    accounts = office.with_hasher(slow)
    await accounts.register("alice@example.com", PASSWORD, "Alice", "")

    async def seconds(email: str) -> float:
        office.passes(3600)  # past every lock
        started = time.perf_counter()
        await office.refused(accounts.log_in(email, "wrong horse battery", ""))
        return time.perf_counter() - started

    known, unknown = [], []
    for _ in range(9):
        known.append(await seconds("alice@example.com"))
        unknown.append(await seconds("bob@example.com"))
    assert 0.5 < min(known) / min(unknown) < 2  # the least, since whatever else runs here only adds


async def test_a_login_after_the_parameters_changed_hashes_the_password_anew(office: Office) -> None:
    async def stored() -> str:
        async with office.engine.connect() as connection:
            return str((await connection.execute(text("SELECT password_hash FROM account"))).scalar_one())

    await office.registers()
    assert extract_parameters(await stored()) == extract_parameters(HASHER.hash(""))
    stronger = office.with_hasher(PasswordHasher(2, 16, 1))
    await stronger.log_in("alice@example.com", PASSWORD, "")
    assert extract_parameters(await stored()).time_cost == 2
    await stronger.log_in("alice@example.com", PASSWORD, "")
    assert (await office.refused(stronger.log_in("alice@example.com", "wrong", ""))).code is Code.INVALID_CREDENTIALS


async def test_a_password_is_stored_only_as_a_hash_and_tokens_only_as_digests(office: Office) -> None:
    alice = await office.registers()
    async with office.engine.connect() as connection:
        dump = [
            str((await connection.execute(text(f"SELECT * FROM {table}"))).all())
            for table in ("account", "session", "token", "key", "lockout", "owed")
        ]
    assert PASSWORD not in str(dump)
    assert alice.refresh_token not in str(dump)
    assert alice.refresh_token.removeprefix("rt_") not in str(dump)


# Lock-out


async def test_guessing_locks_an_address_for_ever_longer_whether_or_not_it_has_an_account(office: Office) -> None:
    await office.registers()
    for email in ("alice@example.com", "bob@example.com"):
        for _ in range(5):
            guess = await office.refused(office.logs_in(email, "wrong horse"))
            assert guess.code is Code.INVALID_CREDENTIALS
        locked = await office.refused(office.logs_in(email))
        assert (locked.code, locked.retry_after) == (Code.LOCKED_OUT, 15)
        office.passes(15)
        assert (await office.refused(office.logs_in(email, "wrong horse"))).code is Code.INVALID_CREDENTIALS
        assert (await office.refused(office.logs_in(email))).retry_after == 30


async def test_who_guesses_at_many_accounts_from_one_place_is_locked_out_there_and_nobody_else(office: Office) -> None:
    async def guesses(email: str, password: str = "wrong horse", place: str = "192.0.2.1") -> Code:
        return (await office.refused(office.accounts.log_in(email, password, "", place))).code

    await office.registers()
    for n in range(50):
        assert await guesses(f"user{n}@example.com") is Code.INVALID_CREDENTIALS
    assert await guesses("alice@example.com", PASSWORD) is Code.LOCKED_OUT
    await office.accounts.log_in("alice@example.com", PASSWORD, "", "192.0.2.2")
    office.passes(15)
    await office.accounts.log_in("alice@example.com", PASSWORD, "", "192.0.2.1")
    # A success of one's own takes back one attempt, not the failures before it.
    assert await guesses("user0@example.com") is Code.INVALID_CREDENTIALS
    assert await guesses("user1@example.com") is Code.LOCKED_OUT


async def test_many_guesses_at_once_are_no_way_around_the_lock(office: Office) -> None:
    await office.registers()
    refusals = await asyncio.gather(*(office.refused(office.logs_in(password="wrong horse")) for _ in range(20)))
    codes = [refusal.code for refusal in refusals]
    assert codes.count(Code.INVALID_CREDENTIALS) == 5
    assert codes.count(Code.LOCKED_OUT) == 15


async def test_the_right_password_ends_the_count_and_sessions_outlast_the_lock(office: Office) -> None:
    alice = await office.registers()
    for _ in range(4):
        await office.refused(office.logs_in(password="wrong horse"))
    await office.logs_in()
    for _ in range(5):
        await office.refused(office.logs_in(password="wrong horse"))
    await office.accounts.refresh(alice.refresh_token)
    office.passes(15)
    await office.logs_in()
    assert await office.rows("lockout") == 0


# What other services are owed


async def test_a_profile_that_could_not_be_made_at_once_is_made_later(office: Office) -> None:
    office.profile.away = True
    alice = await office.registers()
    assert await office.outbox.deliver_due() == 0  # whoever wrote it has its time
    office.passes(6)
    assert await office.outbox.deliver_due() == 1
    office.profile.away = False
    assert await office.outbox.deliver_due() == 0
    office.passes(6)
    assert await office.outbox.deliver_due() == 1
    assert office.profiles() == [(alice.user_id, "Alice")]
    assert await office.rows("owed WHERE kind <> 'mail'") == 0


async def test_an_account_whose_first_session_failed_is_whole(office: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    """As after a crash between the account and its session: the owner logs in."""

    async def crash(*_: object) -> None:
        raise RuntimeError

    with monkeypatch.context() as broken:
        broken.setattr(AuthStore, "open_session", crash)
        with pytest.raises(RuntimeError):
            await office.registers()
    alice = await office.logs_in()
    assert office.profiles() == [(alice.user_id, "Alice")]


async def test_replicas_do_not_deliver_the_same_at_once(office: Office) -> None:
    office.profile.away = True
    for n in range(20):
        await office.registers(f"user{n}@example.com")
    office.profile.away = False
    office.passes(6)
    delivered = await asyncio.gather(*(office.outbox.deliver_due() for _ in range(4)))
    assert sum(delivered) == 20
    assert len(set(office.profiles())) == len(office.profiles()) == 20
