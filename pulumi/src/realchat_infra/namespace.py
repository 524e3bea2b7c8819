"""The namespace: the strictest pod security, and a bound on all that may run in it."""

from __future__ import annotations

import pulumi

from realchat_infra.manifest import Manifest, Part
from realchat_infra.settings import Settings


class Namespace(Part):
    """RealChat's namespace with its quota.

    Outputs:
        name: the namespace.
    """

    def __init__(self, settings: Settings, opts: pulumi.ResourceOptions) -> None:
        super().__init__("Namespace", "namespace", settings.namespace, opts)
        level = {f"pod-security.kubernetes.io/{mode}": "restricted" for mode in ("enforce", "audit", "warn")}
        namespace = Manifest(
            {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": settings.namespace, "labels": level}},
            pulumi.ResourceOptions(parent=self, protect=settings.high_availability),
        )
        quota = settings.quota
        self.add(
            "v1",
            "ResourceQuota",
            "realchat",
            after=[namespace],
            spec={
                "hard": {
                    "limits.memory": quota.memory,
                    "requests.memory": quota.memory,
                    "requests.cpu": quota.cpu,
                    "requests.storage": quota.storage,
                    "pods": str(quota.pods),
                }
            },
        )
        # For what operators start without saying what it needs: a quota refuses a pod that does not say.
        self.add(
            "v1",
            "LimitRange",
            "realchat",
            after=[namespace],
            spec={
                "limits": [
                    {
                        "type": "Container",
                        "default": {"cpu": "500m", "memory": "256Mi"},
                        "defaultRequest": {"cpu": "50m", "memory": "128Mi"},
                    }
                ]
            },
        )
        self.register_outputs({"name": settings.namespace})
