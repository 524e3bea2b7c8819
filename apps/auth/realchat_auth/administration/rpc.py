"""AdministrationService over gRPC."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, TypeVar
from uuid import UUID

from chat.auth.v1 import administration_pb2 as pb
from chat.auth.v1.administration_pb2_grpc import AdministrationServiceServicer
from realchat_auth.administration.service import Administration, reason_of
from realchat_auth.administration.store import ADMIN
from realchat_auth.tables import Account, Audit, DeadLetter, Report
from realchat_common.errors import Code, RealChatError
from realchat_common.ids import decode_cursor, encode_cursor, new_id, page_limit, parse_id
from realchat_common.rpc import current_user

MOST_BODY_CHARACTERS = 8_000
MOST_MS = 2**53

Row = TypeVar("Row")


def _before(cursor: str) -> UUID | None:
    if not cursor:
        return None
    (position,) = decode_cursor(cursor, tuple[str])
    return UUID(parse_id(position, "cursor"))


def _page(rows: Sequence[Row], limit: int, key: Callable[[Row], UUID]) -> tuple[Sequence[Row], str]:
    """A page of rows, of which one more than asked for was read, and the cursor of the next."""
    page = rows[:limit]
    return page, encode_cursor(str(key(page[-1]))) if len(rows) > limit else ""


def _user(account: Account) -> pb.AdministeredUser:
    return pb.AdministeredUser(
        user_id=str(account.user_id),
        email=account.email,
        email_verified=account.email_verified_at_ms is not None,
        role=pb.ACCOUNT_ROLE_ADMIN if account.role == ADMIN else pb.ACCOUNT_ROLE_MEMBER,
        created_at_ms=account.created_at_ms,
        suspended_at_ms=account.suspended_at_ms or 0,
        suspension_reason=account.suspension_reason,
    )


def _report(report: Report) -> pb.Report:
    return pb.Report(
        report_id=str(report.report_id),
        reporter_id=str(report.reporter_id),
        conversation_id=str(report.conversation_id),
        message_id=str(report.message_id),
        sender_id=str(report.sender_id),
        body=report.body,
        sent_at_ms=report.sent_at_ms,
        reason=report.reason,
        reported_at_ms=report.reported_at_ms,
        resolved_at_ms=report.resolved_at_ms or 0,
        resolved_by=str(report.resolved_by or ""),
        resolution=report.resolution,
    )


def _entry(entry: Audit) -> pb.AuditEntry:
    return pb.AuditEntry(
        entry_id=str(entry.entry_id),
        at_ms=entry.at_ms,
        actor=entry.actor,
        action=entry.action,
        subject_id=str(entry.subject_id),
        detail=entry.detail,
    )


def _letter(letter: DeadLetter) -> pb.DeadLetter:
    return pb.DeadLetter(
        letter_id=str(letter.letter_id),
        at_ms=letter.at_ms,
        topic=letter.topic,
        event_type=letter.event_type,
        event_id=letter.event_id,
        size=letter.size,
        replayed_at_ms=letter.replayed_at_ms or 0,
    )


class AdministrationServicer(AdministrationServiceServicer):
    """Translates; contracts/proto/chat/auth/v1/administration.proto says what each method does."""

    def __init__(self, administration: Administration) -> None:
        self._administration = administration

    async def ListUsers(self, request: pb.ListUsersRequest, context: Any) -> pb.ListUsersResponse:
        limit = page_limit(request.limit)
        rows = await self._administration.users(
            current_user().user_id, request.email_prefix, request.suspended_only, _before(request.cursor), limit + 1
        )
        page, next_cursor = _page(rows, limit, lambda row: row.user_id)
        return pb.ListUsersResponse(users=map(_user, page), next_cursor=next_cursor)

    async def SuspendUser(self, request: pb.SuspendUserRequest, context: Any) -> pb.SuspendUserResponse:
        user_id = parse_id(request.user_id, "user_id")
        ended = await self._administration.suspend(current_user().user_id, user_id, request.reason)
        return pb.SuspendUserResponse(session_ids=ended)

    async def UnsuspendUser(self, request: pb.UnsuspendUserRequest, context: Any) -> pb.UnsuspendUserResponse:
        await self._administration.unsuspend(current_user().user_id, parse_id(request.user_id, "user_id"))
        return pb.UnsuspendUserResponse()

    async def SetAccountRole(self, request: pb.SetAccountRoleRequest, context: Any) -> pb.SetAccountRoleResponse:
        if request.role not in (pb.ACCOUNT_ROLE_MEMBER, pb.ACCOUNT_ROLE_ADMIN):
            raise RealChatError(Code.INVALID_ARGUMENT, "there is no such role", field="role")
        await self._administration.set_role(
            current_user().user_id,
            parse_id(request.user_id, "user_id"),
            admin=request.role == pb.ACCOUNT_ROLE_ADMIN,
        )
        return pb.SetAccountRoleResponse()

    async def FileReport(self, request: pb.FileReportRequest, context: Any) -> pb.FileReportResponse:
        if len(request.body) > MOST_BODY_CHARACTERS or "\x00" in request.body:
            raise RealChatError(Code.INVALID_ARGUMENT, "that is no message's body", field="body")
        if not 0 <= request.sent_at_ms <= MOST_MS:
            raise RealChatError(Code.INVALID_ARGUMENT, "that is no time", field="sent_at_ms")
        report = Report(
            report_id=UUID(new_id()),
            reporter_id=UUID(current_user().user_id),
            conversation_id=UUID(parse_id(request.conversation_id, "conversation_id")),
            message_id=UUID(parse_id(request.message_id, "message_id")),
            sender_id=UUID(parse_id(request.sender_id, "sender_id")),
            body=request.body,
            sent_at_ms=request.sent_at_ms,
            reason=reason_of(request.reason, "reason"),
        )
        return pb.FileReportResponse(report_id=str(await self._administration.report(report)))

    async def ListReports(self, request: pb.ListReportsRequest, context: Any) -> pb.ListReportsResponse:
        limit = page_limit(request.limit)
        rows = await self._administration.reports(
            current_user().user_id, request.open_only, _before(request.cursor), limit + 1
        )
        page, next_cursor = _page(rows, limit, lambda row: row.report_id)
        return pb.ListReportsResponse(reports=map(_report, page), next_cursor=next_cursor)

    async def ResolveReport(self, request: pb.ResolveReportRequest, context: Any) -> pb.ResolveReportResponse:
        report_id = parse_id(request.report_id, "report_id")
        await self._administration.resolve(current_user().user_id, report_id, request.resolution)
        return pb.ResolveReportResponse()

    async def ListAudit(self, request: pb.ListAuditRequest, context: Any) -> pb.ListAuditResponse:
        limit = page_limit(request.limit)
        rows = await self._administration.audit(current_user().user_id, _before(request.cursor), limit + 1)
        page, next_cursor = _page(rows, limit, lambda row: row.entry_id)
        return pb.ListAuditResponse(entries=map(_entry, page), next_cursor=next_cursor)

    async def ListDeadLetters(self, request: pb.ListDeadLettersRequest, context: Any) -> pb.ListDeadLettersResponse:
        limit = page_limit(request.limit)
        rows = await self._administration.dead_letters(current_user().user_id, _before(request.cursor), limit + 1)
        page, next_cursor = _page(rows, limit, lambda row: row.letter_id)
        return pb.ListDeadLettersResponse(letters=map(_letter, page), next_cursor=next_cursor)

    async def GetDeadLetter(self, request: pb.GetDeadLetterRequest, context: Any) -> pb.GetDeadLetterResponse:
        letter_id = parse_id(request.letter_id, "letter_id")
        letter = await self._administration.dead_letter(current_user().user_id, letter_id)
        return pb.GetDeadLetterResponse(letter=_letter(letter), key=letter.key, content=letter.content)

    async def ReplayDeadLetter(self, request: pb.ReplayDeadLetterRequest, context: Any) -> pb.ReplayDeadLetterResponse:
        await self._administration.replay(current_user().user_id, parse_id(request.letter_id, "letter_id"))
        return pb.ReplayDeadLetterResponse()
