"""Every secret of a stack, derived from one seed (HKDF, RFC 5869), so that a second `pulumi up` draws nothing new.

The names and shapes are those of the local stack (`dev/stack/vault.py`). The seed is a Pulumi config secret; a
secret is replaced by raising its generation in the stack's settings. Each application gets one Kubernetes Secret.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Callable, Mapping
from urllib.parse import quote

import pulumi
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from realchat_infra.manifest import Part
from realchat_infra.sources import APPS, DATABASE_APPS, REDIS_APPS

SEED_CHARACTERS = 32


def secret_name(app_id: str) -> str:
    """The Kubernetes Secret of one application."""
    return f"realchat-{app_id}"


def derive(seed: str, name: str) -> bytes:
    """The 32 bytes that a name has under a seed. Raises ValueError for a seed that could be guessed."""
    if len(seed) < SEED_CHARACTERS:
        raise ValueError(f"realchat:seed needs at least {SEED_CHARACTERS} random characters")
    return HKDF(hashes.SHA256(), 32, salt=b"realchat", info=name.encode()).derive(seed.encode())


def token(raw: bytes) -> str:
    """A password that needs no quoting in a URL."""
    return base64.urlsafe_b64encode(raw).decode().rstrip("=")


def fernet_key(raw: bytes) -> str:
    """As `cryptography.fernet` has it."""
    return base64.urlsafe_b64encode(raw).decode()


def private_key(raw: bytes) -> str:
    """An Ed25519 key, PKCS 8 in PEM."""
    return (
        Ed25519PrivateKey.from_private_bytes(raw)
        .private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
        .decode()
    )


def public_key(raw: bytes) -> str:
    """The public half, SubjectPublicKeyInfo in PEM."""
    return (
        Ed25519PrivateKey.from_private_bytes(raw)
        .public_key()
        .public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
        .decode()
    )


class Vault:
    """The secrets by name.

    Args:
        seed: the config secret; what follows from it is secret too.
        generations: of the names that were replaced; 1 where not named.
    """

    def __init__(self, seed: pulumi.Output[str], generations: Mapping[str, int]) -> None:
        self._seed = seed
        self._generations = generations

    def draw(self, name: str, shape: Callable[[bytes], str] = token) -> pulumi.Output[str]:
        """The secret of a name, in a shape."""
        info = f"{name}/{self._generations.get(name, 1)}"
        return self._seed.apply(lambda seed: shape(derive(seed, info)))

    def database_password(self, app_id: str) -> pulumi.Output[str]:
        """Of an application's role."""
        return self.draw(f"database/{app_id}")


class Secrets(Part):
    """One Secret for each application, with all that its two processes are given and nothing of any other's.

    `secrets.json` is mounted into the sidecar alone, whose secret store reads it; so no pod needs to read the
    Kubernetes API, and references in `components/` mean the same as they do locally.

    Outputs:
        checksums: application id to a digest of its Secret, for pods to be replaced when it changes.
    """

    def __init__(
        self,
        vault: Vault,
        namespace: str,
        *,
        postgres: str,
        redis: str,
        redis_scheme: str,
        redis_password: pulumi.Output[str],
        kafka_password: pulumi.Output[str] | None,
        opts: pulumi.ResourceOptions,
    ) -> None:
        super().__init__("Secrets", "secrets", namespace, opts)
        public = {app_id: vault.draw(f"caller/{app_id}", public_key) for app_id in sorted(APPS)}
        caller_keys = pulumi.Output.json_dumps(public)
        self.checksums: dict[str, pulumi.Output[str]] = {}
        for app_id in APPS:
            store = {"caller-key": vault.draw(f"caller/{app_id}", private_key), "caller-keys": caller_keys}
            data = {
                "dapr-api-token": vault.draw(f"dapr-api-token/{app_id}"),
                "app-api-token": vault.draw(f"app-api-token/{app_id}"),
            }
            if app_id in DATABASE_APPS:
                store["database-url"] = data["database-url"] = pulumi.Output.format(
                    "postgresql://realchat_{0}:{1}@{2}/realchat_{0}", app_id, vault.database_password(app_id), postgres
                )
            if app_id in REDIS_APPS:
                store["redis-password"] = redis_password
                store["redis-url"] = redis_password.apply(
                    lambda password: f"{redis_scheme}://:{quote(password, safe='')}@{redis}/0"
                )
            if kafka_password is not None:
                store["kafka-password"] = kafka_password
            if app_id == "auth":
                store["key-encryption-key"] = vault.draw("key-encryption-key", fernet_key)
            if app_id in ("gateway", "delivery"):
                store["ticket-key"] = vault.draw("ticket-key")
            data["secrets.json"] = pulumi.Output.json_dumps(store)
            self.add("v1", "Secret", secret_name(app_id), type="Opaque", stringData=data)
            self.checksums[app_id] = _digest(pulumi.Output.json_dumps(data))
        self.register_outputs({"checksums": self.checksums})


def _digest(text: pulumi.Output[str]) -> pulumi.Output[str]:
    """Of keys that nobody can guess, so it may be seen."""
    return pulumi.Output.unsecret(text.apply(lambda value: hashlib.sha256(value.encode()).hexdigest()[:32]))
