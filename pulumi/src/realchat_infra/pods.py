"""What every pod of ours has in common."""

from __future__ import annotations

from typing import Any

RESTRICTED: dict[str, Any] = {"runAsNonRoot": True, "seccompProfile": {"type": "RuntimeDefault"}}
"""A pod's security context, as Kubernetes' level `restricted` wants it."""

RESTRICTED_CONTAINER: dict[str, Any] = {
    "allowPrivilegeEscalation": False,
    "readOnlyRootFilesystem": True,
    "capabilities": {"drop": ["ALL"]},
}
"""A container's security context; it writes only to the volumes that it names."""


def resources(cpu: str, cpu_limit: str, memory: str) -> dict[str, Any]:
    """A container's requests and limits."""
    return {"requests": {"cpu": cpu, "memory": memory}, "limits": {"cpu": cpu_limit, "memory": memory}}


def spread(labels: dict[str, str], *, zones: bool) -> list[dict[str, Any]]:
    """Replicas on different machines where there are some, and in different zones where that is promised."""

    def over(topology: str, unsatisfiable: str) -> dict[str, Any]:
        return {
            "maxSkew": 1,
            "topologyKey": topology,
            "whenUnsatisfiable": unsatisfiable,
            "labelSelector": {"matchLabels": labels},
            "matchLabelKeys": ["pod-template-hash"],
        }

    hosts = over("kubernetes.io/hostname", "ScheduleAnyway")
    return [over("topology.kubernetes.io/zone", "DoNotSchedule"), hosts] if zones else [hosts]
