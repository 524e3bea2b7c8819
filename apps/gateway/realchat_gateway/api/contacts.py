"""Contacts and blocks."""

from __future__ import annotations

from typing import Annotated, Literal

from fastapi import APIRouter, Query

from chat.profile.v1 import profile_pb2 as pb
from realchat_gateway.access import Reader, Writer
from realchat_gateway.api.paging import Cursor, Limit
from realchat_gateway.edge import IdempotencyKey, RetryableRoute
from realchat_gateway.gateway import GatewayDep
from realchat_gateway.schemas.base import Id
from realchat_gateway.schemas.contacts import STATES, Relation, Relations, Somebody

router = APIRouter(prefix="/v1", tags=["contacts"], route_class=RetryableRoute)


@router.get("/contacts")
async def list_contacts(
    user: Reader,
    gateway: GatewayDep,
    state: Annotated[
        Literal["contact", "incoming", "outgoing"], Query(description="Contacts, or requests.")
    ] = "contact",
    cursor: Cursor = "",
    limit: Limit = 50,
) -> Relations:
    """The caller's contacts, or requests that wait for an answer."""
    asked = pb.ListContactsRequest(state=STATES[state], cursor=cursor, limit=limit)
    answer = await gateway.profile.call(gateway.profile.stub.ListContacts, asked, user)
    relations = [Relation.of(relation) for relation in answer.relations]
    return Relations(relations=relations, next_cursor=answer.next_cursor or None)


@router.post("/contacts")
async def request_contact(body: Somebody, user: Writer, gateway: GatewayDep, _: IdempotencyKey) -> Relation:
    """Asks somebody to be a contact; or accepts, if they have asked already."""
    asked = pb.RequestContactRequest(user_id=body.user_id)
    return Relation.of((await gateway.profile.call(gateway.profile.stub.RequestContact, asked, user)).relation)


@router.post("/contacts/{user_id}/accept")
async def accept_contact(user_id: Id, user: Writer, gateway: GatewayDep, _: IdempotencyKey) -> Relation:
    """Accepts somebody's request."""
    asked = pb.AcceptContactRequest(user_id=user_id)
    return Relation.of((await gateway.profile.call(gateway.profile.stub.AcceptContact, asked, user)).relation)


@router.post("/contacts/{user_id}/decline")
async def decline_contact(user_id: Id, user: Writer, gateway: GatewayDep, _: IdempotencyKey) -> Relation:
    """Declines somebody's request; they are not told."""
    asked = pb.DeclineContactRequest(user_id=user_id)
    return Relation.of((await gateway.profile.call(gateway.profile.stub.DeclineContact, asked, user)).relation)


@router.delete("/contacts/{user_id}", status_code=204)
async def remove_contact(user_id: Id, user: Writer, gateway: GatewayDep) -> None:
    """Ends being contacts, or takes the caller's own request back."""
    asked = pb.RemoveContactRequest(user_id=user_id)
    await gateway.profile.call(gateway.profile.stub.RemoveContact, asked, user)


@router.get("/blocks")
async def list_blocks(user: Reader, gateway: GatewayDep, cursor: Cursor = "", limit: Limit = 50) -> Relations:
    """Whom the caller has blocked."""
    asked = pb.ListBlocksRequest(cursor=cursor, limit=limit)
    answer = await gateway.profile.call(gateway.profile.stub.ListBlocks, asked, user)
    relations = [Relation.of(relation) for relation in answer.relations]
    return Relations(relations=relations, next_cursor=answer.next_cursor or None)


@router.post("/blocks")
async def block_user(body: Somebody, user: Writer, gateway: GatewayDep, _: IdempotencyKey) -> Relation:
    """Blocks somebody: no direct messages, invitations, presence, typing or receipts, either way. Groups go on."""
    asked = pb.BlockUserRequest(user_id=body.user_id)
    return Relation.of((await gateway.profile.call(gateway.profile.stub.BlockUser, asked, user)).relation)


@router.delete("/blocks/{user_id}", status_code=204)
async def unblock_user(user_id: Id, user: Writer, gateway: GatewayDep) -> None:
    """Takes a block back."""
    asked = pb.UnblockUserRequest(user_id=user_id)
    await gateway.profile.call(gateway.profile.stub.UnblockUser, asked, user)
