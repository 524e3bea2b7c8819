"""Logs, traces and metrics, set up once per process."""

from __future__ import annotations

import hashlib
import logging
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import structlog
from opentelemetry import propagate, trace
from opentelemetry.exporter.otlp.proto.grpc.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.sdk.trace.sampling import ParentBased, TraceIdRatioBased
from prometheus_client import Counter, Histogram, Info, disable_created_metrics
from structlog.processors import ExceptionRenderer
from structlog.tracebacks import ExceptionDictTransformer

from realchat_common.settings import ServiceSettings

log: structlog.stdlib.BoundLogger = structlog.get_logger()
tracer = trace.get_tracer("realchat")

REQUEST_ID = "x-request-id"

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
            sampler=ParentBased(TraceIdRatioBased(settings.trace_ratio)),
        )
        provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter(settings.otlp_endpoint, insecure=True)))
        trace.set_tracer_provider(provider)


@contextmanager
def server_span(name: str, carrier: dict[str, str]) -> Iterator[trace.Span]:
    """A span for work that somebody else asked for, in the trace that the carrier's W3C headers name."""
    context = propagate.extract(carrier)
    with tracer.start_as_current_span(name, context, kind=trace.SpanKind.SERVER) as span:
        yield span


def trace_headers() -> dict[str, str]:
    """The current trace as W3C headers (Trace Context), empty outside a trace."""
    headers: dict[str, str] = {}
    propagate.inject(headers)
    return headers


def request_headers() -> dict[str, str]:
    """What a call takes along of the request that it is made for: its trace and its id."""
    request_id = structlog.contextvars.get_contextvars().get("request_id")
    return trace_headers() | ({REQUEST_ID: request_id} if request_id else {})
