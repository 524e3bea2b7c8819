"""Invitations to groups, over a real PostgreSQL."""

from __future__ import annotations

import asyncio

import pytest
from realchat_conversation.domain import MOST_MEMBERS
from realchat_conversation.invites import MOST_INVITES, Invites
from realchat_conversation.roles import Role
from service.conversation.town import Town, people
from sqlalchemy import text

from realchat_common.errors import RealChatError
from realchat_common.ids import new_id


async def test_whoever_has_the_token_joins_once(town: Town) -> None:
    alice, bob = people(2)
    group = await town.group(alice)
    invite, token = await town.invites.create(group, alice, 0, 0)
    assert (await town.invites.preview(token)).title == "Team"
    for _ in range(2):
        assert (await town.invites.join(token, bob)).role is Role.MEMBER
    assert (await town.invites.join(token, alice)).role is Role.OWNER
    (listed,) = await town.invites.list(group, alice)
    assert (listed.invite_id, listed.uses) == (invite.invite_id, 1)
    joined = town.log.events[group][-1]
    assert (joined.actor_id, [member.user_id for member in joined.members_added.members]) == (bob, [bob])
    assert len(town.log.events[group]) == 2


async def test_a_token_is_kept_as_its_hash_only(town: Town) -> None:
    alice = new_id()
    group = await town.group(alice)
    _, token = await town.invites.create(group, alice, 0, 0)
    async with town.engine.connect() as connection:
        rows = (await connection.execute(text("SELECT invite::text FROM invite"))).scalars().all()
    assert len(rows) == 1
    assert token not in rows[0]
    assert token.encode().hex() not in rows[0]


async def test_an_invitation_ends_by_time_use_or_word(town: Town) -> None:
    alice, bob = people(2)
    group = await town.group(alice)
    _, by_time = await town.invites.create(group, alice, 60_000, 0)
    _, by_use = await town.invites.create(group, alice, 0, 1)
    by_word, revoked = await town.invites.create(group, alice, 0, 0)
    town.passes(60)
    await town.invites.join(by_use, new_id())
    for _ in range(2):
        await town.invites.revoke(group, alice, by_word.invite_id)
    for token in (by_time, by_use, revoked, "unknown"):
        for attempt in (town.invites.join(token, bob), town.invites.preview(token)):
            with pytest.raises(RealChatError, match="invite_not_found"):
                await attempt
    assert await town.invites.list(group, alice) == []


async def test_many_who_join_at_once_use_it_no_more_often_than_allowed(town: Town) -> None:
    alice = new_id()
    group = await town.group(alice)
    _, token = await town.invites.create(group, alice, 0, 3)
    outbox, _ = town.replica()
    other = Invites(town.store, outbox, new_id, lambda: town.now_ms)
    outcomes = await asyncio.gather(
        *((town.invites, other)[number % 2].join(token, user) for number, user in enumerate(people(10))),
        return_exceptions=True,
    )
    assert sum(isinstance(outcome, RealChatError) for outcome in outcomes) == 7
    assert len(await town.roles(group)) == 4
    assert town.log.kinds(group) == ["conversation_created", *["members_added"] * 3]


async def test_a_full_group_takes_nobody_and_uses_nothing_up(town: Town) -> None:
    alice, *others = people(MOST_MEMBERS)
    group = await town.group(alice, *others)
    _, token = await town.invites.create(group, alice, 0, 1)
    with pytest.raises(RealChatError, match="too_many_members"):
        await town.invites.join(token, new_id())
    await town.conversations.remove_member(group, alice, others[0])
    assert (await town.invites.join(token, new_id())).member_count == MOST_MEMBERS


async def test_a_group_that_everybody_has_left_stays_empty(town: Town) -> None:
    alice, bob = people(2)
    group = await town.group(alice)
    _, token = await town.invites.create(group, alice, 0, 0)
    await town.conversations.leave(group, alice)
    for attempt in (town.invites.join(token, bob), town.invites.preview(token)):
        with pytest.raises(RealChatError, match="invite_not_found"):
            await attempt
    assert await town.roles(group) == {}


async def test_only_administrators_of_groups_make_see_and_end_invitations(town: Town) -> None:
    alice, bob, stranger = people(3)
    group = await town.group(alice, bob)
    direct, _ = await town.conversations.create_direct(alice, bob)
    for where, who, code in (
        (group, bob, "permission_denied"),
        (group, stranger, "conversation_not_found"),
        (direct.conversation_id, alice, "not_a_group"),
    ):
        for attempt in (
            town.invites.create(where, who, 0, 0),
            town.invites.list(where, who),
            town.invites.revoke(where, who, new_id()),
        ):
            with pytest.raises(RealChatError, match=code):
                await attempt


async def test_a_group_has_so_many_invitations_and_those_that_ended_do_not_count(town: Town) -> None:
    alice = new_id()
    group = await town.group(alice)
    await town.invites.create(group, alice, 60_000, 0)
    for _ in range(MOST_INVITES - 1):
        await town.invites.create(group, alice, 0, 0)
    with pytest.raises(RealChatError, match="too_many_invites"):
        await town.invites.create(group, alice, 0, 0)
    town.passes(60)
    await town.invites.create(group, alice, 0, 0)


async def test_who_joined_and_was_not_answered_joins_by_repeating(town: Town) -> None:
    alice, bob = people(2)
    group = await town.group(alice)
    _, token = await town.invites.create(group, alice, 0, 1)
    town.log.away = True
    with pytest.raises(RealChatError, match="unavailable"):
        await town.invites.join(token, bob)
    town.log.away = False
    assert (await town.invites.join(token, bob)).member_count == 2
    assert town.log.kinds(group) == ["conversation_created", "members_added"]
