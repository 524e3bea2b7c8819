"""The log's writer on a real PostgreSQL; the log itself behind our own port, so that it can fail on command."""

from __future__ import annotations

import asyncio

import pytest
from realchat_message.domain import Appended
from realchat_message.lanes import Confirmations
from realchat_message.log import ConversationLog
from realchat_message.store import MOST_SYNCED_BYTES
from realchat_message.tables import Entry
from service.message.room import ALICE, BOB, CAROL, Room, begun, code, hello, joining, removal, seq

from chat.event.v1 import event_pb2 as pb
from realchat_common.database import migrate, open_engine
from realchat_common.errors import Code, RealChatError
from realchat_common.ids import new_id


async def test_two_writers_at_once_make_one_log_without_gaps(room: Room) -> None:
    async with room.writer() as one, room.writer() as other:
        conversation = await begun(one, ALICE)

        async def append(log: ConversationLog) -> int:
            (outcome,) = await log.append(conversation, [hello()])
            return seq(outcome)

        seqs = await asyncio.gather(*(append(log) for _ in range(50) for log in (one, other)))
    assert sorted(seqs) == list(range(2, 102))
    assert await room.seqs(conversation) == list(range(1, 102))


async def test_what_waits_goes_into_one_segment(room: Room) -> None:
    async with room.writer() as log:
        conversation = await begun(log, ALICE)
        await asyncio.gather(*(log.append(conversation, [hello()]) for _ in range(80)))
    assert len(room.lane.segments) < 10


async def test_whoever_appends_gets_the_segment_that_was_written_for_it(room: Room) -> None:
    async with room.writer() as log:
        conversation = await begun(log, ALICE)
        first, *rest = await log.append(conversation, [hello(client_message_id=name) for name in ("a", "b", "a")])
        again = await log.append_one(conversation, hello(client_message_id="a"))
    segments = [outcome.segment for outcome in (first, *rest, again) if isinstance(outcome, Appended)]
    written = room.lane.segments[-1]
    assert (written.first_seq, written.last_seq) == (2, 3)
    assert segments == [written, written, None, None]


async def test_what_one_of_those_who_had_it_appended_fans_out_does_not_go_by_the_fast_lane(room: Room) -> None:
    async with room.writer() as log:
        conversation = await begun(log, ALICE)
        room.lane.segments.clear()
        await asyncio.gather(
            log.append(conversation, [hello(client_message_id="by socket")], fans_out=True),
            log.append(conversation, [hello()]),
        )
        assert room.lane.segments == []
        assert [(written.first_seq, written.last_seq) for written in room.lane.needless] == [(2, 3)]


async def test_what_somebody_else_sends_beside_a_repetition_goes_by_the_fast_lane(room: Room) -> None:
    async with room.writer() as log:
        conversation = await begun(log, ALICE)
        await log.append(conversation, [hello(client_message_id="again")], fans_out=True)
        room.lane.segments.clear()
        await asyncio.gather(
            log.append(conversation, [hello(client_message_id="again")], fans_out=True),
            log.append(conversation, [hello()]),
        )
    assert [(written.first_seq, written.last_seq) for written in room.lane.segments] == [(3, 3)]


async def test_the_same_message_many_times_at_once_is_appended_once(room: Room) -> None:
    async with room.writer() as one, room.writer() as other:
        conversation = await begun(one, ALICE)
        outcomes = await asyncio.gather(
            *(log.append(conversation, [hello(client_message_id="same")]) for log in (one, other) for _ in range(5))
        )
    assert {seq(outcome) for (outcome,) in outcomes} == {2}
    assert await room.seqs(conversation) == [1, 2]


async def test_a_writer_that_waited_for_the_lock_sees_what_was_appended_meanwhile(room: Room) -> None:
    async with room.writer() as one, room.writer() as other:
        conversation = await begun(one, ALICE)
        async with room.pool.acquire() as connection:
            async with connection.transaction():
                await connection.execute("SELECT FROM head WHERE conversation_id = $1 FOR UPDATE", conversation)
                same = [
                    asyncio.create_task(log.append(conversation, [hello(client_message_id="same")]))
                    for log in (one, other)
                ]
                async with asyncio.timeout(10):
                    while await connection.fetchval("SELECT count(*) FROM pg_locks WHERE NOT granted") < len(same):
                        await asyncio.sleep(0.01)
            outcomes = await asyncio.gather(*same)
    assert {seq(outcome) for (outcome,) in outcomes} == {2}
    assert sorted(room.shelf.segments) == [(conversation, 1), (conversation, 2)]


async def test_a_write_whose_answer_was_lost_is_adopted_and_its_retry_gets_the_first_seq(room: Room) -> None:
    async with room.writer() as log:
        conversation = await begun(log, ALICE)

        async def lose_answer() -> None:
            room.shelf.after = None
            raise RealChatError(Code.UNAVAILABLE)

        room.shelf.after = lose_answer
        (lost,) = await log.append(conversation, [hello(client_message_id="1")])
        assert code(lost) is Code.UNAVAILABLE
        (again,) = await log.append(conversation, [hello(client_message_id="1")])
        (next_one,) = await log.append(conversation, [hello()])
    assert (seq(again), seq(next_one)) == (2, 3)
    assert await room.seqs(conversation) == [1, 2, 3]


async def test_a_crash_between_the_two_commits_is_adopted_by_the_next_writer(room: Room) -> None:
    async with room.writer() as log:
        conversation = await begun(log, ALICE)
    await room.shelf.insert(
        pb.Segment(
            conversation_id=conversation,
            first_seq=2,
            last_seq=2,
            members_seq=1,
            events=[
                pb.Event(
                    conversation_id=conversation,
                    seq=2,
                    event_id=new_id(),
                    actor_id=ALICE,
                    occurred_at_ms=1,
                    message_sent=pb.MessageSent(client_message_id="crashed", body="hello"),
                )
            ],
        )
    )
    async with room.writer() as log:
        (retry, later) = await log.append(conversation, [hello(client_message_id="crashed"), hello()])
    assert (seq(retry), seq(later)) == (2, 3)


async def test_a_head_that_is_behind_the_log_is_repaired_by_what_is_seen_on_the_topic(room: Room) -> None:
    async with room.writer() as log:
        conversation = await begun(log, ALICE)
        await log.append(conversation, [hello()])
        await room.pool.execute("DELETE FROM entry WHERE conversation_id = $1 AND seq = 2", conversation)
        await room.pool.execute("UPDATE head SET last_seq = 1 WHERE conversation_id = $1", conversation)
        await Confirmations(room.pool, log).confirm({(conversation, 2, 2)})
        assert await room.seqs(conversation) == [1, 2]


async def test_pointers_confirm_in_any_order_and_by_any_replica(room: Room) -> None:
    async with room.writer() as log, room.writer() as other:
        conversation = await begun(log, ALICE)
        for _ in range(4):
            await log.append(conversation, [hello()])
        one, two = Confirmations(room.pool, log), Confirmations(room.pool, other)
        await one.confirm({(conversation, 5, 5), (conversation, 3, 3)})
        await two.confirm({(conversation, 1, 1), (new_id(), 4, 4)})
        left = "SELECT first_seq FROM unconfirmed WHERE conversation_id = $1 ORDER BY 1"
        assert [row[0] for row in await room.pool.fetch(left, conversation)] == [2, 4]
        await two.confirm({(conversation, 2, 4)})
        assert await room.pool.fetch(left, conversation) == []


async def test_a_log_that_is_away_is_temporary_and_leaves_no_trace(room: Room) -> None:
    async with room.writer() as log:
        conversation = await begun(log, ALICE)

        async def away() -> None:
            raise RealChatError(Code.UNAVAILABLE)

        room.shelf.before = away
        (refused,) = await log.append(conversation, [hello()])
        room.shelf.before = None
        assert code(refused) is Code.UNAVAILABLE
        (accepted,) = await log.append(conversation, [hello()])
        assert seq(accepted) == 2


async def test_a_removed_member_is_refused_also_by_a_writer_that_had_cached_the_members(room: Room) -> None:
    async with room.writer() as one, room.writer() as other:
        conversation = await begun(one, ALICE, BOB)
        await other.append(conversation, [hello(BOB)])
        await one.append(conversation, [removal(BOB)])
        (refused,) = await other.append(conversation, [hello(BOB)])
    assert code(refused) is Code.CONVERSATION_NOT_FOUND


async def test_an_unknown_conversation_is_not_found(room: Room) -> None:
    async with room.writer() as log:
        (refused,) = await log.append(new_id(), [hello()])
    assert code(refused) is Code.CONVERSATION_NOT_FOUND


async def test_more_than_a_conversation_can_take_is_refused_and_not_queued_without_bound(room: Room) -> None:
    async with room.writer() as log:
        conversation = await begun(log, ALICE)
        gate = asyncio.Event()

        async def hold() -> None:
            await gate.wait()

        room.shelf.before = hold
        waiting = [asyncio.create_task(log.append(conversation, [hello()])) for _ in range(2_200)]
        while not any(task.done() for task in waiting):
            await asyncio.sleep(0)
        gate.set()
        outcomes = [outcome for outcomes in await asyncio.gather(*waiting) for outcome in outcomes]
    refused = [outcome for outcome in outcomes if isinstance(outcome, RealChatError)]
    assert refused
    assert {refusal.code for refusal in refused} == {Code.OVERLOADED}
    assert await room.seqs(conversation) == list(range(1, 2_200 - len(refused) + 2))


async def test_history_shows_members_the_span_of_their_membership_only(room: Room) -> None:
    async with room.writer() as log:
        conversation = await begun(log, ALICE, BOB)
        await log.append(conversation, [hello(), removal(BOB), hello(), joining(CAROL), hello()])
    page = await room.store.history(conversation, CAROL, "before", None, 50)
    assert [event.seq for event in page.events] == [5, 6]
    everything = await room.store.history(conversation, ALICE, "after", 0, 50)
    assert [event.seq for event in everything.events] == [1, 2, 3, 4, 5, 6]
    with pytest.raises(RealChatError) as refused:
        await room.store.history(conversation, BOB, "before", None, 50)
    assert refused.value.code is Code.CONVERSATION_NOT_FOUND


async def test_history_pages_in_both_directions_without_overlap(room: Room) -> None:
    async with room.writer() as log:
        conversation = await begun(log, ALICE)
        await log.append(conversation, [hello() for _ in range(9)])
    newest = await room.store.history(conversation, ALICE, "before", None, 4)
    older = await room.store.history(conversation, ALICE, "before", 7, 4)
    oldest = await room.store.history(conversation, ALICE, "before", 3, 4)
    assert [[e.seq for e in p.events] for p in (newest, older, oldest)] == [[7, 8, 9, 10], [3, 4, 5, 6], [1, 2]]
    assert [page.has_more for page in (newest, older, oldest)] == [True, True, False]
    after = await room.store.history(conversation, ALICE, "after", 8, 4)
    assert ([event.seq for event in after.events], after.has_more) == ([9, 10], False)


async def test_sync_gives_all_that_was_missed_or_says_that_it_is_too_much(room: Room) -> None:
    async with room.writer() as log:
        mine, others = await begun(log, ALICE, BOB), await begun(log, BOB)
        await log.append(mine, [hello() for _ in range(4)])
    exact, foreign = await room.store.sync({mine: 3, others: 0}, ALICE, 10)
    assert ([event.seq for event in exact.events], exact.truncated, exact.last_seq) == ([4, 5], False, 5)
    assert (foreign.forbidden, foreign.last_seq, list(foreign.events)) == (True, 0, [])
    (too_much,) = await room.store.sync({mine: 0}, ALICE, 4)
    assert (too_much.truncated, list(too_much.events)) == (True, [])


async def test_a_sync_of_more_than_one_answer_can_hold_ends_with_what_is_too_much(room: Room) -> None:
    """A client for whom the answer was refused as too large would never have resumed."""
    async with room.writer() as log:
        conversations = [await begun(log, ALICE, BOB) for _ in range(3)]
        for conversation in conversations:
            await log.append(conversation, [hello(ALICE, body="\N{GRINNING FACE}" * 8_000) for _ in range(60)])
    answers = await room.store.sync(dict.fromkeys(conversations, 0), ALICE, 200)
    assert [answer.truncated for answer in answers] == [False, False, True]
    assert sum(answer.ByteSize() for answer in answers) < MOST_SYNCED_BYTES + 1024


async def test_the_inbox_is_by_newest_activity_and_pages(room: Room) -> None:
    async with room.writer() as log:
        conversations = [await begun(log, ALICE, BOB) for _ in range(3)]
        await log.append(conversations[1], [hello(BOB, "newest")])
        await log.append(conversations[0], [removal(ALICE)])
    first, position = await room.store.inbox(ALICE, 1, None)
    rest, end = await room.store.inbox(ALICE, 5, position)
    assert [entry.conversation_id for entry in [*first, *rest]] == [conversations[1], conversations[2]]
    assert first[0].last_message.message_sent.client_message_id == "newest"
    assert not rest[0].HasField("last_message")
    assert end is None


async def test_the_audience_has_the_span_of_everybody_who_was_ever_in(room: Room) -> None:
    async with room.writer() as log:
        conversation = await begun(log, ALICE, BOB)
        await log.append(conversation, [hello(), removal(BOB), joining(BOB)])
    audience = await room.store.audience(conversation)
    spans = {(reader.user_id, reader.from_seq, reader.until_seq) for reader in audience.readers}
    assert spans == {(ALICE, 1, 0), (BOB, 1, 3), (BOB, 4, 0)}
    assert audience.members_seq == 4


async def test_the_read_model_can_be_migrated_back_and_forth_with_data(postgres_url: str) -> None:
    engine = open_engine(postgres_url)
    for revision in ("head", "base", "head"):
        await migrate(engine, "realchat_message", revision)
    async with engine.connect() as connection:
        assert (await connection.execute(Entry.__table__.select())).all() == []  # type: ignore[attr-defined]
    await engine.dispose()
