"""The sweeper publishes again what was not seen, and does not insist."""

from __future__ import annotations

from typing import cast

from google.protobuf.json_format import Parse
from realchat_message.lanes import Confirmations, Sweeper
from service.message.room import ALICE, BOB, Room, begun, hello, joining

from chat.event.v1 import event_pb2 as pb
from realchat_common.ids import now_ms
from realchat_common.sidecar import Sidecar

AFTER_SECONDS = 10


class Kafka:
    """Takes everything, and nobody consumes it."""

    def __init__(self) -> None:
        self.pointers: list[pb.Pointer] = []

    @property
    def published(self) -> int:
        return len(self.pointers)

    async def publish(self, component: str, topic: str, data: bytes, **_: object) -> None:
        self.pointers.append(Parse(data, pb.Pointer()))


async def test_all_of_a_conversation_that_was_not_seen_gets_one_pointer(room: Room) -> None:
    kafka = Kafka()
    async with room.writer() as log:
        conversation = await begun(log, ALICE)
        for _ in range(3):
            await log.append(conversation, [hello()])
        await log.append(conversation, [joining(BOB)])
        await Confirmations(room.pool, log).confirm({(conversation, 1, 1), (conversation, 3, 3)})
        await room.pool.execute("UPDATE unconfirmed SET since_ms = 0")
        await Sweeper(room.pool, cast(Sidecar, kafka), AFTER_SECONDS).sweep()
    assert kafka.pointers == [pb.Pointer(conversation_id=conversation, first_seq=2, last_seq=5, members_seq=5)]


async def test_a_sweeper_whom_nobody_hears_waits_longer_after_each_round(room: Room) -> None:
    kafka = Kafka()
    sweeper = Sweeper(room.pool, cast(Sidecar, kafka), AFTER_SECONDS)
    async with room.writer() as log:
        conversation = await begun(log, ALICE, BOB)

        async def publishes_after(seconds: float) -> bool:
            since_ms = now_ms() - int(seconds * 1000)
            await room.pool.execute("UPDATE unconfirmed SET since_ms = $1", since_ms)
            before = kafka.published
            await sweeper.sweep()
            return kafka.published > before

        assert [await publishes_after(seconds) for seconds in (5, 11, 11, 11, 21, 21, 41)] == [
            *(False, True, True),
            *(False, True),
            *(False, True),
        ]
        await room.pool.execute("DELETE FROM unconfirmed")
        await log.append(conversation, [hello()])
        assert await publishes_after(61), "it never waits longer than a minute"
        await room.pool.execute("DELETE FROM unconfirmed")
        await log.append(conversation, [hello()])
        assert await publishes_after(11), "it was heard, so it is quick again"
