"""How far members have come."""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, Field

from chat.event.v1 import event_pb2
from realchat_gateway.schemas.base import ALICE, BOB, Command, Id, Seq, example


class UpTo(Command):
    """A place in a conversation's log."""

    model_config = example({"up_to_seq": 7})

    up_to_seq: Annotated[Seq, Field(description="What is beyond the end of the log counts as its end.")]


RECEIPT = {"user_id": ALICE, "delivered_up_to": 7, "read_up_to": 5, "marked_unread": False}


class Receipt(BaseModel):
    """How far a member has come. Neither number ever goes back."""

    model_config = example({**RECEIPT})

    user_id: Id
    delivered_up_to: Seq
    read_up_to: Seq
    marked_unread: Annotated[bool, Field(description="The caller's own mark; false for everybody else.")]

    @classmethod
    def of(cls, receipt: event_pb2.Receipt) -> Receipt:
        """From the message service."""
        return cls(
            user_id=receipt.user_id,
            delivered_up_to=receipt.delivered_up_to,
            read_up_to=receipt.read_up_to,
            marked_unread=receipt.marked_unread,
        )


class Receipts(BaseModel):
    """A page of members' receipts."""

    receipts: list[Receipt]
    next_cursor: Annotated[str | None, Field(description="Null on the last page.")]


class MessageReceipts(BaseModel):
    """Who of the members, without the author, has got and has read a message."""

    model_config = example({"delivered_to": [BOB], "read_by": [BOB]})

    delivered_to: list[Id]
    read_by: list[Id]
