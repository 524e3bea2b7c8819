"""What administrators see and do; and reports, as members make them."""

from __future__ import annotations

from base64 import b64encode
from typing import Annotated, Any, Literal

from pydantic import BaseModel, Field

from chat.auth.v1 import administration_pb2 as pb
from realchat_common.ids import rfc3339
from realchat_gateway.schemas.base import ALICE, AT, BOB, MESSAGE, SESSION, TALK, Command, Id, Time, example

Text = Annotated[str, Field(min_length=1, max_length=1024)]

_USER = {
    "user_id": BOB,
    "email": "bob@example.com",
    "email_verified": True,
    "role": "member",
    "created_at": AT,
    "suspended_at": None,
    "suspension_reason": "",
}
_REPORT = {
    "report_id": SESSION,
    "reporter_id": ALICE,
    "conversation_id": TALK,
    "message_id": MESSAGE,
    "sender_id": BOB,
    "body": "Buy now!",
    "sent_at": AT,
    "reason": "spam",
    "reported_at": AT,
    "resolved_at": None,
    "resolved_by": None,
    "resolution": "",
}
_ENTRY = {
    "entry_id": SESSION,
    "at": AT,
    "actor": ALICE,
    "action": "user.suspend",
    "subject_id": BOB,
    "detail": "spam",
}

_LETTER = {
    "letter_id": SESSION,
    "at": AT,
    "topic": "conversation-events",
    "type": "chat.segment",
    "event_id": MESSAGE,
    "size": 13,
    "replayed_at": None,
}


def _time(milliseconds: int) -> str | None:
    return rfc3339(milliseconds) if milliseconds else None


class NewReport(Command):
    """What is wrong with a message."""

    model_config = example({"reason": "spam"})

    reason: Text


class FiledReport(BaseModel):
    """A report that administrators see."""

    model_config = example({"report_id": SESSION})

    report_id: Id


class AdministeredUser(BaseModel):
    """An account as administrators see it."""

    user_id: Id
    email: str
    email_verified: bool
    role: Literal["member", "admin"]
    created_at: Time
    suspended_at: Time | None
    suspension_reason: str

    @classmethod
    def of(cls, user: pb.AdministeredUser) -> AdministeredUser:
        """From the auth service."""
        return cls(
            user_id=user.user_id,
            email=user.email,
            email_verified=user.email_verified,
            role="admin" if user.role == pb.ACCOUNT_ROLE_ADMIN else "member",
            created_at=rfc3339(user.created_at_ms),
            suspended_at=_time(user.suspended_at_ms),
            suspension_reason=user.suspension_reason,
        )


class AdministeredUsers(BaseModel):
    """Newest first."""

    model_config = example({"users": [_USER], "next_cursor": None})

    users: list[AdministeredUser]
    next_cursor: str | None


class RoleChange(Command):
    """Another role of an account."""

    model_config = example({"role": "admin"})

    role: Literal["member", "admin"]


class Suspension(Command):
    """Why an account is suspended, for other administrators."""

    model_config = example({"reason": "spam"})

    reason: Text


class Resolution(Command):
    """What was done about a report."""

    model_config = example({"resolution": "The sender is suspended."})

    resolution: Text


class Report(BaseModel):
    """A message that somebody found wrong, as it was then."""

    report_id: Id
    reporter_id: Id
    conversation_id: Id
    message_id: Id
    sender_id: Id
    body: str
    sent_at: Time
    reason: str
    reported_at: Time
    resolved_at: Time | None
    resolved_by: Id | None
    resolution: str

    @classmethod
    def of(cls, report: pb.Report) -> Report:
        """From the auth service."""
        return cls(
            report_id=report.report_id,
            reporter_id=report.reporter_id,
            conversation_id=report.conversation_id,
            message_id=report.message_id,
            sender_id=report.sender_id,
            body=report.body,
            sent_at=rfc3339(report.sent_at_ms),
            reason=report.reason,
            reported_at=rfc3339(report.reported_at_ms),
            resolved_at=_time(report.resolved_at_ms),
            resolved_by=report.resolved_by or None,
            resolution=report.resolution,
        )


class Reports(BaseModel):
    """Newest first."""

    model_config = example({"reports": [_REPORT], "next_cursor": None})

    reports: list[Report]
    next_cursor: str | None


def _letter(letter: pb.DeadLetter) -> dict[str, Any]:
    return {
        "letter_id": letter.letter_id,
        "at": rfc3339(letter.at_ms),
        "topic": letter.topic,
        "type": letter.event_type,
        "event_id": letter.event_id,
        "size": letter.size,
        "replayed_at": _time(letter.replayed_at_ms),
    }


class AuditEntry(BaseModel):
    """Something that an administrator did."""

    entry_id: Id
    at: Time
    actor: Annotated[str, Field(description="An administrator's id, or `command` for `just admin`.")]
    action: str
    subject_id: Id
    detail: str

    @classmethod
    def of(cls, entry: pb.AuditEntry) -> AuditEntry:
        """From the auth service."""
        return cls(
            entry_id=entry.entry_id,
            at=rfc3339(entry.at_ms),
            actor=entry.actor,
            action=entry.action,
            subject_id=entry.subject_id,
            detail=entry.detail,
        )


class AuditLog(BaseModel):
    """Newest first."""

    model_config = example({"entries": [_ENTRY], "next_cursor": None})

    entries: list[AuditEntry]
    next_cursor: str | None


class DeadLetter(BaseModel):
    """An event that no service could read."""

    letter_id: Id
    at: Annotated[Time, Field(description="When it was published.")]
    topic: Annotated[str, Field(description="That it was for.")]
    type: Annotated[str, Field(description="As the event says; empty if that cannot be read either.")]
    event_id: str
    size: Annotated[int, Field(description="In bytes.")]
    replayed_at: Time | None

    @classmethod
    def of(cls, letter: pb.DeadLetter) -> DeadLetter:
        """From the auth service."""
        return cls(**_letter(letter))


class DeadLetters(BaseModel):
    """Newest first."""

    model_config = example({"letters": [_LETTER], "next_cursor": None})

    letters: list[DeadLetter]
    next_cursor: str | None


class OpenedLetter(DeadLetter):
    """A dead letter with what is in it."""

    model_config = example({**_LETTER, "key": TALK, "content": "eyJpZCI6ImUifQ=="})

    key: Annotated[str, Field(description="Of the record on the topic.")]
    content: Annotated[str, Field(description="The event as it was published, in base64. There may be messages in it.")]

    @classmethod
    def opened(cls, answer: pb.GetDeadLetterResponse) -> OpenedLetter:
        """From the auth service."""
        content = b64encode(answer.content).decode()
        return cls(**_letter(answer.letter), key=answer.key.decode(errors="replace"), content=content)
