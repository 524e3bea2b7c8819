"""Kafka as the stack runs it: one KRaft node, broker and controller in one, and the topics of `topics.yaml`."""

from __future__ import annotations

import subprocess
from collections.abc import Iterable, Mapping
from concurrent.futures import Future
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml
from confluent_kafka import KafkaException
from confluent_kafka.admin import (  # type: ignore[attr-defined]  # the package has types but no __all__
    AdminClient,
    AlterConfigOpType,
    ConfigEntry,
    ConfigResource,
    NewPartitions,
    NewTopic,
)

from stack import paths
from stack.ports import HOST
from stack.program import Group, Program
from stack.progress import StackError
from stack.vault import Vault

_SECONDS = 10.0
_TOPICS = paths.DEV / "kafka" / "topics.yaml"
_LOGGING = paths.DEV / "kafka" / "log4j2.xml"


@dataclass(frozen=True)
class Kafka:
    """The broker of one stack."""

    java: Path
    jars: Path
    state: Path
    port: int
    controller_port: int
    vault: Vault

    @property
    def address(self) -> str:
        return f"{HOST}:{self.port}"

    @property
    def _properties(self) -> Path:
        return self.state / "kafka.properties"

    @property
    def data(self) -> Path:
        return self.state / "kafka"

    def prepare(self) -> None:
        """Writes the configuration, and formats the data folder at the first start."""
        settings = {
            "process.roles": "broker,controller",
            "node.id": 1,
            "controller.quorum.voters": f"1@{HOST}:{self.controller_port}",
            "listeners": f"PLAINTEXT://{self.address},CONTROLLER://{HOST}:{self.controller_port}",
            "advertised.listeners": f"PLAINTEXT://{self.address}",
            "controller.listener.names": "CONTROLLER",
            "listener.security.protocol.map": "PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT",
            "log.dirs": self.data,
            "auto.create.topics.enable": "false",
            "offsets.topic.replication.factor": 1,
            "offsets.topic.num.partitions": 4,
            "transaction.state.log.replication.factor": 1,
            "transaction.state.log.min.isr": 1,
            "transaction.state.log.num.partitions": 4,
            "group.initial.rebalance.delay.ms": 0,
            # After a kill, the broker is let in again only when its old session has ended; the default is 9 s.
            "broker.session.timeout.ms": 4000,
            "broker.heartbeat.interval.ms": 500,
        }
        self._properties.write_text("".join(f"{name}={value}\n" for name, value in settings.items()))
        if (self.data / "meta.properties").exists():
            return
        self.data.mkdir(parents=True, exist_ok=True)
        result = subprocess.run(
            [
                *self._jvm(),
                "kafka.tools.StorageTool",
                "format",
                f"--cluster-id={self.vault.seed['kafka-cluster']}",
                f"--config={self._properties}",
            ],
            capture_output=True,
            text=True,
            check=False,
        )
        if result.returncode != 0:
            raise StackError(
                f"Kafka could not format {self.data}: {(result.stdout + result.stderr).strip()}",
                way_out=f"rm -r {self.data}, then start again",
            )

    def program(self) -> Program:
        return Program(
            name="kafka",
            group=Group.BACKING,
            command=(*self._jvm(), "kafka.Kafka", str(self._properties)),
            directory=self.state,
            ports={"Kafka": self.port, "Kafka's controller": self.controller_port},
        )

    def is_ready(self) -> bool:
        try:
            return bool(self._admin().list_topics(timeout=2).brokers)
        except KafkaException:
            return False

    def create_topics(self) -> None:
        """Makes what is missing, adds partitions and sets the configuration as `topics.yaml` has it."""
        topics: Mapping[str, Mapping[str, Any]] = yaml.safe_load(_TOPICS.read_text())["topics"]
        admin = self._admin()
        there = admin.list_topics(timeout=_SECONDS).topics
        missing = [name for name in topics if name not in there]
        if missing:
            _done(
                admin.create_topics(
                    [NewTopic(name, topics[name]["partitions"], 1) for name in missing],
                    operation_timeout=_SECONDS,
                )
            )
        short = [
            NewPartitions(name, topic["partitions"])
            for name, topic in topics.items()
            if name in there and len(there[name].partitions) < topic["partitions"]
        ]
        if short:
            _done(admin.create_partitions(short))
        _done(
            admin.incremental_alter_configs(
                [_config(name, topic["config"]) for name, topic in topics.items() if topic.get("config")]
            )
        )

    def topic_troubles(self) -> list[str]:
        """How the broker's topics differ from `topics.yaml`."""
        topics: Mapping[str, Mapping[str, Any]] = yaml.safe_load(_TOPICS.read_text())["topics"]
        try:
            there = self._admin().list_topics(timeout=_SECONDS).topics
        except KafkaException as error:
            return [f"Kafka does not answer: {error}"]
        missing = [f"there is no topic {name}" for name in topics if name not in there]
        short = [
            f"{name} has {len(there[name].partitions)} partitions, not {topic['partitions']}"
            for name, topic in topics.items()
            if name in there and len(there[name].partitions) < topic["partitions"]
        ]
        return missing + short

    def _admin(self) -> AdminClient:
        return AdminClient({"bootstrap.servers": self.address, "log_level": 0})

    def _jvm(self) -> Iterable[str]:
        return (
            str(self.java),
            "-Xms256m",
            "-Xmx512m",
            # One broker beside everything else on few cores: no compiler and no collector of its own beside it.
            "-XX:TieredStopAtLevel=1",
            "-XX:+UseSerialGC",
            "-Djava.awt.headless=true",
            f"-Dlog4j2.configurationFile={_LOGGING}",
            "-cp",
            f"{self.jars}/*",
        )


def _config(topic: str, settings: Mapping[str, object]) -> ConfigResource:
    return ConfigResource(
        ConfigResource.Type.TOPIC,
        topic,
        incremental_configs=[
            ConfigEntry(name, str(value), incremental_operation=AlterConfigOpType.SET)
            for name, value in settings.items()
        ],
    )


def _done(futures: Mapping[Any, Future[Any]]) -> None:
    for name, future in futures.items():
        try:
            future.result(timeout=_SECONDS)
        except KafkaException as error:
            raise StackError(f"Kafka refuses the topic {name}: {error}", way_out=f"check {_TOPICS}") from error
