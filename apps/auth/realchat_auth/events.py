"""What auth tells other services: that a session ended, and that a new account needs a profile."""

from __future__ import annotations

from collections.abc import Mapping

from chat.event.v1 import event_pb2
from chat.profile.v1 import profile_pb2, profile_pb2_grpc
from realchat_auth.outbox import Courier
from realchat_common.rpc import Peer
from realchat_common.sidecar import Sidecar

PUBSUB = "events-direct"
TOPIC = "account-events"
EVENT_TYPE = "chat.account"
DEADLINE_SECONDS = 2.0
"""Short, since somebody waits for the first attempt."""

ACCOUNT_EVENT = "account-event"
PROFILE = "profile"


def couriers(sidecar: Sidecar, profile: Peer[profile_pb2_grpc.ProfileServiceAsyncStub]) -> Mapping[str, Courier]:
    """How each kind of debt is settled."""

    async def publish(payload: bytes) -> None:
        user_id = event_pb2.AccountEvent.FromString(payload).user_id
        await sidecar.publish(
            PUBSUB,
            TOPIC,
            payload,
            content_type="application/octet-stream",  # any other one that is not JSON would make a text of the bytes
            metadata={"partitionKey": user_id, "cloudevent.type": EVENT_TYPE},
            deadline=DEADLINE_SECONDS,
        )

    async def create_profile(payload: bytes) -> None:
        request = profile_pb2.CreateProfileRequest.FromString(payload)
        await profile.call(profile.stub.CreateProfile, request, deadline=DEADLINE_SECONDS)

    return {ACCOUNT_EVENT: publish, PROFILE: create_profile}
