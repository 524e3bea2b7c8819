"""Who is there, over a real Redis."""

from __future__ import annotations

import asyncio
import subprocess
from asyncio.subprocess import Process
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, suppress
from pathlib import Path
from time import perf_counter

import pytest
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from realchat_presence.domain import Device, Hidden, Status, UserPresence
from redis.asyncio import Redis
from redis.exceptions import RedisError
from service.presence.house import House, Peers, house_on

from chat.presence.v1 import presence_pb2 as pb
from realchat_common import telemetry
from realchat_common.errors import Code, RealChatError
from realchat_common.identity import User
from realchat_common.ids import new_id

ALICE, BOB = new_id(), new_id()


async def test_somebody_never_seen_is_offline(house: House) -> None:
    alice = await house.of(ALICE)
    assert (alice.status, alice.last_seen_at_ms) == (Status.OFFLINE, 0)


async def test_many_devices_make_one_state(house: House) -> None:
    await house.beats(ALICE, "phone", away=True)
    assert (await house.of(ALICE)).status is Status.AWAY
    await house.beats(ALICE, "laptop")
    assert (await house.of(ALICE)).status is Status.ONLINE
    await house.beats(ALICE, "laptop", away=True)
    assert (await house.of(ALICE)).status is Status.AWAY
    await house.beats(ALICE, "phone")
    assert (await house.of(ALICE)).status is Status.ONLINE


async def test_a_device_counts_for_22_seconds(house: House) -> None:
    await house.beats(ALICE, "laptop")
    await house.beats(BOB, "phone", away=True)
    house.passes(22)
    assert (await house.of(ALICE)).status is Status.ONLINE
    assert (await house.of(BOB)).status is Status.AWAY
    house.passes(0.001)
    assert (await house.of(ALICE)).status is Status.OFFLINE
    assert (await house.of(BOB)).status is Status.OFFLINE


async def test_a_crashed_device_is_forgotten_while_another_lives(house: House, redis_url: str) -> None:
    await house.beats(ALICE, "crashed")
    await house.beats(ALICE, "crashed-away", away=True)
    for _ in range(4):
        house.passes(10)
        await house.beats(ALICE, "laptop", away=True)
    assert (await house.of(ALICE)).status is Status.AWAY
    async with Redis.from_url(redis_url) as redis:
        assert await redis.zrange(f"presence:devices:{ALICE}", 0, -1) == [b"laptop"]


async def test_redis_forgets_a_user_whose_heartbeats_end(house: House, redis_url: str) -> None:
    await house.beats(ALICE, "laptop")
    async with Redis.from_url(redis_url) as redis:
        assert 21_000 < await redis.pttl(f"presence:devices:{ALICE}") <= 22_000


async def test_whoever_changes_a_users_state_is_told_so(house: House) -> None:
    def state(status: Status, last_seen_at_ms: int = 0) -> UserPresence:
        return UserPresence(ALICE, status, last_seen_at_ms)

    assert await house.beats(ALICE, "phone", away=True) == [state(Status.AWAY, house.now_ms)]
    assert await house.beats(ALICE, "phone", away=True) == []
    assert await house.beats(ALICE, "laptop") == [state(Status.ONLINE)]
    assert await house.presence.disconnect(ALICE, "phone") is None
    assert await house.presence.disconnect(ALICE, "laptop") == state(Status.OFFLINE, house.now_ms)
    assert await house.presence.disconnect(ALICE, "laptop") is None


async def test_who_expired_comes_back_as_new(house: House) -> None:
    await house.beats(ALICE, "phone")
    house.passes(23)
    assert [presence.status for presence in await house.beats(ALICE, "phone")] == [Status.ONLINE]


async def test_of_two_last_devices_that_leave_at_once_somebody_is_told(house: House) -> None:
    for _ in range(20):
        await house.beats(ALICE, "phone", "laptop")
        told = await asyncio.gather(
            house.presence.disconnect(ALICE, "phone"), house.presence.disconnect(ALICE, "laptop")
        )
        assert Status.OFFLINE in {presence.status for presence in told if presence}


async def test_strangers_are_hidden_and_oneself_never(house: House) -> None:
    carol = new_id()
    house.acquaintances.strangers = {ALICE, carol}
    for user in (ALICE, BOB, carol):
        await house.beats(user, "phone")
    alice, bob, hidden = await house.presence.seen_by(ALICE, [ALICE, BOB, carol, BOB])
    assert isinstance(alice, UserPresence)
    assert isinstance(bob, UserPresence)
    assert hidden == Hidden(carol)


async def test_last_seen_is_shown_to_whom_the_user_wants(house: House) -> None:
    house.acquaintances.discreet = {BOB}
    for user in (ALICE, BOB):
        await house.beats(user, "phone", away=True)
    times = {
        one.user_id: one.last_seen_at_ms
        for one in await house.presence.seen_by(new_id(), [ALICE, BOB])
        if isinstance(one, UserPresence)
    }
    assert times == {ALICE: house.now_ms, BOB: 0}


async def test_only_who_is_not_as_known_is_told(house: House) -> None:
    await house.beats(ALICE, "phone")
    assert await house.presence.differing({ALICE: Status.ONLINE, BOB: Status.OFFLINE}) == []
    house.passes(23)
    (alice,) = await house.presence.differing({ALICE: Status.ONLINE, BOB: Status.OFFLINE})
    assert (alice.user_id, alice.status) == (ALICE, Status.OFFLINE)


async def test_last_seen_is_when_the_last_device_went(house: House) -> None:
    await house.beats(ALICE, "phone", "laptop")
    house.passes(5)
    await house.presence.disconnect(ALICE, "phone")
    assert (await house.of(ALICE)).status is Status.ONLINE
    house.passes(5)
    await house.presence.disconnect(ALICE, "laptop")
    alice = await house.of(ALICE)
    assert (alice.status, alice.last_seen_at_ms) == (Status.OFFLINE, house.now_ms)


async def test_last_seen_is_not_shown_while_online(house: House) -> None:
    await house.beats(ALICE, "phone")
    assert ALICE in house.last_seen.times
    assert (await house.of(ALICE)).last_seen_at_ms == 0


async def test_a_stale_device_does_not_keep_a_user_from_being_gone(house: House) -> None:
    await house.beats(ALICE, "crashed")
    house.passes(21)
    await house.beats(ALICE, "laptop")
    house.passes(2)
    await house.presence.disconnect(ALICE, "laptop")
    assert house.last_seen.times[ALICE] == house.now_ms


async def test_of_two_last_devices_that_leave_at_once_one_notes_last_seen(house: House) -> None:
    for _ in range(20):
        house.last_seen.times.clear()
        await house.beats(ALICE, "phone", "laptop")
        house.last_seen.times.clear()
        await asyncio.gather(house.presence.disconnect(ALICE, "phone"), house.presence.disconnect(ALICE, "laptop"))
        assert ALICE in house.last_seen.times


async def test_heartbeats_note_last_seen_once_a_minute(house: House) -> None:
    await house.presence.heartbeat([Device(ALICE, "phone"), Device(BOB, "laptop")])
    await house.presence.heartbeat([Device(ALICE, "phone"), Device(BOB, "laptop")])
    assert house.last_seen.saves == 1
    assert set(house.last_seen.times) == {ALICE, BOB}


async def test_a_crash_of_delivery_leaves_the_last_seen_of_the_heartbeats(house: House) -> None:
    await house.beats(ALICE, "phone")
    connected_at = house.now_ms
    house.passes(40)
    alice = await house.of(ALICE)
    assert (alice.status, alice.last_seen_at_ms) == (Status.OFFLINE, connected_at)


async def test_heartbeats_count_while_last_seen_is_away(house: House) -> None:
    house.last_seen.away = True
    await house.beats(ALICE, "phone")
    assert (await house.of(ALICE)).status is Status.ONLINE


async def test_a_disconnect_that_could_not_note_last_seen_is_repeated(house: House) -> None:
    await house.beats(ALICE, "phone")
    house.last_seen.away = True
    with pytest.raises(RealChatError, match="unavailable"):
        await house.presence.disconnect(ALICE, "phone")
    house.last_seen.away = False
    house.passes(1)
    await house.presence.disconnect(ALICE, "phone")
    assert (await house.of(ALICE)).last_seen_at_ms == house.now_ms


async def test_two_replicas_share_what_they_know(redis_url: str) -> None:
    async with AsyncExitStack() as stack:
        one, other = [await stack.enter_async_context(house_on(redis_url)) for _ in range(2)]
        await one.beats(ALICE, "phone")
        assert (await other.of(ALICE)).status is Status.ONLINE
        await other.presence.disconnect(ALICE, "phone")
        assert (await one.of(ALICE)).status is Status.OFFLINE


class OwnRedis:
    """A Redis that a test stops and starts."""

    def __init__(self, folder: Path, port: int) -> None:
        self._command = ("redis-server", "--port", str(port), "--bind", "127.0.0.1", "--save", "", "--dir", str(folder))
        self._process: Process | None = None
        self.url = f"redis://127.0.0.1:{port}"

    async def start(self) -> None:
        self._process = await asyncio.create_subprocess_exec(*self._command, stdout=subprocess.DEVNULL)
        async with Redis.from_url(self.url) as redis, asyncio.timeout(10):
            while True:
                with suppress(RedisError):
                    await redis.ping()
                    return
                await asyncio.sleep(0.02)

    async def stop(self) -> None:
        if self._process:
            self._process.kill()
            await self._process.wait()
            self._process = None


@pytest.fixture
async def own_redis(tmp_path: Path, unused_tcp_port: int) -> AsyncIterator[OwnRedis]:
    redis = OwnRedis(tmp_path, unused_tcp_port)
    await redis.start()
    yield redis
    await redis.stop()


async def test_the_next_heartbeat_brings_back_what_a_restart_of_redis_lost(own_redis: OwnRedis) -> None:
    async with house_on(own_redis.url) as house:
        await asyncio.gather(*(house.beats(ALICE, "phone") for _ in range(10)))
        await own_redis.stop()
        await own_redis.start()
        assert (await house.of(ALICE)).status is Status.OFFLINE
        await house.beats(ALICE, "phone")
        assert (await house.of(ALICE)).status is Status.ONLINE


async def test_without_redis_every_call_is_unavailable_soon(own_redis: OwnRedis) -> None:
    async with house_on(own_redis.url) as house:
        await house.beats(ALICE, "phone")
        await own_redis.stop()
        for call in (
            house.beats(ALICE, "phone"),
            house.presence.disconnect(ALICE, "phone"),
            house.of(ALICE),
        ):
            started = perf_counter()
            with pytest.raises(RealChatError) as caught:
                await call
            assert caught.value.code is Code.UNAVAILABLE
            assert perf_counter() - started < 1.5


USER = User(new_id(), new_id())


async def test_a_thousand_devices_and_two_hundred_users_in_one_call(peers: Peers) -> None:
    delivery, gateway = peers["delivery"], peers["gateway"]
    users = [new_id() for _ in range(500)]
    devices = [
        pb.Device(user_id=user, connection_id=f"device-{number}", away=number == 1)
        for number in (0, 1)
        for user in users
    ]
    await delivery.call(delivery.stub.Heartbeat, pb.HeartbeatRequest(devices=devices))
    answer = await gateway.call(gateway.stub.GetPresence, pb.GetPresenceRequest(user_ids=users[:200]), USER)
    assert [presence.user_id for presence in answer.presences] == users[:200]
    assert {presence.status for presence in answer.presences} == {pb.STATUS_ONLINE}


async def test_statuses_and_last_seen_over_the_wire(peers: Peers, house: House) -> None:
    delivery, gateway = peers["delivery"], peers["gateway"]
    never = new_id()
    await delivery.call(
        delivery.stub.Heartbeat,
        pb.HeartbeatRequest(
            devices=[
                pb.Device(user_id=ALICE, connection_id="phone", away=True),
                pb.Device(user_id=BOB, connection_id="laptop"),
            ]
        ),
    )
    await delivery.call(delivery.stub.Disconnect, pb.DisconnectRequest(user_id=BOB, connection_id="laptop"))
    answer = await gateway.call(
        gateway.stub.GetPresence, pb.GetPresenceRequest(user_ids=[ALICE, BOB, never, ALICE.upper()]), USER
    )
    assert [(one.user_id, one.status, one.last_seen_at_ms) for one in answer.presences] == [
        (ALICE, pb.STATUS_AWAY, house.now_ms),
        (BOB, pb.STATUS_OFFLINE, house.now_ms),
        (never, pb.STATUS_OFFLINE, 0),
    ]


@pytest.mark.parametrize(
    "devices",
    [
        [pb.Device(user_id="nobody", connection_id="phone")],
        [pb.Device(user_id=ALICE)],
        [pb.Device(user_id=ALICE, connection_id="x" * 129)],
        [pb.Device(user_id=ALICE, connection_id=str(number)) for number in range(1_001)],
    ],
    ids=["not an id", "no connection", "long connection", "too many"],
)
async def test_malformed_heartbeats_are_refused(peers: Peers, devices: list[pb.Device]) -> None:
    delivery = peers["delivery"]
    with pytest.raises(RealChatError) as caught:
        await delivery.call(delivery.stub.Heartbeat, pb.HeartbeatRequest(devices=devices))
    assert caught.value.code is Code.INVALID_ARGUMENT


async def test_malformed_questions_are_refused(peers: Peers) -> None:
    gateway = peers["gateway"]
    for user_ids in (["nobody"], [new_id() for _ in range(201)]):
        with pytest.raises(RealChatError) as caught:
            await gateway.call(gateway.stub.GetPresence, pb.GetPresenceRequest(user_ids=user_ids), USER)
        assert caught.value.code is Code.INVALID_ARGUMENT


async def test_the_hidden_and_the_changed_over_the_wire(peers: Peers, house: House) -> None:
    delivery = peers["delivery"]
    house.acquaintances.strangers = {BOB}
    device = pb.Device(user_id=ALICE, connection_id="phone")
    beat = await delivery.call(delivery.stub.Heartbeat, pb.HeartbeatRequest(devices=[device]))
    assert [(one.user_id, one.status) for one in beat.changed] == [(ALICE, pb.STATUS_ONLINE)]
    answer = await delivery.call(delivery.stub.GetPresence, pb.GetPresenceRequest(user_ids=[ALICE, BOB]), USER)
    assert [one.status for one in answer.presences] == [pb.STATUS_ONLINE, pb.STATUS_UNSPECIFIED]
    known = [pb.UserPresence(user_id=user, status=pb.STATUS_OFFLINE) for user in (ALICE, BOB)]
    compared = await delivery.call(delivery.stub.ComparePresence, pb.ComparePresenceRequest(known=known))
    assert [(one.user_id, one.status) for one in compared.changed] == [(ALICE, pb.STATUS_ONLINE)]
    gone = await delivery.call(delivery.stub.Disconnect, pb.DisconnectRequest(user_id=ALICE, connection_id="phone"))
    assert gone.changed.status == pb.STATUS_OFFLINE
    gone = await delivery.call(delivery.stub.Disconnect, pb.DisconnectRequest(user_id=ALICE, connection_id="phone"))
    assert not gone.HasField("changed")
    for wrong in ([pb.UserPresence(user_id=ALICE)], [pb.UserPresence(user_id="x", status=pb.STATUS_AWAY)]):
        with pytest.raises(RealChatError, match="invalid_argument"):
            await delivery.call(delivery.stub.ComparePresence, pb.ComparePresenceRequest(known=wrong))


async def test_presence_is_for_the_authenticated(peers: Peers) -> None:
    gateway, message = peers["gateway"], peers["message"]
    with pytest.raises(RealChatError, match="unauthenticated"):
        await gateway.call(gateway.stub.GetPresence, pb.GetPresenceRequest(user_ids=[ALICE]))
    with pytest.raises(RealChatError, match="caller_not_allowed"):
        await message.call(message.stub.GetPresence, pb.GetPresenceRequest(user_ids=[ALICE]))


async def test_a_round_trip_to_redis_is_a_span_of_the_trace_it_is_made_for(
    house: House, spans: InMemorySpanExporter
) -> None:
    await house.of(ALICE)
    assert not spans.get_finished_spans()
    with telemetry.traced("request"):
        await house.of(ALICE)
    asked, request = spans.get_finished_spans()
    assert (asked.name, asked.parent) == ("redis PIPELINE", request.context)
