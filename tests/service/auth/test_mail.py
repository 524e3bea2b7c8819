"""What mails bring: verified addresses, changed ones, and other passwords."""

from __future__ import annotations

import asyncio

import pytest
from realchat_auth.credentials.domain import Purpose
from service.auth.office import PASSWORD, Office
from sqlalchemy import text

from realchat_common.errors import Code
from realchat_common.identity import User

NEW = "staple at dawn"
HOUR, DAY = 3600, 24 * 3600


async def _alice(office: Office) -> User:
    """Somebody who has registered and not looked at her mails."""
    tokens = await office.registers()
    return User(tokens.user_id, tokens.session_id)


async def test_an_address_is_verified_by_what_the_mail_of_the_registration_brings(office: Office) -> None:
    alice = await _alice(office)
    (mail,) = await office.mails()
    assert (mail.to, "http://web/confirm.html#verify=" in mail.html) == ("alice@example.com", True)
    token = mail.html.split("#verify=")[1].split('"')[0]
    assert not (await office.credentials.account(alice)).email_verified_at_ms
    assert await office.credentials.confirm_email(token) == "alice@example.com"
    assert (await office.credentials.account(alice)).email_verified_at_ms == office.now_ms
    again = await office.refused(office.credentials.confirm_email(token))
    assert again.code is Code.INVALID_CONFIRMATION
    await office.credentials.request_verification(alice)
    assert not await office.mails()


async def test_another_verification_is_sent_once_a_minute_and_replaces_the_one_before(office: Office) -> None:
    alice = await _alice(office)
    first = await office.brought(Purpose.VERIFY)
    office.passes(30)
    await office.credentials.request_verification(alice)
    assert not await office.mails()
    office.passes(31)
    await office.credentials.request_verification(alice)
    second = await office.brought(Purpose.VERIFY)
    assert (await office.refused(office.credentials.confirm_email(first))).code is Code.INVALID_CONFIRMATION
    office.passes(DAY)
    assert (await office.refused(office.credentials.confirm_email(second))).code is Code.INVALID_CONFIRMATION


async def test_another_address_is_taken_once_its_mail_was_read_and_the_old_one_hears_of_it(office: Office) -> None:
    alice = await _alice(office)
    verification = await office.brought(Purpose.VERIFY)
    wrong = await office.refused(office.credentials.change_email(alice, "wrong horse", "alice@example.org"))
    assert wrong.code is Code.WRONG_PASSWORD
    await office.credentials.change_email(alice, PASSWORD, "Alice@Example.org")
    token = await office.brought(Purpose.CHANGE)
    await office.logs_in("alice@example.com")  # still
    assert await office.credentials.confirm_email(token) == "Alice@example.org"
    account = await office.credentials.account(alice)
    assert (account.email, account.email_verified_at_ms) == ("Alice@example.org", office.now_ms)
    await office.logs_in("alice@example.org")
    assert (await office.refused(office.logs_in("alice@example.com"))).code is Code.INVALID_CREDENTIALS
    assert (await office.refused(office.credentials.confirm_email(verification))).code is Code.INVALID_CONFIRMATION
    (notice,) = await office.mails()
    assert notice.to == "alice@example.com"
    await office.registers("alice@example.com")  # the old address is free


async def test_an_address_of_somebody_else_is_not_told_of_and_not_taken(office: Office) -> None:
    alice = await _alice(office)
    await office.registers("bob@example.com")
    await office.credentials.change_email(alice, PASSWORD, "bob@example.com")
    token = await office.brought(Purpose.CHANGE)  # Bob has it, and presses the link
    assert (await office.refused(office.credentials.confirm_email(token))).code is Code.EMAIL_TAKEN
    assert (await office.credentials.account(alice)).email == "alice@example.com"


async def test_a_forgotten_password_is_replaced_once_and_all_sessions_end(office: Office) -> None:
    alice = await _alice(office)
    await office.mails()
    for _ in range(5):
        await office.refused(office.logs_in(password="wrong horse"))
    await office.credentials.request_reset("ALICE@example.com")
    token = await office.brought(Purpose.RESET)
    bad = await office.refused(office.credentials.reset_password(token, "short"))
    assert (bad.code, bad.field) == (Code.INVALID_ARGUMENT, "new_password")
    assert await office.credentials.reset_password(token, NEW) == [alice.session_id] == office.revoked()
    await office.logs_in(password=NEW)  # the lock is gone with the password that was guessed at
    assert (await office.credentials.account(alice)).email_verified_at_ms
    again = await office.refused(office.credentials.reset_password(token, NEW))
    assert again.code is Code.INVALID_CONFIRMATION


async def test_a_reset_is_good_for_an_hour_and_for_nothing_else(office: Office) -> None:
    await _alice(office)
    verification = await office.brought(Purpose.VERIFY)
    await office.credentials.request_reset("alice@example.com")
    reset = await office.brought(Purpose.RESET)
    for attempt in (
        office.credentials.reset_password(verification, NEW),
        office.credentials.confirm_email(reset),
        office.credentials.reset_password("", NEW),
        office.credentials.reset_password("\x00", NEW),
    ):
        assert (await office.refused(attempt)).code is Code.INVALID_CONFIRMATION
    office.passes(HOUR)
    late = await office.refused(office.credentials.reset_password(reset, NEW))
    assert late.code is Code.INVALID_CONFIRMATION


async def test_many_uses_of_one_reset_at_once_are_one(office: Office) -> None:
    await _alice(office)
    await office.credentials.request_reset("alice@example.com")
    token = await office.brought(Purpose.RESET)
    outcomes = await asyncio.gather(
        *(office.credentials.reset_password(token, f"{NEW} {n}") for n in range(4)), return_exceptions=True
    )
    assert sum(not isinstance(outcome, Exception) for outcome in outcomes) == 1


@pytest.mark.parametrize("email", ["bob@example.com", "no address", "nul\x00@example.com", "a" * 400])
async def test_who_forgets_a_password_learns_nothing_about_unknown_addresses(office: Office, email: str) -> None:
    await _alice(office)
    await office.mails()
    before = await office.rows("owed")
    await office.credentials.request_reset(email)
    assert await office.rows("owed") == before + 1  # the same work, whoever it is
    assert not await office.mails()
    assert await office.rows("owed") == before


async def test_a_reset_goes_to_the_address_as_its_owner_writes_it(office: Office) -> None:
    """Not to one that is only compared as equal, which may be somebody else's mailbox."""
    await office.registers("strasse@example.com")
    await office.mails()
    await office.credentials.request_reset("straße@example.com")
    (mail,) = await office.mails()
    assert mail.to == "strasse@example.com"


async def test_a_mail_that_was_not_taken_is_sent_later_ever_less_often_and_given_up_after_a_day(office: Office) -> None:
    await _alice(office)
    office.postman.away = True
    attempts = []
    for minute in range(24 * 60 + 120):
        attempts += [minute] * await office.post.deliver_due()
        office.passes(60)
    assert attempts[:7] == [0, 1, 3, 7, 15, 31, 63]
    assert await office.rows("owed") == 0
    office.postman.away = False
    assert not await office.mails()


async def test_a_mail_that_is_sent_again_brings_what_is_good(office: Office) -> None:
    await _alice(office)
    office.postman.away = True
    await office.mails()
    office.postman.away = False
    office.passes(60)
    assert await office.credentials.confirm_email(await office.brought(Purpose.VERIFY)) == "alice@example.com"


async def test_what_a_mail_brings_is_nowhere_in_the_database(office: Office) -> None:
    await _alice(office)
    token = await office.brought(Purpose.VERIFY)
    async with office.engine.connect() as connection:
        dump = [
            str((await connection.execute(text(f"SELECT * FROM {table}"))).all())
            for table in ("account", "confirmation", "owed")
        ]
    assert token not in str(dump)


async def test_slow_mail_holds_nothing_else_up(office: Office) -> None:
    await _alice(office)
    office.broker.away = True
    await office.accounts.revoke_others(User((await office.logs_in()).user_id, "019a8f3e-9a5f-7162-9e85-6daf0c4b5c55"))
    office.broker.away = False
    office.passes(6)
    assert await office.outbox.deliver_due() == 2
    assert len(office.revoked()) == 2
