"""AuthService over gRPC."""

from __future__ import annotations

from typing import Any

from chat.auth.v1 import auth_pb2, auth_pb2_grpc
from realchat_auth.domain import ACCESS_SECONDS
from realchat_auth.keys import SigningKeys
from realchat_auth.service import Accounts, Tokens
from realchat_auth.tables import Session
from realchat_common.errors import Code, RealChatError
from realchat_common.ids import parse_id
from realchat_common.rpc import current_user


def _pair(tokens: Tokens) -> auth_pb2.TokenPair:
    return auth_pb2.TokenPair(
        user_id=tokens.user_id,
        session_id=tokens.session_id,
        access_token=tokens.access_token,
        expires_in=ACCESS_SECONDS,
        refresh_token=tokens.refresh_token,
    )


def _session(session: Session) -> auth_pb2.Session:
    return auth_pb2.Session(
        session_id=str(session.session_id),
        device_name=session.device_name,
        created_at_ms=session.created_at_ms,
        last_seen_at_ms=session.last_seen_at_ms,
    )


class AuthServicer(auth_pb2_grpc.AuthServiceServicer):
    """Translates; contracts/proto/chat/auth/v1/auth.proto says what each method does."""

    def __init__(self, accounts: Accounts, keys: SigningKeys) -> None:
        self._accounts = accounts
        self._keys = keys

    async def Register(self, request: auth_pb2.RegisterRequest, context: Any) -> auth_pb2.RegisterResponse:
        tokens = await self._accounts.register(
            request.email, request.password, request.display_name, request.device_name
        )
        return auth_pb2.RegisterResponse(tokens=_pair(tokens))

    async def Login(self, request: auth_pb2.LoginRequest, context: Any) -> auth_pb2.LoginResponse:
        tokens = await self._accounts.log_in(
            request.email, request.password, request.device_name, request.client_address, request.code
        )
        return auth_pb2.LoginResponse(tokens=_pair(tokens))

    async def Refresh(self, request: auth_pb2.RefreshRequest, context: Any) -> auth_pb2.RefreshResponse:
        return auth_pb2.RefreshResponse(tokens=_pair(await self._accounts.refresh(request.refresh_token)))

    async def Logout(self, request: auth_pb2.LogoutRequest, context: Any) -> auth_pb2.LogoutResponse:
        if request.refresh_token:
            await self._accounts.log_out(request.refresh_token)
            return auth_pb2.LogoutResponse()
        user = current_user()
        try:
            await self._accounts.revoke(user.session_id, user.user_id)
        except RealChatError as error:
            if error.code is not Code.SESSION_NOT_FOUND:  # it ended so long ago that it was purged
                raise
        return auth_pb2.LogoutResponse()

    async def ListSigningKeys(
        self, request: auth_pb2.ListSigningKeysRequest, context: Any
    ) -> auth_pb2.ListSigningKeysResponse:
        keys = [auth_pb2.SigningKey(kid=kid, public_key=raw) for kid, raw in self._keys.listed()]
        return auth_pb2.ListSigningKeysResponse(keys=keys)

    async def ListSessions(self, request: auth_pb2.ListSessionsRequest, context: Any) -> auth_pb2.ListSessionsResponse:
        sessions = await self._accounts.sessions(current_user().user_id)
        return auth_pb2.ListSessionsResponse(sessions=[_session(session) for session in sessions])

    async def RevokeSession(
        self, request: auth_pb2.RevokeSessionRequest, context: Any
    ) -> auth_pb2.RevokeSessionResponse:
        session_id = parse_id(request.session_id, "session_id")
        await self._accounts.revoke(session_id, current_user().user_id)
        return auth_pb2.RevokeSessionResponse()

    async def RevokeOtherSessions(
        self, request: auth_pb2.RevokeOtherSessionsRequest, context: Any
    ) -> auth_pb2.RevokeOtherSessionsResponse:
        return auth_pb2.RevokeOtherSessionsResponse(session_ids=await self._accounts.revoke_others(current_user()))

    async def RenameSession(
        self, request: auth_pb2.RenameSessionRequest, context: Any
    ) -> auth_pb2.RenameSessionResponse:
        session_id = parse_id(request.session_id, "session_id")
        session = await self._accounts.rename(session_id, current_user().user_id, request.device_name)
        return auth_pb2.RenameSessionResponse(session=_session(session))
