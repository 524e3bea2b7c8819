"""An OTLP receiver: what the applications and their sidecars tell of a trace."""

from __future__ import annotations

import socket
from collections import deque
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import grpc
from opentelemetry.proto.collector.trace.v1 import trace_service_pb2 as pb
from opentelemetry.proto.collector.trace.v1.trace_service_pb2_grpc import (
    TraceServiceServicer,
    add_TraceServiceServicer_to_server,
)

KEPT = 50_000


@dataclass(frozen=True)
class Span:
    """A finished span."""

    trace_id: str
    span_id: str
    parent_id: str
    name: str
    service: str
    by_sidecar: bool
    linked: frozenset[str]
    """The traces that it is linked to."""


@dataclass
class Traces(TraceServiceServicer):
    """Keeps the newest spans."""

    spans: deque[Span] = field(default_factory=lambda: deque(maxlen=KEPT))

    async def Export(self, request: pb.ExportTraceServiceRequest, context: Any) -> pb.ExportTraceServiceResponse:
        for resource in request.resource_spans:
            attributes = {entry.key: entry.value.string_value for entry in resource.resource.attributes}
            for scope in resource.scope_spans:
                for span in scope.spans:
                    self.spans.append(
                        Span(
                            span.trace_id.hex(),
                            span.span_id.hex(),
                            span.parent_span_id.hex(),
                            span.name,
                            attributes.get("service.name", ""),
                            scope.scope.name != "realchat",
                            frozenset(link.trace_id.hex() for link in span.links),
                        )
                    )
        return pb.ExportTraceServiceResponse()

    def of(self, trace_id: str) -> list[Span]:
        """The spans of one trace so far."""
        return [span for span in self.spans if span.trace_id == trace_id]


def free_port() -> int:
    """A port for a receiver."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        return int(free.getsockname()[1])


def exporting(port: int, ratio: float) -> dict[str, str]:
    """The environment of a stack that traces a share of all, and whatever a client asks to be traced."""
    return {
        "REALCHAT_OTLP_ENDPOINT": f"127.0.0.1:{port}",
        "REALCHAT_TRACE_RATIO": str(ratio),
        "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT": f"http://127.0.0.1:{port}",
        "OTEL_EXPORTER_OTLP_TRACES_INSECURE": "true",
    }


@asynccontextmanager
async def received(port: int) -> AsyncIterator[Traces]:
    """A receiver on a port of loopback."""
    traces = Traces()
    server = grpc.aio.server()
    add_TraceServiceServicer_to_server(traces, server)  # type: ignore[no-untyped-call]
    server.add_insecure_port(f"127.0.0.1:{port}")
    await server.start()
    yield traces
    await server.stop(grace=1)
