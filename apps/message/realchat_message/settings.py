"""Settings of the message service."""

from __future__ import annotations

from pydantic import Field

from realchat_common.settings import ServiceSettings


class MessageSettings(ServiceSettings):
    """Read once at start."""

    grpc_port: int
    namespace: str = Field(default="default", validation_alias="NAMESPACE")
    """As daprd has it, also outside Kubernetes; a part of the name of the outbox's internal stream."""
    pool_size: int = 16
    janitor_after_seconds: float = 20.0
    """An entry of the internal stream that is pending for longer lost its transaction or its handler."""
    sweep_after_seconds: float = 5.0
    """A committed segment that was not seen on Kafka for longer is published again."""
