"""Presence: who is connected is told to the presence service, and what changes by it to all nodes.

It is ephemeral: what fails is logged and forgotten, and made good by the next heartbeat.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from typing import Literal, NamedTuple, Protocol

from chat.presence.v1 import presence_pb2 as pb
from chat.presence.v1 import presence_pb2_grpc as rpc
from realchat_common.errors import RealChatError
from realchat_common.identity import User
from realchat_common.ids import rfc3339
from realchat_common.rpc import Peer
from realchat_common.telemetry import log
from realchat_delivery.frames import Seen, ServerPresence
from realchat_delivery.packets import Packet

HEARTBEAT_SECONDS = 7.0
MOST_DEVICES = 1_000
"""Per call, as the contract says."""
DEADLINE_SECONDS = 2.0
PARALLEL = 8
"""Calls at the same time, when many sockets close at once."""
MOST_GONE = 10_000
"""Disconnections that wait to be told; beyond it presence learns of them by the missing heartbeats."""


class Device(NamedTuple):
    """A connection of a user."""

    user_id: str
    connection_id: str


class Presence(Protocol):
    """The port. Its methods raise RealChatError."""

    async def heartbeat(self, devices: Mapping[Device, bool]) -> Sequence[Seen]:
        """Says that up to 1,000 devices are connected, and which are away. Returns who is seen otherwise by it."""

    async def disconnect(self, device: Device) -> Sequence[Seen]:
        """Says that a device went away. Returns who is seen otherwise by it."""

    async def seen_by(self, user: User, user_ids: Sequence[str]) -> Sequence[Seen]:
        """Up to 200 users as one user may see them."""

    async def differing(self, known: Sequence[Seen]) -> Sequence[Seen]:
        """Of up to 200 users those who are not seen as known."""


_STATUSES: dict[int, Literal["online", "away", "offline", "hidden"]] = {
    pb.STATUS_ONLINE: "online",
    pb.STATUS_AWAY: "away",
    pb.STATUS_OFFLINE: "offline",
    pb.STATUS_UNSPECIFIED: "hidden",
}
_NUMBERS = {"online": pb.STATUS_ONLINE, "away": pb.STATUS_AWAY, "offline": pb.STATUS_OFFLINE}


def _seen(presences: Iterable[pb.UserPresence]) -> list[Seen]:
    return [
        Seen(one.user_id, _STATUSES[one.status], rfc3339(one.last_seen_at_ms) if one.last_seen_at_ms else None)
        for one in presences
    ]


class RpcPresence:
    """The port over gRPC."""

    def __init__(self, peer: Peer[rpc.PresenceServiceAsyncStub]) -> None:
        self._peer = peer

    async def heartbeat(self, devices: Mapping[Device, bool]) -> Sequence[Seen]:
        """As Presence says."""
        request = pb.HeartbeatRequest(
            devices=[
                pb.Device(user_id=device.user_id, connection_id=device.connection_id, away=away)
                for device, away in devices.items()
            ]
        )
        return _seen((await self._peer.call(self._peer.stub.Heartbeat, request, deadline=DEADLINE_SECONDS)).changed)

    async def disconnect(self, device: Device) -> Sequence[Seen]:
        """As Presence says."""
        request = pb.DisconnectRequest(user_id=device.user_id, connection_id=device.connection_id)
        answer = await self._peer.call(self._peer.stub.Disconnect, request, deadline=DEADLINE_SECONDS)
        return _seen([answer.changed] if answer.HasField("changed") else [])

    async def seen_by(self, user: User, user_ids: Sequence[str]) -> Sequence[Seen]:
        """As Presence says."""
        answer = await self._peer.call(self._peer.stub.GetPresence, pb.GetPresenceRequest(user_ids=user_ids), user)
        return _seen(answer.presences)

    async def differing(self, known: Sequence[Seen]) -> Sequence[Seen]:
        """As Presence says."""
        request = pb.ComparePresenceRequest(
            known=[pb.UserPresence(user_id=seen.user_id, status=_NUMBERS[seen.status]) for seen in known]
        )
        answer = await self._peer.call(self._peer.stub.ComparePresence, request, deadline=DEADLINE_SECONDS)
        return _seen(answer.changed)


class Beacon:
    """Keeps presence told of this node's sockets: of new, changed and gone ones at once, of all every seven seconds.

    Args:
        presence: the service.
        broadcast: sends a packet to all nodes. Raises RealChatError.
    """

    def __init__(self, presence: Presence, broadcast: Callable[[bytes], Awaitable[None]]) -> None:
        self._presence = presence
        self._broadcast = broadcast
        self._devices: dict[Device, bool] = {}
        self._fading: set[Device] = set()
        self._new: list[Device] = []
        self._came = asyncio.Event()
        self._gone: asyncio.Queue[Device] = asyncio.Queue(MOST_GONE)

    def came(self, device: Device, *, away: bool = False) -> None:
        """A device is there, in use or not."""
        self._devices[device] = away
        self._fading.discard(device)
        self._new.append(device)
        self._came.set()

    def went(self, device: Device) -> None:
        """A device is gone, or wants to look so."""
        if self._devices.pop(device, None) is not None and not self._gone.full():
            self._gone.put_nowait(device)

    def fades(self, device: Device) -> None:
        """A device is gone that will be back soon: it is told of once more, and then forgotten unless it came."""
        if device in self._devices:
            self._fading.add(device)

    async def run(self) -> None:
        """Tells; ends only by cancellation."""
        async with asyncio.TaskGroup() as workers:
            workers.create_task(self._tell_of_connections())
            for _ in range(PARALLEL):
                workers.create_task(self._tell_of_disconnections())

    async def _tell_of_connections(self) -> None:
        loop = asyncio.get_running_loop()
        due = loop.time() + HEARTBEAT_SECONDS
        while True:
            try:
                async with asyncio.timeout_at(due):
                    await self._came.wait()
                devices, self._new = self._new, []
                self._came.clear()
            except TimeoutError:
                due = loop.time() + HEARTBEAT_SECONDS
                devices = list(self._devices)
            await self._beat([device for device in devices if device in self._devices])
            for device in self._fading.intersection(devices):
                self._fading.remove(device)
                self._devices.pop(device, None)

    async def _beat(self, devices: Sequence[Device]) -> None:
        try:
            for start in range(0, len(devices), MOST_DEVICES):
                connected = devices[start : start + MOST_DEVICES]
                beat = {device: self._devices[device] for device in connected if device in self._devices}
                await self._tell(await self._presence.heartbeat(beat))
        except RealChatError as error:
            log.info("presence not told of connections", error=str(error))

    async def _tell(self, changed: Sequence[Seen]) -> None:
        if changed:
            await self._broadcast(Packet(notice=ServerPresence(presences=list(changed))).encoded())

    async def _tell_of_disconnections(self) -> None:
        while True:
            device = await self._gone.get()
            try:
                await self._tell(await self._presence.disconnect(device))
            except RealChatError as error:
                log.info("presence not told of a disconnection", error=str(error))
