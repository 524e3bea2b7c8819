"""Reactions."""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, Field

from chat.message.v1 import message_pb2
from realchat_common.ids import rfc3339
from realchat_gateway.schemas.base import ALICE, AT, Id, Time, example


class Reaction(BaseModel):
    """An emoji that somebody gave a message."""

    model_config = example({"user_id": ALICE, "emoji": "\N{THUMBS UP SIGN}", "at": AT})

    user_id: Id
    emoji: str
    at: Time

    @classmethod
    def of(cls, reaction: message_pb2.Reaction) -> Reaction:
        """From the message service."""
        return cls(user_id=reaction.user_id, emoji=reaction.emoji, at=rfc3339(reaction.reacted_at_ms))


class Reactions(BaseModel):
    """A page of who gave a message which emoji, in the order they did."""

    reactions: list[Reaction]
    next_cursor: Annotated[str | None, Field(description="Null on the last page.")]
