"""What auth tells other services: that a session ended, that an account is new or gone; and what it asks them."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from uuid import UUID

from chat.conversation.v1 import conversation_pb2, conversation_pb2_grpc
from chat.event.v1 import event_pb2
from chat.message.v1 import message_pb2, message_pb2_grpc
from chat.profile.v1 import profile_pb2, profile_pb2_grpc
from realchat_auth.outbox import Courier, Pace
from realchat_auth.tables import Owed
from realchat_common.errors import Code, RealChatError
from realchat_common.ids import new_id
from realchat_common.rpc import Peer
from realchat_common.sidecar import Sidecar
from realchat_common.topics import publish_account_event

ReadLog = Callable[[str, int, int], Awaitable[message_pb2.ReadLogResponse]]
"""Events of a conversation from a seq on, so many at most. Raises RealChatError when the log is away."""
ReadEvent = Callable[[str, int], Awaitable[event_pb2.Event | None]]
"""An event of a conversation as it now stands, by its seq. Raises RealChatError when the log is away."""

DEADLINE_SECONDS = 2.0
"""Short, since somebody waits for the first attempt."""

ACCOUNT_EVENT = "account-event"
PROFILE = "profile"
ERASURE = "erasure"
ERASURE_PACE = Pace(batch=5, lease_ms=60_000, most_doublings=4)
ERASURE_CALL_SECONDS = 15.0
"""For leaving 20 conversations."""


def couriers(sidecar: Sidecar, profile: Peer[profile_pb2_grpc.ProfileServiceAsyncStub]) -> Mapping[str, Courier]:
    """How each kind of debt is settled."""

    async def publish(payload: bytes) -> None:
        await publish_account_event(sidecar, event_pb2.AccountEvent.FromString(payload), DEADLINE_SECONDS)

    async def create_profile(payload: bytes) -> None:
        request = profile_pb2.CreateProfileRequest.FromString(payload)
        try:
            await profile.call(profile.stub.CreateProfile, request, deadline=DEADLINE_SECONDS)
        except RealChatError as error:
            if error.code is not Code.USER_NOT_FOUND:  # the account was deleted meanwhile
                raise

    return {ACCOUNT_EVENT: publish, PROFILE: create_profile}


def erasure(user_id: UUID, now_ms: int) -> Owed:
    """That others are to forget somebody, a person or a bot."""
    return Owed(owed_id=UUID(new_id()), kind=ERASURE, payload=user_id.bytes, due_at_ms=now_ms)


def eraser(
    profile: Peer[profile_pb2_grpc.ProfileServiceAsyncStub],
    conversation: Peer[conversation_pb2_grpc.ConversationServiceAsyncStub],
) -> Courier:
    """Erases at other services what an account that was deleted has left there.

    The profile first: whom nobody knows is not added to a conversation any more. A call, and not an event: a service
    that is away for longer than the topic keeps its events would never hear of it.
    """

    async def erase(payload: bytes) -> None:
        user_id = str(UUID(bytes=payload))
        await profile.call(profile.stub.DeleteProfile, profile_pb2.DeleteProfileRequest(user_id=user_id))
        request = conversation_pb2.RemoveUserRequest(user_id=user_id)
        done = False
        while not done:
            answer = await conversation.call(conversation.stub.RemoveUser, request, deadline=ERASURE_CALL_SECONDS)
            done = answer.done

    return erase


def log_reader(message: Peer[message_pb2_grpc.MessageServiceAsyncStub]) -> ReadLog:
    """Reads the log at message."""

    async def read(conversation_id: str, first_seq: int, limit: int) -> message_pb2.ReadLogResponse:
        request = message_pb2.ReadLogRequest(conversation_id=conversation_id, first_seq=first_seq, limit=limit)
        return await message.call(message.stub.ReadLog, request)

    return read


def event_reader(read: ReadLog) -> ReadEvent:
    """Reads an event of a conversation by its seq, as it now stands; None when the log does not have it."""

    async def read_event(conversation_id: str, seq: int) -> event_pb2.Event | None:
        answer = await read(conversation_id, seq, 1)
        return next((event for event in answer.events if event.seq == seq), None)

    return read_event
