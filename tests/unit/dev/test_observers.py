"""What the observers are told, and how OTLP becomes Zipkin's JSON."""

from __future__ import annotations

from pathlib import Path

from observe.traces import zipkin_spans
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.trace.v1.trace_pb2 import Status
from stack import manifest
from stack.observers import prometheus_config
from stack.ports import plan

ROOT = Path(__file__).resolve().parents[3]


def test_prometheus_scrapes_every_replica_and_its_sidecar() -> None:
    layout = plan(manifest.read(ROOT / "dapr.yaml"), {"delivery": 2}, block=None)
    jobs = {job["job_name"]: job["static_configs"][0]["targets"] for job in prometheus_config(layout)["scrape_configs"]}
    assert "127.0.0.1:8094" in jobs["apps"]
    assert "127.0.0.1:13565" in jobs["sidecars"]
    assert len(set(jobs["apps"])) == len(set(jobs["sidecars"])) == 8


def test_every_port_of_a_block_is_its_own() -> None:
    layout = plan(manifest.read(ROOT / "dapr.yaml"), {}, block=20000)
    ports = [*layout.backing.values(), *layout.observers.values()]
    ports += [port for instance in layout.instances for port in instance.ports.values()]
    assert len(set(ports)) == len(ports)


def test_a_span_keeps_its_place_its_time_and_its_error() -> None:
    request = ExportTraceServiceRequest()
    resource = request.resource_spans.add()
    resource.resource.attributes.add(key="service.name").value.string_value = "message"
    scope = resource.scope_spans.add()
    scope.scope.name = "realchat"
    span = scope.spans.add(
        trace_id=bytes(15) + b"\x01", span_id=bytes(7) + b"\x02", parent_span_id=bytes(7) + b"\x03",
        name="log append", kind=2, start_time_unix_nano=1_000_000, end_time_unix_nano=3_000_000,
    )  # fmt: skip
    span.attributes.add(key="events").value.int_value = 3
    span.status.code = Status.STATUS_CODE_ERROR
    span.status.message = "away"
    span.links.add(trace_id=bytes(15) + b"\x04")
    assert zipkin_spans(request) == [
        {
            "traceId": f"{1:032x}",
            "id": f"{2:016x}",
            "parentId": f"{3:016x}",
            "name": "log append",
            "kind": "SERVER",
            "timestamp": 1000,
            "duration": 2000,
            "localEndpoint": {"serviceName": "message"},
            "tags": {"events": "3", "otel.scope.name": "realchat", "error": "away", "otel.links": f"{4:032x}"},
            "annotations": [],
        }
    ]
