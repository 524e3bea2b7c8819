"""What administrators see and do."""

from __future__ import annotations

import asyncio
from uuid import UUID

import pytest
from realchat_auth.administration.store import AdministrationStore
from realchat_auth.promote import promote
from realchat_auth.service import Tokens
from realchat_auth.tables import Report
from service.auth.office import Office
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from realchat_common.errors import Code, RealChatError
from realchat_common.ids import new_id


async def _admin(office: Office) -> str:
    """An administrator's id."""
    tokens = await office.registers("root@example.com", "Root")
    assert await promote(office.engine, "Root@example.com")
    return tokens.user_id


async def _audit(office: Office, admin: str) -> list[tuple[str, str, str]]:
    entries = await office.administration.audit(admin, None, 100)
    return [(entry.actor, entry.action, str(entry.subject_id)) for entry in entries]


async def _able(office: Office, *user_ids: str) -> list[str]:
    """Who of these may administer."""
    store = AdministrationStore(office.engine)
    return [user_id for user_id in user_ids if await store.is_admin(user_id)]


def _report(reporter: Tokens, message_id: str = "") -> Report:
    return Report(
        report_id=UUID(new_id()),
        reporter_id=UUID(reporter.user_id),
        conversation_id=UUID(new_id()),
        message_id=UUID(message_id or new_id()),
        sender_id=UUID(new_id()),
        body="Buy now!",
        sent_at_ms=1,
        reason="spam",
    )


async def test_a_suspended_account_is_out_at_once_and_stays_out_until_it_is_let_in_again(office: Office) -> None:
    admin = await _admin(office)
    alice = await office.registers()
    phone = await office.logs_in()
    bot = str((await office.bots.create(alice.user_id, "Weather")).bot_id)
    key, secret = await office.bots.create_key(bot, alice.user_id, "x", ["messages:read"], 0)
    ended = await office.administration.suspend(admin, alice.user_id, "spam")
    assert set(ended) == {alice.session_id, phone.session_id, str(key.key_id)} == set(office.revoked())
    assert (await office.refused(office.accounts.refresh(phone.refresh_token))).code is Code.SESSION_REVOKED
    assert (await office.refused(office.bots.verify(secret))).code is Code.UNAUTHENTICATED
    assert (await office.refused(office.logs_in())).code is Code.ACCOUNT_SUSPENDED
    wrong = await office.refused(office.logs_in(password="wrong horse"))
    assert wrong.code is Code.INVALID_CREDENTIALS  # who does not know the password learns nothing
    assert await office.administration.suspend(admin, alice.user_id, "again") == []
    (listed,) = await office.administration.users(admin, "", True, None, 10)
    assert (str(listed.user_id), listed.suspension_reason) == (alice.user_id, "spam")
    await office.administration.unsuspend(admin, alice.user_id)
    await office.logs_in()
    assert await _audit(office, admin) == [
        (admin, "user.unsuspend", alice.user_id),
        (admin, "user.suspend", alice.user_id),
        ("command", "user.role", admin),
    ]


async def test_only_administrators_administer_and_a_suspended_one_is_none(office: Office) -> None:
    admin = await _admin(office)
    alice = await office.registers()
    second = await office.registers("second@example.com")
    await office.administration.set_role(admin, second.user_id, admin=True)
    await office.administration.suspend(admin, second.user_id, "left")
    for actor in (alice.user_id, second.user_id, new_id()):
        for attempt in (
            office.administration.users(actor, "", False, None, 10),
            office.administration.suspend(actor, alice.user_id, "x"),
            office.administration.unsuspend(actor, alice.user_id),
            office.administration.set_role(actor, alice.user_id, admin=True),
            office.administration.reports(actor, False, None, 10),
            office.administration.resolve(actor, new_id(), "x"),
            office.administration.audit(actor, None, 10),
            office.administration.dead_letters(actor, None, 10),
            office.administration.dead_letter(actor, new_id()),
            office.administration.replay(actor, new_id()),
        ):
            assert (await office.refused(attempt)).code is Code.PERMISSION_DENIED
    await office.administration.set_role(admin, second.user_id, admin=False)


async def test_an_administrator_cannot_lock_oneself_out(office: Office) -> None:
    admin = await _admin(office)
    for attempt in (
        office.administration.suspend(admin, admin, "x"),
        office.administration.set_role(admin, admin, admin=False),
    ):
        assert (await office.refused(attempt)).code is Code.INVALID_ARGUMENT
    nobody = await office.refused(office.administration.suspend(admin, new_id(), "x"))
    assert nobody.code is Code.USER_NOT_FOUND
    reason = await office.refused(office.administration.suspend(admin, (await office.registers()).user_id, " "))
    assert (reason.code, reason.field) == (Code.INVALID_ARGUMENT, "reason")


async def test_of_two_administrators_who_turn_on_each_other_one_is_left(office: Office) -> None:
    admin = await _admin(office)
    for number in range(5):
        rival = (await office.registers(f"rival{number}@example.com")).user_id
        await office.administration.set_role(admin, rival, admin=True)
        outcomes = await asyncio.gather(
            office.administration.set_role(admin, rival, admin=False),
            office.administration.suspend(rival, admin, "rivalry"),
            return_exceptions=True,
        )
        (refusal,) = [outcome for outcome in outcomes if isinstance(outcome, RealChatError)]
        assert refusal.code is Code.PERMISSION_DENIED
        (admin,) = await _able(office, admin, rival)


async def test_the_command_makes_only_who_is_registered_an_administrator(office: Office) -> None:
    assert not await promote(office.engine, "nobody@example.com")
    admin = await _admin(office)
    assert await promote(office.engine, "root@example.com")
    assert await _audit(office, admin) == [("command", "user.role", admin)]


async def test_accounts_are_listed_newest_first_by_how_their_email_begins(office: Office) -> None:
    admin = await _admin(office)
    people = [(await office.registers(f"user{n}@example.com")).user_id for n in range(3)]
    await office.registers("50%_off@example.com")
    found = await office.administration.users(admin, "USER", False, None, 10)
    assert [str(account.user_id) for account in found] == people[::-1]
    rest = await office.administration.users(admin, "user", False, found[0].user_id, 10)
    assert [str(account.user_id) for account in rest] == people[1::-1]
    assert len(await office.administration.users(admin, "50%_", False, None, 10)) == 1
    assert await office.administration.users(admin, "%", False, None, 10) == []


async def test_reports_are_filed_once_each_and_closed_by_an_administrator(office: Office) -> None:
    admin = await _admin(office)
    alice, bob = await office.registers(), await office.registers("bob@example.com")
    message = new_id()
    first = await office.administration.report(_report(alice, message))
    assert await office.administration.report(_report(alice, message)) == first
    second = await office.administration.report(_report(bob, message))
    listed = await office.administration.reports(admin, True, None, 10)
    assert [report.report_id for report in listed] == [second, first]
    assert (listed[0].body, listed[0].reported_at_ms) == ("Buy now!", office.now_ms)
    for _ in range(2):
        await office.administration.resolve(admin, str(first), "warned")
    assert [r.report_id for r in await office.administration.reports(admin, True, None, 10)] == [second]
    closed = (await office.administration.reports(admin, False, None, 10))[1]
    assert (str(closed.resolved_by), closed.resolution) == (admin, "warned")
    assert (await _audit(office, admin))[0] == (admin, "report.resolve", str(first))
    assert len(await _audit(office, admin)) == 2
    gone = await office.refused(office.administration.resolve(admin, new_id(), "x"))
    assert gone.code is Code.REPORT_NOT_FOUND


@pytest.mark.parametrize("change", ["UPDATE audit SET actor = 'nobody'", "DELETE FROM audit", "TRUNCATE audit"])
async def test_the_audit_log_is_only_appended_to(office: Office, change: str) -> None:
    admin = await _admin(office)
    with pytest.raises(DBAPIError, match="only appended to"):
        async with office.engine.begin() as connection:
            await connection.execute(text(change))
    assert len(await _audit(office, admin)) == 1


async def test_a_dead_letter_is_kept_once_shown_put_back_and_all_that_is_written_down(office: Office) -> None:
    admin = await _admin(office)
    event = b'{"type":"chat.pointer","id":"e1"}'
    metadata = {"__topic": "conversation-pointers", "__partition": "3", "__offset": "7", "__key": "talk"}
    metadata["__timestamp"] = str(office.now_ms - 1_000)
    await office.administration.keep([(event, metadata), (b"\xff\x00", {"__offset": "8", "__timestamp": "never"})])
    await office.administration.keep([(event, metadata)])  # whoever else could not read it
    unreadable, letter = await office.administration.dead_letters(admin, None, 10)
    assert (unreadable.topic, unreadable.event_type, unreadable.size) == ("conversation-events", "", 2)
    assert (letter.topic, letter.event_type, letter.event_id) == ("conversation-pointers", "chat.pointer", "e1")
    (older,) = await office.administration.dead_letters(admin, unreadable.letter_id, 10)
    assert older.letter_id == letter.letter_id

    opened = await office.administration.dead_letter(admin, str(letter.letter_id))
    assert (opened.key, opened.content, opened.replayed_at_ms) == (b"talk", event, None)
    office.replayed.away = True
    await office.administration.replay(admin, str(letter.letter_id))
    office.replayed.away = False
    office.passes(6)
    await office.outbox.deliver_due()
    assert office.replayed.taken == [letter.letter_id.bytes]
    assert (await _audit(office, admin))[:2] == [
        (admin, "dead_letter.replay", str(letter.letter_id)),
        (admin, "dead_letter.read", str(letter.letter_id)),
    ]
    office.passes(25 * 3600)
    await AdministrationStore(office.engine).purge_dead_letters(office.now_ms)
    gone = await office.refused(office.administration.dead_letter(admin, str(letter.letter_id)))
    assert gone.code is Code.DEAD_LETTER_NOT_FOUND
