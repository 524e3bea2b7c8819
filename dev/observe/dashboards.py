"""Grafana's dashboards, from a few lines each: `python -m observe.dashboards` writes `dev/observability/grafana`.

Compose and Kubernetes mount the JSON as it is. A test runs every query against a stack. Format:
https://grafana.com/docs/grafana/latest/dashboards/build-dashboards/view-dashboard-json-model/
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).resolve().parents[1] / "observability" / "grafana"
RATE = "$__rate_interval"
PROBES = 'operation!~"GET /(livez|readyz|metrics)"'
APPS = ("gateway", "auth", "profile", "conversation", "message", "presence", "delivery")
_DATA = {"type": "prometheus", "uid": "prometheus"}
_WIDTH, _HEIGHT, _COLUMNS = 8, 7, 3


@dataclass(frozen=True)
class Panel:
    """A graph over time."""

    title: str
    queries: tuple[tuple[str, str], ...]
    """Each an expression and its legend."""
    unit: str = "short"
    """In Grafana's names: s, ms, bytes, ops, percentunit."""


@dataclass(frozen=True)
class Dashboard:
    """A page of panels."""

    uid: str
    title: str
    panels: tuple[Panel, ...]
    per_app: bool = False
    """With a choice of the application, `$app`."""


def rate(counter: str, by: str = "", where: str = "") -> str:
    """How fast counters grow, per second."""
    selector = f"{{{where}}}" if where else ""
    return f"sum{f' by ({by})' if by else ''} (rate({counter}{selector}[{RATE}]))"


def quantile(q: float, histogram: str, by: str = "", where: str = "") -> str:
    """A quantile of a histogram."""
    return f"histogram_quantile({q}, {rate(f'{histogram}_bucket', f'le, {by}' if by else 'le', where)})"


def _quantiles(histogram: str, by: str = "", legend: str = "", where: str = "") -> tuple[tuple[str, str], ...]:
    return tuple(
        (quantile(q, histogram, by, where), f"{legend} {name}".strip()) for q, name in ((0.5, "p50"), (0.99, "p99"))
    )


def _by_app(series: str) -> str:
    return f"sum by (app) ({series} * on (instance) group_left (app) realchat_app_info)"


def _of_app(series: str) -> str:
    """A rate by operation of the chosen application; the application's name comes from `realchat_app_info`."""
    return f'rate({series}[{RATE}]) * on (instance) group_left (app) realchat_app_info{{app="$app"}}'


_REQUESTS = "realchat_request_duration_seconds"
_EDGE = r'kind="http", operation=~".* /v1/.*"'

OVERVIEW = Dashboard(
    "realchat-overview",
    "RealChat: overview",
    (
        Panel("Open sockets", (("sum(realchat_sockets)", "sockets"),)),
        Panel("Requests at the gateway", ((rate(f"{_REQUESTS}_count", "code", _EDGE), "{{code}}"),), "ops"),
        Panel(
            "Frames from clients", ((rate("realchat_frames_received_total", "type, code"), "{{type}} {{code}}"),), "ops"
        ),
        Panel("Time to answer at the gateway", _quantiles(_REQUESTS, where=_EDGE), "s"),
        Panel("From append to fan-out", _quantiles("realchat_lane_lag_seconds", "lane", "{{lane}}"), "s"),
        Panel("Events to sockets", ((rate("realchat_events_delivered_total"), "events"),), "ops"),
        Panel(
            "Availability, error budget 0.1 %",
            (("1 - realchat:errors:ratio_rate5m", "5 min"), ("1 - realchat:errors:ratio_rate1h", "1 h")),
            "percentunit",
        ),
        Panel(
            "Fanned out within half a second, target 99 %",
            (("1 - realchat:late:ratio_rate5m", "5 min"), ("1 - realchat:late:ratio_rate1h", "1 h")),
            "percentunit",
        ),
        Panel("The prober, send to receive", _quantiles("realchat_probe_duration_seconds"), "s"),
        Panel("The prober's messages", ((rate("realchat_probe_messages_total", "outcome"), "{{outcome}}"),), "ops"),
        Panel(
            "Processor",
            (
                (
                    _by_app(f"rate(process_cpu_seconds_total[{RATE}])"),
                    "{{app}}",
                ),
            ),
            "percentunit",
        ),
        Panel(
            "Memory",
            (
                (
                    _by_app("process_resident_memory_bytes"),
                    "{{app}}",
                ),
            ),
            "bytes",
        ),
    ),
)

DELIVERY = Dashboard(
    "realchat-delivery",
    "RealChat: delivery",
    (
        Panel("Open sockets", (("realchat_sockets", "{{instance}}"),)),
        Panel(
            "Frames to clients, other than events",
            ((rate("realchat_frames_sent_total", "type, code"), "{{type}} {{code}}"),),
            "ops",
        ),
        Panel("Time to answer a frame", _quantiles(_REQUESTS, "operation", "{{operation}}", 'kind="frame"'), "s"),
        Panel("Closed by the server", ((rate("realchat_socket_closes_total", "code"), "{{code}}"),), "ops"),
        Panel("Closed for a full queue", ((rate("realchat_queue_closes_total"), "slow consumers"),), "ops"),
        Panel(
            "Queues", (("sum(realchat_queued_bytes)", "all"), ("max(realchat_longest_queue_bytes)", "longest")), "bytes"
        ),
        Panel("Resumes", ((rate("realchat_resumed_conversations_total", "status"), "{{status}}"),), "ops"),
        Panel("Gaps", ((rate("realchat_gaps_repaired_total", "outcome"), "{{outcome}}"),), "ops"),
        Panel("Sends that wait for their answer", (("sum(realchat_appends_waiting)", "sends"),)),
        Panel("Messages per append", _quantiles("realchat_append_batch_messages"), "short"),
        Panel("Fanned out", ((rate("realchat_events_fanned_out_total", "lane"), "{{lane}}"),), "ops"),
        Panel("From the log's answer", ((rate("realchat_shortcuts_total", "outcome"), "{{outcome}}"),), "ops"),
        Panel(
            "Compared with the watermark",
            ((rate("realchat_watermark_checks_total", "lane, outcome"), "{{lane}} {{outcome}}"),),
            "ops",
        ),
    ),
)

LOG = Dashboard(
    "realchat-log",
    "RealChat: message log and lanes",
    (
        Panel("Events per segment", _quantiles("realchat_append_batch_events"), "short"),
        Panel("Time to commit", _quantiles("realchat_append_commit_seconds"), "s"),
        Panel(
            "Adopted segments, conflicts",
            (
                (rate("realchat_segments_adopted_total"), "adopted"),
                (rate("realchat_segment_conflicts_total"), "conflicts"),
            ),
            "ops",
        ),
        Panel("From commit to the topic", _quantiles("realchat_log_lane_seconds", "lane", "{{lane}}"), "s"),
        Panel("From append to fan-out", _quantiles("realchat_lane_lag_seconds", "lane", "{{lane}}"), "s"),
        Panel("Watermark lag", _quantiles("realchat_watermark_lag_events", "lane", "{{lane}}"), "short"),
        Panel("The fast lane", ((rate("realchat_segments_published_total", "outcome"), "{{outcome}}"),), "ops"),
        Panel("Committed and not confirmed", (("max(realchat_unconfirmed_events)", "events"),)),
        Panel("Entries of the outbox that wait for too long", (("max(realchat_outbox_pending_entries)", "entries"),)),
        Panel("The janitor's releases", ((rate("realchat_janitor_releases_total", "way"), "{{way}}"),), "ops"),
        Panel("The sweeper's pointers", ((rate("realchat_sweeper_republished_total"), "published again"),), "ops"),
        Panel(
            "Dead letters",
            (
                (rate("realchat_events_dropped_total"), "message"),
                (rate("realchat_events_undecodable_total"), "delivery"),
            ),
            "ops",
        ),
    ),
)

DAPR = Dashboard(
    "realchat-dapr",
    "RealChat: Dapr and Kafka",
    (
        Panel(
            "Consumer lag",
            (("sum by (consumergroup, topic) (kafka_consumergroup_lag)", "{{consumergroup}} {{topic}}"),),
        ),
        Panel("Members of the groups", (("kafka_consumergroup_members", "{{consumergroup}}"),)),
        Panel("Brokers", (("kafka_brokers", "brokers"),)),
        Panel(
            "Events into applications",
            (
                (
                    rate("dapr_component_pubsub_ingress_count", "app_id, topic, process_status"),
                    "{{app_id}} {{topic}} {{process_status}}",
                ),
            ),
            "ops",
        ),
        Panel(
            "Events out of applications",
            (
                (
                    rate("dapr_component_pubsub_egress_count", "app_id, component, success"),
                    "{{app_id}} {{component}} {{success}}",
                ),
            ),
            "ops",
        ),
        Panel(
            "Time in the handlers",
            ((quantile(0.99, "dapr_component_pubsub_ingress_latencies", "app_id"), "{{app_id}} p99"),),
            "ms",
        ),
        Panel(
            "State stores",
            (
                (
                    rate("dapr_component_state_count", "app_id, component, operation"),
                    "{{app_id}} {{component}} {{operation}}",
                ),
            ),
            "ops",
        ),
        Panel(
            "Time in the state stores",
            (
                (
                    quantile(0.99, "dapr_component_state_latencies", "component, operation"),
                    "{{component}} {{operation}} p99",
                ),
            ),
            "ms",
        ),
        Panel(
            "Calls between applications",
            (
                (
                    rate("dapr_grpc_io_server_completed_rpcs", "app_id, grpc_server_status"),
                    "{{app_id}} {{grpc_server_status}}",
                ),
            ),
            "ops",
        ),
        Panel(
            "Resiliency policies at work",
            ((rate("dapr_resiliency_count", "app_id, policy, target"), "{{app_id}} {{policy}} {{target}}"),),
            "ops",
        ),
        Panel("Components", (("sum by (app_id) (dapr_runtime_component_loaded)", "{{app_id}}"),)),
        Panel(
            "Memory of the sidecars",
            (
                (
                    'process_resident_memory_bytes{job!="exporters"} unless on (instance) realchat_app_info',
                    "{{instance}}",
                ),
            ),
            "bytes",
        ),
    ),
)

SERVICE = Dashboard(
    "realchat-service",
    "RealChat: a service",
    (
        Panel("Rate", ((f"sum by (operation) ({_of_app(f'{_REQUESTS}_count{{{PROBES}}}')})", "{{operation}}"),), "ops"),
        Panel("Answers", ((f"sum by (code) ({_of_app(f'{_REQUESTS}_count{{{PROBES}}}')})", "{{code}}"),), "ops"),
        Panel(
            "Duration, p99",
            (
                (
                    f"histogram_quantile(0.99, sum by (le, operation) ({_of_app(f'{_REQUESTS}_bucket{{{PROBES}}}')}))",
                    "{{operation}}",
                ),
            ),
            "s",
        ),
        Panel("Processor", ((_of_app("process_cpu_seconds_total"), "{{instance}}"),), "percentunit"),
        Panel(
            "Memory",
            (
                (
                    'process_resident_memory_bytes * on (instance) group_left (app) realchat_app_info{app="$app"}',
                    "{{instance}}",
                ),
            ),
            "bytes",
        ),
        Panel(
            "Open files",
            (('process_open_fds * on (instance) group_left (app) realchat_app_info{app="$app"}', "{{instance}}"),),
        ),
        Panel(
            "Connections to the databases, all services",
            (("realchat_pool_connections", "{{instance}} {{pool}} {{state}}"),),
        ),
        Panel(
            "Background tasks that began again, all services",
            ((rate("realchat_task_restarts_total", "task"), "{{task}}"),),
            "ops",
        ),
    ),
    per_app=True,
)

DASHBOARDS = (OVERVIEW, DELIVERY, LOG, DAPR, SERVICE)


def render(dashboard: Dashboard) -> str:
    """The JSON that Grafana reads."""
    document: dict[str, Any] = {
        "uid": dashboard.uid,
        "title": dashboard.title,
        "tags": ["realchat"],
        "schemaVersion": 41,
        "refresh": "10s",
        "time": {"from": "now-30m", "to": "now"},
        "templating": {"list": [_choice()] if dashboard.per_app else []},
        "panels": [_panel(number, panel) for number, panel in enumerate(dashboard.panels)],
    }
    return json.dumps(document, indent=2, ensure_ascii=False) + "\n"


def _panel(number: int, panel: Panel) -> dict[str, Any]:
    return {
        "id": number + 1,
        "title": panel.title,
        "type": "timeseries",
        "datasource": _DATA,
        "gridPos": {
            "x": number % _COLUMNS * _WIDTH,
            "y": number // _COLUMNS * _HEIGHT,
            "w": _WIDTH,
            "h": _HEIGHT,
        },
        "fieldConfig": {"defaults": {"unit": panel.unit, "min": 0}, "overrides": []},
        "targets": [
            {"refId": chr(ord("A") + place), "expr": expression, "legendFormat": legend}
            for place, (expression, legend) in enumerate(panel.queries)
        ],
    }


def _choice() -> dict[str, Any]:
    return {
        "name": "app",
        "label": "Service",
        "type": "custom",
        "query": ",".join(APPS),
        "current": {"text": APPS[0], "value": APPS[0]},
        "options": [{"text": app, "value": app, "selected": app == APPS[0]} for app in APPS],
    }


def main(dashboards: Sequence[Dashboard] = DASHBOARDS) -> None:
    """Writes them all."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    for dashboard in dashboards:
        (FOLDER / f"{dashboard.uid.removeprefix('realchat-')}.json").write_text(render(dashboard))


if __name__ == "__main__":
    main()
