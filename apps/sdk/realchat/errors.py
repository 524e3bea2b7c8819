"""What can go wrong, as exceptions: one class per thing that a program does about it, the catalogue's code in each."""

from __future__ import annotations

from typing import Any

from realchat.codes import Code


class RealChatError(Exception):
    """The server refused something, or could not be reached.

    Args:
        code: of the catalogue; a plain text when it is one that this version does not know.
        detail: what happened this time, for people.
        temporary: the same may succeed later, unchanged.
        retry_after: seconds after which it is worth another try, where known.
        field: the request's field that is wrong, where there is one.
    """

    def __init__(
        self,
        code: Code | str,
        detail: str = "",
        *,
        temporary: bool = False,
        retry_after: float | None = None,
        field: str | None = None,
    ) -> None:
        super().__init__(": ".join(filter(None, (str(code), field, detail))))
        self.code = code
        self.detail = detail
        self.temporary = temporary
        self.retry_after = retry_after
        self.field = field


class InvalidRequestError(RealChatError):
    """Something in the request is not allowed; `field` says what."""


class UnauthenticatedError(RealChatError):
    """Nobody is logged in, or not as they should be."""


class LoggedOutError(UnauthenticatedError):
    """There is no session, or it has ended; only `login` helps. `code` says why."""


class PermissionDeniedError(RealChatError):
    """This person may not do this."""


class NotFoundError(RealChatError):
    """It does not exist, or not for this person."""


class ConflictError(RealChatError):
    """It contradicts how things are now."""


class RateLimitedError(RealChatError):
    """Too much too fast; `retry_after` says how long to wait."""


class UnavailableError(RealChatError):
    """The server, or a part of it, is away."""


class ConnectionLostError(UnavailableError):
    """No answer came. Whether the server did what was asked is unknown; asking again with the same key is safe."""

    def __init__(self, detail: str) -> None:
        super().__init__("connection_lost", detail, temporary=True)


class SocketRefusedError(RealChatError):
    """The server closed the socket for good: a program or a person has to change something first.

    Args:
        close_code: 4200-4299, 1007 or 1009; contracts/asyncapi.yaml says what each means.
        reason: as the server gave it.
    """

    def __init__(self, close_code: int, reason: str) -> None:
        super().__init__("socket_refused", f"{close_code} {reason}")
        self.close_code = close_code


_CODES: dict[str, Code] = {code.value: code for code in Code}
_BY_STATUS: dict[int, type[RealChatError]] = {
    401: UnauthenticatedError,
    403: PermissionDeniedError,
    404: NotFoundError,
    409: ConflictError,
    429: RateLimitedError,
}


def error_of(answer: dict[str, Any], status: int | None = None) -> RealChatError:
    """The exception for a problem+json document or an `error` frame.

    Args:
        answer: with `code`, `detail`, `temporary` and perhaps `retry_after` and `field`.
        status: of the HTTP answer; without one, that of the code in the catalogue.
    """
    text = str(answer.get("code", ""))
    code = _CODES.get(text, text)
    status = status or (code.http if isinstance(code, Code) else 400)
    kind = _BY_STATUS.get(status) or (UnavailableError if status >= 500 else InvalidRequestError)
    return kind(
        code,
        str(answer.get("detail", "")),
        temporary=bool(answer.get("temporary", status >= 500)),
        retry_after=answer.get("retry_after"),
        field=answer.get("field"),
    )
