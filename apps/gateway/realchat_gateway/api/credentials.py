"""What people prove who they are with: passwords, addresses, and what mails bring."""

from __future__ import annotations

from fastapi import APIRouter, Depends, Request
from fastapi.responses import StreamingResponse

from chat.auth.v1 import account_pb2 as pb
from realchat_common.ids import now_ms
from realchat_gateway.access import Reader, Writer, count_anonymous, count_export, count_login
from realchat_gateway.edge import ApiRoute
from realchat_gateway.export import NDJSON
from realchat_gateway.gateway import GatewayDep
from realchat_gateway.own_export import exported
from realchat_gateway.schemas.credentials import (
    Account,
    AccountChange,
    Address,
    Confirmation,
    ConfirmedAddress,
    EmailChange,
    PasswordAgain,
    PasswordAndCode,
    PasswordChange,
    PasswordReset,
    RecoveryCodes,
    SecondFactorCode,
    SecondFactorSecret,
)

router = APIRouter(prefix="/v1/me", tags=["accounts"], route_class=ApiRoute)
anonymous = APIRouter(
    prefix="/v1/auth", tags=["accounts"], dependencies=[Depends(count_anonymous)], route_class=ApiRoute
)


@router.get("/account")
async def get_account(user: Reader, gateway: GatewayDep) -> Account:
    """The caller's account, which nobody else sees."""
    answer = await gateway.account.call(gateway.account.stub.GetAccount, pb.GetAccountRequest(), user)
    return Account.of(answer.account)


@router.patch("/account")
async def update_account(body: AccountChange, user: Writer, gateway: GatewayDep) -> Account:
    """Changes those of the caller's settings that are given."""
    asked = pb.UpdateAccountRequest(**body.model_dump())
    answer = await gateway.account.call(gateway.account.stub.UpdateAccount, asked, user)
    return Account.of(answer.account)


@router.get(
    "/export",
    response_class=StreamingResponse,
    responses={200: {"description": "A head, a thing a line by its kind, and an end", "content": {NDJSON: {}}}},
)
async def export_my_data(user: Reader, request: Request, gateway: GatewayDep) -> StreamingResponse:
    """All that is kept of the caller, as JSON lines, without secrets. Without an `{"end": true}` it is not whole."""
    await count_export(request, user)
    lines = await exported(gateway, user, now_ms())
    headers = {"Content-Disposition": 'attachment; filename="realchat.jsonl"'}
    return StreamingResponse(lines, media_type=NDJSON, headers=headers)


@router.post("/password", status_code=204)
async def change_password(body: PasswordChange, user: Writer, gateway: GatewayDep) -> None:
    """Another password. All other devices are logged out."""
    asked = pb.ChangePasswordRequest(**body.model_dump())
    answer = await gateway.account.call(gateway.account.stub.ChangePassword, asked, user)
    await gateway.revoked.add_all(answer.session_ids)


@router.post("/email", status_code=202)
async def change_email(body: EmailChange, user: Writer, gateway: GatewayDep) -> None:
    """Another address, as soon as whoever reads its mails has confirmed it."""
    await gateway.account.call(gateway.account.stub.ChangeEmail, pb.ChangeEmailRequest(**body.model_dump()), user)


@router.post("/email/verification", status_code=202)
async def request_verification(user: Writer, gateway: GatewayDep) -> None:
    """Sends the account's address another mail to confirm it."""
    asked = pb.RequestEmailVerificationRequest()
    await gateway.account.call(gateway.account.stub.RequestEmailVerification, asked, user)


@router.post("/second-factor", status_code=201)
async def begin_second_factor(body: PasswordAgain, user: Writer, gateway: GatewayDep) -> SecondFactorSecret:
    """A secret for an authenticator; nothing asks for its codes until one of them has confirmed it."""
    asked = pb.BeginSecondFactorRequest(password=body.password)
    answer = await gateway.account.call(gateway.account.stub.BeginSecondFactor, asked, user)
    return SecondFactorSecret(secret=answer.secret, uri=answer.uri)


@router.post("/second-factor/confirm")
async def confirm_second_factor(body: SecondFactorCode, user: Writer, gateway: GatewayDep) -> RecoveryCodes:
    """Turns the second factor on."""
    asked = pb.ConfirmSecondFactorRequest(code=body.code)
    answer = await gateway.account.call(gateway.account.stub.ConfirmSecondFactor, asked, user)
    return RecoveryCodes(recovery_codes=list(answer.recovery_codes))


@router.post("/second-factor/recovery-codes")
async def renew_recovery_codes(body: PasswordAndCode, user: Writer, gateway: GatewayDep) -> RecoveryCodes:
    """Other recovery codes; those before are void."""
    asked = pb.RenewRecoveryCodesRequest(**body.model_dump())
    answer = await gateway.account.call(gateway.account.stub.RenewRecoveryCodes, asked, user)
    return RecoveryCodes(recovery_codes=list(answer.recovery_codes))


@router.post("/second-factor/remove", status_code=204)
async def remove_second_factor(body: PasswordAndCode, user: Writer, gateway: GatewayDep) -> None:
    """Turns the second factor off."""
    asked = pb.RemoveSecondFactorRequest(**body.model_dump())
    await gateway.account.call(gateway.account.stub.RemoveSecondFactor, asked, user)


@router.post("/deletion", status_code=204)
async def delete_account(body: PasswordAgain, user: Writer, gateway: GatewayDep) -> None:
    """Removes the account for good. Its messages stay, under an id that means nothing any more."""
    asked = pb.DeleteAccountRequest(password=body.password)
    answer = await gateway.account.call(gateway.account.stub.DeleteAccount, asked, user)
    await gateway.revoked.add_all(answer.session_ids)


@anonymous.post("/email-confirmations")
async def confirm_email(body: Confirmation, gateway: GatewayDep) -> ConfirmedAddress:
    """Confirms an address by what a mail to it has brought."""
    answer = await gateway.account.call(gateway.account.stub.ConfirmEmail, pb.ConfirmEmailRequest(token=body.token))
    return ConfirmedAddress(email=answer.email)


@anonymous.post("/password-resets", status_code=202)
async def request_reset(body: Address, request: Request, gateway: GatewayDep) -> None:
    """Sends an address a mail to choose another password, if it has an account. The answer is always the same."""
    await count_login(request, body.email)
    asked = pb.RequestPasswordResetRequest(email=body.email)
    await gateway.account.call(gateway.account.stub.RequestPasswordReset, asked)


@anonymous.post("/password-resets/confirm", status_code=204)
async def reset_password(body: PasswordReset, gateway: GatewayDep) -> None:
    """Another password by what a mail has brought. All devices are logged out."""
    asked = pb.ResetPasswordRequest(**body.model_dump())
    answer = await gateway.account.call(gateway.account.stub.ResetPassword, asked)
    await gateway.revoked.add_all(answer.session_ids)
