"""One send is one trace: through the gateway, the sidecars, the log and Kafka, to the recipient's socket."""

from __future__ import annotations

import secrets

import pytest
from support.chat import Device, eventually, online
from support.fixtures import NewPerson
from support.traces import Span, Traces

pytestmark = pytest.mark.timeout(120)


async def test_a_send_is_one_trace_from_the_request_to_the_fan_out(
    person: NewPerson, socket_urls: list[str], traces: Traces
) -> None:
    alice, bob = await person("Alice"), await person("Bob")
    conversation = await alice.talks_to(bob)
    trace_id = secrets.token_hex(16)
    bobs = Device(bob, socket_urls)
    async with online(bobs):
        await alice.asks(
            "POST",
            f"/v1/conversations/{conversation}/messages",
            json={"body": "traced"},
            headers={"traceparent": f"00-{trace_id}-{secrets.token_hex(8)}-01"},
        )
        await bobs.reaches(conversation, 2)

        def linked() -> bool:
            return any(trace_id in span.linked and span.name == "bulk of pointers" for span in traces.spans)

        def whole() -> bool:
            spans = traces.of(trace_id)
            return (
                {"gateway", "message", "delivery"} <= {span.service for span in spans if not span.by_sidecar}
                and {"gateway", "message"} <= {span.service for span in spans if span.by_sidecar}
                and {"log append", "postgresql", "redis EVAL", "socket write"} <= {span.name for span in spans}
                and connected(spans)
            )

        await eventually(whole, "the trace has connected spans of the applications and their sidecars", 30)
        await eventually(linked, "the outbox's copy is linked to it", 30)


def connected(spans: list[Span]) -> bool:
    """Whether only one parent is outside: the client's. A child is often exported before its parent."""
    known = {span.span_id for span in spans}
    return len({span.parent_id for span in spans} - known) == 1
