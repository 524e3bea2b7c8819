"""Which spans are kept: a share of all, whatever failed, and whatever is linked to something kept."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from opentelemetry.context import Context
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import StatusCode

from realchat_common import telemetry
from realchat_common.errors import Code, RealChatError
from realchat_common.telemetry import Sampling, client_span, sampled_links, server_span, traced

SAMPLED = f"00-{'ab' * 16}-{'cd' * 8}-01"
UNSAMPLED = f"00-{'ab' * 16}-{'cd' * 8}-00"


@pytest.fixture
def kept(monkeypatch: pytest.MonkeyPatch) -> Iterator[InMemorySpanExporter]:
    """What an application exports that samples nothing by itself."""
    kept = InMemorySpanExporter()
    provider = TracerProvider(sampler=Sampling(0))
    provider.add_span_processor(SimpleSpanProcessor(kept))
    monkeypatch.setattr(telemetry, "tracer", provider.get_tracer("realchat"))
    yield kept
    provider.shutdown()


def test_what_succeeds_is_a_span_only_in_a_sampled_trace(kept: InMemorySpanExporter) -> None:
    for traceparent in (SAMPLED, UNSAMPLED):
        with server_span(traceparent, {"traceparent": traceparent}), client_span("postgresql", {}):
            pass
    assert [span.name for span in kept.get_finished_spans()] == ["postgresql", SAMPLED]


@pytest.mark.parametrize("error", [RuntimeError("a secret"), TimeoutError(), RealChatError(Code.UNAVAILABLE)])
def test_a_failure_is_kept_in_its_trace_whether_that_is_sampled_or_not(
    kept: InMemorySpanExporter, error: Exception
) -> None:
    for traceparent in (SAMPLED, UNSAMPLED):
        with pytest.raises(type(error)), server_span("work", {"traceparent": traceparent}):
            raise error
    spans = kept.get_finished_spans()
    assert [(span.name, span.status.status_code) for span in spans] == [("work", StatusCode.ERROR)] * 2
    assert all(span.context and span.context.trace_id == int("ab" * 16, 16) for span in spans)
    assert not any("secret" in span.to_json() for span in spans)


@pytest.mark.parametrize("error", [RealChatError(Code.NOT_FOUND), ConnectionError()])
def test_what_the_caller_did_wrong_is_no_failure(kept: InMemorySpanExporter, error: Exception) -> None:
    with pytest.raises(type(error)), traced("work"):
        raise error
    assert not kept.get_finished_spans()


def test_what_is_linked_to_something_sampled_is_kept(kept: InMemorySpanExporter) -> None:
    links = sampled_links([SAMPLED, UNSAMPLED, None, 7, "nonsense-01"])
    assert [link.context.trace_id for link in links] == [int("ab" * 16, 16)]
    with traced("bulk", Context(), links=links):
        pass
    with traced("alone"):
        pass
    (bulk,) = kept.get_finished_spans()
    assert bulk.name == "bulk"
    assert bulk.parent is None
