"""What people let others do and see."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, Field

from chat.profile.v1 import profile_pb2 as pb
from realchat_gateway.schemas.base import Command, example

Audience = Literal["everyone", "contacts", "nobody"]

_NUMBERS: dict[Audience | None, pb.Audience.ValueType] = {
    None: pb.AUDIENCE_UNSPECIFIED,
    "everyone": pb.AUDIENCE_EVERYONE,
    "contacts": pb.AUDIENCE_CONTACTS,
    "nobody": pb.AUDIENCE_NOBODY,
}
_NAMES = {number: name for name, number in _NUMBERS.items()}


class PrivacyChange(Command):
    """What is left out stays as it is."""

    model_config = example({"last_seen": "contacts", "group_invitations": "contacts"})

    last_seen: Audience | None = None
    read_receipts: Audience | None = None
    direct_messages: Audience | None = None
    group_invitations: Audience | None = None

    def to_privacy(self) -> pb.Privacy:
        """For the profile service."""
        return pb.Privacy(
            last_seen=_NUMBERS[self.last_seen],
            receipts=_NUMBERS[self.read_receipts],
            direct=_NUMBERS[self.direct_messages],
            groups=_NUMBERS[self.group_invitations],
        )


class Privacy(BaseModel):
    """Whom somebody lets do and see what. Those whom they have blocked are never among them."""

    model_config = example(
        {
            "last_seen": "contacts",
            "read_receipts": "everyone",
            "direct_messages": "everyone",
            "group_invitations": "contacts",
        }
    )

    last_seen: Annotated[Audience, Field(description="Who sees when they were here last.")]
    read_receipts: Annotated[Audience, Field(description="Who sees what they have got and read.")]
    direct_messages: Annotated[Audience, Field(description="Who may start a direct conversation; others go on.")]
    group_invitations: Annotated[Audience, Field(description="Who may add them to groups.")]

    @classmethod
    def of(cls, privacy: pb.Privacy) -> Privacy:
        """From the profile service."""
        return cls.model_validate(
            {
                "last_seen": _NAMES[privacy.last_seen],
                "read_receipts": _NAMES[privacy.receipts],
                "direct_messages": _NAMES[privacy.direct],
                "group_invitations": _NAMES[privacy.groups],
            }
        )
