"""Polls: messages that ask, and what members answer."""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, Field

from chat.event.v1 import event_pb2
from realchat_common.wire import poll_json
from realchat_gateway.schemas.base import AT, MESSAGE, TALK, Command, Id, Seq, Time, example
from realchat_gateway.schemas.messages import ClientMessageId


class NewPoll(Command):
    """A question with options."""

    model_config = example({"question": "Tea?", "options": ["Yes", "No", "Half a cup"], "multiple": False})

    client_message_id: ClientMessageId = None
    question: Annotated[str, Field(description="1 to 8,000 characters; the body of the message.")]
    options: Annotated[
        list[str], Field(min_length=2, max_length=12, description="Different ones of 1 to 200 characters.")
    ]
    multiple: Annotated[bool, Field(description="More than one may be chosen.")] = False


class NewVote(Command):
    """The caller's answer, in place of an earlier one."""

    model_config = example({"choices": [0]})

    choices: Annotated[
        list[Annotated[int, Field(ge=0, le=11)]],
        Field(max_length=12, description="Options, from 0; none takes the vote back."),
    ]


class Voted(BaseModel):
    """Where a change of a poll is in its conversation."""

    model_config = example({"conversation_id": TALK, "message_id": MESSAGE, "seq": 8, "at": AT, "unchanged": False})

    conversation_id: Id
    message_id: Id
    seq: Seq
    at: Time
    unchanged: Annotated[bool, Field(description="It was so already; `seq` is that of the message.")]


class Poll(BaseModel):
    """A poll and its results as they stand."""

    model_config = example(
        {
            "message_id": MESSAGE,
            "question": "Tea?",
            "options": ["Yes", "No", "Half a cup"],
            "multiple": False,
            "closed": False,
            "counts": [2, 0, 1],
            "voters": 3,
            "mine": [0],
        }
    )

    message_id: Id
    question: str
    options: list[str]
    multiple: bool
    closed: bool
    counts: Annotated[list[int], Field(description="Votes by option.")]
    voters: Annotated[int, Field(description="Members who voted.")]
    mine: Annotated[list[int], Field(description="What the caller voted for.")]

    @classmethod
    def of(cls, message_id: str, question: str, poll: event_pb2.Poll) -> Poll:
        """From the message service."""
        return cls(message_id=message_id, question=question, **poll_json(poll))
