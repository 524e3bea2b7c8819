"""Who may open a connection to whom: nobody, but for the paths declared here.

A path needs a policy at both ends, one that lets it out and one that lets it in. Both are made from one list, so
neither can be forgotten.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

import pulumi

from realchat_infra import sources
from realchat_infra.keyring import DATABASE_APPS, REDIS_APPS
from realchat_infra.manifest import Part
from realchat_infra.settings import Settings

SIDECAR = 50002
"""The port at which sidecars call each other."""
SIDECAR_METRICS = 9090
WEB_PORTS = (443, 6443)
"""The Kubernetes API's, in a cluster and behind a load balancer."""

Selector = dict[str, Any]

KAFKA_POD: Selector = {"matchLabels": {"strimzi.io/cluster": "realchat", "strimzi.io/component-type": "kafka"}}
KAFKA_OPERATOR: Selector = {"matchLabels": {"strimzi.io/name": "realchat-entity-operator"}}
LAG_POD: Selector = {"matchLabels": {"strimzi.io/name": "realchat-kafka-exporter"}}
POSTGRES_POD: Selector = {"matchLabels": {"cnpg.io/cluster": "realchat-postgres"}}
REDIS_POD: Selector = {"matchLabels": {"app.kubernetes.io/name": "realchat-redis"}}
COLLECTOR_POD: Selector = {"matchLabels": {"app.kubernetes.io/name": "otel-collector"}}
JAEGER_POD: Selector = {"matchLabels": {"app.kubernetes.io/name": "jaeger"}}


def app_pod(app_id: str, component: str = "service") -> Selector:
    """The pods of one application, or of its migration."""
    return {"matchLabels": {"app.kubernetes.io/name": app_id, "app.kubernetes.io/component": component}}


@dataclass(frozen=True)
class Place:
    """One end of a path: pods of this namespace, all pods of another, or addresses."""

    name: str
    pods: Selector = field(default_factory=dict, compare=False)
    namespace: str = ""
    cidr: str = ""
    apart: tuple[str, ...] = ()
    """Networks within the addresses that are not meant."""

    def peer(self) -> dict[str, Any]:
        """As a policy's peer."""
        if self.cidr:
            block: dict[str, Any] = {"cidr": self.cidr}
            return {"ipBlock": block | ({"except": list(self.apart)} if self.apart else {})}
        if self.namespace:
            return {"namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": self.namespace}}}
        return {"podSelector": self.pods}

    @property
    def is_ours(self) -> bool:
        """Whether our policies select it."""
        return not self.namespace and not self.cidr


@dataclass(frozen=True)
class Path:
    """A connection that may be opened."""

    source: Place
    target: Place
    ports: tuple[int, ...]


def app(app_id: str) -> Place:
    """An application."""
    return Place(app_id, app_pod(app_id))


def migration(app_id: str) -> Place:
    """The job that migrates an application's database."""
    return Place(f"{app_id}-migration", app_pod(app_id, "migration"))


KAFKA = Place("kafka", KAFKA_POD)
TOPIC_OPERATOR = Place("kafka-entity-operator", KAFKA_OPERATOR)
LAG = Place("kafka-exporter", LAG_POD)
POSTGRES = Place("postgres", POSTGRES_POD)
REDIS = Place("redis", REDIS_POD)
COLLECTOR = Place("otel-collector", COLLECTOR_POD)
JAEGER = Place("jaeger", JAEGER_POD)
PRIVATE = ("10.0.0.0/8", "100.64.0.0/10", "169.254.0.0/16", "172.16.0.0/12", "192.168.0.0/16")
WEB = Place("web", cidr="0.0.0.0/0", apart=PRIVATE)
"""All of the Internet, and nothing of ours: a second wall behind what auth checks itself."""
MONITORING = Place("monitoring", namespace="monitoring")
CONTROL_PLANE = Place("dapr-system", namespace="dapr-system")


def paths(settings: Settings) -> list[Path]:
    """Every path there is."""
    apps = {app_id: app(app_id) for app_id in sources.APPS}
    found = [
        Path(apps[caller], apps[callee], (SIDECAR,)) for callee in apps for caller in sorted(sources.callers(callee))
    ]
    ingress = Place("ingress", namespace=settings.ingress.controller_namespace)
    found += [Path(ingress, apps[each], (sources.APPS[each].ports["http"],)) for each in ("gateway", "delivery")]
    for app_id, place in apps.items():
        found += [
            Path(place, CONTROL_PLANE, (6500, 50001)),  # operator, sentry
            Path(place, COLLECTOR, (4317,)),
            Path(MONITORING, place, (sources.APPS[app_id].ports["internal"], SIDECAR_METRICS)),
        ]
    if settings.attachments:
        store = Place("attachments", cidr=settings.attachments.cidr)
        found.append(Path(apps["message"], store, (settings.attachments.port,)))
    found.append(Path(apps["auth"], WEB, (443,)))  # webhooks
    if settings.smtp:
        found.append(Path(apps["auth"], Place("mail", cidr=settings.smtp.cidr), (settings.smtp.port,)))
    return found + _data(settings, apps) + [Path(COLLECTOR, JAEGER, (4317,)), Path(MONITORING, COLLECTOR, (8888,))]


def _data(settings: Settings, apps: dict[str, Place]) -> list[Path]:
    """To the stores, and between their own nodes."""
    kafka, postgres, redis = settings.kafka.external, settings.postgres.external, settings.redis.external
    api = Place("kubernetes-api", cidr=settings.api_server_cidr)
    at_kafka = (Place("kafka", cidr=kafka.cidr), kafka.port) if kafka else (KAFKA, 9092)
    at_postgres = (Place("postgres", cidr=postgres.cidr), postgres.port) if postgres else (POSTGRES, 5432)
    at_redis = (Place("redis", cidr=redis.cidr), redis.port) if redis else (REDIS, 6379)
    found = [Path(apps[app_id], at_kafka[0], (at_kafka[1],)) for app_id in sorted(sources.kafka_apps())]
    for app_id in DATABASE_APPS:
        found += [Path(end, at_postgres[0], (at_postgres[1],)) for end in (apps[app_id], migration(app_id))]
    found += [Path(apps[app_id], at_redis[0], (at_redis[1],)) for app_id in REDIS_APPS]
    if not kafka:
        found += [
            Path(KAFKA, KAFKA, (9090, 9091)),
            Path(TOPIC_OPERATOR, KAFKA, (9091,)),
            Path(LAG, KAFKA, (9091,)),
            Path(MONITORING, LAG, (9404,)),
            Path(TOPIC_OPERATOR, api, WEB_PORTS),
            Path(Place("strimzi", namespace="strimzi"), KAFKA, (8443, 9090, 9091)),
        ]
        if settings.high_availability:
            found.append(Path(KAFKA, api, WEB_PORTS))  # asks in which zone it runs
    if not postgres:
        found += [
            Path(POSTGRES, POSTGRES, (5432, 8000)),
            Path(POSTGRES, api, WEB_PORTS),
            Path(Place("cnpg-system", namespace="cnpg-system"), POSTGRES, (8000,)),
            Path(MONITORING, POSTGRES, (9187,)),
        ]
        if settings.postgres.backup:
            found.append(Path(POSTGRES, Place("object-store", cidr="0.0.0.0/0"), (443,)))
    return found


class Network(Part):
    """Default deny, names for all, and both ends of every declared path.

    Outputs:
        paths: how many there are.
    """

    def __init__(self, settings: Settings, opts: pulumi.ResourceOptions) -> None:
        super().__init__("Network", "network", settings.namespace, opts)
        declared = paths(settings)
        self._policy("default-deny", {}, policyTypes=["Ingress", "Egress"])
        self._policy(
            "names",
            {},
            policyTypes=["Egress"],
            egress=[
                {
                    "to": [Place("dns", namespace="kube-system").peer()],
                    "ports": [{"protocol": protocol, "port": 53} for protocol in ("UDP", "TCP")],
                }
            ],
        )
        ours = {end for path in declared for end in (path.source, path.target) if end.is_ours}
        for place in sorted(ours, key=lambda each: each.name):
            rules: dict[str, Any] = {}
            if inward := [path for path in declared if path.target == place]:
                rules["ingress"] = _rules("from", ((path.source, path.ports) for path in inward))
            if outward := [path for path in declared if path.source == place]:
                rules["egress"] = _rules("to", ((path.target, path.ports) for path in outward))
            self._policy(place.name, place.pods, policyTypes=[name.capitalize() for name in rules], **rules)
        self.register_outputs({"paths": len(declared)})

    def _policy(self, name: str, pods: Selector, **spec: Any) -> None:
        self.add("networking.k8s.io/v1", "NetworkPolicy", name, spec={"podSelector": pods, **spec})


def _rules(direction: str, ends: Iterable[tuple[Place, tuple[int, ...]]]) -> list[dict[str, Any]]:
    """One rule for each set of ports."""
    by_ports: dict[tuple[int, ...], list[dict[str, Any]]] = {}
    for place, ports in ends:
        by_ports.setdefault(ports, []).append(place.peer())
    return [
        {direction: peers, "ports": [{"protocol": "TCP", "port": port} for port in ports]}
        for ports, peers in by_ports.items()
    ]
