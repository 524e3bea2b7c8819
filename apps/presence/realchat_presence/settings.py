"""Settings of the presence service."""

from __future__ import annotations

from realchat_common.settings import ServiceSettings


class PresenceSettings(ServiceSettings):
    """Read once at start."""

    grpc_port: int
