"""What people do with conversations, over a real PostgreSQL."""

from __future__ import annotations

import asyncio
import contextlib

import pytest
from realchat_conversation.domain import Kind, Member
from realchat_conversation.groups import Configure, Details
from realchat_conversation.preferences import MemberSettings, SettingsChange
from realchat_conversation.roles import Role
from service.conversation.town import Town, people

from chat.event.v1 import event_pb2 as pb
from realchat_common.database import migrate
from realchat_common.errors import Code, RealChatError
from realchat_common.ids import new_id


async def test_a_direct_conversation_has_both_as_members(town: Town) -> None:
    alice, bob = people(2)
    direct, created = await town.conversations.create_direct(alice, bob)
    assert created
    assert (direct.kind, direct.title, direct.member_count, direct.role) == (Kind.DIRECT, "", 2, Role.MEMBER)
    (event,) = town.log.events[direct.conversation_id]
    assert (event.actor_id, event.conversation_created.kind) == (alice, pb.CONVERSATION_KIND_DIRECT)
    assert [(member.user_id, member.role) for member in event.conversation_created.members] == [
        (alice, pb.ROLE_MEMBER),
        (bob, pb.ROLE_MEMBER),
    ]


async def test_there_is_one_direct_conversation_per_pair(town: Town) -> None:
    alice, bob, carol = people(3)
    first, _ = await town.conversations.create_direct(alice, bob)
    again, created = await town.conversations.create_direct(bob, alice)
    other, _ = await town.conversations.create_direct(alice, carol)
    assert (again.conversation_id, created) == (first.conversation_id, False)
    assert other.conversation_id != first.conversation_id


async def test_a_pair_that_both_create_at_once_has_one_conversation(town: Town) -> None:
    alice, bob = people(2)
    _, other_replica = town.replica()
    made = await asyncio.gather(
        *(town.conversations.create_direct(alice, bob) for _ in range(10)),
        *(other_replica.create_direct(bob, alice) for _ in range(10)),
    )
    (conversation_id,) = {direct.conversation_id for direct, _ in made}
    assert [created for _, created in made].count(True) == 1
    assert town.log.kinds(conversation_id) == ["conversation_created"]


async def test_peers_are_those_who_share_a_conversation_now(town: Town) -> None:
    alice, bob, carol, dave = people(4)
    await town.conversations.create_direct(alice, bob)
    group = await town.conversations.create_group(alice, "Group", [bob, carol], None)
    assert set(await town.conversations.peers(alice, [bob, carol, dave])) == {bob, carol}
    assert set(await town.conversations.peers(carol, [alice, bob, dave])) == {alice, bob}
    await town.conversations.remove_member(group.conversation_id, alice, carol)
    assert await town.conversations.peers(alice, [carol, bob]) == [bob]
    assert await town.conversations.peers(dave, [alice]) == []


async def test_a_group_belongs_to_its_creator(town: Town) -> None:
    alice, bob, carol = people(3)
    group = await town.conversations.create_group(alice, "  Cafe\u0301 ", [bob, carol, bob, alice], None)
    assert (group.kind, group.title, group.member_count, group.role) == (Kind.GROUP, "Caf\u00e9", 3, Role.OWNER)
    assert group.first_members == (Member(alice, Role.OWNER), Member(bob, Role.MEMBER), Member(carol, Role.MEMBER))
    assert await town.seen(group.conversation_id, alice) == group
    (event,) = town.log.events[group.conversation_id]
    assert event.conversation_created.title == "Caf\u00e9"
    assert len(event.conversation_created.members) == 3


async def test_the_same_key_gives_the_same_group(town: Town) -> None:
    alice, bob, carol = people(3)
    made = await asyncio.gather(*(town.group(alice, bob, carol, key="k") for _ in range(10)))
    assert len(set(made)) == 1
    assert await town.group(alice, carol, bob, title=" Team", key="k") == made[0]
    assert await town.group(bob, alice, carol, key="k") != made[0]
    assert await town.group(alice, bob, carol, key="other") != made[0]
    assert town.log.kinds(made[0]) == ["conversation_created"]


async def test_the_same_key_for_something_else_is_refused(town: Town) -> None:
    alice, bob, carol = people(3)
    await town.group(alice, bob, key="k")
    for others, title in (((bob,), "Another"), ((carol,), "Team"), ((), "Team")):
        with pytest.raises(RealChatError, match="idempotency_mismatch"):
            await town.group(alice, *others, title=title, key="k")


async def test_the_same_key_gives_the_group_as_it_now_stands(town: Town) -> None:
    alice, bob = people(2)
    group = await town.group(alice, bob, key="k")
    await town.conversations.rename(group, alice, "Renamed")
    assert (await town.conversations.create_group(alice, "Team", [bob], "k")).title == "Renamed"
    await town.conversations.leave(group, alice)
    with pytest.raises(RealChatError, match="conversation_not_found"):
        await town.group(alice, bob, key="k")


async def test_groups_without_a_key_are_always_new(town: Town) -> None:
    alice, bob = people(2)
    assert await town.group(alice, bob) != await town.group(alice, bob)


async def test_people_who_do_not_exist_are_refused(town: Town) -> None:
    alice, bob, ghost = people(3)
    town.people.strangers = {ghost}
    group = await town.group(alice, bob)
    for attempt in (
        town.conversations.create_direct(alice, ghost),
        town.conversations.create_group(alice, "Team", [bob, ghost], None),
        town.conversations.add_members(group, alice, [ghost]),
    ):
        with pytest.raises(RealChatError, match="user_not_found"):
            await attempt
    assert set(await town.roles(group)) == {alice, bob}


async def test_who_refuses_is_not_brought_into_a_conversation(town: Town) -> None:
    alice, bob, carol = people(3)
    town.people.refusing = {(alice, bob, Kind.GROUP), (alice, carol, Kind.DIRECT)}
    group = await town.group(alice, carol)
    for attempt in (
        town.conversations.create_direct(alice, carol),
        town.conversations.create_group(alice, "Team", [bob], None),
        town.conversations.add_members(group, alice, [bob]),
    ):
        with pytest.raises(RealChatError, match="contact_refused"):
            await attempt
    direct, _ = await town.conversations.create_direct(carol, alice)
    assert (await town.conversations.create_direct(alice, carol))[0].conversation_id == direct.conversation_id


async def test_what_exists_is_found_while_the_directory_is_away(town: Town) -> None:
    alice, bob = people(2)
    direct, _ = await town.conversations.create_direct(alice, bob)
    group = await town.group(alice, bob, key="k")
    town.people.away = True
    assert await town.conversations.create_direct(bob, alice) == (direct, False)
    assert await town.group(alice, bob, key="k") == group
    assert (await town.conversations.add_members(group, alice, [bob])).member_count == 2
    with pytest.raises(RealChatError, match="unavailable"):
        await town.conversations.create_direct(alice, new_id())


async def test_every_change_is_in_the_log_in_its_order(town: Town) -> None:
    alice, bob, carol, dave = people(4)
    group = await town.group(alice, bob)
    added = await town.conversations.add_members(group, alice, [bob, carol, dave])
    assert added.member_count == 4
    await town.conversations.change_role(group, alice, bob, Role.ADMIN)
    assert (await town.conversations.rename(group, bob, "Renamed")).title == "Renamed"
    await town.conversations.remove_member(group, bob, carol)
    await town.conversations.leave(group, alice)
    assert await town.roles(group) == {bob: Role.OWNER, dave: Role.MEMBER}
    events = town.log.events[group]
    assert [(event.actor_id, event.WhichOneof("payload")) for event in events] == [
        (alice, "conversation_created"),
        (alice, "members_added"),
        (alice, "role_changed"),
        (bob, "conversation_renamed"),
        (bob, "member_removed"),
        (alice, "member_left"),
    ]
    assert [member.user_id for member in events[1].members_added.members] == [carol, dave]
    assert (events[2].role_changed.user_id, events[2].role_changed.role) == (bob, pb.ROLE_ADMIN)
    assert events[3].conversation_renamed.title == "Renamed"
    assert events[4].member_removed.user_id == carol
    assert events[5].member_left.new_owner_id == bob


async def test_a_group_that_everybody_has_left_is_empty(town: Town) -> None:
    alice, bob = people(2)
    group = await town.group(alice, bob)
    await town.conversations.leave(group, alice)
    await town.conversations.leave(group, bob)
    assert await town.roles(group) == {}
    assert await town.seen(group, alice) is None
    with pytest.raises(RealChatError, match="conversation_not_found"):
        await town.conversations.leave(group, bob)


async def test_for_others_a_conversation_does_not_exist(town: Town) -> None:
    alice, bob, stranger = people(3)
    group = await town.group(alice, bob)
    direct, _ = await town.conversations.create_direct(alice, bob)
    for conversation_id in (group, direct.conversation_id, new_id()):
        assert await town.seen(conversation_id, stranger) is None
        for attempt in (
            town.conversations.members(conversation_id, stranger, 0, 10),
            town.conversations.add_members(conversation_id, stranger, [stranger]),
            town.conversations.remove_member(conversation_id, stranger, alice),
            town.conversations.leave(conversation_id, stranger),
            town.conversations.change_role(conversation_id, stranger, stranger, Role.OWNER),
            town.conversations.rename(conversation_id, stranger, "Mine"),
        ):
            with pytest.raises(RealChatError) as caught:
                await attempt
            assert caught.value.code is Code.CONVERSATION_NOT_FOUND


async def test_only_groups_can_be_changed(town: Town) -> None:
    alice, bob = people(2)
    direct, _ = await town.conversations.create_direct(alice, bob)
    conversation_id = direct.conversation_id
    for attempt in (
        town.conversations.add_members(conversation_id, alice, [new_id()]),
        town.conversations.remove_member(conversation_id, alice, bob),
        town.conversations.leave(conversation_id, alice),
        town.conversations.change_role(conversation_id, alice, alice, Role.OWNER),
        town.conversations.rename(conversation_id, alice, "Us"),
    ):
        with pytest.raises(RealChatError, match="not_a_group"):
            await attempt


async def test_a_large_group_is_listed_in_order_of_joining(town: Town) -> None:
    alice, late, *others = people(1_000)
    group = await town.conversations.create_group(alice, "All", others, None)
    await town.conversations.remove_member(group.conversation_id, alice, others[0])
    await town.conversations.add_members(group.conversation_id, alice, [late])
    full = await town.conversations.add_members(group.conversation_id, alice, [others[0]])
    assert full.member_count == 1_000
    joined = [alice, *others[1:], late, others[0]]
    assert [member.user_id for member in full.first_members] == joined[:10]
    assert await town.seen(group.conversation_id, alice) == full
    listed: list[str] = []
    after: int | None = 0
    while after is not None:
        page, after = await town.conversations.members(group.conversation_id, late, after, 150)
        listed += [member.user_id for member in page]
    assert listed == joined
    with pytest.raises(RealChatError, match="too_many_members"):
        await town.conversations.add_members(group.conversation_id, alice, [new_id()])


async def test_a_batch_has_only_the_callers_conversations_in_the_order_asked_for(town: Town) -> None:
    alice, bob, carol = people(3)
    mine = await town.group(alice, bob)
    theirs = await town.group(bob, carol)
    direct, _ = await town.conversations.create_direct(bob, alice)
    asked = [direct.conversation_id, theirs, new_id(), mine, direct.conversation_id]
    found = await town.conversations.summaries(asked, alice)
    assert [one.conversation_id for one in found] == [direct.conversation_id, mine]
    assert [one.role for one in found] == [Role.MEMBER, Role.OWNER]
    assert await town.conversations.summaries([], alice) == []


async def test_two_owners_who_demote_each_other_leave_one(town: Town) -> None:
    for _ in range(10):
        alice, bob = people(2)
        group = await town.group(alice, bob)
        await town.conversations.change_role(group, alice, bob, Role.OWNER)
        outcomes = await asyncio.gather(
            town.conversations.change_role(group, alice, bob, Role.ADMIN),
            town.replica()[1].change_role(group, bob, alice, Role.ADMIN),
            return_exceptions=True,
        )
        (refused,) = [outcome for outcome in outcomes if outcome is not None]
        assert isinstance(refused, RealChatError)
        assert refused.code is Code.PERMISSION_DENIED
        assert sorted((await town.roles(group)).values()) == [Role.ADMIN, Role.OWNER]


async def test_two_admins_who_remove_each_other_are_refused_and_two_owners_leave_one(town: Town) -> None:
    for role, left in ((Role.ADMIN, 3), (Role.OWNER, 2)):
        alice, bob, carol = people(3)
        group = await town.group(alice, bob, carol)
        for person in (bob, carol):
            await town.conversations.change_role(group, alice, person, role)
        if role is Role.OWNER:
            await town.conversations.leave(group, alice)
        outcomes = await asyncio.gather(
            town.conversations.remove_member(group, bob, carol),
            town.replica()[1].remove_member(group, carol, bob),
            return_exceptions=True,
        )
        assert any(isinstance(outcome, RealChatError) for outcome in outcomes)
        roles = await town.roles(group)
        assert len(roles) == left - (role is Role.OWNER)
        assert Role.OWNER in roles.values()


async def test_who_is_added_while_being_removed_is_what_came_last_in_the_log(town: Town) -> None:
    _, other = town.replica()
    for _ in range(10):
        alice, bob, carol = people(3)
        group = await town.group(alice, bob, carol)
        await town.conversations.change_role(group, alice, bob, Role.ADMIN)
        await asyncio.gather(
            town.conversations.remove_member(group, alice, carol),
            other.add_members(group, bob, [carol]),
            return_exceptions=True,
        )
        kinds = [kind for kind in town.log.kinds(group) if kind in ("member_removed", "members_added")]
        assert kinds in (["member_removed"], ["member_removed", "members_added"])
        assert (carol in await town.roles(group)) == (kinds[-1] == "members_added")


async def test_two_admins_who_remove_a_member_at_once_remove_them_once(town: Town) -> None:
    alice, bob, carol = people(3)
    group = await town.group(alice, bob, carol)
    await town.conversations.change_role(group, alice, bob, Role.ADMIN)
    outcomes = await asyncio.gather(
        town.conversations.remove_member(group, alice, carol),
        town.replica()[1].remove_member(group, bob, carol),
        return_exceptions=True,
    )
    (refused,) = [outcome for outcome in outcomes if outcome is not None]
    assert isinstance(refused, RealChatError)
    assert refused.code is Code.MEMBER_NOT_FOUND
    assert town.log.kinds(group).count("member_removed") == 1


async def test_when_everybody_leaves_at_once_an_owner_stays_to_the_end(town: Town) -> None:
    everybody = people(12)
    group = await town.group(*everybody)
    replicas = [town.conversations, town.replica()[1], town.replica()[1]]
    await asyncio.gather(*(replicas[number % 3].leave(group, person) for number, person in enumerate(everybody)))
    assert await town.roles(group) == {}
    # The log alone tells who owned the group: there was always somebody.
    owner, present = everybody[0], set(everybody)
    for event in town.log.events[group][1:]:
        present.remove(event.actor_id)
        if event.actor_id == owner:
            owner = event.member_left.new_owner_id
        assert not present or owner in present
    assert not present


async def test_the_last_owner_leaves_while_the_heir_does(town: Town) -> None:
    for _ in range(10):
        alice, bob, carol = people(3)
        group = await town.group(alice, bob, carol)
        await town.conversations.change_role(group, alice, carol, Role.ADMIN)
        await asyncio.gather(
            town.conversations.leave(group, alice),
            town.replica()[1].leave(group, carol),
        )
        assert await town.roles(group) == {bob: Role.OWNER}


async def test_a_group_filled_from_many_sides_keeps_its_limit(town: Town) -> None:
    alice, *others = people(995)
    group = await town.conversations.create_group(alice, "All", others, None)
    outcomes = await asyncio.gather(
        *(town.conversations.add_members(group.conversation_id, alice, people(2)) for _ in range(5)),
        return_exceptions=True,
    )
    refused = [outcome for outcome in outcomes if isinstance(outcome, RealChatError)]
    assert [error.code for error in refused] == [Code.TOO_MANY_MEMBERS] * 3
    assert len(await town.roles(group.conversation_id)) == 999


async def test_the_schema_goes_back_and_forth(town: Town) -> None:
    await migrate(town.engine, "realchat_conversation", "base")
    await migrate(town.engine, "realchat_conversation")
    await town.group(*people(2))


async def test_who_deleted_their_account_leaves_all_conversations_and_ownership_passes_on(town: Town) -> None:
    alice, bob, carol = people(3)
    group = await town.group(alice, bob, carol)
    alone = await town.group(alice)
    direct, _ = await town.conversations.create_direct(alice, bob)
    assert await town.conversations.remove_user(alice)
    assert await town.roles(group) == {bob: Role.OWNER, carol: Role.MEMBER}
    assert await town.roles(alone) == {}
    assert await town.roles(direct.conversation_id) == {bob: Role.MEMBER}
    left = town.log.events[group][-1]
    assert (left.actor_id, left.member_left.new_owner_id) == (alice, bob)
    assert town.log.kinds(direct.conversation_id)[-1] == "member_left"
    assert await town.conversations.remove_user(alice)
    assert town.log.kinds(direct.conversation_id).count("member_left") == 1


async def test_leaving_many_conversations_takes_several_calls_and_survives_failures(town: Town) -> None:
    (alice,) = people(1)
    groups = [await town.group(alice) for _ in range(25)]
    town.log.unreliable = 0.3
    done = False
    while not done:
        with contextlib.suppress(RealChatError):
            done = await town.conversations.remove_user(alice)
    town.log.unreliable = 0.0
    for group in groups:
        await town.outbox.flush(group)
        assert town.log.kinds(group) == ["conversation_created", "member_left"]


async def test_a_group_has_a_description_an_avatar_and_rules(town: Town) -> None:
    alice, bob = people(2)
    group, avatar = await town.group(alice, bob), new_id()
    changed = await town.conversations.configure(
        group, alice, Configure(description="About", avatar_id=avatar, admins_only=True, open_history=True)
    )
    assert changed.details == Details("About", avatar, True, True)
    assert (await town.now(group)).details == changed.details
    seen = await town.seen(group, bob)
    assert seen is not None
    assert seen.details == changed.details
    await town.conversations.configure(group, alice, Configure(description="About", avatar_id=""))
    assert (await town.now(group)).details == Details("About", "", True, True)
    assert town.log.kinds(group) == ["conversation_created", "group_changed", "group_changed"]
    assert not town.log.events[group][-1].group_changed.HasField("description")
    with pytest.raises(RealChatError, match="permission_denied"):
        await town.conversations.configure(group, bob, Configure(description="Mine"))


async def test_what_is_muted_or_archived_is_not_heard(town: Town) -> None:
    alice, bob = people(2)
    talk = (await town.conversations.create_direct(alice, bob))[0].conversation_id
    loud, muted, archived = [await town.group(alice, bob) for _ in range(3)]
    elsewhere = await town.group(alice)
    await town.conversations.change_settings(muted, bob, SettingsChange(muted_until_ms=town.now_ms + 1))
    await town.conversations.change_settings(archived, bob, SettingsChange(archived=True))
    asked = [talk, loud, muted, archived, elsewhere]
    assert set(await town.conversations.heard(bob, asked)) == {talk, loud}
    assert set(await town.conversations.heard(alice, asked)) == set(asked)
    town.now_ms += 1
    assert await town.conversations.heard(bob, [muted, talk]) == {muted: "Team", talk: ""}


async def test_mute_pin_archive_and_draft_are_a_members_own(town: Town) -> None:
    alice, bob = people(2)
    group = await town.group(alice, bob)
    await town.conversations.change_settings(group, bob, SettingsChange(muted_until_ms=5, pinned=True))
    own = await town.conversations.change_settings(group, bob, SettingsChange(archived=True, draft="Dear"))
    assert own == MemberSettings(5, True, True, "Dear", town.now_ms)
    assert town.devices.settings[-1] == (bob, group, own)
    for user, settings in ((bob, own), (alice, MemberSettings())):
        seen = await town.seen(group, user)
        assert seen is not None
        assert seen.settings == settings
    assert (await town.conversations.rename(group, alice, "New")).settings == MemberSettings()
    await town.conversations.change_role(group, alice, bob, Role.ADMIN)
    assert (await town.conversations.rename(group, bob, "Newer")).settings == own
    await town.conversations.remove_member(group, alice, bob)
    with pytest.raises(RealChatError, match="conversation_not_found"):
        await town.conversations.change_settings(group, bob, SettingsChange(pinned=True))
    await town.conversations.add_members(group, alice, [bob])
    back = await town.seen(group, bob)
    assert back is not None
    assert back.settings == MemberSettings()
    assert "settings" not in " ".join(kind or "" for kind in town.log.kinds(group))
