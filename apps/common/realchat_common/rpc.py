"""gRPC between applications, always through the sidecars (Dapr service invocation, gRPC proxying).

The server's interceptor decides who may call, bounds the time, and turns errors into statuses; the client's
`Peer` does the opposite. Source: https://docs.dapr.io/developing-applications/building-blocks/service-invocation/howto-invoke-services-grpc/
"""

from __future__ import annotations

import asyncio
import hmac
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from time import perf_counter
from typing import Any, Generic, TypeVar

import grpc
import structlog
from google.protobuf.message import Message
from opentelemetry.trace import SpanKind

from chat.calls import CALLERS
from realchat_common.errors import Code, RealChatError, from_rpc_error, to_rpc_status
from realchat_common.identity import Caller, Callers, Identity, User
from realchat_common.telemetry import REQUEST_ID, REQUESTS, log, pseudonym, request_headers, server_span, traced

MAX_MESSAGE_BYTES = 16 * 1024 * 1024
DEADLINE_SECONDS = 5.0
"""For a call whose caller names no other."""
MOST_SECONDS = 30.0
"""The server's own bound, for a caller that sets no deadline."""

CALLER_HEADER = "x-realchat-caller"
_OPTIONS = [
    ("grpc.max_receive_message_length", MAX_MESSAGE_BYTES),
    ("grpc.max_send_message_length", MAX_MESSAGE_BYTES),
]

_WITHOUT_TOKEN = frozenset(
    f"/dapr.proto.runtime.v1.AppCallback/{name}" for name in ("ListTopicSubscriptions", "ListInputBindings")
)
"""daprd asks these without the token (pkg/runtime/pubsub/subscriptions.go); the answers are no secret."""

_caller: ContextVar[Caller | None] = ContextVar("caller", default=None)

S = TypeVar("S")
Q = TypeVar("Q", bound=Message)
A = TypeVar("A", bound=Message)


def current_caller() -> Caller:
    """Who made the call that is being answered. Raises unauthenticated for the sidecar's own callbacks."""
    caller = _caller.get()
    if caller is None:
        raise RealChatError(Code.UNAUTHENTICATED)
    return caller


def current_user() -> User:
    """The user on whose behalf the call is made. Raises unauthenticated when there is none."""
    return current_caller().require_user()


def _metadata(context: Any) -> dict[str, str]:
    return {key: str(value) for key, value in context.invocation_metadata() or ()}


@dataclass(slots=True)
class _Outcome:
    """How a call ended."""

    failure: RealChatError | None = None
    code: str = "cancelled"

    def status(self) -> tuple[grpc.StatusCode, str, Any]:
        """Code, details and trailing metadata, as `abort` takes them."""
        status = to_rpc_status(self.failure or RealChatError(Code.INTERNAL))
        return status.code, status.details, status.trailing_metadata


@contextmanager
def _outcome(method: str, context: Any) -> Iterator[_Outcome]:
    """Traces and measures a call, and holds back the error that it ends with."""
    started = perf_counter()
    outcome = _Outcome()
    outside = _caller.set(None)
    metadata = _metadata(context)
    # A worker thread's context outlives the call: all that is bound in here is taken back.
    named = {"request_id": metadata.get(REQUEST_ID, ""), "user": ""}
    with server_span(method, metadata) as work, structlog.contextvars.bound_contextvars(**named):
        try:
            yield outcome
            outcome.code = "ok"
        except RealChatError as error:
            outcome.failure = error
        except TimeoutError:
            outcome.failure = RealChatError(Code.DEADLINE_EXCEEDED)
        except Exception:
            log.exception("call failed", method=method)
            outcome.failure = RealChatError(Code.INTERNAL)
        finally:
            if outcome.failure:
                outcome.code = outcome.failure.code.value
                work.ended(outcome.failure)
            work.span.set_attribute("realchat.code", outcome.code)
            REQUESTS.labels("rpc", method, outcome.code).observe(perf_counter() - started)
            _caller.reset(outside)


class _Edge(grpc.aio.ServerInterceptor):
    def __init__(self, app_api_token: str, callers: Callers) -> None:
        self._token = app_api_token
        self._callers = callers

    async def intercept_service(
        self,
        continuation: Callable[[grpc.HandlerCallDetails], Awaitable[grpc.RpcMethodHandler[Any, Any] | None]],
        details: grpc.HandlerCallDetails,
    ) -> grpc.RpcMethodHandler[Any, Any] | None:
        handler = await continuation(details)
        if handler is None or handler.unary_unary is None:
            return handler
        method = details.method
        inner: Any = handler.unary_unary  # the stubs know only sync handlers

        async def answer(request: Any, context: grpc.aio.ServicerContext[Any, Any]) -> Any:
            with _outcome(method, context) as outcome:
                self._admit(method, context)
                remaining = context.time_remaining()
                async with asyncio.timeout(min(remaining or MOST_SECONDS, MOST_SECONDS)):
                    return await inner(request, context)
            return await context.abort(*outcome.status())

        return grpc.unary_unary_rpc_method_handler(
            answer,
            handler.request_deserializer,
            handler.response_serializer,
        )

    def _admit(self, method: str, context: Any) -> None:
        if method in _WITHOUT_TOKEN:
            return
        metadata = _metadata(context)
        if not hmac.compare_digest(metadata.get("dapr-api-token", ""), self._token):
            raise RealChatError(Code.UNAUTHENTICATED, "the call did not come through the sidecar")
        allowed = CALLERS.get(method)
        if allowed is None:
            return  # the sidecar's own callbacks: events, bindings, health
        caller = self._callers.verify(metadata.get(CALLER_HEADER, ""))
        if caller.app_id not in allowed:
            raise RealChatError(Code.CALLER_NOT_ALLOWED, f"{caller.app_id} may not call {method}")
        _caller.set(caller)
        if caller.user:
            structlog.contextvars.bind_contextvars(user=pseudonym(caller.user.user_id))


def rpc_server(app_api_token: str, callers: Callers) -> grpc.aio.Server:
    """A server that admits only what contracts/calls.yaml allows, through the sidecar.

    Args:
        app_api_token: what the sidecar sends with every call.
        callers: verifies the assertions of other applications.
    """
    return grpc.aio.server(interceptors=[_Edge(app_api_token, callers)], options=_OPTIONS)


def sidecar_channel(dapr_grpc_port: int) -> grpc.aio.Channel:
    """The channel to this application's sidecar, which all peers share."""
    return grpc.aio.insecure_channel(f"127.0.0.1:{dapr_grpc_port}", options=_OPTIONS)


class Peer(Generic[S]):
    """Another application, reached through the sidecar.

    Args:
        app_id: the other application.
        stub: its generated stub class.
        channel: from `sidecar_channel`.
        dapr_api_token: what the sidecar asks of us.
        identity: signs the assertion of who we are.
    """

    def __init__(
        self,
        app_id: str,
        stub: Callable[[grpc.aio.Channel], S],
        channel: grpc.aio.Channel,
        dapr_api_token: str,
        identity: Identity,
    ) -> None:
        self.stub = stub(channel)
        self._app_id = app_id
        self._token = dapr_api_token
        self._identity = identity

    async def call(
        self,
        method: grpc.aio.UnaryUnaryMultiCallable[Q, A],
        request: Q,
        user: User | None = None,
        deadline: float = DEADLINE_SECONDS,
    ) -> A:
        """Calls one method of `stub`.

        Args:
            method: for example `peer.stub.GetHistory`.
            request: its request.
            user: on whose behalf; edges only.
            deadline: seconds.

        Raises:
            RealChatError: what the other application answered, or unavailable, or deadline_exceeded.
        """
        with traced(f"call {self._app_id}", kind=SpanKind.CLIENT):
            metadata = (
                ("dapr-app-id", self._app_id),
                ("dapr-api-token", self._token),
                (CALLER_HEADER, self._identity.assertion(self._app_id, user)),
                *request_headers().items(),
            )
            try:
                return await method(request, timeout=deadline, metadata=metadata)
            except grpc.aio.AioRpcError as error:
                raise from_rpc_error(error) from error
