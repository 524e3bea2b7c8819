"""AccountService over gRPC."""

from __future__ import annotations

from typing import Any

from chat.auth.v1 import account_pb2 as pb
from chat.auth.v1.account_pb2_grpc import AccountServiceServicer
from realchat_auth.credentials.service import Credentials
from realchat_common.rpc import current_user


class AccountServicer(AccountServiceServicer):
    """Translates; contracts/proto/chat/auth/v1/account.proto says what each method does."""

    def __init__(self, credentials: Credentials) -> None:
        self._credentials = credentials

    async def ChangePassword(self, request: pb.ChangePasswordRequest, context: Any) -> pb.ChangePasswordResponse:
        ended = await self._credentials.change_password(current_user(), request.current_password, request.new_password)
        return pb.ChangePasswordResponse(session_ids=ended)
