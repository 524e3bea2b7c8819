"""Administration over HTTP."""

from __future__ import annotations

from fastapi import FastAPI
from service.gateway.backends import Backends
from service.gateway.door import Client, access_token, visitor

from chat.auth.v1 import administration_pb2 as pb
from chat.message.v1 import message_pb2
from realchat_common.errors import Code, RealChatError
from realchat_common.ids import new_id


async def test_a_suspension_ends_the_access_tokens_of_all_sessions(
    app: FastAPI, alice: Client, backends: Backends
) -> None:
    bob, session_id = new_id(), new_id()
    backends.answer("SuspendUser", pb.SuspendUserResponse(session_ids=[session_id]))
    async with visitor(app, authorization=f"Bearer {access_token(bob, session_id)}") as phone:
        assert (await phone.get("/v1/sessions")).status_code == 200
        path = f"/v1/admin/users/{bob}/suspension"
        assert (await alice.ask("POST", path, json={"reason": "spam"})).status_code == 204
        assert (await phone.get("/v1/sessions")).json()["code"] == "session_revoked"
    assert (await alice.ask("DELETE", f"/v1/admin/users/{bob}/suspension")).status_code == 204
    assert backends.asked("UnsuspendUser").user_id == bob


async def test_who_is_no_administrator_is_told_so(alice: Client, backends: Backends) -> None:
    backends.answer("ListUsers", RealChatError(Code.PERMISSION_DENIED))
    assert (await alice.ask("GET", "/v1/admin/users")).status_code == 403


async def test_accounts_reports_and_the_audit_log_come_in_pages(alice: Client, backends: Backends) -> None:
    user = pb.AdministeredUser(user_id=new_id(), email="a@example.org", role=pb.ACCOUNT_ROLE_ADMIN, created_at_ms=1)
    backends.answer("ListUsers", pb.ListUsersResponse(users=[user], next_cursor="n"))
    users = (await alice.ask("GET", "/v1/admin/users?email_prefix=a&suspended=true&limit=1&cursor=c")).json()
    assert (users["users"][0]["role"], users["users"][0]["suspended_at"], users["next_cursor"]) == ("admin", None, "n")
    assert backends.asked("ListUsers") == pb.ListUsersRequest(
        email_prefix="a", suspended_only=True, limit=1, cursor="c"
    )
    names = ("report_id", "reporter_id", "conversation_id", "message_id", "sender_id")
    report = pb.Report(body="x", reason="spam")
    for name in names:
        setattr(report, name, new_id())
    backends.answer("ListReports", pb.ListReportsResponse(reports=[report]))
    reports = (await alice.ask("GET", "/v1/admin/reports?open=true")).json()
    assert (reports["reports"][0]["resolved_by"], reports["next_cursor"]) == (None, None)
    assert backends.asked("ListReports").open_only
    entry = pb.AuditEntry(entry_id=new_id(), actor="command", action="user.role", subject_id=new_id())
    backends.answer("ListAudit", pb.ListAuditResponse(entries=[entry]))
    assert (await alice.ask("GET", "/v1/admin/audit")).json()["entries"][0]["action"] == "user.role"


async def test_a_report_has_what_the_message_said(alice: Client, backends: Backends) -> None:
    sender, talk, message, report = (new_id() for _ in range(4))
    found = message_pb2.GetMessageResponse(sender_id=sender, body="Buy now!", sent_at_ms=7)
    backends.answer("GetMessage", found)
    backends.answer("FileReport", pb.FileReportResponse(report_id=report))
    path = f"/v1/conversations/{talk}/messages/{message}/report"
    answer = await alice.ask("POST", path, json={"reason": "spam"})
    assert (answer.status_code, answer.json()) == (201, {"report_id": report})
    filed = backends.asked("FileReport")
    assert (filed.sender_id, filed.body, filed.sent_at_ms, filed.reason) == (sender, "Buy now!", 7, "spam")
    backends.answer("GetMessage", RealChatError(Code.CONVERSATION_NOT_FOUND))
    assert (await alice.ask("POST", path, json={"reason": "spam"})).status_code == 404
    assert backends.times("FileReport") == 1


async def test_a_role_is_given_and_a_report_closed(alice: Client, backends: Backends) -> None:
    bob, report = new_id(), new_id()
    assert (await alice.ask("PATCH", f"/v1/admin/users/{bob}", json={"role": "admin"})).status_code == 204
    assert backends.asked("SetAccountRole") == pb.SetAccountRoleRequest(user_id=bob, role=pb.ACCOUNT_ROLE_ADMIN)
    path = f"/v1/admin/reports/{report}/resolution"
    assert (await alice.ask("POST", path, json={"resolution": "warned"})).status_code == 204
    assert backends.asked("ResolveReport").resolution == "warned"


async def test_a_dead_letter_is_listed_opened_and_put_back(alice: Client, backends: Backends) -> None:
    letter = pb.DeadLetter(letter_id=new_id(), topic="conversation-events", event_type="chat.segment", size=2)
    backends.answer("ListDeadLetters", pb.ListDeadLettersResponse(letters=[letter], next_cursor="n"))
    listed = (await alice.ask("GET", "/v1/admin/dead-letters?limit=1&cursor=c")).json()
    assert (listed["letters"][0]["type"], listed["next_cursor"]) == ("chat.segment", "n")
    assert backends.asked("ListDeadLetters") == pb.ListDeadLettersRequest(limit=1, cursor="c")
    backends.answer("GetDeadLetter", pb.GetDeadLetterResponse(letter=letter, key=b"k\xff", content=b"\xff?"))
    path = f"/v1/admin/dead-letters/{letter.letter_id}"
    opened = (await alice.ask("GET", path)).json()
    assert (opened["letter_id"], opened["key"], opened["content"]) == (letter.letter_id, "k\ufffd", "/z8=")
    assert (await alice.ask("POST", f"{path}/replay")).status_code == 204
    assert backends.asked("ReplayDeadLetter").letter_id == letter.letter_id
