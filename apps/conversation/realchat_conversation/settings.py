"""Settings of the conversation service."""

from __future__ import annotations

from realchat_common.settings import ServiceSettings


class ConversationSettings(ServiceSettings):
    """Read once at start."""

    grpc_port: int
