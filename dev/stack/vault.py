"""The development secrets of one stack: made at its first start, kept ever after.

`secrets/seed.json` holds what was drawn at random. From it follow `secrets/<app-id>.json`, the files that Dapr's
secret store reads (one per app: none sees another's), and `env`, what apps and sidecars have in common.
"""

from __future__ import annotations

import base64
import json
import os
import secrets
import shlex
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from stack.ports import HOST, Layout

DATABASE_APPS = ("auth", "profile", "conversation", "message")
REDIS_APPS = ("gateway", "auth", "message", "presence", "delivery")


@dataclass(frozen=True)
class Vault:
    """The random values of a stack, by name."""

    folder: Path
    seed: Mapping[str, str]

    @classmethod
    def open(cls, state: Path, app_ids: Iterable[str]) -> Vault:
        """Reads the seed and draws what it lacks."""
        folder = state / "secrets"
        folder.mkdir(parents=True, exist_ok=True)
        folder.chmod(0o700)
        path = folder / "seed.json"
        seed: dict[str, str] = json.loads(path.read_text()) if path.exists() else {}
        for name, draw in _draws(app_ids).items():
            seed.setdefault(name, draw())
        write_private(path, json.dumps(seed, indent=2))
        return cls(folder, seed)

    def database_password(self, app_id: str) -> str:
        return self.seed[f"database/{app_id}"]

    def database_url(self, app_id: str, port: int) -> str:
        """A service's own database, under its own role, which can open no other."""
        return f"postgresql://realchat_{app_id}:{self.database_password(app_id)}@{HOST}:{port}/realchat_{app_id}"

    def superuser_url(self, port: int, database: str = "postgres") -> str:
        """For tests and for fault injection; no app has it."""
        return f"postgresql://postgres:{self.seed['postgres']}@{HOST}:{port}/{database}"

    def redis_url(self, port: int) -> str:
        return f"redis://:{self.seed['redis']}@{HOST}:{port}/0"

    def write(self, layout: Layout, env: Mapping[str, str], env_file: Path) -> None:
        """Writes every app's secrets and the common environment."""
        app_ids = {name.removeprefix("caller/") for name in self.seed if name.startswith("caller/")}
        public_keys = json.dumps({each: self._public_key(each) for each in sorted(app_ids)})
        for app_id in app_ids:
            values = {
                "caller-key": self.seed[f"caller/{app_id}"],
                "caller-keys": public_keys,
                **self._own(app_id, layout),
            }
            write_private(self.folder / f"{app_id}.json", json.dumps(values, indent=2))
        lines = [f"{name}={shlex.quote(value)}\n" for name, value in env.items()]
        write_private(env_file, "".join(lines))

    def _own(self, app_id: str, layout: Layout) -> dict[str, str]:
        own = {}
        if app_id in DATABASE_APPS:
            own["database-url"] = self.database_url(app_id, layout.backing["postgres"])
        if app_id in REDIS_APPS:
            own["redis-password"] = self.seed["redis"]
            own["redis-url"] = self.redis_url(layout.backing["redis"])
        if app_id == "auth":
            own["key-encryption-key"] = self.seed["key-encryption-key"]
        if app_id in ("gateway", "delivery"):
            own["ticket-key"] = self.seed["ticket-key"]
        return own

    def _public_key(self, app_id: str) -> str:
        private = serialization.load_pem_private_key(self.seed[f"caller/{app_id}"].encode(), password=None)
        return (
            private.public_key()
            .public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
            .decode()
        )


def write_private(path: Path, text: str) -> None:
    """Replaces a file in one move; only its owner can ever read it."""
    partial = path.with_name(f".{path.name}.partial")
    partial.unlink(missing_ok=True)
    with os.fdopen(os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        file.write(text)
    partial.rename(path)


def _draws(app_ids: Iterable[str]) -> dict[str, Callable[[], str]]:
    draws: dict[str, Callable[[], str]] = {
        "instance": lambda: secrets.token_hex(6),
        "postgres": secrets.token_urlsafe,
        "redis": secrets.token_urlsafe,
        "kafka-cluster": _kafka_id,
        "dapr-api-token": secrets.token_urlsafe,
        "app-api-token": secrets.token_urlsafe,
        "ticket-key": secrets.token_urlsafe,
        "key-encryption-key": lambda: base64.urlsafe_b64encode(secrets.token_bytes(32)).decode(),
    }
    for app_id in app_ids:
        draws[f"caller/{app_id}"] = _private_key
        draws[f"database/{app_id}"] = secrets.token_urlsafe
    return draws


def _private_key() -> str:
    return (
        Ed25519PrivateKey.generate()
        .private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
        .decode()
    )


def _kafka_id() -> str:
    """A UUID in Kafka's spelling: 16 bytes in base64 for URLs, without padding."""
    return base64.urlsafe_b64encode(secrets.token_bytes(16)).decode().rstrip("=")
