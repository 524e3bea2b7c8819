"""What people let others do and see."""

from __future__ import annotations

import pytest
from realchat_profile.teller import GRACE_MS
from service.profile.people import People
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine

from chat.event.v1 import event_pb2
from chat.profile.v1 import profile_pb2 as pb
from realchat_common.errors import Code

EVERYONE, CONTACTS, NOBODY = pb.AUDIENCE_EVERYONE, pb.AUDIENCE_CONTACTS, pb.AUDIENCE_NOBODY
DIRECT, GROUP = event_pb2.CONVERSATION_KIND_DIRECT, event_pb2.CONVERSATION_KIND_GROUP


async def test_everything_is_for_everyone_until_somebody_says_otherwise(people: People) -> None:
    ada = (await people.joins("Ada")).user_id
    everything = pb.Privacy(last_seen=EVERYONE, receipts=EVERYONE, direct=EVERYONE, groups=EVERYONE)
    assert await people.lets(ada) == everything
    changed = await people.lets(ada, last_seen=NOBODY, groups=CONTACTS)
    assert changed == pb.Privacy(last_seen=NOBODY, receipts=EVERYONE, direct=EVERYONE, groups=CONTACTS)
    assert await people.lets(ada, direct=NOBODY) == await people.lets(ada)
    refusal = await people.refused(people.lets(ada, direct=7))
    assert (refusal.code, refusal.field) == (Code.INVALID_ARGUMENT, "direct")


@pytest.mark.parametrize(
    ("audience", "stranger", "contact"), [(EVERYONE, True, True), (CONTACTS, False, True), (NOBODY, False, False)]
)
async def test_a_setting_lets_through_whom_it_says(
    people: People, audience: pb.Audience.ValueType, stranger: bool, contact: bool
) -> None:
    ada, friend, somebody, blocked = [(await people.joins(name)).user_id for name in ("Ada", "Bob", "Eve", "Dan")]
    await people.does(friend, "RequestContact", ada)
    await people.does(ada, "AcceptContact", friend)
    await people.does(ada, "BlockUser", blocked)
    await people.lets(ada, last_seen=audience, receipts=audience, direct=audience, groups=audience)
    for viewer, allowed in ((somebody, stranger), (friend, contact), (blocked, False), (ada, True)):
        (seen,) = await people.visible(viewer, ada)
        assert (seen.last_seen, seen.receipts, seen.present) == (allowed, allowed, viewer != blocked)
        if viewer != ada:
            for kind in (DIRECT, GROUP):
                assert list((await people.invites(viewer, ada, kind=kind)).refusing_ids) == ([] if allowed else [ada])


async def test_who_may_write_and_who_may_add_are_settings_of_their_own(people: People) -> None:
    ada, eve = (await people.joins("Ada")).user_id, (await people.joins("Eve")).user_id
    await people.lets(ada, direct=NOBODY)
    assert list((await people.invites(eve, ada, kind=DIRECT)).refusing_ids) == [ada]
    assert list((await people.invites(eve, ada, kind=GROUP)).refusing_ids) == []


async def test_others_are_told_of_changed_settings_until_they_take_it(people: People, engine: AsyncEngine) -> None:
    ada = (await people.joins("Ada")).user_id
    people.listeners.away = True
    await people.lets(ada, receipts=NOBODY)
    await people.lets(ada, receipts=CONTACTS)
    await people.lets(ada, receipts=CONTACTS)
    people.listeners.away = False
    async with engine.begin() as connection:
        await connection.execute(text(f"UPDATE privacy SET changed_at_ms = changed_at_ms - {GRACE_MS + 1}"))
    assert await people.teller.sweep() == 1
    (told,) = people.listeners.privacies
    assert (told.user_id, told.audience, told.version) == (ada, CONTACTS, 2)
    (event,) = people.listeners.events
    assert (event.user_id, event.privacy_changed.version) == (ada, 2)
    assert await people.teller.sweep() == 0
