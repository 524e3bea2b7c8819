"""What clients send and get, as OpenAPI describes it."""

from __future__ import annotations

import base64
import uuid
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, WithJsonSchema
from pydantic_core import PydanticCustomError

from chat.auth.v1 import auth_pb2
from chat.conversation.v1 import conversation_pb2
from chat.event.v1 import event_pb2
from chat.message.v1 import message_pb2
from chat.presence.v1 import presence_pb2
from chat.profile.v1 import profile_pb2
from realchat_common.ids import rfc3339
from realchat_common.wire import KINDS, ROLES, event_json

ALICE = "019a8f3e-5c1b-7d2e-9a41-2f6b8c0d1e11"
BOB = "019a8f3e-6d2c-7e3f-8b52-3a7c9d1e2f22"
TALK = "019a8f3e-7e3d-7f40-9c63-4b8dae2f3a33"
MESSAGE = "019a8f3e-8f4e-7051-8d74-5c9ebf3a4b44"
SESSION = "019a8f3e-9a5f-7162-9e85-6daf0c4b5c55"
AT = "2026-01-02T03:04:05.678Z"

MOST_SEQ = 2**53 - 1
"""What every JSON reader holds exactly (RFC 7493)."""


def _canonical(text: str) -> str:
    try:
        return str(uuid.UUID(text))
    except ValueError as error:
        raise PydanticCustomError("id", "not a UUID") from error


Id = Annotated[str, AfterValidator(_canonical), WithJsonSchema({"type": "string", "format": "uuid"})]
Seq = Annotated[int, Field(ge=0, le=MOST_SEQ)]
Time = Annotated[str, Field(json_schema_extra={"format": "date-time"})]
Role = Literal["member", "admin", "owner"]


def _example(values: dict[str, Any]) -> ConfigDict:
    return ConfigDict(json_schema_extra={"examples": [values]})


class Command(BaseModel):
    """What clients send: no field that is not known, no value that must be guessed."""

    model_config = ConfigDict(extra="forbid", strict=True)


class Problem(BaseModel):
    """RFC 9457 problem details. Switch on `code`, never on text."""

    model_config = _example(
        {
            "type": "urn:realchat:error:conversation_not_found",
            "title": "No such conversation",
            "status": 404,
            "detail": "No such conversation",
            "code": "conversation_not_found",
            "temporary": False,
        }
    )

    type: str
    title: str
    status: int
    detail: str
    code: str
    temporary: bool
    """The same request may succeed later, unchanged."""
    field: str | None = None
    retry_after: float | None = None


# Accounts


class Registration(Command):
    """A new account."""

    model_config = _example(
        {
            "email": "alice@example.com",
            "password": "correct horse battery",
            "display_name": "Alice",
            "device_name": "Firefox on Linux",
        }
    )

    email: Annotated[str, Field(max_length=320)]
    password: Annotated[str, Field(max_length=1024)]
    display_name: Annotated[str, Field(max_length=256)]
    device_name: Annotated[str, Field(max_length=256)] = ""


class Login(Command):
    """Proof of who one is."""

    model_config = _example(
        {"email": "alice@example.com", "password": "correct horse battery", "device_name": "Firefox on Linux"}
    )

    email: Annotated[str, Field(max_length=320)]
    password: Annotated[str, Field(max_length=1024)]
    device_name: Annotated[str, Field(max_length=256)] = ""


class RefreshToken(Command):
    """A refresh token."""

    model_config = _example({"refresh_token": "rt_8Jq2…"})

    refresh_token: Annotated[str, Field(min_length=1, max_length=1024)]


class Tokens(BaseModel):
    """A session's tokens."""

    model_config = _example(
        {
            "user_id": ALICE,
            "session_id": SESSION,
            "access_token": "eyJhbGciOiJFZERTQSIs…",
            "token_type": "Bearer",
            "expires_in": 900,
            "refresh_token": "rt_8Jq2…",
        }
    )

    user_id: Id
    session_id: Id
    access_token: str
    token_type: Literal["Bearer"] = "Bearer"  # noqa: S105
    expires_in: Annotated[int, Field(description="Seconds.")]
    refresh_token: Annotated[str, Field(description="30 days; each use gives a new one.")]

    @classmethod
    def of(cls, pair: auth_pb2.TokenPair) -> Tokens:
        """From the auth service."""
        return cls(
            user_id=pair.user_id,
            session_id=pair.session_id,
            access_token=pair.access_token,
            expires_in=pair.expires_in,
            refresh_token=pair.refresh_token,
        )


class Session(BaseModel):
    """A device that is logged in."""

    session_id: Id
    device_name: str
    created_at: Time
    last_seen_at: Time
    current: Annotated[bool, Field(description="The session that asks.")]

    @classmethod
    def of(cls, session: auth_pb2.Session, current: str) -> Session:
        """From the auth service."""
        return cls(
            session_id=session.session_id,
            device_name=session.device_name,
            created_at=rfc3339(session.created_at_ms),
            last_seen_at=rfc3339(session.last_seen_at_ms),
            current=session.session_id == current,
        )


class Sessions(BaseModel):
    """Newest first."""

    model_config = _example(
        {
            "sessions": [
                {
                    "session_id": SESSION,
                    "device_name": "Firefox on Linux",
                    "created_at": AT,
                    "last_seen_at": AT,
                    "current": True,
                }
            ]
        }
    )

    sessions: list[Session]


class SocketTicket(BaseModel):
    """Lets one WebSocket in, once."""

    model_config = _example(
        {"ticket": "eyJhbGciOiJIUzI1NiIs…", "expires_in": 30, "url": "wss://chat.example/v1/socket"}
    )

    ticket: str
    expires_in: Annotated[int, Field(description="Seconds.")]
    url: Annotated[str, Field(description="Where to connect, with sub-protocol `realchat.v1`.")]


class Key(BaseModel):
    """A public key (RFC 8037)."""

    kid: str
    x: str
    kty: Literal["OKP"] = "OKP"
    crv: Literal["Ed25519"] = "Ed25519"
    alg: Literal["EdDSA"] = "EdDSA"
    use: Literal["sig"] = "sig"

    @classmethod
    def of(cls, kid: str, raw: bytes) -> Key:
        """From the key's 32 bytes."""
        return cls(kid=kid, x=base64.urlsafe_b64encode(raw).rstrip(b"=").decode())


class KeySet(BaseModel):
    """The keys that access tokens are signed with (RFC 7517)."""

    keys: list[Key]


# People


class ProfileChange(Command):
    """What is left out stays as it is."""

    model_config = _example({"handle": "alice", "bio": "Rabbit holes and logic."})

    handle: Annotated[str, Field(max_length=64)] | None = None
    display_name: Annotated[str, Field(max_length=256)] | None = None
    bio: Annotated[str, Field(max_length=2048)] | None = None


class Profile(BaseModel):
    """What a person shows of themselves."""

    model_config = _example(
        {
            "user_id": ALICE,
            "handle": "alice",
            "display_name": "Alice",
            "bio": "Rabbit holes and logic.",
            "updated_at": AT,
        }
    )

    user_id: Id
    handle: str
    display_name: str
    bio: str
    updated_at: Time

    @classmethod
    def of(cls, profile: profile_pb2.Profile) -> Profile:
        """From the profile service."""
        return cls(
            user_id=profile.user_id,
            handle=profile.handle,
            display_name=profile.display_name,
            bio=profile.bio,
            updated_at=rfc3339(profile.updated_at_ms),
        )


class Profiles(BaseModel):
    """A page of people, by handle."""

    users: list[Profile]
    next_cursor: Annotated[str | None, Field(description="Null on the last page.")]


_STATUSES: dict[int, Literal["online", "away", "offline"]] = {
    presence_pb2.STATUS_ONLINE: "online",
    presence_pb2.STATUS_AWAY: "away",
}


class Presence(BaseModel):
    """Whether somebody is there."""

    model_config = _example({"user_id": BOB, "status": "offline", "last_seen_at": AT})

    user_id: Id
    status: Literal["online", "away", "offline"]
    last_seen_at: Annotated[Time | None, Field(description="Null while online, or when never seen.")]

    @classmethod
    def of(cls, presence: presence_pb2.UserPresence) -> Presence:
        """From the presence service."""
        return cls(
            user_id=presence.user_id,
            status=_STATUSES.get(presence.status, "offline"),
            last_seen_at=rfc3339(presence.last_seen_at_ms) if presence.last_seen_at_ms else None,
        )


class Presences(BaseModel):
    """The presence of several people."""

    presences: list[Presence]


# Conversations


class NewDirect(Command):
    """Somebody to talk to."""

    model_config = _example({"user_id": BOB})

    user_id: Id


class NewGroup(Command):
    """A group, owned by whoever makes it."""

    model_config = _example({"title": "Tea party", "member_ids": [BOB]})

    title: Annotated[str, Field(max_length=1024)]
    member_ids: Annotated[list[Id], Field(max_length=999, description="Without oneself.")]


class NewTitle(Command):
    """A group's title."""

    model_config = _example({"title": "Mad tea party"})

    title: Annotated[str, Field(max_length=1024)]


class NewMembers(Command):
    """People to add to a group."""

    model_config = _example({"user_ids": [BOB]})

    user_ids: Annotated[list[Id], Field(min_length=1, max_length=999)]


class NewRole(Command):
    """What a member may do."""

    model_config = _example({"role": "admin"})

    role: Role


class Member(BaseModel):
    """Somebody in a conversation."""

    model_config = _example({"user_id": BOB, "role": "member"})

    user_id: Id
    role: Role

    @classmethod
    def of(cls, member: event_pb2.Member) -> Member:
        """From the conversation service."""
        return cls.model_validate({"user_id": member.user_id, "role": ROLES[member.role]})


class Members(BaseModel):
    """A page of members, in order of joining."""

    members: list[Member]
    next_cursor: Annotated[str | None, Field(description="Null on the last page.")]


_CONVERSATION = {
    "conversation_id": TALK,
    "kind": "group",
    "title": "Tea party",
    "created_at": AT,
    "member_count": 2,
    "role": "owner",
    "members": [{"user_id": ALICE, "role": "owner"}, {"user_id": BOB, "role": "member"}],
}


class Conversation(BaseModel):
    """A direct conversation or a group, as the caller sees it."""

    model_config = _example({**_CONVERSATION})

    conversation_id: Id
    kind: Literal["direct", "group"]
    title: Annotated[str, Field(description="Empty for a direct conversation.")]
    created_at: Time
    member_count: int
    role: Annotated[Role, Field(description="The caller's own.")]
    members: Annotated[list[Member], Field(description="The first 10.")]

    @classmethod
    def of(cls, conversation: conversation_pb2.Conversation) -> Conversation:
        """From the conversation service."""
        return cls.model_validate(_conversation(conversation))


def _conversation(conversation: conversation_pb2.Conversation) -> dict[str, Any]:
    return {
        "conversation_id": conversation.conversation_id,
        "kind": KINDS[conversation.kind],
        "title": conversation.title,
        "created_at": rfc3339(conversation.created_at_ms),
        "member_count": conversation.member_count,
        "role": ROLES[conversation.role],
        "members": [Member.of(member) for member in conversation.members],
    }


# Messages


class NewMessage(Command):
    """A message."""

    model_config = _example({"client_message_id": "7c0f1a9e", "body": "Why is a raven like a writing-desk?"})

    client_message_id: Annotated[
        str | None,
        Field(
            min_length=1,
            max_length=64,
            description="The sender's own id: the same one in the same conversation is the same message. "
            "Without it the `Idempotency-Key` is taken, without that each request is a message.",
        ),
    ] = None
    body: Annotated[str, Field(description="1 to 8,000 characters after normalisation.")]
    reply_to: Id | None = None


class SentMessage(BaseModel):
    """Where a message is in its conversation."""

    model_config = _example(
        {
            "conversation_id": TALK,
            "message_id": MESSAGE,
            "client_message_id": "7c0f1a9e",
            "seq": 7,
            "at": AT,
            "duplicate": False,
        }
    )

    conversation_id: Id
    message_id: Id
    client_message_id: str
    seq: Seq
    at: Time
    duplicate: Annotated[bool, Field(description="An earlier request had sent it already.")]


_EVENT = {
    "conversation_id": TALK,
    "seq": 7,
    "event_id": MESSAGE,
    "kind": "message.sent",
    "actor_id": ALICE,
    "at": AT,
    "data": {
        "message_id": MESSAGE,
        "client_message_id": "7c0f1a9e",
        "body": "Why is a raven like a writing-desk?",
        "reply_to": None,
        "deleted": False,
    },
}


class Event(BaseModel):
    """A change of a conversation. Its `seq` is 1, 2, 3 … without gaps."""

    model_config = _example({**_EVENT})

    conversation_id: Id
    seq: Seq
    event_id: Id
    kind: Annotated[str, Field(description="Ignore kinds that you do not know.")]
    actor_id: Id
    at: Time
    data: Annotated[dict[str, Any], Field(description="Depends on the kind.")]

    @classmethod
    def of(cls, event: event_pb2.Event) -> Event:
        """From the log."""
        return cls.model_construct(**event_json(event))


class History(BaseModel):
    """A part of a conversation's log, in ascending `seq`."""

    model_config = _example({"events": [_EVENT], "last_seq": 7, "has_more": True})

    events: list[Event]
    last_seq: Annotated[Seq, Field(description="The newest there is.")]
    has_more: Annotated[bool, Field(description="There is more in the direction asked for.")]

    @classmethod
    def of(cls, history: message_pb2.GetHistoryResponse) -> History:
        """From the message service."""
        return cls(
            events=[Event.of(event) for event in history.events],
            last_seq=history.last_seq,
            has_more=history.has_more,
        )


class Position(Command):
    """How far a client has read a conversation's log."""

    conversation_id: Id
    after_seq: Annotated[Seq, Field(description="The last `seq` that the client holds; 0 for none.")]


class SyncRequest(Command):
    """Where a client stands."""

    model_config = _example({"positions": [{"conversation_id": TALK, "after_seq": 6}], "limit": 200})

    positions: Annotated[list[Position], Field(max_length=200)]
    limit: Annotated[int, Field(ge=1, le=500, description="Events per conversation.")] = 200


class Synced(BaseModel):
    """What a client missed in a conversation."""

    conversation_id: Id
    events: list[Event]
    last_seq: Seq
    truncated: Annotated[bool, Field(description="More was missed: page through the history instead.")]
    forbidden: Annotated[bool, Field(description="The caller is not a member.")]

    @classmethod
    def of(cls, synced: message_pb2.SyncedConversation) -> Synced:
        """From the message service."""
        return cls(
            conversation_id=synced.conversation_id,
            events=[Event.of(event) for event in synced.events],
            last_seq=synced.last_seq,
            truncated=synced.truncated,
            forbidden=synced.forbidden,
        )


class Sync(BaseModel):
    """What a client missed."""

    model_config = _example(
        {
            "epoch": "1",
            "conversations": [
                {"conversation_id": TALK, "events": [_EVENT], "last_seq": 7, "truncated": False, "forbidden": False}
            ],
        }
    )

    epoch: Annotated[str, Field(description="When it changes, drop what you hold: the log was restored.")]
    conversations: list[Synced]


class InboxConversation(Conversation):
    """A conversation with its newest activity."""

    model_config = _example({**_CONVERSATION, "last_seq": 7, "last_activity_at": AT, "last_message": _EVENT})

    last_seq: Seq
    last_activity_at: Time
    last_message: Event | None

    @classmethod
    def merged(cls, entry: message_pb2.InboxEntry, conversation: conversation_pb2.Conversation) -> InboxConversation:
        """From the message service and the conversation service."""
        return cls(
            **_conversation(conversation),
            last_seq=entry.last_seq,
            last_activity_at=rfc3339(entry.last_activity_at_ms),
            last_message=Event.of(entry.last_message) if entry.HasField("last_message") else None,
        )


class Inbox(BaseModel):
    """A page of the caller's conversations, newest activity first."""

    conversations: list[InboxConversation]
    next_cursor: Annotated[str | None, Field(description="Null on the last page.")]
    epoch: Annotated[str, Field(description="When it changes, drop what you hold: the log was restored.")]


class Failure(BaseModel):
    """A part that could not be had now."""

    model_config = _example({"error": "unavailable"})

    error: Annotated[str, Field(description="The code of a problem.")]


class Bootstrap(BaseModel):
    """What a client shows first. Each part may have failed by itself."""

    me: Profile | Failure
    conversations: Annotated[list[InboxConversation] | Failure, Field(description="Newest activity first.")]
    next_cursor: Annotated[str | None, Field(description="For more conversations.")] = None
    epoch: Annotated[str | None, Field(description="When it changes, drop what you hold: the log was restored.")] = None
    people: Annotated[list[Profile] | Failure, Field(description="The members named in the conversations.")]
    presence: Annotated[list[Presence] | Failure, Field(description="Of the same people.")]
