"""OTLP in, Zipkin out: what the OpenTelemetry collector is elsewhere.

Zipkin's own OTLP module is not published, and applications and sidecars are to export as they do in production.
Formats: https://opentelemetry.io/docs/specs/otel/trace/sdk_exporters/zipkin/ and https://zipkin.io/zipkin-api/
"""

from __future__ import annotations

import argparse
import json
import signal
import urllib.request
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import grpc
from opentelemetry.proto.collector.trace.v1 import trace_service_pb2 as collector
from opentelemetry.proto.collector.trace.v1.trace_service_pb2_grpc import (
    TraceServiceServicer,
    add_TraceServiceServicer_to_server,
)
from opentelemetry.proto.common.v1 import common_pb2
from opentelemetry.proto.trace.v1 import trace_pb2

SECONDS = 5.0

_KINDS = {
    trace_pb2.Span.SPAN_KIND_SERVER: "SERVER",
    trace_pb2.Span.SPAN_KIND_CLIENT: "CLIENT",
    trace_pb2.Span.SPAN_KIND_PRODUCER: "PRODUCER",
    trace_pb2.Span.SPAN_KIND_CONSUMER: "CONSUMER",
}

_STATUS_ERROR = trace_pb2.Status.STATUS_CODE_ERROR


def zipkin_spans(request: collector.ExportTraceServiceRequest) -> list[dict[str, Any]]:
    """The spans of an OTLP request in Zipkin's JSON, version 2."""
    return [
        _span(span, _tags(resource.resource.attributes).get("service.name", "unknown"), scope.scope.name)
        for resource in request.resource_spans
        for scope in resource.scope_spans
        for span in scope.spans
    ]


def _span(span: trace_pb2.Span, service: str, scope: str) -> dict[str, Any]:
    tags = {**_tags(span.attributes), "otel.scope.name": scope}
    if span.status.code == _STATUS_ERROR:
        tags["error"] = span.status.message or "true"
    if span.links:
        # Zipkin knows no links: what the span also belongs to is at least to be read.
        tags["otel.links"] = " ".join(sorted({link.trace_id.hex() for link in span.links}))
    found = {
        "traceId": span.trace_id.hex(),
        "id": span.span_id.hex(),
        "name": span.name,
        "timestamp": span.start_time_unix_nano // 1000,
        "duration": max(1, (span.end_time_unix_nano - span.start_time_unix_nano) // 1000),
        "localEndpoint": {"serviceName": service},
        "tags": tags,
        "annotations": [{"timestamp": each.time_unix_nano // 1000, "value": each.name} for each in span.events],
    }
    if span.parent_span_id:
        found["parentId"] = span.parent_span_id.hex()
    if span.kind in _KINDS:
        found["kind"] = _KINDS[span.kind]
    return found


def _tags(attributes: Any) -> dict[str, str]:
    return {attribute.key: _text(attribute.value) for attribute in attributes}


def _text(value: common_pb2.AnyValue) -> str:
    kind = value.WhichOneof("value")
    content = getattr(value, kind) if kind else ""
    return str(content).lower() if kind == "bool_value" else str(content)


class Bridge(TraceServiceServicer):
    """Hands on what it gets; with Zipkin away the exporters are told, and try again."""

    def __init__(self, zipkin_url: str) -> None:
        self._url = f"{zipkin_url}/api/v2/spans"

    def Export(
        self, request: collector.ExportTraceServiceRequest, context: grpc.ServicerContext
    ) -> collector.ExportTraceServiceResponse:
        post = urllib.request.Request(  # noqa: S310 (ours, by http)
            self._url,
            data=json.dumps(zipkin_spans(request)).encode(),
            headers={"Content-Type": "application/json"},
        )
        try:
            urllib.request.urlopen(post, timeout=SECONDS).close()  # noqa: S310
        except OSError as error:
            context.abort(grpc.StatusCode.UNAVAILABLE, str(error))
        return collector.ExportTraceServiceResponse()


def main() -> None:
    """Serves until it is told to stop."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--listen", required=True, help="host:port for OTLP by gRPC")
    parser.add_argument("--zipkin", required=True, help="Zipkin's URL")
    options = parser.parse_args()
    server = grpc.server(ThreadPoolExecutor(4))
    add_TraceServiceServicer_to_server(Bridge(options.zipkin), server)  # type: ignore[no-untyped-call]
    server.add_insecure_port(options.listen)
    server.start()
    signal.signal(signal.SIGTERM, lambda *_: server.stop(grace=1))
    server.wait_for_termination()


if __name__ == "__main__":
    main()
