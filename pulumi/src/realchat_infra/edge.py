"""The public address: HTTP to the gateway, the socket and its fall-backs to delivery, all by TLS."""

from __future__ import annotations

from typing import Any

import pulumi

from realchat_infra.manifest import Part
from realchat_infra.settings import Settings
from realchat_infra.sources import APPS

SOCKET_PATH = "/v1/socket"
FEEDS_PATH = "/v1/events"
CERTIFICATE = "realchat-tls"


class Edge(Part):
    """Ingress and certificate.

    Outputs:
        url: where people go.
        socket_url: where clients open their WebSocket.
    """

    def __init__(self, settings: Settings, after: list[pulumi.Resource], opts: pulumi.ResourceOptions) -> None:
        super().__init__("Edge", "edge", settings.namespace, opts)
        ingress, tls = settings.ingress, settings.ingress.tls
        if not tls.secret:
            self._certificate(settings, after)
        self.add(
            "networking.k8s.io/v1",
            "Ingress",
            "realchat",
            after=after,
            spec={
                "ingressClassName": ingress.class_name,
                "tls": [{"hosts": [ingress.host], "secretName": tls.secret or CERTIFICATE}],
                "rules": [
                    {
                        "host": ingress.host,
                        "http": {
                            "paths": [
                                _route(SOCKET_PATH, "Exact", "delivery"),
                                _route(FEEDS_PATH, "Prefix", "delivery"),
                                _route("/", "Prefix", "gateway"),
                            ]
                        },
                    }
                ],
            },
        )
        self.url = f"https://{ingress.host}"
        self.socket_url = f"wss://{ingress.host}{SOCKET_PATH}"
        self.register_outputs({"url": self.url, "socket_url": self.socket_url})

    def _certificate(self, settings: Settings, after: list[pulumi.Resource]) -> None:
        ingress, tls = settings.ingress, settings.ingress.tls
        signer: dict[str, Any] = {"selfSigned": {}}
        if tls.acme_email:
            solver = {"http01": {"ingress": {"ingressClassName": ingress.class_name}}}
            signer = {
                "acme": {
                    "email": tls.acme_email,
                    "server": tls.acme_server,
                    "privateKeySecretRef": {"name": "realchat-acme"},
                    "solvers": [solver],
                }
            }
            self._let_solver_in(ingress.controller_namespace)
        issuer = self.add("cert-manager.io/v1", "Issuer", "realchat", after=after, spec=signer)
        self.add(
            "cert-manager.io/v1",
            "Certificate",
            "realchat",
            after=[issuer],
            spec={
                "secretName": CERTIFICATE,
                "dnsNames": [ingress.host],
                "issuerRef": {"name": "realchat", "kind": "Issuer"},
                "privateKey": {"algorithm": "ECDSA", "size": 256, "rotationPolicy": "Always"},
            },
        )

    def _let_solver_in(self, controller: str) -> None:
        """cert-manager proves the name by a pod of its own, for a minute, in this namespace."""
        self.add(
            "networking.k8s.io/v1",
            "NetworkPolicy",
            "acme-solver",
            spec={
                "podSelector": {"matchLabels": {"acme.cert-manager.io/http01-solver": "true"}},
                "policyTypes": ["Ingress"],
                "ingress": [
                    {
                        "from": [{"namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": controller}}}],
                        "ports": [{"protocol": "TCP", "port": 8089}],
                    }
                ],
            },
        )


def _route(path: str, kind: str, app_id: str) -> dict[str, Any]:
    service = {"name": app_id, "port": {"number": APPS[app_id].ports["http"]}}
    return {"path": path, "pathType": kind, "backend": {"service": service}}
