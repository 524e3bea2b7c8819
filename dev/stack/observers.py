"""Those who watch a stack: Zipkin and Prometheus, real ones, and what feeds them (`dev/observe`)."""

from __future__ import annotations

import sys
import urllib.request
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from stack import paths
from stack.ports import HOST, Layout
from stack.program import Group, Program
from stack.tools import ObserverTools

RULES = paths.DEV / "observability" / "rules.yaml"
SCRAPE_SECONDS = 5
TRACES_KEPT = 50_000
"""Spans, in Zipkin's memory."""

_HEALTH = {"zipkin": "/health", "prometheus": "/-/ready", "kafka-lag": "/metrics", "probe": "/metrics"}
_PROBE_SECONDS = 3.0


@dataclass(frozen=True)
class Observers:
    """The observers of one stack."""

    tools: ObserverTools
    state: Path
    layout: Layout
    kafka_brokers: str
    web_url: str
    socket_url: str

    @property
    def zipkin_url(self) -> str:
        return self._url("zipkin")

    @property
    def prometheus_url(self) -> str:
        return self._url("prometheus")

    def env(self) -> dict[str, str]:
        """What makes applications and sidecars export all their traces."""
        address = f"{HOST}:{self.layout.observers['traces']}"
        return {
            "REALCHAT_OTLP_ENDPOINT": address,
            "REALCHAT_TRACE_RATIO": "1",
            "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT": f"http://{address}",
            "OTEL_EXPORTER_OTLP_TRACES_INSECURE": "true",
        }

    def prepare(self) -> None:
        """Writes what Prometheus scrapes, from the layout."""
        self._config.write_text(yaml.safe_dump(prometheus_config(self.layout), sort_keys=False))

    def programs(self) -> list[Program]:
        """Zipkin, the bridge to it, Prometheus, what nobody else measures, and the prober."""
        ports = self.layout.observers
        zipkin = (
            str(self.tools.java),
            "-Xms64m",
            "-Xmx256m",
            "-XX:+UseSerialGC",
            "-XX:TieredStopAtLevel=1",
            "-jar",
            str(self.tools.zipkin),
        )
        own = {"QUERY_PORT": str(ports["zipkin"]), "MEM_MAX_SPANS": str(TRACES_KEPT), "QUERY_LOOKBACK": "3600000"}
        prometheus = [
            str(self.tools.prometheus),
            f"--config.file={self._config}",
            f"--storage.tsdb.path={self.state / 'prometheus'}",
            "--storage.tsdb.retention.time=1d",
            f"--web.listen-address={HOST}:{ports['prometheus']}",
            "--log.level=warn",
        ]
        assets = self.tools.prometheus.parents[1] / "share" / "prometheus" / "web"
        if assets.exists():  # Debian's build has its page there
            prometheus.append(f"--web.local-assets={assets}")
        return [
            self._program("zipkin", zipkin, env=own),
            self._program("prometheus", tuple(prometheus)),
            self._python("traces", f"--listen={HOST}:{ports['traces']}", f"--zipkin={self.zipkin_url}"),
            self._python("kafka-lag", f"--port={ports['kafka-lag']}", f"--brokers={self.kafka_brokers}"),
            self._python("probe", f"--port={ports['probe']}", f"--web={self.web_url}", f"--socket={self.socket_url}"),
        ]

    def is_ready(self, name: str) -> bool:
        """Whether an observer whose ports are open does its work."""
        if name not in _HEALTH:
            return True
        try:
            with urllib.request.urlopen(f"{self._url(name)}{_HEALTH[name]}", timeout=_PROBE_SECONDS):  # noqa: S310
                return True
        except OSError:
            return False

    @property
    def _config(self) -> Path:
        return self.state / "prometheus.yaml"

    def _url(self, name: str) -> str:
        return f"http://{HOST}:{self.layout.observers[name]}"

    def _python(self, name: str, *arguments: str) -> Program:
        module = f"observe.{name.replace('-', '_')}"
        return self._program(name, (sys.executable, "-m", module, *arguments), env={"PYTHONPATH": str(paths.DEV)})

    def _program(self, name: str, command: tuple[str, ...], env: Mapping[str, str] | None = None) -> Program:
        return Program(
            name=name,
            group=Group.OBSERVERS,
            command=command,
            directory=self.state,
            ports={name: self.layout.observers[name]},
            env=env or {},
        )


def prometheus_config(layout: Layout) -> dict[str, Any]:
    """Scrapes every application's internal port, every sidecar's, and the exporters. Jobs are named as in Compose."""

    def job(name: str, role: str, path: str) -> dict[str, Any]:
        return {
            "job_name": name,
            "metrics_path": path,
            "static_configs": [{"targets": [f"{HOST}:{each.ports[role]}" for each in layout.instances]}],
        }

    exporters = [f"{HOST}:{layout.observers[name]}" for name in ("kafka-lag", "probe")]
    return {
        "global": {"scrape_interval": f"{SCRAPE_SECONDS}s", "evaluation_interval": f"{SCRAPE_SECONDS}s"},
        "rule_files": [str(RULES)],
        "scrape_configs": [
            job("apps", "REALCHAT_INTERNAL_PORT", "/metrics"),
            job("sidecars", "metricsPort", "/"),
            {"job_name": "exporters", "static_configs": [{"targets": exporters}]},
        ],
    }
