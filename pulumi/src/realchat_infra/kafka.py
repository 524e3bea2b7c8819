"""Kafka: a Strimzi cluster with the repository's topics, or somebody else's address."""

from __future__ import annotations

from typing import Any

import pulumi

from realchat_infra.manifest import Part
from realchat_infra.network import app_pod
from realchat_infra.pods import resources
from realchat_infra.settings import Settings
from realchat_infra.sources import kafka_apps, topics

API = "kafka.strimzi.io/v1beta2"
CLUSTER = "realchat"
VERSION = "4.1.0"
LABELS = {"strimzi.io/cluster": CLUSTER}


class Kafka(Part):
    """Kafka in KRaft mode and its topics.

    Outputs:
        brokers: where clients begin, host:port, separated by commas.
    """

    def __init__(self, settings: Settings, after: list[pulumi.Resource], opts: pulumi.ResourceOptions) -> None:
        super().__init__("Kafka", "kafka", settings.namespace, opts)
        self._settings = settings
        kafka = settings.kafka
        if kafka.external:
            self.brokers = kafka.external.brokers
        else:
            self.brokers = f"{CLUSTER}-kafka-bootstrap.{settings.namespace}.svc:9092"
            self._cluster(after)
        self.register_outputs({"brokers": self.brokers})

    def _cluster(self, after: list[pulumi.Resource]) -> None:
        kafka = self._settings.kafka
        if kafka.controllers:
            self._pool("broker", kafka.brokers, ["broker"], after)
            self._pool("controller", kafka.controllers, ["controller"], after)
        else:
            self._pool("broker", kafka.brokers, ["broker", "controller"], after)
        spec: dict[str, Any] = {
            "version": VERSION,
            "listeners": [
                {
                    "name": "plain",
                    "port": 9092,
                    "type": "internal",
                    "tls": False,
                    # Strimzi makes this listener's network policy; without peers it would admit the whole cluster.
                    "networkPolicyPeers": [{"podSelector": app_pod(app_id)} for app_id in sorted(kafka_apps())],
                }
            ],
            "config": {
                "auto.create.topics.enable": False,
                "default.replication.factor": kafka.copies,
                "min.insync.replicas": max(1, kafka.copies - 1),
                "offsets.topic.replication.factor": kafka.copies,
                "transaction.state.log.replication.factor": kafka.copies,
                "transaction.state.log.min.isr": max(1, kafka.copies - 1),
            },
        }
        if self._settings.high_availability:
            spec["rack"] = {"topologyKey": "topology.kubernetes.io/zone"}
        operator = {"resources": resources("100m", "1", "512Mi")}
        cluster = self.add(
            API,
            "Kafka",
            CLUSTER,
            until="condition=Ready",
            seconds=1200,
            after=after,
            protect=self._settings.high_availability,
            spec={
                "kafka": spec,
                "entityOperator": {"topicOperator": operator},
                "kafkaExporter": {
                    "topicRegex": ".*",
                    "groupRegex": ".*",
                    "resources": resources("50m", "500m", "128Mi"),
                },
            },
        )
        for name, topic in topics().items():
            self.add(
                API,
                "KafkaTopic",
                name,
                labels=LABELS,
                until="condition=Ready",
                after=[cluster],
                spec={
                    "topicName": name,
                    "partitions": topic["partitions"],
                    "replicas": kafka.copies,
                    "config": topic.get("config", {}),
                },
            )

    def _pool(self, name: str, replicas: int, roles: list[str], after: list[pulumi.Resource]) -> None:
        kafka = self._settings.kafka
        volume: dict[str, Any] = {
            "id": 0,
            "type": "persistent-claim",
            "size": kafka.storage if "broker" in roles else "10Gi",
            "kraftMetadata": "shared",
            "deleteClaim": False,
        }
        if self._settings.storage_class:
            volume["class"] = self._settings.storage_class
        apart = {
            "maxSkew": 1,
            "topologyKey": "kubernetes.io/hostname",
            "whenUnsatisfiable": "ScheduleAnyway",
            "labelSelector": {"matchLabels": {**LABELS, "strimzi.io/pool-name": name}},
        }
        self.add(
            API,
            "KafkaNodePool",
            name,
            labels=LABELS,
            after=after,
            protect=self._settings.high_availability,
            spec={
                "replicas": replicas,
                "roles": roles,
                "storage": {"type": "jbod", "volumes": [volume]},
                "resources": resources(kafka.cpu, "4", kafka.memory),
                "template": {"pod": {"topologySpreadConstraints": [apart]}},
            },
        )
