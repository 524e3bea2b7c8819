"""Settings of the delivery service."""

from __future__ import annotations

from pydantic import Field

from realchat_common.settings import ServiceSettings


class DeliverySettings(ServiceSettings):
    """Read once at start. Limits of one socket say what happens beyond them in socket.py."""

    http_port: int
    issuer: str = "realchat"
    """The `iss` of access tokens."""

    connects_per_second: float = Field(default=200, gt=0)
    """Of this node; beyond it an upgrade is answered 503."""
    sockets_most: int = Field(default=20_000, gt=0)
    """Of this node."""
    user_sockets_most: int = Field(default=20, gt=0)
    """Of one user on this node."""

    auth_seconds: float = Field(default=10.0, gt=0)
    ping_seconds: float = Field(default=25.0, gt=0)
    pong_seconds: float = Field(default=8.0, gt=0)
    poll_seconds: float = Field(default=20.0, gt=0)
    """How long a long poll waits for something to say."""
    queue_bytes: int = Field(default=1024 * 1024, gt=0)
    queue_frames: int = Field(default=2_000, gt=0)
    frames_per_second: float = Field(default=500, gt=0)
    """Of one socket, of any type; beyond it the server reads more slowly."""
    sends_per_second: float = Field(default=50, gt=0)
    sends_burst: int = Field(default=100, gt=0)
    sends_unanswered: int = Field(default=200, gt=0)

    appends_waiting: int = Field(default=20_000, gt=0)
    """Sends of all sockets that wait for the log; beyond it they are refused as overloaded."""
    append_seconds: float = Field(default=10.0, gt=0)
    audiences_cached: int = Field(default=10_000, gt=0)
    resync_parallel: int = Field(default=8, gt=0)
    """Sockets that catch up at the same time after the node's channel was lost."""
