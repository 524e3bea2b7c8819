"""Changing a password."""

from __future__ import annotations

import asyncio
from uuid import UUID

import pytest
from service.auth.office import PASSWORD, Line, Office
from sqlalchemy import text

from chat.auth.v1 import account_pb2, account_pb2_grpc
from realchat_common.errors import Code
from realchat_common.identity import User

NEW = "staple at dawn"


async def test_a_changed_password_ends_all_other_sessions_and_opens_new_ones(office: Office) -> None:
    laptop = await office.registers()
    phone, tablet = await office.logs_in(), await office.logs_in()
    user = User(laptop.user_id, laptop.session_id)
    ended = await office.credentials.change_password(user, PASSWORD, NEW)
    assert ended == office.revoked() == [phone.session_id, tablet.session_id]
    assert (await office.refused(office.accounts.refresh(phone.refresh_token))).code is Code.SESSION_REVOKED
    await office.accounts.refresh(laptop.refresh_token)
    assert (await office.refused(office.logs_in())).code is Code.INVALID_CREDENTIALS
    await office.logs_in(password=NEW)


async def test_a_password_is_changed_only_by_who_knows_it_and_guesses_are_counted(office: Office) -> None:
    alice = await office.registers()
    user = User(alice.user_id, alice.session_id)
    for _ in range(5):
        wrong = await office.refused(office.credentials.change_password(user, "wrong horse", NEW))
        assert wrong.code is Code.WRONG_PASSWORD
    assert (await office.refused(office.credentials.change_password(user, PASSWORD, NEW))).code is Code.LOCKED_OUT
    office.passes(15)
    await office.credentials.change_password(user, PASSWORD, NEW)


@pytest.mark.parametrize("password", ["", "short", " " * 12, "x" * 129])
async def test_a_new_password_has_to_be_one(office: Office, password: str) -> None:
    alice = await office.registers()
    user = User(alice.user_id, alice.session_id)
    refusal = await office.refused(office.credentials.change_password(user, PASSWORD, password))
    assert (refusal.code, refusal.field) == (Code.INVALID_ARGUMENT, "new_password")


async def test_a_login_that_crosses_a_change_of_the_password_leaves_no_session_of_the_old_one(office: Office) -> None:
    people = [await office.registers(f"user{n}@example.com") for n in range(8)]
    for n, person in enumerate(people):
        await asyncio.gather(
            office.accounts.log_in(f"user{n}@example.com", PASSWORD, ""),
            office.credentials.change_password(User(person.user_id, person.session_id), PASSWORD, NEW),
            return_exceptions=True,
        )
        (left,) = await office.accounts.sessions(person.user_id)
        assert str(left.session_id) == person.session_id


async def test_two_changes_at_once_are_one(office: Office) -> None:
    alice = await office.registers()
    user = User(alice.user_id, alice.session_id)
    outcomes = await asyncio.gather(
        *(office.credentials.change_password(user, PASSWORD, f"{NEW} {n}") for n in range(3)), return_exceptions=True
    )
    assert [outcome for outcome in outcomes if not isinstance(outcome, Exception)] == [[]]


async def test_a_password_is_changed_over_grpc(line: Line, office: Office) -> None:
    alice = await office.registers()
    phone = await office.logs_in()
    stub = account_pb2_grpc.AccountServiceStub(line.channel)
    request = account_pb2.ChangePasswordRequest(current_password=PASSWORD, new_password=NEW)
    answer = await line.gateway.call(stub.ChangePassword, request, User(alice.user_id, alice.session_id))
    assert list(answer.session_ids) == [phone.session_id]
    assert (await office.refused(line.gateway.call(stub.ChangePassword, request))).code is Code.UNAUTHENTICATED


async def test_a_deleted_account_leaves_nothing_and_its_address_is_free(office: Office) -> None:
    alice, bob = await office.registers(), await office.registers("bob@example.com")
    phone = await office.logs_in()
    user = User(alice.user_id, alice.session_id)
    assert (await office.refused(office.credentials.delete_account(user, "wrong"))).code is Code.WRONG_PASSWORD
    ended = await office.credentials.delete_account(user, PASSWORD)
    assert ended == office.revoked() == [alice.session_id, phone.session_id]
    for tokens in (alice, phone):
        refusal = await office.refused(office.accounts.refresh(tokens.refresh_token))
        assert refusal.code is Code.INVALID_REFRESH_TOKEN
    assert (await office.refused(office.logs_in())).code is Code.INVALID_CREDENTIALS
    assert (await office.refused(office.credentials.account(user))).code is Code.USER_NOT_FOUND
    async with office.engine.connect() as connection:
        dump = [
            str((await connection.execute(text(f"SELECT * FROM {table}"))).all())
            for table in ("account", "session", "token", "confirmation")
        ]
    assert alice.user_id not in str(dump)
    assert "alice" not in str(dump)
    again = await office.registers()
    assert again.user_id != alice.user_id
    await office.accounts.refresh(bob.refresh_token)


async def test_other_services_hear_of_a_deleted_account_however_often_they_fail(office: Office) -> None:
    alice = await office.registers()
    office.elsewhere.away = True
    await office.credentials.delete_account(User(alice.user_id, alice.session_id), PASSWORD)
    for seconds in (60, 120, 240):
        assert await office.erasure.deliver_due() == 1
        office.passes(seconds)
    office.elsewhere.away = False
    assert await office.erasure.deliver_due() == 1
    assert office.elsewhere.taken == [UUID(alice.user_id).bytes]
    office.passes(3600)
    assert await office.erasure.deliver_due() == 0
