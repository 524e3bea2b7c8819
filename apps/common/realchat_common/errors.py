"""The one error that crosses edges, with its code from the catalogue (contracts/errors.yaml)."""

from __future__ import annotations

from typing import Any

import grpc
from google.protobuf import any_pb2
from google.rpc import error_details_pb2, status_pb2
from grpc_status import rpc_status

from chat.errors import Code

__all__ = ["Code", "RealChatError", "from_rpc_error", "to_rpc_status"]

DOMAIN = "realchat"
"""The `domain` of google.rpc.ErrorInfo (AIP-193) in our statuses."""

CODES: dict[str, Code] = {code.value: code for code in Code}


class RealChatError(Exception):
    """A failure with a stable code.

    Args:
        code: the entry of the catalogue.
        detail: what happened this time, for people; no personal data.
        retry_after: seconds after which a temporary failure is worth another try, where known.
        field: the request's field that is wrong, where there is one.
    """

    def __init__(
        self, code: Code, detail: str = "", *, retry_after: float | None = None, field: str | None = None
    ) -> None:
        super().__init__(f"{code.value}: {detail or code.title}")
        self.code = code
        self.detail = detail or code.title
        self.retry_after = retry_after
        self.field = field

    def problem(self) -> dict[str, Any]:
        """The error as RFC 9457 problem details."""
        problem: dict[str, Any] = {
            "type": f"urn:realchat:error:{self.code.value}",
            "title": self.code.title,
            "status": self.code.http,
            "detail": self.detail,
            "code": self.code.value,
            "temporary": self.code.temporary,
        }
        if self.field:
            problem["field"] = self.field
        if self.retry_after is not None:
            problem["retry_after"] = self.retry_after
        return problem


def to_rpc_status(error: RealChatError) -> Any:
    """The error as a gRPC status whose details carry code, field and retry time (google.rpc.ErrorInfo)."""
    info = error_details_pb2.ErrorInfo(reason=error.code.value, domain=DOMAIN)
    if error.field:
        info.metadata["field"] = error.field
    if error.retry_after is not None:
        info.metadata["retry_after"] = str(error.retry_after)
    detail = any_pb2.Any()
    detail.Pack(info)
    number: int = error.code.grpc.value[0]
    return rpc_status.to_status(status_pb2.Status(code=number, message=error.detail, details=[detail]))


def from_rpc_error(error: grpc.aio.AioRpcError) -> RealChatError:
    """What another application, or the way to it, answered.

    A status without our details comes from a sidecar or the network: it says nothing about the request,
    so it is temporary.
    """
    status = rpc_status.from_call(error)  # type: ignore[arg-type]
    for detail in status.details if status else ():
        info = error_details_pb2.ErrorInfo()
        if detail.Unpack(info) and info.domain == DOMAIN:
            retry_after = info.metadata.get("retry_after")
            return RealChatError(
                CODES[info.reason],
                error.details() or "",
                retry_after=float(retry_after) if retry_after else None,
                field=info.metadata.get("field"),
            )
    if error.code() is grpc.StatusCode.DEADLINE_EXCEEDED:
        return RealChatError(Code.DEADLINE_EXCEEDED)
    return RealChatError(Code.UNAVAILABLE)
