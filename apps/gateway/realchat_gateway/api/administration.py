"""Administration: only for accounts with the role admin, which auth looks up each time. And reports, by everybody."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query

from chat.auth.v1 import administration_pb2 as pb
from chat.message.v1 import message_pb2
from realchat_gateway.access import Reader, Writer
from realchat_gateway.api.paging import Cursor, Limit
from realchat_gateway.edge import ApiRoute
from realchat_gateway.gateway import GatewayDep
from realchat_gateway.schemas.administration import (
    AdministeredUser,
    AdministeredUsers,
    AuditEntry,
    AuditLog,
    DeadLetter,
    DeadLetters,
    FiledReport,
    NewReport,
    OpenedLetter,
    Report,
    Reports,
    Resolution,
    RoleChange,
    Suspension,
)
from realchat_gateway.schemas.base import Id

router = APIRouter(prefix="/v1/admin", tags=["administration"], route_class=ApiRoute)
reports = APIRouter(prefix="/v1/conversations/{conversation_id}", tags=["messages"], route_class=ApiRoute)

ROLES = {"member": pb.ACCOUNT_ROLE_MEMBER, "admin": pb.ACCOUNT_ROLE_ADMIN}


@router.get("/users")
async def list_accounts(
    user: Reader,
    gateway: GatewayDep,
    email_prefix: Annotated[str, Query(max_length=320)] = "",
    suspended: bool = False,
    cursor: Cursor = "",
    limit: Limit = 50,
) -> AdministeredUsers:
    """Accounts, newest first: all, those whose email begins with a text, or only those that are suspended."""
    asked = pb.ListUsersRequest(email_prefix=email_prefix, suspended_only=suspended, limit=limit, cursor=cursor)
    answer = await gateway.administration.call(gateway.administration.stub.ListUsers, asked, user)
    users = [AdministeredUser.of(each) for each in answer.users]
    return AdministeredUsers(users=users, next_cursor=answer.next_cursor or None)


@router.patch("/users/{user_id}", status_code=204)
async def change_account_role(user_id: Id, body: RoleChange, user: Writer, gateway: GatewayDep) -> None:
    """Makes somebody an administrator, or takes it back."""
    asked = pb.SetAccountRoleRequest(user_id=user_id, role=ROLES[body.role])
    await gateway.administration.call(gateway.administration.stub.SetAccountRole, asked, user)


@router.post("/users/{user_id}/suspension", status_code=204)
async def suspend(user_id: Id, body: Suspension, user: Writer, gateway: GatewayDep) -> None:
    """Keeps somebody out; all devices are logged out at once, and the keys of their bots end."""
    asked = pb.SuspendUserRequest(user_id=user_id, reason=body.reason)
    answer = await gateway.administration.call(gateway.administration.stub.SuspendUser, asked, user)
    await gateway.revoked.add_all(answer.session_ids)


@router.delete("/users/{user_id}/suspension", status_code=204)
async def unsuspend(user_id: Id, user: Writer, gateway: GatewayDep) -> None:
    """Lets somebody in again."""
    asked = pb.UnsuspendUserRequest(user_id=user_id)
    await gateway.administration.call(gateway.administration.stub.UnsuspendUser, asked, user)


@router.get("/reports")
async def list_reports(
    user: Reader,
    gateway: GatewayDep,
    open_only: Annotated[bool, Query(alias="open")] = False,
    cursor: Cursor = "",
    limit: Limit = 50,
) -> Reports:
    """Reports, newest first."""
    asked = pb.ListReportsRequest(open_only=open_only, limit=limit, cursor=cursor)
    answer = await gateway.administration.call(gateway.administration.stub.ListReports, asked, user)
    return Reports(reports=[Report.of(each) for each in answer.reports], next_cursor=answer.next_cursor or None)


@router.post("/reports/{report_id}/resolution", status_code=204)
async def resolve_report(report_id: Id, body: Resolution, user: Writer, gateway: GatewayDep) -> None:
    """Closes a report."""
    asked = pb.ResolveReportRequest(report_id=report_id, resolution=body.resolution)
    await gateway.administration.call(gateway.administration.stub.ResolveReport, asked, user)


@router.get("/audit")
async def list_audit(user: Reader, gateway: GatewayDep, cursor: Cursor = "", limit: Limit = 50) -> AuditLog:
    """What administrators did, newest first."""
    asked = pb.ListAuditRequest(limit=limit, cursor=cursor)
    answer = await gateway.administration.call(gateway.administration.stub.ListAudit, asked, user)
    return AuditLog(entries=[AuditEntry.of(each) for each in answer.entries], next_cursor=answer.next_cursor or None)


@router.get("/dead-letters")
async def list_dead_letters(user: Reader, gateway: GatewayDep, cursor: Cursor = "", limit: Limit = 50) -> DeadLetters:
    """Events that no service could read, newest first; they are kept for a day."""
    asked = pb.ListDeadLettersRequest(limit=limit, cursor=cursor)
    answer = await gateway.administration.call(gateway.administration.stub.ListDeadLetters, asked, user)
    letters = [DeadLetter.of(each) for each in answer.letters]
    return DeadLetters(letters=letters, next_cursor=answer.next_cursor or None)


@router.get("/dead-letters/{letter_id}")
async def show_dead_letter(letter_id: Id, user: Reader, gateway: GatewayDep) -> OpenedLetter:
    """One of them with what is in it. The audit log says who has seen it."""
    asked = pb.GetDeadLetterRequest(letter_id=letter_id)
    return OpenedLetter.opened(
        await gateway.administration.call(gateway.administration.stub.GetDeadLetter, asked, user)
    )


@router.post("/dead-letters/{letter_id}/replay", status_code=204)
async def replay_dead_letter(letter_id: Id, user: Writer, gateway: GatewayDep) -> None:
    """Puts one back into its topic, as soon as the broker takes it. Twice does no harm."""
    asked = pb.ReplayDeadLetterRequest(letter_id=letter_id)
    await gateway.administration.call(gateway.administration.stub.ReplayDeadLetter, asked, user)


@reports.post("/messages/{message_id}/report", status_code=201)
async def report_message(
    conversation_id: Id, message_id: Id, body: NewReport, user: Writer, gateway: GatewayDep
) -> FiledReport:
    """Tells the administrators of a message, with what it says now."""
    wanted = message_pb2.GetMessageRequest(conversation_id=conversation_id, message_id=message_id)
    message = await gateway.message.call(gateway.message.stub.GetMessage, wanted, user)
    asked = pb.FileReportRequest(
        conversation_id=conversation_id,
        message_id=message_id,
        sender_id=message.sender_id,
        body=message.body,
        sent_at_ms=message.sent_at_ms,
        reason=body.reason,
    )
    answer = await gateway.administration.call(gateway.administration.stub.FileReport, asked, user)
    return FiledReport(report_id=answer.report_id)
