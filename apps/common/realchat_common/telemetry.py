"""Logs, traces and metrics, set up once per process."""

from __future__ import annotations

import hashlib
import logging
import sys
from collections.abc import Iterable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass
from time import time_ns
from typing import Any

import structlog
from opentelemetry import propagate, trace
from opentelemetry.context import Context
from opentelemetry.exporter.otlp.proto.grpc.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.sdk.trace.sampling import Decision, ParentBased, Sampler, SamplingResult, TraceIdRatioBased
from opentelemetry.trace import Link, SpanKind, Status, StatusCode, TraceState
from opentelemetry.util.types import Attributes
from prometheus_client import Counter, Histogram, Info, disable_created_metrics
from structlog.processors import ExceptionRenderer
from structlog.tracebacks import ExceptionDictTransformer

from realchat_common.errors import RealChatError
from realchat_common.settings import ServiceSettings

log: structlog.stdlib.BoundLogger = structlog.get_logger()
tracer = trace.get_tracer("realchat")

REQUEST_ID = "x-request-id"
FAILURE = "realchat.failure"
"""The attribute of spans that are kept because they failed."""

BUCKETS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)

REQUESTS = Histogram(
    "realchat_request_duration_seconds",
    "Time to answer, by kind (http, rpc, frame), operation and code.",
    ("kind", "operation", "code"),
    buckets=BUCKETS,
)
APP = Info("realchat_app", "Which application this is; to be joined by `instance`.")
RETRIES = Counter("realchat_task_restarts_total", "Background tasks that failed and began again.", ("task",))


def _add_trace(_: Any, __: str, event: structlog.typing.EventDict) -> structlog.typing.EventDict:
    context = trace.get_current_span().get_span_context()
    if context.is_valid:
        event["trace_id"] = format(context.trace_id, "032x")
        event["span_id"] = format(context.span_id, "016x")
    return event


def pseudonym(user_id: str) -> str:
    """How logs name a user: the same everywhere, and no id that any API takes."""
    return hashlib.sha256(user_id.encode()).hexdigest()[:16]


def configure(settings: ServiceSettings) -> None:
    """Sets up JSON logs on standard output and, where a collector is named, traces by OTLP."""
    level = logging.getLevelNamesMapping()[settings.log_level.upper()]
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            _add_trace,
            # Without locals: they hold passwords, tokens and bodies.
            ExceptionRenderer(ExceptionDictTransformer(show_locals=False)),
            structlog.processors.JSONRenderer(),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(level),
        logger_factory=structlog.PrintLoggerFactory(sys.stdout),
        cache_logger_on_first_use=True,
    )
    structlog.contextvars.bind_contextvars(app=settings.app_id)
    disable_created_metrics()  # type: ignore[no-untyped-call]  # half of all series otherwise
    APP.info({"app": settings.app_id})
    logging.basicConfig(level=logging.WARNING, stream=sys.stderr)
    if settings.otlp_endpoint:
        provider = TracerProvider(
            resource=Resource.create({"service.name": settings.app_id}),
            sampler=Sampling(settings.trace_ratio),
        )
        provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter(settings.otlp_endpoint, insecure=True)))
        trace.set_tracer_provider(provider)


class Sampling(Sampler):
    """As the caller decided, else a share of all; and always what failed, and what is linked to something sampled.

    Args:
        ratio: the share, from 0 to 1.
    """

    def __init__(self, ratio: float) -> None:
        self._usual = ParentBased(TraceIdRatioBased(ratio))

    def should_sample(
        self,
        parent_context: Context | None,
        trace_id: int,
        name: str,
        kind: SpanKind | None = None,
        attributes: Attributes = None,
        links: Sequence[Link] | None = None,
        trace_state: TraceState | None = None,
    ) -> SamplingResult:
        """As the SDK asks, once for each span."""
        if (attributes and FAILURE in attributes) or any(link.context.trace_flags.sampled for link in links or ()):
            return SamplingResult(Decision.RECORD_AND_SAMPLE, attributes, trace_state)
        return self._usual.should_sample(parent_context, trace_id, name, kind, attributes, links, trace_state)

    def get_description(self) -> str:
        """For people."""
        return "what failed, what is linked to something sampled, or a share"


@dataclass(slots=True)
class Work:
    """Work that a span stands for."""

    span: trace.Span
    name: str
    failure: str = ""
    """The code or kind of the failure that is the system's own, not the caller's."""

    def ended(self, error: Exception) -> None:
        """Notes with what it ended."""
        if isinstance(error, RealChatError):
            self.failure = error.code.value if error.code.http >= 500 else ""
        elif not isinstance(error, ConnectionError):  # the client is gone
            self.failure = type(error).__name__


@contextmanager
def traced(
    name: str, context: Context | None = None, *, kind: SpanKind = SpanKind.INTERNAL, links: Sequence[Link] = ()
) -> Iterator[Work]:
    """A span for work whose failure is kept, whether its trace is sampled or not.

    What is not sampled costs nothing but the look at how it ended: the span of a failure is made afterwards.
    """
    began = time_ns()
    with tracer.start_as_current_span(
        name, context, kind=kind, links=links, record_exception=False, set_status_on_exception=False
    ) as span:
        work = Work(span, name)
        try:
            yield work
        except Exception as error:
            work.ended(error)
            raise
        finally:
            if work.failure:
                _keep(work, kind, began)


def _keep(work: Work, kind: SpanKind, began: int) -> None:
    status = Status(StatusCode.ERROR, work.failure)
    if work.span.is_recording():
        work.span.set_status(status)
        return
    inside = trace.set_span_in_context(work.span)  # so that its trace is the one that the logs name
    kept = tracer.start_span(work.name, inside, kind, {FAILURE: work.failure}, start_time=began)
    kept.set_status(status)
    kept.end()


def server_span(name: str, carrier: dict[str, str]) -> AbstractContextManager[Work]:
    """`traced`, for work that somebody else asked for, in the trace that the carrier's W3C headers name."""
    return traced(name, propagate.extract(carrier), kind=SpanKind.SERVER)


def client_span(name: str, attributes: dict[str, str]) -> AbstractContextManager[object]:
    """A span for what is asked of a store, where the current trace is sampled; else nothing, which costs nothing."""
    if not trace.get_current_span().is_recording():
        return nullcontext()
    return tracer.start_as_current_span(name, kind=SpanKind.CLIENT, attributes=attributes)


def sampled_links(traceparents: Iterable[object]) -> list[Link]:
    """Links to those of the W3C trace parents that are sampled."""
    sampled = [text for text in traceparents if isinstance(text, str) and text.endswith("-01")]
    contexts = [
        trace.get_current_span(propagate.extract({"traceparent": text}, Context())).get_span_context()
        for text in sampled
    ]
    return [Link(context) for context in contexts if context.is_valid]


def trace_headers() -> dict[str, str]:
    """The current trace as W3C headers (Trace Context), empty outside a trace."""
    headers: dict[str, str] = {}
    propagate.inject(headers)
    return headers


def request_headers() -> dict[str, str]:
    """What a call takes along of the request that it is made for: its trace and its id."""
    request_id = structlog.contextvars.get_contextvars().get("request_id")
    return trace_headers() | ({REQUEST_ID: request_id} if request_id else {})
