"""Who reaches whom, for each stack."""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from typing import Any

from infra.rendering import Rendering, calls
from realchat_infra.keyring import DATABASE_APPS, REDIS_APPS
from realchat_infra.network import SIDECAR
from realchat_infra.sources import APPS


def selects(selector: Mapping[str, Any], labels: Mapping[str, str]) -> bool:
    return all(labels.get(name) == value for name, value in selector.get("matchLabels", {}).items())


def admits(rendering: Rendering, direction: str, pod: Mapping[str, str], peer: Mapping[str, str], port: int) -> bool:
    """Whether policies let a pod of the namespace have a connection with another one, as Kubernetes decides."""
    key = {"Ingress": "from", "Egress": "to"}[direction]
    policies = [
        policy["spec"]
        for policy in rendering.manifests("NetworkPolicy").values()
        if selects(policy["spec"]["podSelector"], pod) and direction in policy["spec"]["policyTypes"]
    ]
    assert policies, "by default all is denied"
    return any(
        any("podSelector" in end and selects(end["podSelector"], peer) for end in rule[key])
        and port in {each["port"] for each in rule["ports"]}
        for policy in policies
        for rule in policy.get(direction.lower(), [])
    )


def connects(rendering: Rendering, source: Mapping[str, str], target: Mapping[str, str], port: int) -> bool:
    return admits(rendering, "Egress", source, target, port) and admits(rendering, "Ingress", target, source, port)


def labels_of(rendering: Rendering, kind: str, name: str) -> dict[str, str]:
    labels: dict[str, str] = rendering.manifests(kind)[name]["spec"]["template"]["metadata"]["labels"]
    return labels


KAFKA = {"strimzi.io/cluster": "realchat", "strimzi.io/component-type": "kafka", "strimzi.io/name": "realchat-kafka"}
POSTGRES = {"cnpg.io/cluster": "realchat-postgres", "cnpg.io/podRole": "instance"}


def test_sidecars_reach_each_other_as_the_call_graph_says(rendering: Rendering) -> None:
    pods = {app_id: labels_of(rendering, "Deployment", app_id) for app_id in APPS}
    reach = {
        (source, target)
        for source, target in itertools.permutations(APPS, 2)
        if connects(rendering, pods[source], pods[target], SIDECAR)
    }
    assert reach == calls().keys()


def test_no_application_is_reached_past_its_sidecar(rendering: Rendering) -> None:
    pods = {app_id: labels_of(rendering, "Deployment", app_id) for app_id in APPS}
    for source, target in itertools.permutations(APPS, 2):
        for port in APPS[target].ports.values():
            assert not connects(rendering, pods[source], pods[target], port), (source, target, port)


def test_only_those_with_data_reach_the_stores(rendering: Rendering) -> None:
    redis = labels_of(rendering, "StatefulSet", "realchat-redis")
    kafka = {
        app_id
        for component in rendering.manifests("Component").values()
        if component["spec"]["type"] == "pubsub.kafka"
        for app_id in component["scopes"]
    }
    reached = {
        (name, app_id)
        for name, pod, port in (("kafka", KAFKA, 9092), ("postgres", POSTGRES, 5432), ("redis", redis, 6379))
        for app_id in APPS
        if connects(rendering, labels_of(rendering, "Deployment", app_id), pod, port)
    }
    assert reached == (
        {("kafka", each) for each in kafka}
        | {("postgres", each) for each in DATABASE_APPS}
        | {("redis", each) for each in REDIS_APPS}
    )
    for app_id in DATABASE_APPS:
        job = labels_of(rendering, "Job", f"{app_id}-migration")
        assert connects(rendering, job, POSTGRES, 5432)
        assert not connects(rendering, job, redis, 6379)


def test_strimzi_makes_no_wider_hole_than_ours(rendering: Rendering) -> None:
    """The operator makes a policy of its own from these peers, and policies add up."""
    peers = rendering.manifests("Kafka")["realchat"]["spec"]["kafka"]["listeners"][0]["networkPolicyPeers"]
    for app_id in APPS:
        pod = labels_of(rendering, "Deployment", app_id)
        assert any(selects(peer["podSelector"], pod) for peer in peers) == connects(rendering, pod, KAFKA, 9092)


def test_the_namespace_denies_by_default(rendering: Rendering) -> None:
    policy = rendering.manifests("NetworkPolicy")["default-deny"]["spec"]
    assert policy == {"podSelector": {}, "policyTypes": ["Ingress", "Egress"]}


def test_only_gateway_and_delivery_are_public_and_by_tls(rendering: Rendering) -> None:
    ingress = rendering.manifests("Ingress")["realchat"]["spec"]
    (rule,) = ingress["rules"]
    assert ingress["tls"][0]["hosts"] == [rule["host"]]
    routes = {path["path"]: path["backend"]["service"] for path in rule["http"]["paths"]}
    assert routes == {
        "/v1/socket": {"name": "delivery", "port": {"number": APPS["delivery"].ports["http"]}},
        "/v1/events": {"name": "delivery", "port": {"number": APPS["delivery"].ports["http"]}},
        "/": {"name": "gateway", "port": {"number": APPS["gateway"].ports["http"]}},
    }
    assert not [name for name, each in rendering.manifests("Service").items() if each["spec"].get("type")]
