"""PostgreSQL: a CloudNativePG cluster with a role and a database for each service, or somebody else's address."""

from __future__ import annotations

from typing import Any

import pulumi

from realchat_infra.keyring import DATABASE_APPS, Keyring
from realchat_infra.manifest import Part
from realchat_infra.pods import resources
from realchat_infra.settings import Backup, Settings

API = "postgresql.cnpg.io/v1"
CLUSTER = "realchat-postgres"
IMAGE = "ghcr.io/cloudnative-pg/postgresql:17.6"
AUTHORITY = f"{CLUSTER}-ca"
"""The Secret in which the operator keeps the authority that signs the servers' certificates."""
AUTHORITY_FOLDER = "/run/postgres-ca"


class Postgres(Part):
    """PostgreSQL, its roles and databases, and its backups.

    Outputs:
        address: host:port of the primary.
        env: libpq's variables for its clients; asyncpg and Dapr's pgx read both.
    """

    def __init__(
        self,
        settings: Settings,
        keyring: pulumi.Output[Keyring],
        after: list[pulumi.Resource],
        opts: pulumi.ResourceOptions,
    ) -> None:
        super().__init__("Postgres", "postgres", settings.namespace, opts)
        external = settings.postgres.external
        if external:
            self.address = f"{external.host}:{external.port}"
            self._authority(external.authority)
        else:
            self.address = f"{CLUSTER}-rw.{settings.namespace}.svc:5432"
            self._cluster(settings, keyring, after)
        self.env = {"PGSSLMODE": "verify-full", "PGSSLROOTCERT": f"{AUTHORITY_FOLDER}/ca.crt"}
        self.roles = {f"realchat_{app_id}": _password_of(app_id, keyring) for app_id in DATABASE_APPS}
        self.register_outputs({"address": self.address, "env": self.env})

    def _authority(self, certificate: str) -> None:
        """Of somebody else's server, where the operator's would be."""
        self.add("v1", "Secret", AUTHORITY, type="Opaque", stringData={"ca.crt": certificate})

    def _cluster(self, settings: Settings, keyring: pulumi.Output[Keyring], after: list[pulumi.Resource]) -> None:
        postgres = settings.postgres
        passwords = {app_id: self._password(app_id, keyring) for app_id in DATABASE_APPS}
        storage: dict[str, Any] = {"size": postgres.storage}
        if settings.storage_class:
            storage["storageClass"] = settings.storage_class
        spec: dict[str, Any] = {
            "imageName": IMAGE,
            "instances": postgres.instances,
            "storage": storage,
            "resources": resources(postgres.cpu, "4", postgres.memory),
            "affinity": {"topologyKey": _topology(settings)},
            "enableSuperuserAccess": False,
            "primaryUpdateMethod": "switchover",
            "postgresql": {
                "parameters": {"max_connections": str(postgres.max_connections)},
                # A role opens the database of its own name, by TLS, and nothing else.
                "pg_hba": ["hostssl sameuser all all scram-sha-256", "host all all all reject"],
            },
            "managed": {
                "roles": [
                    {
                        "name": f"realchat_{app_id}",
                        "ensure": "present",
                        "login": True,
                        "passwordSecret": {"name": f"{CLUSTER}-{app_id}"},
                    }
                    for app_id in DATABASE_APPS
                ]
            },
        }
        if postgres.instances > 2:
            # A message that was acknowledged is on two machines.
            spec["postgresql"]["synchronous"] = {"method": "any", "number": 1}
        if postgres.backup:
            spec |= _backup(postgres.backup)
        cluster = self.add(
            API,
            "Cluster",
            CLUSTER,
            until="condition=Ready",
            seconds=1200,
            after=[*after, *passwords.values()],
            protect=settings.high_availability,
            spec=spec,
        )
        for app_id in DATABASE_APPS:
            self.add(
                API,
                "Database",
                f"{CLUSTER}-{app_id}",
                until="jsonpath={.status.applied}=true",
                after=[cluster],
                spec={
                    "name": f"realchat_{app_id}",
                    "owner": f"realchat_{app_id}",
                    "cluster": {"name": CLUSTER},
                    "databaseReclaimPolicy": "retain",
                },
            )
        if postgres.backup:
            self.add(
                API,
                "ScheduledBackup",
                CLUSTER,
                after=[cluster],
                spec={
                    "schedule": postgres.backup.schedule,
                    "cluster": {"name": CLUSTER},
                    "method": "barmanObjectStore",
                    "backupOwnerReference": "self",
                    "immediate": True,
                },
            )

    def _password(self, app_id: str, keyring: pulumi.Output[Keyring]) -> pulumi.Resource:
        return self.add(
            "v1",
            "Secret",
            f"{CLUSTER}-{app_id}",
            labels={"cnpg.io/reload": "true"},
            type="kubernetes.io/basic-auth",
            stringData={"username": f"realchat_{app_id}", "password": _password_of(app_id, keyring)},
        )


def _topology(settings: Settings) -> str:
    return "topology.kubernetes.io/zone" if settings.high_availability else "kubernetes.io/hostname"


def _backup(backup: Backup) -> dict[str, Any]:
    return {
        "backup": {
            "retentionPolicy": backup.retention,
            "barmanObjectStore": {
                "destinationPath": backup.destination,
                "s3Credentials": {"inheritFromIAMRole": True},
                "wal": {"compression": "gzip"},
                "data": {"compression": "gzip"},
            },
        },
        "serviceAccountTemplate": {"metadata": {"annotations": backup.service_account_annotations}},
    }


def _password_of(app_id: str, keyring: pulumi.Output[Keyring]) -> pulumi.Output[str]:
    return keyring.apply(lambda ring: ring.database_password(app_id))
