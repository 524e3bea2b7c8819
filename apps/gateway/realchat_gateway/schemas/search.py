"""What a search finds."""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, Field

from chat.message.v1 import search_pb2
from realchat_gateway.schemas.base import example
from realchat_gateway.schemas.messages import EVENT, Event


class Highlight(BaseModel):
    """A part of the body that was looked for, in Unicode code points."""

    start: int
    length: int


HIT = {"message": EVENT, "highlights": [{"start": 9, "length": 5}]}


class Hit(BaseModel):
    """A message that was found, as it is now."""

    model_config = example({**HIT})

    message: Event
    highlights: Annotated[list[Highlight], Field(description="In order. The body is plain text: mark these parts.")]

    @classmethod
    def of(cls, hit: search_pb2.SearchHit) -> Hit:
        """From the message service."""
        marked = [Highlight(start=each.start, length=each.length) for each in hit.highlights]
        return cls(message=Event.of(hit.message), highlights=marked)


class Hits(BaseModel):
    """The best first; of equally good ones, the newest."""

    model_config = example({"hits": [HIT], "next_cursor": None})

    hits: list[Hit]
    next_cursor: str | None
