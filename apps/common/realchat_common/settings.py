"""Settings that every application has; a service adds its own by a subclass."""

from __future__ import annotations

from typing import Literal

from pydantic import Field, SecretStr
from pydantic_settings import BaseSettings, SettingsConfigDict


class ServiceSettings(BaseSettings):
    """Read once at start from the environment. `dapr run` and `dev/up` set what has no default.

    Names in upper case without prefix are those that the Dapr command line injects.
    """

    model_config = SettingsConfigDict(env_prefix="REALCHAT_", frozen=True, populate_by_name=True)

    app_id: str = Field(validation_alias="APP_ID")
    dapr_api_token: SecretStr = Field(validation_alias="DAPR_API_TOKEN")
    app_api_token: SecretStr = Field(validation_alias="APP_API_TOKEN")
    dapr_grpc_port: int = Field(validation_alias="DAPR_GRPC_PORT")
    environment: Literal["local", "test", "dev", "prod"] = "local"
    host: str = "127.0.0.1"
    internal_port: int
    log_level: Literal["debug", "info", "warning", "error"] = "info"
    otlp_endpoint: str = ""
    trace_ratio: float = Field(default=1.0, ge=0, le=1)
    drain_seconds: float = Field(default=10.0, gt=0)
