"""Tells presence who is connected. It is ephemeral: what fails is logged and forgotten."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Sequence
from typing import NamedTuple, Protocol

from chat.presence.v1 import presence_pb2 as pb
from chat.presence.v1 import presence_pb2_grpc as rpc
from realchat_common.errors import RealChatError
from realchat_common.rpc import Peer
from realchat_common.telemetry import log

HEARTBEAT_SECONDS = 10.0
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

    async def heartbeat(self, devices: Sequence[Device]) -> None:
        """Says that up to 1,000 devices are connected."""

    async def disconnect(self, device: Device) -> None:
        """Says that a device went away."""


class RpcPresence:
    """The port over gRPC."""

    def __init__(self, peer: Peer[rpc.PresenceServiceAsyncStub]) -> None:
        self._peer = peer

    async def heartbeat(self, devices: Sequence[Device]) -> None:
        """As Presence says."""
        request = pb.HeartbeatRequest(
            devices=[pb.Device(user_id=device.user_id, connection_id=device.connection_id) for device in devices]
        )
        await self._peer.call(self._peer.stub.Heartbeat, request, deadline=DEADLINE_SECONDS)

    async def disconnect(self, device: Device) -> None:
        """As Presence says."""
        request = pb.DisconnectRequest(user_id=device.user_id, connection_id=device.connection_id)
        await self._peer.call(self._peer.stub.Disconnect, request, deadline=DEADLINE_SECONDS)


class Beacon:
    """Keeps presence told of this node's sockets: of new and gone ones at once, of all every ten seconds."""

    def __init__(self, presence: Presence) -> None:
        self._presence = presence
        self._devices: set[Device] = set()
        self._new: list[Device] = []
        self._came = asyncio.Event()
        self._gone: asyncio.Queue[Device] = asyncio.Queue(MOST_GONE)

    def came(self, device: Device) -> None:
        """A socket is ready."""
        self._devices.add(device)
        self._new.append(device)
        self._came.set()

    def went(self, device: Device) -> None:
        """A socket closed."""
        if device in self._devices:
            self._devices.remove(device)
            if not self._gone.full():
                self._gone.put_nowait(device)

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
            await self._tell(devices)

    async def _tell(self, devices: Iterable[Device]) -> None:
        connected = [device for device in devices if device in self._devices]
        try:
            for start in range(0, len(connected), MOST_DEVICES):
                await self._presence.heartbeat(connected[start : start + MOST_DEVICES])
        except RealChatError as error:
            log.info("presence not told of connections", error=str(error))

    async def _tell_of_disconnections(self) -> None:
        while True:
            device = await self._gone.get()
            try:
                await self._presence.disconnect(device)
            except RealChatError as error:
                log.info("presence not told of a disconnection", error=str(error))
