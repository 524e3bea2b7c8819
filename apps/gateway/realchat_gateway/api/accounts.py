"""Accounts, sessions and tickets."""

from __future__ import annotations

import time

from fastapi import APIRouter, Depends, Request

from chat.auth.v1 import auth_pb2 as pb
from realchat_common.ids import new_id
from realchat_common.scopes import SOCKET
from realchat_common.tokens import auth_keys
from realchat_gateway import tickets
from realchat_gateway.access import Reader, Writer, client_address, count_anonymous, count_login, current_user
from realchat_gateway.edge import ApiRoute
from realchat_gateway.gateway import GatewayDep
from realchat_gateway.schemas.accounts import (
    Key,
    KeySet,
    Login,
    RefreshToken,
    Registration,
    Session,
    SessionName,
    Sessions,
    SocketTicket,
    Tokens,
)
from realchat_gateway.schemas.base import Id

router = APIRouter(prefix="/v1", tags=["accounts"], route_class=ApiRoute)
anonymous = APIRouter(
    prefix="/v1/auth", tags=["accounts"], dependencies=[Depends(count_anonymous)], route_class=ApiRoute
)
well_known = APIRouter(tags=["accounts"], dependencies=[Depends(count_anonymous)], route_class=ApiRoute)


@anonymous.post("/register", status_code=201)
async def register(body: Registration, request: Request, gateway: GatewayDep) -> Tokens:
    """Makes an account and its first session."""
    await count_login(request, body.email)
    answer = await gateway.auth.call(gateway.auth.stub.Register, pb.RegisterRequest(**body.model_dump()))
    return Tokens.of(answer.tokens)


@anonymous.post("/login")
async def login(body: Login, request: Request, gateway: GatewayDep) -> Tokens:
    """Starts a session."""
    await count_login(request, body.email)
    asked = pb.LoginRequest(**body.model_dump(), client_address=client_address(request))
    answer = await gateway.auth.call(gateway.auth.stub.Login, asked)
    return Tokens.of(answer.tokens)


@anonymous.post("/refresh")
async def refresh(body: RefreshToken, gateway: GatewayDep) -> Tokens:
    """New tokens for a refresh token, which is used up. Using one twice ends its session."""
    answer = await gateway.auth.call(gateway.auth.stub.Refresh, pb.RefreshRequest(refresh_token=body.refresh_token))
    return Tokens.of(answer.tokens)


@anonymous.post("/logout", status_code=204)
async def logout(request: Request, gateway: GatewayDep, body: RefreshToken | None = None) -> None:
    """Ends the session of the refresh token in the body, else that of the access token."""
    if body:
        await gateway.auth.call(gateway.auth.stub.Logout, pb.LogoutRequest(refresh_token=body.refresh_token))
        return
    user = await current_user(request)
    user.require("accounts:write")
    await gateway.auth.call(gateway.auth.stub.Logout, pb.LogoutRequest(), user)
    await gateway.revoked.add(user.session_id)


@router.get("/sessions")
async def list_sessions(user: Reader, gateway: GatewayDep) -> Sessions:
    """The devices that are logged in."""
    answer = await gateway.auth.call(gateway.auth.stub.ListSessions, pb.ListSessionsRequest(), user)
    return Sessions(sessions=[Session.of(session, user.session_id) for session in answer.sessions])


@router.delete("/sessions", status_code=204)
async def revoke_other_sessions(user: Writer, gateway: GatewayDep) -> None:
    """Logs all other devices out."""
    answer = await gateway.auth.call(gateway.auth.stub.RevokeOtherSessions, pb.RevokeOtherSessionsRequest(), user)
    await gateway.revoked.add_all(answer.session_ids)


@router.patch("/sessions/{session_id}")
async def rename_session(session_id: Id, body: SessionName, user: Writer, gateway: GatewayDep) -> Session:
    """Gives a device another name in the list."""
    asked = pb.RenameSessionRequest(session_id=session_id, device_name=body.device_name)
    answer = await gateway.auth.call(gateway.auth.stub.RenameSession, asked, user)
    return Session.of(answer.session, user.session_id)


@router.delete("/sessions/{session_id}", status_code=204)
async def revoke_session(session_id: Id, user: Writer, gateway: GatewayDep) -> None:
    """Logs a device out; its sockets close and its access token ends."""
    await gateway.auth.call(gateway.auth.stub.RevokeSession, pb.RevokeSessionRequest(session_id=session_id), user)
    await gateway.revoked.add(session_id)


@router.post("/socket-tickets", status_code=201, openapi_extra={"x-scope": SOCKET})
async def make_socket_ticket(user: Writer, gateway: GatewayDep) -> SocketTicket:
    """A ticket for the WebSocket's first frame: `{"type": "auth", "ticket": …}`."""
    ticket = tickets.socket_ticket(user, gateway.ticket_key, ticket_id=new_id(), now=int(time.time()))
    return SocketTicket(ticket=ticket, expires_in=tickets.LIFETIME_SECONDS, url=gateway.settings.socket_url)


@well_known.get("/.well-known/jwks.json")
async def list_keys(gateway: GatewayDep) -> KeySet:
    """The public keys that access tokens are signed with."""
    keys = await auth_keys(gateway.auth)()
    return KeySet(keys=[Key.of(kid, raw) for kid, raw in keys.items()])
