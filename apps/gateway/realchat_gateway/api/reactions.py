"""Reactions: emojis that members give messages."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Path, Query

from chat.message.v1 import message_pb2 as pb
from realchat_gateway.access import Reader, Writer
from realchat_gateway.api.paging import Cursor, Limit
from realchat_gateway.edge import ApiRoute
from realchat_gateway.gateway import GatewayDep
from realchat_gateway.schemas.base import Id
from realchat_gateway.schemas.messages import ChangedMessage
from realchat_gateway.schemas.reactions import Reaction, Reactions

router = APIRouter(
    prefix="/v1/conversations/{conversation_id}/messages/{message_id}/reactions",
    tags=["reactions"],
    route_class=ApiRoute,
)

Emoji = Annotated[
    str,
    Path(
        max_length=64,
        examples=["\N{THUMBS UP SIGN}"],
        description="One emoji of Unicode; with or without variation selectors it is the same.",
    ),
]


@router.put("/{emoji}")
async def add_reaction(
    conversation_id: Id, message_id: Id, emoji: Emoji, user: Writer, gateway: GatewayDep
) -> ChangedMessage:
    """Gives a message an emoji; a message has at most 20 different ones."""
    asked = pb.ReactToMessageRequest(conversation_id=conversation_id, message_id=message_id, emoji=emoji)
    answer = await gateway.message.call(gateway.message.stub.ReactToMessage, asked, user)
    return ChangedMessage.of(asked, answer)


@router.delete("/{emoji}")
async def remove_reaction(
    conversation_id: Id, message_id: Id, emoji: Emoji, user: Writer, gateway: GatewayDep
) -> ChangedMessage:
    """Takes an emoji back."""
    asked = pb.ReactToMessageRequest(conversation_id=conversation_id, message_id=message_id, emoji=emoji, remove=True)
    answer = await gateway.message.call(gateway.message.stub.ReactToMessage, asked, user)
    return ChangedMessage.of(asked, answer)


@router.get("")
async def list_reactions(
    conversation_id: Id,
    message_id: Id,
    user: Reader,
    gateway: GatewayDep,
    emoji: Annotated[str, Query(max_length=64, description="Only this one.")] = "",
    cursor: Cursor = "",
    limit: Limit = 50,
) -> Reactions:
    """Who gave a message which emoji, in the order they did."""
    asked = pb.ListReactionsRequest(
        conversation_id=conversation_id, message_id=message_id, emoji=emoji, limit=limit, cursor=cursor
    )
    answer = await gateway.message.call(gateway.message.stub.ListReactions, asked, user)
    return Reactions(
        reactions=[Reaction.of(reaction) for reaction in answer.reactions], next_cursor=answer.next_cursor or None
    )
