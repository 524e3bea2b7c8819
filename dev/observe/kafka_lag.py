"""How far consumer groups are behind, as metrics with the names of Kafka's usual exporter.

Strimzi runs that exporter in Kubernetes (kafkaExporter), so dashboards and rules read the same names everywhere.
Source: https://github.com/danielqsj/kafka_exporter#metrics
"""

from __future__ import annotations

import argparse
import threading
from collections.abc import Iterator

from confluent_kafka import ConsumerGroupState, ConsumerGroupTopicPartitions, KafkaException, TopicPartition
from confluent_kafka.admin import AdminClient, OffsetSpec  # type: ignore[attr-defined]
from prometheus_client import REGISTRY, start_http_server
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

SECONDS = 5.0


class Lag(Collector):
    """Asks the broker at each scrape."""

    def __init__(self, brokers: str) -> None:
        self._admin = AdminClient({"bootstrap.servers": brokers, "log_level": 0})

    def collect(self) -> Iterator[Metric]:
        lag = GaugeMetricFamily(
            "kafka_consumergroup_lag",
            "Messages that a consumer group has not committed.",
            labels=("consumergroup", "topic", "partition"),
        )
        members = GaugeMetricFamily("kafka_consumergroup_members", "Members of a group.", labels=("consumergroup",))
        brokers = GaugeMetricFamily("kafka_brokers", "Brokers of the cluster.")
        partitions = GaugeMetricFamily("kafka_topic_partitions", "Partitions of a topic.", labels=("topic",))
        try:
            cluster = self._admin.list_topics(timeout=SECONDS)
            brokers.add_metric((), len(cluster.brokers))
            for name, topic in cluster.topics.items():
                if not name.startswith("__"):
                    partitions.add_metric((name,), len(topic.partitions))
            for group, subject, partition, behind in self._behind(members):
                lag.add_metric((group, subject, str(partition)), behind)
        except KafkaException:
            brokers.add_metric((), 0)
        yield from (lag, members, brokers, partitions)

    def _behind(self, members: GaugeMetricFamily) -> Iterator[tuple[str, str, int, int]]:
        """Group, topic, partition and lag; of groups that somebody is in, for each replica leaves one behind."""
        listed = self._admin.list_consumer_groups(states={ConsumerGroupState.STABLE}).result(SECONDS)
        groups = [group.group_id for group in listed.valid]
        if not groups:
            return
        described = self._admin.describe_consumer_groups(groups)
        asked = [self._admin.list_consumer_group_offsets([ConsumerGroupTopicPartitions(group)]) for group in groups]
        committed: list[tuple[str, str, int, int]] = []
        for group, offsets in zip(groups, asked, strict=True):
            members.add_metric((group,), len(described[group].result(SECONDS).members))
            found = offsets[group].result(SECONDS).topic_partitions or ()
            committed += [(group, each.topic, each.partition, each.offset) for each in found if each.offset >= 0]
        latest = OffsetSpec.latest()  # type: ignore[no-untyped-call]
        wanted = {TopicPartition(topic, partition) for _, topic, partition, _ in committed}
        ends = self._admin.list_offsets(dict.fromkeys(wanted, latest)) if wanted else {}
        end = {(where.topic, where.partition): future.result(SECONDS).offset for where, future in ends.items()}
        for group, topic, partition, offset in committed:
            yield group, topic, partition, max(0, end[topic, partition] - offset)


def main() -> None:
    """Serves until it is told to stop."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--brokers", required=True)
    options = parser.parse_args()
    REGISTRY.register(Lag(options.brokers))
    start_http_server(options.port, addr="127.0.0.1")
    threading.Event().wait()


if __name__ == "__main__":
    main()
