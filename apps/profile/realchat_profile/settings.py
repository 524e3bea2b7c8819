"""Settings of the profile service."""

from __future__ import annotations

from realchat_common.settings import ServiceSettings


class ProfileSettings(ServiceSettings):
    """Read once at start."""

    http_port: int = 8082
    grpc_port: int = 50052
    issuer: str = "realchat"
    """The `iss` of the access tokens that are accepted: auth's."""
