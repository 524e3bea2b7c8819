"""AccountService over gRPC."""

from __future__ import annotations

from typing import Any

from chat.auth.v1 import account_pb2 as pb
from chat.auth.v1.account_pb2_grpc import AccountServiceServicer
from realchat_auth.administration.store import ADMIN
from realchat_auth.credentials.service import Credentials
from realchat_auth.tables import Account
from realchat_common.rpc import current_user


class AccountServicer(AccountServiceServicer):
    """Translates; contracts/proto/chat/auth/v1/account.proto says what each method does."""

    def __init__(self, credentials: Credentials) -> None:
        self._credentials = credentials

    async def ChangePassword(self, request: pb.ChangePasswordRequest, context: Any) -> pb.ChangePasswordResponse:
        ended = await self._credentials.change_password(current_user(), request.current_password, request.new_password)
        return pb.ChangePasswordResponse(session_ids=ended)

    async def GetAccount(self, request: pb.GetAccountRequest, context: Any) -> pb.GetAccountResponse:
        account = await self._credentials.account(current_user())
        return pb.GetAccountResponse(account=await self._shown(account))

    async def UpdateAccount(self, request: pb.UpdateAccountRequest, context: Any) -> pb.UpdateAccountResponse:
        if request.HasField("reminders"):
            account = await self._credentials.set_reminders(current_user(), request.reminders)
        else:
            account = await self._credentials.account(current_user())
        return pb.UpdateAccountResponse(account=await self._shown(account))

    async def _shown(self, account: Account) -> pb.Account:
        second_factor, codes_left = await self._credentials.second_factor(account)
        return pb.Account(
            user_id=str(account.user_id),
            email=account.email,
            email_verified=account.email_verified_at_ms is not None,
            created_at_ms=account.created_at_ms,
            second_factor=second_factor,
            recovery_codes_left=codes_left,
            admin=account.role == ADMIN,
            reminders=account.reminders,
        )

    async def RequestEmailVerification(
        self, request: pb.RequestEmailVerificationRequest, context: Any
    ) -> pb.RequestEmailVerificationResponse:
        await self._credentials.request_verification(current_user())
        return pb.RequestEmailVerificationResponse()

    async def ChangeEmail(self, request: pb.ChangeEmailRequest, context: Any) -> pb.ChangeEmailResponse:
        await self._credentials.change_email(current_user(), request.password, request.email)
        return pb.ChangeEmailResponse()

    async def ConfirmEmail(self, request: pb.ConfirmEmailRequest, context: Any) -> pb.ConfirmEmailResponse:
        return pb.ConfirmEmailResponse(email=await self._credentials.confirm_email(request.token))

    async def RequestPasswordReset(
        self, request: pb.RequestPasswordResetRequest, context: Any
    ) -> pb.RequestPasswordResetResponse:
        await self._credentials.request_reset(request.email)
        return pb.RequestPasswordResetResponse()

    async def ResetPassword(self, request: pb.ResetPasswordRequest, context: Any) -> pb.ResetPasswordResponse:
        ended = await self._credentials.reset_password(request.token, request.new_password)
        return pb.ResetPasswordResponse(session_ids=ended)

    async def DeleteAccount(self, request: pb.DeleteAccountRequest, context: Any) -> pb.DeleteAccountResponse:
        ended = await self._credentials.delete_account(current_user(), request.password)
        return pb.DeleteAccountResponse(session_ids=ended)

    async def BeginSecondFactor(
        self, request: pb.BeginSecondFactorRequest, context: Any
    ) -> pb.BeginSecondFactorResponse:
        secret, uri = await self._credentials.begin_second_factor(current_user(), request.password)
        return pb.BeginSecondFactorResponse(secret=secret, uri=uri)

    async def ConfirmSecondFactor(
        self, request: pb.ConfirmSecondFactorRequest, context: Any
    ) -> pb.ConfirmSecondFactorResponse:
        codes = await self._credentials.confirm_second_factor(current_user(), request.code)
        return pb.ConfirmSecondFactorResponse(recovery_codes=codes)

    async def RenewRecoveryCodes(
        self, request: pb.RenewRecoveryCodesRequest, context: Any
    ) -> pb.RenewRecoveryCodesResponse:
        codes = await self._credentials.renew_recovery_codes(current_user(), request.password, request.code)
        return pb.RenewRecoveryCodesResponse(recovery_codes=codes)

    async def RemoveSecondFactor(
        self, request: pb.RemoveSecondFactorRequest, context: Any
    ) -> pb.RemoveSecondFactorResponse:
        await self._credentials.remove_second_factor(current_user(), request.password, request.code)
        return pb.RemoveSecondFactorResponse()
