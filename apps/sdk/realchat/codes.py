"""The catalogue of errors. Generated from contracts/errors.yaml by `just gen`: do not edit."""

from __future__ import annotations

from enum import StrEnum


class Code(StrEnum):
    """A stable error code with its HTTP status."""

    http: int

    def __new__(cls, code: str, http: int) -> Code:
        member = str.__new__(cls, code)
        member._value_ = code
        member.http = http
        return member

    INVALID_ARGUMENT = ("invalid_argument", 422)
    MALFORMED_REQUEST = ("malformed_request", 400)
    UNAUTHENTICATED = ("unauthenticated", 401)
    INVALID_CREDENTIALS = ("invalid_credentials", 401)
    SECOND_FACTOR_REQUIRED = ("second_factor_required", 401)
    INVALID_REFRESH_TOKEN = ("invalid_refresh_token", 401)
    REFRESH_TOKEN_REUSED = ("refresh_token_reused", 401)
    SESSION_REVOKED = ("session_revoked", 401)
    INVALID_CONFIRMATION = ("invalid_confirmation", 410)
    ACCOUNT_SUSPENDED = ("account_suspended", 403)
    CALLER_NOT_ALLOWED = ("caller_not_allowed", 403)
    WRONG_PASSWORD = ("wrong_password", 403)
    WRONG_CODE = ("wrong_code", 403)
    PERMISSION_DENIED = ("permission_denied", 403)
    CONTACT_REFUSED = ("contact_refused", 403)
    NOT_FOUND = ("not_found", 404)
    METHOD_NOT_ALLOWED = ("method_not_allowed", 405)
    USER_NOT_FOUND = ("user_not_found", 404)
    CONVERSATION_NOT_FOUND = ("conversation_not_found", 404)
    MEMBER_NOT_FOUND = ("member_not_found", 404)
    MESSAGE_NOT_FOUND = ("message_not_found", 404)
    CONTACT_REQUEST_NOT_FOUND = ("contact_request_not_found", 404)
    INVITE_NOT_FOUND = ("invite_not_found", 404)
    SESSION_NOT_FOUND = ("session_not_found", 404)
    BOT_NOT_FOUND = ("bot_not_found", 404)
    DEAD_LETTER_NOT_FOUND = ("dead_letter_not_found", 404)
    REPORT_NOT_FOUND = ("report_not_found", 404)
    EMAIL_TAKEN = ("email_taken", 409)
    HANDLE_TAKEN = ("handle_taken", 409)
    SECOND_FACTOR_ON = ("second_factor_on", 409)
    SECOND_FACTOR_OFF = ("second_factor_off", 409)
    LIMIT_REACHED = ("limit_reached", 409)
    LAST_OWNER = ("last_owner", 409)
    NOT_A_GROUP = ("not_a_group", 409)
    TOO_MANY_MEMBERS = ("too_many_members", 409)
    EDIT_TOO_LATE = ("edit_too_late", 409)
    TOO_MANY_REACTIONS = ("too_many_reactions", 409)
    ATTACHMENT_NOT_FOUND = ("attachment_not_found", 404)
    ATTACHMENT_QUARANTINED = ("attachment_quarantined", 422)
    LINK_EXPIRED = ("link_expired", 410)
    SCHEDULED_NOT_FOUND = ("scheduled_not_found", 404)
    TOO_MANY_SCHEDULED = ("too_many_scheduled", 409)
    POLL_CLOSED = ("poll_closed", 409)
    TOO_MANY_INVITES = ("too_many_invites", 409)
    TOO_MANY_PINS = ("too_many_pins", 409)
    IDEMPOTENCY_MISMATCH = ("idempotency_mismatch", 422)
    REQUEST_IN_PROGRESS = ("request_in_progress", 409)
    PAYLOAD_TOO_LARGE = ("payload_too_large", 413)
    UNSUPPORTED_MEDIA_TYPE = ("unsupported_media_type", 415)
    RATE_LIMITED = ("rate_limited", 429)
    LOCKED_OUT = ("locked_out", 429)
    OVERLOADED = ("overloaded", 503)
    UNAVAILABLE = ("unavailable", 503)
    DEADLINE_EXCEEDED = ("deadline_exceeded", 504)
    INTERNAL = ("internal", 500)
