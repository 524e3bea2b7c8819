"""The sweeper publishes again what was not seen, and does not insist."""

from __future__ import annotations

from typing import cast

from realchat_message.lanes import Sweeper
from service.message.room import ALICE, BOB, Room, begun, hello

from realchat_common.ids import now_ms
from realchat_common.sidecar import Sidecar

AFTER_SECONDS = 10


class Kafka:
    """Takes everything, and nobody consumes it."""

    def __init__(self) -> None:
        self.published = 0

    async def publish(self, *_: object, **__: object) -> None:
        self.published += 1


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
