"""What people are to each other."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, Field

from chat.profile.v1 import profile_pb2 as pb
from realchat_common.ids import rfc3339
from realchat_gateway.schemas.base import AT, BOB, Command, Id, Time, example

State = Literal["none", "outgoing", "incoming", "contact"]

STATES: dict[State, pb.ContactState.ValueType] = {
    "none": pb.CONTACT_STATE_NONE,
    "outgoing": pb.CONTACT_STATE_OUTGOING,
    "incoming": pb.CONTACT_STATE_INCOMING,
    "contact": pb.CONTACT_STATE_CONTACT,
}
_NAMES = {number: name for name, number in STATES.items()}


class Somebody(Command):
    """A person."""

    model_config = example({"user_id": BOB})

    user_id: Id


class Relation(BaseModel):
    """What somebody and the caller are to each other, as the caller sees it."""

    model_config = example({"user_id": BOB, "state": "outgoing", "blocked": False, "changed_at": AT})

    user_id: Id
    state: Annotated[
        State, Field(description="`outgoing`: the caller has asked them. `incoming`: they have asked the caller.")
    ]
    blocked: Annotated[bool, Field(description="The caller has blocked them.")]
    changed_at: Time | None

    @classmethod
    def of(cls, relation: pb.Relation) -> Relation:
        """From the profile service."""
        return cls(
            user_id=relation.user_id,
            state=_NAMES[relation.state],
            blocked=relation.blocked,
            changed_at=rfc3339(relation.changed_at_ms) if relation.changed_at_ms else None,
        )


class Relations(BaseModel):
    """A page of relations, in order of their ids."""

    relations: list[Relation]
    next_cursor: Annotated[str | None, Field(description="Null on the last page.")]
