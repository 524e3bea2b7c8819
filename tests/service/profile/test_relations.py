"""Contacts and blocks."""

from __future__ import annotations

import asyncio

import pytest
from realchat_profile.teller import GRACE_MS
from service.profile.people import People
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine

from chat.profile.v1 import profile_pb2 as pb
from realchat_common.errors import Code, RealChatError
from realchat_common.ids import new_id


async def two(people: People) -> tuple[str, str]:
    ada, bob = await people.joins("Ada"), await people.joins("Bob")
    return ada.user_id, bob.user_id


async def test_a_request_is_accepted_and_both_are_contacts(people: People) -> None:
    ada, bob = await two(people)
    asked = await people.does(ada, "RequestContact", bob)
    assert (asked.user_id, asked.state) == (bob, pb.CONTACT_STATE_OUTGOING)
    assert [r.user_id for r in (await people.lists(bob, pb.CONTACT_STATE_INCOMING)).relations] == [ada]
    assert [r.user_id for r in (await people.lists(ada, pb.CONTACT_STATE_OUTGOING)).relations] == [bob]
    assert (await people.lists(bob)).relations == []
    assert (await people.does(bob, "AcceptContact", ada)).state == pb.CONTACT_STATE_CONTACT
    for user, peer in ((ada, bob), (bob, ada)):
        assert [r.user_id for r in (await people.lists(user)).relations] == [peer]
        assert [v.contact for v in await people.visible(user, peer)] == [True]
    assert (await people.does(ada, "RemoveContact", bob)).state == pb.CONTACT_STATE_NONE
    assert (await people.lists(bob)).relations == []


async def test_a_request_is_declined_taken_back_or_met_by_another(people: People) -> None:
    ada, bob = await two(people)
    await people.does(ada, "RequestContact", bob)
    assert (await people.does(bob, "DeclineContact", ada)).state == pb.CONTACT_STATE_NONE
    for verb in ("AcceptContact", "DeclineContact"):
        assert (await people.refused(people.does(bob, verb, ada))).code is Code.CONTACT_REQUEST_NOT_FOUND
    await people.does(ada, "RequestContact", bob)
    assert (await people.refused(people.does(ada, "AcceptContact", bob))).code is Code.CONTACT_REQUEST_NOT_FOUND
    await people.does(ada, "RemoveContact", bob)
    both = await asyncio.gather(people.does(ada, "RequestContact", bob), people.does(bob, "RequestContact", ada))
    assert pb.CONTACT_STATE_CONTACT in [relation.state for relation in both]


async def test_a_block_ends_contact_and_stops_requests_and_invitations_both_ways(people: People) -> None:
    ada, bob = await two(people)
    await people.does(ada, "RequestContact", bob)
    await people.does(bob, "AcceptContact", ada)
    assert (await people.does(bob, "BlockUser", ada)).blocked
    assert (await people.blocked_by(bob), await people.blocked_by(ada)) == ([ada], [])
    for user, peer in ((ada, bob), (bob, ada)):
        assert (await people.refused(people.does(user, "RequestContact", peer))).code is Code.CONTACT_REFUSED
        assert list((await people.invites(user, peer)).refusing_ids) == [peer]
        assert [(v.contact, v.present) for v in await people.visible(user, peer)] == [(False, False)]
    assert not (await people.does(ada, "UnblockUser", bob)).blocked  # not hers to take back
    assert list((await people.invites(ada, bob)).refusing_ids) == [bob]
    assert not (await people.does(bob, "UnblockUser", ada)).blocked
    ghost = new_id()
    answer = await people.invites(ada, bob, ghost)
    assert (list(answer.unknown_ids), list(answer.refusing_ids)) == ([ghost], [])
    assert [(v.user_id, v.present) for v in await people.visible(ada, bob, ghost)] == [(bob, True), (ghost, True)]


@pytest.mark.parametrize("_", range(5))
async def test_accept_and_block_that_cross_end_blocked_whatever_comes_first(people: People, _: int) -> None:
    ada, bob = await two(people)
    await people.does(ada, "RequestContact", bob)
    await asyncio.gather(
        people.does(bob, "AcceptContact", ada), people.does(ada, "BlockUser", bob), return_exceptions=True
    )
    assert await people.blocked_by(ada) == [bob]
    assert (await people.lists(bob)).relations == (await people.lists(ada)).relations == []
    assert (await people.lists(bob, pb.CONTACT_STATE_INCOMING)).relations == []
    assert max(people.listeners.relations, key=lambda told: told.version).apart


async def test_others_are_told_of_each_change_and_again_until_they_take_it(people: People, engine: AsyncEngine) -> None:
    ada, bob = await two(people)
    await people.does(ada, "BlockUser", bob)
    (told,) = people.listeners.relations
    assert ({told.user_id, told.peer_id}, told.apart, told.version) == ({ada, bob}, True, 1)
    events = {event.user_id: event.relation_changed for event in people.listeners.events}
    assert [(events[user].peer_id, events[user].blocked, events[user].apart) for user in (ada, bob)] == [
        (bob, True, True),
        (ada, False, True),
    ]
    people.listeners.away = True
    await people.does(ada, "UnblockUser", bob)
    await people.does(ada, "BlockUser", bob)
    await people.does(ada, "UnblockUser", bob)
    assert len(people.listeners.relations) == 1
    people.listeners.away = False
    assert await people.teller.sweep() == 0  # a request may still be at it
    async with engine.begin() as connection:
        await connection.execute(text(f"UPDATE relation SET changed_at_ms = changed_at_ms - {GRACE_MS + 1}"))
    assert await people.teller.sweep() == 1
    assert (people.listeners.relations[-1].apart, people.listeners.relations[-1].version) == (False, 4)
    assert await people.teller.sweep() == 0


async def test_contacts_come_in_pages(people: People) -> None:
    ada = (await people.joins("Ada")).user_id
    friends = sorted([(await people.joins("Friend")).user_id for _ in range(5)])
    for friend in friends:
        await people.does(ada, "RequestContact", friend)
        await people.does(friend, "AcceptContact", ada)
    seen, cursor = [], ""
    while True:
        page = await people.lists(ada, limit=2, cursor=cursor)
        seen += [relation.user_id for relation in page.relations]
        cursor = page.next_cursor
        if not cursor:
            break
    assert seen == friends


async def test_wrong_people_states_and_cursors_are_refused(people: People) -> None:
    ada = (await people.joins("Ada")).user_id
    for verb in ("RequestContact", "BlockUser", "UnblockUser", "RemoveContact"):
        for peer, code in ((ada, Code.INVALID_ARGUMENT), ("x", Code.INVALID_ARGUMENT), (new_id(), Code.USER_NOT_FOUND)):
            assert (await people.refused(people.does(ada, verb, peer))).code is code
    for attempt in (
        people.lists(ada, pb.CONTACT_STATE_NONE),
        people.lists(ada, 9),
        people.lists(ada, cursor="x"),
        people.lists(ada, limit=201),
        people.visible(ada, *[new_id()] * 201),
        people.visible("x"),
        people.invites(ada, "x"),
    ):
        with pytest.raises(RealChatError, match="invalid_argument"):
            await attempt


async def test_who_is_erased_is_in_nobodys_contacts_requests_and_blocks(people: People, engine: AsyncEngine) -> None:
    ada, bob = await two(people)
    eve, gone = (await people.joins("Eve")).user_id, (await people.joins("Gone")).user_id
    await people.does(ada, "RequestContact", gone)
    await people.does(gone, "AcceptContact", ada)
    await people.does(gone, "RequestContact", bob)
    await people.does(eve, "BlockUser", gone)
    await people.does(gone, "BlockUser", eve)
    await people.does(ada, "RequestContact", bob)
    await people.auth.call(people.auth.stub.DeleteProfile, pb.DeleteProfileRequest(user_id=gone))
    assert (await people.lists(ada)).relations == await people.blocked_by(eve) == []
    incoming = (await people.lists(bob, pb.CONTACT_STATE_INCOMING)).relations
    assert [relation.user_id for relation in incoming] == [ada]
    async with engine.connect() as connection:
        assert (await connection.execute(text("SELECT count(*) FROM relation"))).scalar_one() == 1
