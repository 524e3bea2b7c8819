"""Rules of groups, as the log and the read model keep them."""

from __future__ import annotations

from typing import Any

from realchat_message.domain import Appended, NewChange
from service.message.room import ALICE, BOB, CAROL, Room, begun, code, hello, joining, removal, seq

from chat.event.v1 import event_pb2 as pb
from realchat_common.errors import Code
from realchat_common.ids import new_id


def rule(**changed: Any) -> NewChange:
    return NewChange(pb.Event(event_id=new_id(), actor_id=ALICE, group_changed=pb.GroupChanged(**changed)))


def owner(user_id: str) -> NewChange:
    event = pb.Event(event_id=new_id(), actor_id=ALICE)
    event.role_changed.user_id, event.role_changed.role = user_id, pb.ROLE_OWNER
    return NewChange(event)


async def test_in_announcement_mode_only_administrators_write_on_all_replicas(room: Room) -> None:
    async with room.writer() as one, room.writer() as other:
        group = await begun(one, ALICE, BOB)
        await other.append(group, [owner(ALICE), rule(admins_only=True)])
        for writer in (one, other):
            (refused,) = await writer.append(group, [hello(BOB)])
            assert code(refused) is Code.PERMISSION_DENIED
            assert isinstance((await writer.append(group, [hello(ALICE)]))[0], Appended)
        await one.append(group, [rule(admins_only=False)])
        assert isinstance((await other.append(group, [hello(BOB)]))[0], Appended)


async def test_the_mode_survives_a_writer_that_dies_between_the_two_commits(room: Room) -> None:
    async with room.writer() as one:
        group = await begun(one, ALICE, BOB)
        await one.append(group, [owner(ALICE)])

        async def dies() -> None:
            raise OSError

        room.shelf.after = dies
        assert code((await one.append(group, [rule(admins_only=True)]))[0]) is Code.UNAVAILABLE
        room.shelf.after = None
    async with room.writer() as other:
        assert code((await other.append(group, [hello(BOB)]))[0]) is Code.PERMISSION_DENIED


async def test_who_joins_reads_what_was_before_if_the_history_is_open(room: Room) -> None:
    async with room.writer() as log:
        group = await begun(log, ALICE, BOB)
        await log.append(group, [hello(), joining(CAROL), hello()])
        assert [event.seq for event in (await room.store.history(group, CAROL, "after", 0, 50)).events] == [3, 4]
        await log.append(group, [removal(CAROL), removal(BOB), rule(open_history=True), hello()])
        for newcomer in (CAROL, BOB):
            joined = seq((await log.append(group, [joining(newcomer)]))[0])
            page = await room.store.history(group, newcomer, "after", 0, 50)
            assert [event.seq for event in page.events] == list(range(1, joined + 1))
            (entry,), _ = await room.store.inbox(newcomer, 50, None)
            assert entry.unread_count == 0
        await log.append(group, [hello(), removal(BOB), rule(open_history=False), hello(), joining(BOB)])
        readable = [event.seq for event in (await room.store.history(group, BOB, "after", 0, 50)).events]
        assert readable == [*range(1, 13), 15]
        (entry,), _ = await room.store.inbox(CAROL, 50, None)
        assert entry.unread_count == 2
