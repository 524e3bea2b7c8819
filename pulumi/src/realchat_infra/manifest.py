"""Kubernetes objects in Kubernetes' own words.

The objects are written as the API documents them and as `components/` has them, so that one can compare them with
`kubectl get`; a real API server checks every field of them (tests/infra/test_kubernetes.py). The SDK's classes
would say the same in other spelling, cannot hold Dapr's top-level fields (`scopes`, `auth`), and cost the type
checker two minutes and a half.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pulumi


class Manifest(pulumi.CustomResource):
    """One object. The provider treats it as it does any other: it waits, and compares field by field."""

    def __init__(self, manifest: Mapping[str, Any], opts: pulumi.ResourceOptions) -> None:
        version, kind = manifest["apiVersion"], manifest["kind"]
        if kind == "Secret":
            opts = pulumi.ResourceOptions.merge(
                opts, pulumi.ResourceOptions(additional_secret_outputs=["data", "stringData"])
            )
        super().__init__(
            f"kubernetes:{version if '/' in version else f'core/{version}'}:{kind}",
            f"{kind.lower()}-{manifest['metadata']['name']}",
            dict(manifest),
            opts,
        )


class Part(pulumi.ComponentResource):
    """A part of RealChat in one namespace; its objects are its children."""

    def __init__(self, kind: str, name: str, namespace: str, opts: pulumi.ResourceOptions) -> None:
        super().__init__(f"realchat:kubernetes:{kind}", name, None, opts)
        self.namespace = namespace

    def add(
        self,
        version: str,
        kind: str,
        name: str,
        *,
        labels: Mapping[str, str] | None = None,
        until: str = "",
        seconds: int | None = None,
        after: list[pulumi.Resource] | None = None,
        protect: bool = False,
        **fields: Any,
    ) -> Manifest:
        """An object of this part, in its namespace.

        Args:
            version: its `apiVersion`.
            kind: its `kind`.
            name: its name, which is also the resource's.
            labels: beside those that all have.
            until: what the provider waits for beyond what it knows of the kind, as `kubectl wait --for` writes it.
            seconds: how long it waits; ten minutes where not given.
            after: what must be there first.
            protect: whether Pulumi refuses to delete it.
            fields: everything beside the metadata.
        """
        metadata: dict[str, Any] = {
            "name": name,
            "namespace": self.namespace,
            "labels": {"app.kubernetes.io/part-of": "realchat", **(labels or {})},
        }
        annotations = {
            "pulumi.com/waitFor": until,
            "pulumi.com/timeoutSeconds": str(seconds or ""),
            "pulumi.com/replaceUnready": "true" if kind == "Job" else "",  # a job that failed is tried again
        }
        if given := {key: value for key, value in annotations.items() if value}:
            metadata["annotations"] = given
        return Manifest(
            {"apiVersion": version, "kind": kind, "metadata": metadata, **fields},
            pulumi.ResourceOptions(parent=self, depends_on=after, protect=protect),
        )
