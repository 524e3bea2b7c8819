#!/usr/bin/env bash
# Makes the topics of dev/kafka/topics.yaml; the image has no reader for YAML (tests/infra/test_compose.py compares).
set -euo pipefail

topic() {
  local name=$1 partitions=$2
  shift 2
  /opt/kafka/bin/kafka-topics.sh --bootstrap-server kafka:9092 --create --if-not-exists \
    --topic "$name" --partitions "$partitions" --replication-factor 1 "${@/#/--config=}"
}

topic conversation-events 12 retention.ms=86400000 segment.ms=3600000
topic conversation-pointers 3 retention.ms=86400000 segment.ms=3600000
topic conversation-events-dead 1 retention.ms=86400000 segment.ms=3600000
topic account-events 3 retention.ms=86400000
topic account-events-dead 1
topic receipt-events 6 retention.ms=60000 segment.ms=60000
