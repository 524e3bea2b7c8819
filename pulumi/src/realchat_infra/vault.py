"""One Kubernetes Secret for each application, from the stack's keyring."""

from __future__ import annotations

import hashlib
import json

import pulumi

from realchat_infra.keyring import Addresses, Keyring
from realchat_infra.manifest import Part
from realchat_infra.sources import APPS


def secret_name(app_id: str) -> str:
    """The Kubernetes Secret of one application."""
    return f"realchat-{app_id}"


class Secrets(Part):
    """All that an application's two processes are given, and nothing of any other's.

    `secrets.json` is mounted into the sidecar alone, whose secret store reads it; so no pod needs to read the
    Kubernetes API, and references in `components/` mean the same as they do locally.

    Outputs:
        checksums: application id to a digest of its Secret, for pods to be replaced when it changes.
    """

    def __init__(
        self,
        namespace: str,
        keyring: pulumi.Output[Keyring],
        addresses: Addresses,
        *,
        redis_password: pulumi.Output[str] | None,
        kafka_password: pulumi.Output[str] | None,
        smtp_password: pulumi.Output[str] | None,
        attachments_key: pulumi.Output[str] | None,
        opts: pulumi.ResourceOptions,
    ) -> None:
        super().__init__("Secrets", "secrets", namespace, opts)
        self.checksums: dict[str, pulumi.Output[str]] = {}
        for app_id in APPS:
            data = pulumi.Output.all(
                app_id, keyring, addresses, redis_password, kafka_password, smtp_password, attachments_key
            ).apply(lambda given: _data(*given))
            self.add("v1", "Secret", secret_name(app_id), type="Opaque", stringData=data)
            self.checksums[app_id] = digest(data)
        self.register_outputs({"checksums": self.checksums})


def _data(
    app_id: str,
    keyring: Keyring,
    addresses: Addresses,
    redis_password: str | None,
    kafka_password: str | None,
    smtp_password: str | None,
    attachments_key: str | None,
) -> dict[str, str]:
    store = keyring.store(
        app_id,
        APPS,
        addresses,
        redis_password=redis_password,
        kafka_password=kafka_password,
        smtp_password=smtp_password,
        attachments_key=attachments_key,
    )
    data = {
        "secrets.json": json.dumps(store),
        "dapr-api-token": keyring.token(f"dapr-api-token/{app_id}"),
        "app-api-token": keyring.token(f"app-api-token/{app_id}"),
    }
    if "database-url" in store:
        data["database-url"] = store["database-url"]
    return data


def digest(data: pulumi.Output[dict[str, str]]) -> pulumi.Output[str]:
    """Of keys that nobody can guess, so it may be seen: an annotation of pods that are replaced when it changes."""
    return pulumi.Output.unsecret(
        data.apply(lambda value: hashlib.sha256(json.dumps(value, sort_keys=True).encode()).hexdigest()[:32])
    )
