"""People: profiles and presence."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import AwareDatetime, BaseModel, Field

from chat.presence.v1 import presence_pb2
from chat.profile.v1 import profile_pb2
from realchat_common.ids import rfc3339
from realchat_gateway.schemas.base import ALICE, AT, BOB, Command, Id, Time, example


class ProfileChange(Command):
    """What is left out stays as it is."""

    model_config = example({"handle": "alice", "status_text": "At tea", "status_until": "2026-01-02T18:00:00Z"})

    handle: Annotated[str, Field(max_length=64)] | None = None
    display_name: Annotated[str, Field(max_length=256)] | None = None
    bio: Annotated[str, Field(max_length=2048)] | None = None
    avatar_id: Annotated[
        Id | Literal[""] | None, Field(description="The id of an attachment; empty takes the avatar away.")
    ] = None
    status_text: Annotated[str, Field(max_length=1024, description="Empty takes the status away.")] | None = None
    status_until: Annotated[
        AwareDatetime | None, Field(strict=False, description="When `status_text` expires. Without it, it does not.")
    ] = None


class Profile(BaseModel):
    """What a person shows of themselves."""

    model_config = example(
        {
            "user_id": ALICE,
            "handle": "alice",
            "display_name": "Alice",
            "bio": "Rabbit holes and logic.",
            "avatar_id": None,
            "status_text": "At tea",
            "status_until": AT,
            "updated_at": AT,
            "bot": False,
        }
    )

    user_id: Id
    handle: str
    display_name: str
    bio: str
    avatar_id: Annotated[Id | None, Field(description="The id of an attachment.")]
    status_text: Annotated[str, Field(description="Empty for none.")]
    status_until: Annotated[Time | None, Field(description="When the status expires.")]
    updated_at: Time
    bot: Annotated[bool, Field(description="Not a person, but somebody's program.")]

    @classmethod
    def of(cls, profile: profile_pb2.Profile) -> Profile:
        """From the profile service."""
        return cls(
            user_id=profile.user_id,
            handle=profile.handle,
            display_name=profile.display_name,
            bio=profile.bio,
            avatar_id=profile.avatar_id or None,
            status_text=profile.status_text,
            status_until=rfc3339(profile.status_until_ms) if profile.status_until_ms else None,
            updated_at=rfc3339(profile.updated_at_ms),
            bot=profile.bot,
        )


class KnownProfiles(BaseModel):
    """Several people; who does not exist is left out."""

    users: list[Profile]


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

    model_config = example({"user_id": BOB, "status": "offline", "last_seen_at": AT})

    user_id: Id
    status: Literal["online", "away", "offline"]
    last_seen_at: Annotated[Time | None, Field(description="Null while online, or when never seen.")]

    @classmethod
    def of(cls, presence: presence_pb2.UserPresence, visibility: profile_pb2.Visibility) -> Presence:
        """From the presence service, and what the person lets the viewer see."""
        if not visibility.present:
            return cls(user_id=presence.user_id, status="offline", last_seen_at=None)
        return cls(
            user_id=presence.user_id,
            status=_STATUSES.get(presence.status, "offline"),
            last_seen_at=rfc3339(presence.last_seen_at_ms)
            if presence.last_seen_at_ms and visibility.last_seen
            else None,
        )


class Presences(BaseModel):
    """The presence of several people."""

    presences: list[Presence]
