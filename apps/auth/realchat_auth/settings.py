"""Settings of the auth service."""

from __future__ import annotations

from pydantic import Field

from realchat_common.settings import ServiceSettings


class AuthSettings(ServiceSettings):
    """Read once at start."""

    http_port: int = 8081
    grpc_port: int = 50051
    issuer: str = "realchat"
    """The `iss` of access tokens. A deployment that others check tokens of makes it its https URL."""
    public_url: str = "http://127.0.0.1:8081"
    """Where others reach this service's public HTTP, for the discovery document."""
    web_url: str = "http://127.0.0.1:8080"
    """Where people reach the web client, for the links in mails."""
    webhooks_private: bool = False
    """Whether webhooks may use plain http and lead into our own networks; only where their owners are trusted."""
    remind_after_seconds: float = Field(default=3 * 3600, gt=0)
    """Who has been away for so long, and has not read what has waited for so long, gets a mail about it."""
    argon2_time_cost: int = Field(default=3, ge=1)
    argon2_memory_kib: int = Field(default=64 * 1024, ge=19 * 1024)
    argon2_parallelism: int = Field(default=4, ge=1)
    """The defaults are RFC 9106's for little memory; OWASP's least is 2, 19 MiB, 1. When they change, each password is
    hashed anew at its next login."""
    hashes_at_once: int = Field(default=2, ge=1, le=4)
    """Each takes `argon2_memory_kib`, and a core."""
