"""Presence over gRPC: checks shapes, translates, calls."""

from __future__ import annotations

from typing import Any

import grpc

from chat.presence.v1 import presence_pb2 as pb
from chat.presence.v1.presence_pb2_grpc import PresenceServiceServicer
from realchat_common.errors import Code, RealChatError
from realchat_common.ids import parse_id
from realchat_common.rpc import current_user
from realchat_presence.domain import Device, Hidden, Status, UserPresence
from realchat_presence.service import Presence

MOST_DEVICES = 1_000
MOST_USERS = 200
MOST_CONNECTION_ID_CHARACTERS = 128

Context = grpc.aio.ServicerContext[Any, Any]

_STATUSES = {
    Status.ONLINE: pb.STATUS_ONLINE,
    Status.AWAY: pb.STATUS_AWAY,
    Status.OFFLINE: pb.STATUS_OFFLINE,
}


def _connection_id(text: str) -> str:
    if not 1 <= len(text) <= MOST_CONNECTION_ID_CHARACTERS:
        raise RealChatError(
            Code.INVALID_ARGUMENT,
            f"connection_id is 1 to {MOST_CONNECTION_ID_CHARACTERS} characters",
            field="connection_id",
        )
    return text


def _status(number: int) -> Status:
    for status, its_number in _STATUSES.items():
        if number == its_number:
            return status
    raise RealChatError(Code.INVALID_ARGUMENT, "there is no such status", field="status")


def _presence(presence: UserPresence | Hidden) -> pb.UserPresence:
    if isinstance(presence, Hidden):
        return pb.UserPresence(user_id=presence.user_id)
    return pb.UserPresence(
        user_id=presence.user_id,
        status=_STATUSES[presence.status],
        last_seen_at_ms=presence.last_seen_at_ms,
    )


class PresenceServicer(PresenceServiceServicer):
    """Who may call what is in contracts/calls.yaml."""

    def __init__(self, presence: Presence) -> None:
        self._presence = presence

    async def Heartbeat(self, request: pb.HeartbeatRequest, context: Context) -> pb.HeartbeatResponse:
        if len(request.devices) > MOST_DEVICES:
            raise RealChatError(Code.INVALID_ARGUMENT, f"at most {MOST_DEVICES} devices", field="devices")
        changed = await self._presence.heartbeat(
            [
                Device(parse_id(device.user_id, "user_id"), _connection_id(device.connection_id), device.away)
                for device in request.devices
            ]
        )
        return pb.HeartbeatResponse(changed=map(_presence, changed))

    async def Disconnect(self, request: pb.DisconnectRequest, context: Context) -> pb.DisconnectResponse:
        changed = await self._presence.disconnect(
            parse_id(request.user_id, "user_id"), _connection_id(request.connection_id)
        )
        return pb.DisconnectResponse(changed=_presence(changed) if changed else None)

    async def GetPresence(self, request: pb.GetPresenceRequest, context: Context) -> pb.GetPresenceResponse:
        viewer_id = current_user().user_id
        if len(request.user_ids) > MOST_USERS:
            raise RealChatError(Code.INVALID_ARGUMENT, f"at most {MOST_USERS} users", field="user_ids")
        user_ids = [parse_id(user_id, "user_ids") for user_id in request.user_ids]
        return pb.GetPresenceResponse(presences=map(_presence, await self._presence.seen_by(viewer_id, user_ids)))

    async def ComparePresence(self, request: pb.ComparePresenceRequest, context: Context) -> pb.ComparePresenceResponse:
        if len(request.known) > MOST_USERS:
            raise RealChatError(Code.INVALID_ARGUMENT, f"at most {MOST_USERS} users", field="known")
        known = {parse_id(one.user_id, "known"): _status(one.status) for one in request.known}
        return pb.ComparePresenceResponse(changed=map(_presence, await self._presence.differing(known)))
