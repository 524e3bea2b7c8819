"""The catalogue of errors. Generated from contracts/errors.yaml by `just gen`: do not edit."""

from __future__ import annotations

from enum import Enum

import grpc


class Code(Enum):
    """A stable error code with its HTTP status, gRPC status, whether it is temporary, and its title."""

    http: int
    grpc: grpc.StatusCode
    temporary: bool
    title: str

    def __new__(cls, code: str, http: int, status: grpc.StatusCode, temporary: bool, title: str) -> Code:
        member = object.__new__(cls)
        member._value_ = code
        member.http, member.grpc, member.temporary, member.title = http, status, temporary, title
        return member

    INVALID_ARGUMENT = ("invalid_argument", 422, grpc.StatusCode.INVALID_ARGUMENT, False, "The request has a value that is not allowed")
    MALFORMED_REQUEST = ("malformed_request", 400, grpc.StatusCode.INVALID_ARGUMENT, False, "The request cannot be read")
    UNAUTHENTICATED = ("unauthenticated", 401, grpc.StatusCode.UNAUTHENTICATED, False, "Authentication is needed")
    INVALID_CREDENTIALS = ("invalid_credentials", 401, grpc.StatusCode.UNAUTHENTICATED, False, "The email or the password is wrong")
    SECOND_FACTOR_REQUIRED = ("second_factor_required", 401, grpc.StatusCode.UNAUTHENTICATED, False, "The login needs a code of the second factor")
    INVALID_REFRESH_TOKEN = ("invalid_refresh_token", 401, grpc.StatusCode.UNAUTHENTICATED, False, "The refresh token is unknown or has expired")
    REFRESH_TOKEN_REUSED = ("refresh_token_reused", 401, grpc.StatusCode.UNAUTHENTICATED, False, "The refresh token was used before and its session is revoked")
    SESSION_REVOKED = ("session_revoked", 401, grpc.StatusCode.UNAUTHENTICATED, False, "The session has ended")
    INVALID_CONFIRMATION = ("invalid_confirmation", 410, grpc.StatusCode.NOT_FOUND, False, "The link is unknown or was used or has expired")
    ACCOUNT_SUSPENDED = ("account_suspended", 403, grpc.StatusCode.PERMISSION_DENIED, False, "The account is suspended")
    CALLER_NOT_ALLOWED = ("caller_not_allowed", 403, grpc.StatusCode.PERMISSION_DENIED, False, "The calling application may not do this")
    WRONG_PASSWORD = ("wrong_password", 403, grpc.StatusCode.PERMISSION_DENIED, False, "The password is wrong")
    WRONG_CODE = ("wrong_code", 403, grpc.StatusCode.PERMISSION_DENIED, False, "The code is wrong or was used before")
    PERMISSION_DENIED = ("permission_denied", 403, grpc.StatusCode.PERMISSION_DENIED, False, "Not allowed for this member")
    CONTACT_REFUSED = ("contact_refused", 403, grpc.StatusCode.PERMISSION_DENIED, False, "Not possible between these people")
    NOT_FOUND = ("not_found", 404, grpc.StatusCode.NOT_FOUND, False, "There is nothing at this address")
    METHOD_NOT_ALLOWED = ("method_not_allowed", 405, grpc.StatusCode.UNIMPLEMENTED, False, "The method is not allowed here")
    USER_NOT_FOUND = ("user_not_found", 404, grpc.StatusCode.NOT_FOUND, False, "No such user")
    CONVERSATION_NOT_FOUND = ("conversation_not_found", 404, grpc.StatusCode.NOT_FOUND, False, "No such conversation")
    MEMBER_NOT_FOUND = ("member_not_found", 404, grpc.StatusCode.NOT_FOUND, False, "No such member in this conversation")
    MESSAGE_NOT_FOUND = ("message_not_found", 404, grpc.StatusCode.NOT_FOUND, False, "No such message in this conversation")
    CONTACT_REQUEST_NOT_FOUND = ("contact_request_not_found", 404, grpc.StatusCode.NOT_FOUND, False, "No such contact request")
    INVITE_NOT_FOUND = ("invite_not_found", 404, grpc.StatusCode.NOT_FOUND, False, "The invitation is not valid")
    SESSION_NOT_FOUND = ("session_not_found", 404, grpc.StatusCode.NOT_FOUND, False, "No such session")
    BOT_NOT_FOUND = ("bot_not_found", 404, grpc.StatusCode.NOT_FOUND, False, "No such bot")
    DEAD_LETTER_NOT_FOUND = ("dead_letter_not_found", 404, grpc.StatusCode.NOT_FOUND, False, "No such dead letter")
    REPORT_NOT_FOUND = ("report_not_found", 404, grpc.StatusCode.NOT_FOUND, False, "No such report")
    EMAIL_TAKEN = ("email_taken", 409, grpc.StatusCode.ALREADY_EXISTS, False, "The email has an account already")
    HANDLE_TAKEN = ("handle_taken", 409, grpc.StatusCode.ALREADY_EXISTS, False, "The handle belongs to somebody else")
    SECOND_FACTOR_ON = ("second_factor_on", 409, grpc.StatusCode.FAILED_PRECONDITION, False, "The account has a second factor already")
    SECOND_FACTOR_OFF = ("second_factor_off", 409, grpc.StatusCode.FAILED_PRECONDITION, False, "The account has no second factor")
    LIMIT_REACHED = ("limit_reached", 409, grpc.StatusCode.FAILED_PRECONDITION, False, "There are as many as there may be")
    LAST_OWNER = ("last_owner", 409, grpc.StatusCode.FAILED_PRECONDITION, False, "A group needs an owner")
    NOT_A_GROUP = ("not_a_group", 409, grpc.StatusCode.FAILED_PRECONDITION, False, "Only a group can be changed so")
    TOO_MANY_MEMBERS = ("too_many_members", 409, grpc.StatusCode.FAILED_PRECONDITION, False, "The group would have too many members")
    EDIT_TOO_LATE = ("edit_too_late", 409, grpc.StatusCode.FAILED_PRECONDITION, False, "The message is too old to be changed")
    TOO_MANY_REACTIONS = ("too_many_reactions", 409, grpc.StatusCode.FAILED_PRECONDITION, False, "The message has as many different reactions as it may")
    ATTACHMENT_NOT_FOUND = ("attachment_not_found", 404, grpc.StatusCode.NOT_FOUND, False, "No such attachment")
    ATTACHMENT_QUARANTINED = ("attachment_quarantined", 422, grpc.StatusCode.FAILED_PRECONDITION, False, "The file is not what it was announced to be")
    LINK_EXPIRED = ("link_expired", 410, grpc.StatusCode.FAILED_PRECONDITION, False, "The link was good for a while only")
    SCHEDULED_NOT_FOUND = ("scheduled_not_found", 404, grpc.StatusCode.NOT_FOUND, False, "No such message waits to be sent")
    TOO_MANY_SCHEDULED = ("too_many_scheduled", 409, grpc.StatusCode.FAILED_PRECONDITION, False, "Too many messages wait to be sent")
    POLL_CLOSED = ("poll_closed", 409, grpc.StatusCode.FAILED_PRECONDITION, False, "The poll is closed")
    TOO_MANY_INVITES = ("too_many_invites", 409, grpc.StatusCode.FAILED_PRECONDITION, False, "The group has too many invitations")
    TOO_MANY_PINS = ("too_many_pins", 409, grpc.StatusCode.FAILED_PRECONDITION, False, "The conversation has as many pinned messages as it may")
    IDEMPOTENCY_MISMATCH = ("idempotency_mismatch", 422, grpc.StatusCode.FAILED_PRECONDITION, False, "The idempotency key was used for another request")
    REQUEST_IN_PROGRESS = ("request_in_progress", 409, grpc.StatusCode.ABORTED, True, "The same request is being worked on")
    PAYLOAD_TOO_LARGE = ("payload_too_large", 413, grpc.StatusCode.INVALID_ARGUMENT, False, "The request is too large")
    UNSUPPORTED_MEDIA_TYPE = ("unsupported_media_type", 415, grpc.StatusCode.INVALID_ARGUMENT, False, "The media type is not supported")
    RATE_LIMITED = ("rate_limited", 429, grpc.StatusCode.RESOURCE_EXHAUSTED, True, "Too many requests")
    LOCKED_OUT = ("locked_out", 429, grpc.StatusCode.RESOURCE_EXHAUSTED, True, "Too many failed attempts")
    OVERLOADED = ("overloaded", 503, grpc.StatusCode.RESOURCE_EXHAUSTED, True, "The service has more work than it can take")
    UNAVAILABLE = ("unavailable", 503, grpc.StatusCode.UNAVAILABLE, True, "A part of the system is away")
    DEADLINE_EXCEEDED = ("deadline_exceeded", 504, grpc.StatusCode.DEADLINE_EXCEEDED, True, "The answer took too long")
    INTERNAL = ("internal", 500, grpc.StatusCode.INTERNAL, True, "Something went wrong on our side")
