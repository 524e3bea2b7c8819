"""Reminders: who gets a mail about what waits unread, and who does not."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field

import pytest
from realchat_auth.administration.store import AdministrationStore
from realchat_auth.credentials.domain import Purpose
from realchat_auth.reminders.domain import Place, Waiting
from realchat_auth.reminders.service import MOST_AT_ONCE, Reminders
from realchat_auth.reminders.store import CLAIM_MS, ReminderStore
from service.auth.office import PASSWORD, Office

from realchat_common.errors import Code, RealChatError
from realchat_common.identity import User
from realchat_common.ids import new_id

AFTER = 3_600
"""Seconds, after which somebody is reminded."""
TALK, TEAM, BOB = new_id(), new_id(), new_id()


@dataclass
class World:
    """What the other services know: they can be away, and everybody waits in them for everybody."""

    waits: dict[str, Waiting] = field(default_factory=dict)
    there: set[str] = field(default_factory=set)
    connected_ms: dict[str, int] = field(default_factory=dict)
    quiet: set[str] = field(default_factory=set)
    """Conversations that are muted or archived."""
    away: bool = False
    asked: list[tuple[list[str], int]] = field(default_factory=list)

    async def last_seen(self, user_ids: Sequence[str]) -> dict[str, int]:
        return {user_id: self.connected_ms.get(user_id, 0) for user_id in user_ids if user_id not in self.there}

    async def waiting(self, user_ids: Sequence[str], since_ms: int) -> dict[str, Waiting]:
        self.asked.append((list(user_ids), since_ms))
        await asyncio.sleep(0)  # so that others can come between
        return {user_id: self.waits[user_id] for user_id in user_ids if user_id in self.waits}

    async def heard(self, user_id: str, conversation_ids: Sequence[str]) -> dict[str, str]:
        if self.away:
            raise RealChatError(Code.UNAVAILABLE)
        titles = {TALK: "", TEAM: "Team <b>"}
        return {each: titles.get(each, "") for each in conversation_ids if each not in self.quiet}

    async def names(self, user_ids: Sequence[str]) -> dict[str, str]:
        return {user_id: "Bob & Co" for user_id in user_ids if user_id == BOB}


SOMETHING = Waiting(7, (Place(TALK, BOB, 3), Place(TEAM, "", 1)))


def replica(office: Office, world: World) -> Reminders:
    return Reminders(ReminderStore(office.engine), world, AFTER * 1000, lambda: office.now_ms)


async def confirmed(office: Office, email: str = "alice@example.com") -> User:
    """Somebody with an address that is known to be theirs."""
    tokens = await office.registers(email)
    await office.credentials.confirm_email(await office.brought(Purpose.VERIFY))
    return User(tokens.user_id, tokens.session_id)


async def sent(office: Office, reminders: Reminders) -> list[str]:
    """The mails of one round."""
    await reminders.remind()
    return [mail.html for mail in await office.mails() if mail.subject == "You have unread messages on RealChat"]


async def test_who_is_away_gets_one_mail_about_direct_messages_and_mentions(office: Office) -> None:
    alice = await confirmed(office)
    world = World({alice.user_id: SOMETHING})
    reminders = replica(office, world)
    office.passes(AFTER - 1)
    assert await sent(office, reminders) == []
    assert world.asked == []
    office.passes(1)
    (mail,) = await sent(office, reminders)
    assert "<li>Bob &amp; Co: 3 messages</li><li>Team &lt;b&gt;: 1 mention</li>" in mail
    assert world.asked == [([alice.user_id], office.now_ms - AFTER * 1000)]
    assert office.postman.taken[-1].to == "alice@example.com"


async def test_no_other_mail_comes_until_its_reader_has_come_back_and_read(office: Office) -> None:
    alice = await confirmed(office)
    world = World({alice.user_id: SOMETHING})
    reminders = replica(office, world)
    office.passes(AFTER)
    assert len(await sent(office, reminders)) == 1
    office.passes(AFTER)
    assert await sent(office, reminders) == []
    world.waits[alice.user_id] = Waiting(8, SOMETHING.places)  # without her: she was taken out of a group
    office.passes(AFTER)
    assert await sent(office, reminders) == []
    world.waits[alice.user_id] = SOMETHING
    await office.logs_in()  # and reads nothing
    office.passes(2 * AFTER)
    assert await sent(office, reminders) == []
    world.waits[alice.user_id] = Waiting(9, (Place(TALK, BOB, 1),))
    office.passes(AFTER)
    (mail,) = await sent(office, reminders)
    assert "Bob &amp; Co: 1 message<" in mail


async def test_nobody_is_reminded_who_is_there_or_was_a_while_ago(office: Office) -> None:
    alice = await confirmed(office)
    world = World({alice.user_id: SOMETHING}, there={alice.user_id})
    reminders = replica(office, world)
    office.passes(5 * AFTER)
    assert await sent(office, reminders) == []
    world.there.clear()
    world.connected_ms[alice.user_id] = office.now_ms
    office.passes(AFTER - 1)
    assert await sent(office, reminders) == []
    office.passes(1)
    assert len(await sent(office, reminders)) == 1


async def test_what_is_muted_or_archived_is_not_told_of(office: Office) -> None:
    alice = await confirmed(office)
    world = World({alice.user_id: SOMETHING}, quiet={TALK, TEAM})
    reminders = replica(office, world)
    office.passes(AFTER)
    assert await sent(office, reminders) == []
    world.quiet = {TEAM}
    office.passes(AFTER)
    (mail,) = await sent(office, reminders)
    assert "Bob" in mail
    assert "Team" not in mail


async def test_a_mail_names_ten_conversations_and_says_how_many_more(office: Office) -> None:
    alice = await confirmed(office)
    places = tuple(Place(new_id(), new_id(), 1) for _ in range(12))
    reminders = replica(office, World({alice.user_id: Waiting(1, places)}))
    office.passes(AFTER)
    (mail,) = await sent(office, reminders)
    assert mail.count("<li>Somebody: 1 message</li>") == 10  # who has gone since
    assert "<li>and 2 more</li>" in mail


async def test_no_mail_goes_to_who_does_not_want_any_to_addresses_unconfirmed_and_to_accounts_suspended_or_gone(
    office: Office,
) -> None:
    alice = await confirmed(office)
    carol, dave, frank = [await confirmed(office, f"{name}@example.com") for name in ("carol", "dave", "frank")]
    eve = (await office.registers("eve@example.com")).user_id
    await office.mails()
    people = [each.user_id for each in (alice, carol, dave, frank)]
    reminders = replica(office, World(dict.fromkeys([*people, eve], SOMETHING)))
    assert (await office.credentials.account(alice)).reminders
    assert not (await office.credentials.set_reminders(alice, wanted=False)).reminders
    await AdministrationStore(office.engine).appoint(alice.user_id, "command", office.now_ms)
    await office.administration.suspend(alice.user_id, carol.user_id, "spam")
    office.passes(AFTER)
    assert await reminders.remind() == 2  # for Dave and Frank, who think otherwise before it is sent
    await office.credentials.delete_account(dave, PASSWORD)
    await office.credentials.set_reminders(frank, wanted=False)
    assert await sent(office, reminders) == []
    await office.credentials.set_reminders(alice, wanted=True)
    (mail,) = await sent(office, reminders)
    assert "sent to alice@example.com" in mail


async def test_replicas_that_look_at_once_write_one_mail(office: Office) -> None:
    people = [await confirmed(office, f"person{number}@example.com") for number in range(8)]
    world = World({person.user_id: SOMETHING for person in people})
    office.passes(AFTER)
    written = await asyncio.gather(*(replica(office, world).remind() for _ in range(6)))
    assert sum(written) == len(people)
    assert len({mail.to for mail in await office.mails()}) == len(people)


async def test_one_who_takes_longer_than_a_claim_lasts_brings_no_second_mail(office: Office) -> None:
    alice = await confirmed(office)
    world = World({alice.user_id: SOMETHING})
    office.passes(AFTER)
    store = ReminderStore(office.engine)
    (person,) = await store.claim(office.now_ms, 1)
    office.passes(CLAIM_MS / 1000)
    assert len(await sent(office, replica(office, world))) == 1
    assert not await store.remind(person, 7, ["Bob: 3 messages"], office.now_ms)
    assert await office.mails() == []


async def test_a_crash_between_looking_and_writing_costs_no_mail_and_brings_no_second(office: Office) -> None:
    alice = await confirmed(office)
    world = World({alice.user_id: SOMETHING}, away=True)
    office.passes(AFTER)
    with pytest.raises(RealChatError):
        await replica(office, world).remind()
    world.away = False
    assert await sent(office, replica(office, world)) == []  # somebody looks after her
    office.passes(CLAIM_MS / 1000)
    assert len(await sent(office, replica(office, world))) == 1


async def test_reminders_wait_while_other_mails_do_and_come_some_at_a_time(office: Office) -> None:
    for number in range(MOST_AT_ONCE + 1):
        await confirmed(office, f"person{number}@example.com")
    async with office.engine.connect() as connection:
        rows = await connection.exec_driver_sql("SELECT user_id FROM account")
        world = World({str(user_id): SOMETHING for (user_id,) in rows})
    office.passes(AFTER)
    await office.credentials.request_reset("person0@example.com")
    reminders = replica(office, world)
    assert await reminders.remind() == 0
    await office.mails()
    assert await reminders.remind() == MOST_AT_ONCE
    assert await reminders.remind() == 0
    await office.mails()
    assert await reminders.remind() == 1
