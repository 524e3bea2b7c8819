"""Every secret of an installation, derived from one seed (HKDF, RFC 5869): the same seed, the same secrets.

Names and shapes are those of the local stack (`dev/stack/vault.py`). Only the standard library and `cryptography`
are needed, so that Compose can run this file in the applications' image: it then draws the seed itself, once.
"""

from __future__ import annotations

import argparse
import base64
import json
import secrets
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import quote

from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

DATABASE_APPS = ("auth", "profile", "conversation", "message")
"""Those with a database of their own."""
REDIS_APPS = ("gateway", "auth", "message", "presence", "delivery")
"""Those that open Redis themselves or through a Dapr component."""
SEED_CHARACTERS = 32


@dataclass(frozen=True)
class Addresses:
    """Where the stores are, as the applications' URLs need it."""

    postgres: str
    redis: str
    redis_scheme: str = "redis"


@dataclass(frozen=True)
class Keyring:
    """The secrets of one seed. Raises ValueError for a seed that could be guessed.

    Args:
        seed: random text.
        generations: by name, 1 where not named; raising one replaces that secret.
    """

    seed: str = field(repr=False)
    generations: Mapping[str, int] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if len(self.seed) < SEED_CHARACTERS:
            raise ValueError(f"the seed needs at least {SEED_CHARACTERS} random characters")

    def token(self, name: str) -> str:
        """A password that needs no quoting in a URL."""
        return base64.urlsafe_b64encode(self._draw(name)).decode().rstrip("=")

    def database_password(self, app_id: str) -> str:
        """Of an application's role, `realchat_<app id>`, which owns the database of the same name."""
        return self.token(f"database/{app_id}")

    def store(
        self,
        app_id: str,
        app_ids: Iterable[str],
        addresses: Addresses,
        *,
        redis_password: str | None = None,
        kafka_password: str | None = None,
        smtp_password: str | None = None,
        attachments_key: str | None = None,
    ) -> dict[str, str]:
        """What one application finds in its secret store; a password that is given is somebody else's service's."""
        caller = self._key(f"caller/{app_id}")
        found = {
            "caller-key": caller.private_bytes(
                serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
            ).decode(),
            "caller-keys": json.dumps({each: self._public(f"caller/{each}") for each in sorted(app_ids)}),
        }
        if app_id in DATABASE_APPS:
            role = f"realchat_{app_id}"
            found["database-url"] = f"postgresql://{role}:{self.database_password(app_id)}@{addresses.postgres}/{role}"
        if app_id in REDIS_APPS:
            password = redis_password or self.token("redis")
            found["redis-password"] = password
            found["redis-url"] = f"{addresses.redis_scheme}://:{quote(password, safe='')}@{addresses.redis}/0"
        if kafka_password:
            found["kafka-password"] = kafka_password
        if app_id == "auth":
            found["key-encryption-key"] = ",".join(self._sealing_keys())
            if smtp_password:
                found["smtp-password"] = smtp_password
        if app_id == "message" and attachments_key:
            found["attachments-key"] = attachments_key
        if app_id in ("gateway", "delivery"):
            found["ticket-key"] = self.token("ticket-key")
        return found

    def _sealing_keys(self) -> list[str]:
        """Fernet keys, the newest first: what an older one sealed can still be opened."""
        newest = self.generations.get("key-encryption-key", 1)
        drawn = (self._draw("key-encryption-key", generation) for generation in range(newest, 0, -1))
        return [base64.urlsafe_b64encode(key).decode() for key in drawn]

    def _draw(self, name: str, generation: int | None = None) -> bytes:
        info = f"{name}/{generation or self.generations.get(name, 1)}".encode()
        return HKDF(hashes.SHA256(), 32, salt=b"realchat", info=info).derive(self.seed.encode())

    def _key(self, name: str) -> Ed25519PrivateKey:
        return Ed25519PrivateKey.from_private_bytes(self._draw(name))

    def _public(self, name: str) -> str:
        return (
            self._key(name)
            .public_key()
            .public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
            .decode()
        )


def redis_configuration(password: str) -> str:
    """What is in the outbox's stream must survive a restart; the sweeper repairs the last second."""
    settings = {
        "appendonly": "yes",
        "appendfsync": "everysec",
        "maxmemory-policy": "noeviction",
        "dir": "/data",
        "requirepass": password,
    }
    return "".join(f"{name} {value}\n" for name, value in settings.items())


def _write(folder: Path, app_ids: list[str]) -> None:
    """A folder for each container, to be mounted into it alone."""
    seed = folder / "seed"
    if not seed.exists():
        folder.mkdir(parents=True, exist_ok=True)
        seed.touch(0o600)
        seed.write_text(secrets.token_urlsafe(32))
    ring = Keyring(seed.read_text())
    files = {
        f"{app_id}/secrets.json": json.dumps(ring.store(app_id, app_ids, Addresses("postgres:5432", "redis:6379")))
        for app_id in app_ids
    }
    files["redis/redis.conf"] = redis_configuration(ring.token("redis"))
    files["postgres/password"] = ring.token("postgres")
    files["postgres/init.sql"] = "".join(
        f"CREATE ROLE realchat_{app_id} LOGIN PASSWORD '{ring.database_password(app_id)}';\n"
        f"CREATE DATABASE realchat_{app_id} OWNER realchat_{app_id};\n"
        f"REVOKE CONNECT ON DATABASE realchat_{app_id} FROM PUBLIC;\n"
        for app_id in DATABASE_APPS
    )
    for name, text in files.items():
        path = folder / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(text)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description="Writes the secrets of a Compose installation.")
    parser.add_argument("folder", type=Path)
    parser.add_argument("app_ids", nargs="+")
    arguments = parser.parse_args()
    _write(arguments.folder, arguments.app_ids)
